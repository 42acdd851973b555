"""The process: how it starts, where it can be reached, how it ends, and what it needs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from klingstudio.sandbox.ledger import Ledger

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Account, Sandbox

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "klingstudio.sandbox", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "x"], "--port"),
        (["--port", "70000"], "70000 is not a port number"),
        (["--colour"], "--colour"),
        (["--faults", "{tmp}/missing.json"], "No such file"),
        (["--faults", "{tmp}/wrong.json"], "rule 1: kind must be one of"),
        (["--faults", "{tmp}"], "Is a directory"),
        (["--state", "{tmp}/wrong.json"], "cannot be used"),
        (["--state", "{tmp}/damaged"], "cannot be used"),
        (["--link-lifetime", "-1"], "-1 is not a number of seconds"),
        (["--port", "{taken}"], "cannot be used"),
    ],
)
def test_wrong_arguments_end_with_one_line_and_code_2(
    sandbox: Sandbox, tmp_path: Path, arguments: list[str], says: str
) -> None:
    (tmp_path / "wrong.json").write_text('[{"call": "poll", "kind": "earthquake"}]')
    (tmp_path / "damaged" / "jobs").mkdir(parents=True)
    (tmp_path / "damaged" / "jobs" / "1.json").write_text("{}")
    taken = urlsplit(sandbox.base).port

    ended = run(*(one.format(tmp=tmp_path, taken=taken) for one in arguments))

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert says in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_it_listens_on_this_computer_only(sandbox: Sandbox) -> None:
    port = urlsplit(sandbox.base).port
    assert port

    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    ]

    assert listening == [f"0100007F:{port:04X}"]


def test_a_plan_given_at_the_start_is_in_force(launch: Callable[..., Sandbox], tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('[{"call": "models", "kind": "status", "code": 503}]')

    sandbox = launch("--faults", str(tmp_path / "plan.json"))

    assert [sandbox.bare.get("/api/ai/models").status_code for _ in range(2)] == [503, 200]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_whatever_is_open(launch: Callable[..., Sandbox], number: signal.Signals) -> None:
    sandbox = launch()
    account = sandbox.account()
    sandbox.faults({"call": "submit", "kind": "hang"}, {"call": "upload", "kind": "stall"})
    address = urlsplit(sandbox.base)
    with (
        account.http.stream("GET", "/api/events") as events,
        socket.create_connection((address.hostname, address.port)) as hanging,
        socket.create_connection((address.hostname, address.port)) as idle,
    ):
        assert next(events.iter_lines()) == ": connected"
        hanging.sendall(b"POST /api/ai/queue HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        while not any(
            one["path"] == "/api/ai/queue" for one in sandbox.bare.get("/_sandbox/requests").json()["requests"]
        ):
            pass
        begun = time.monotonic()
        sandbox.process.send_signal(number)
        code = sandbox.process.wait(8)
        assert idle.recv(1) == b""
    account.http.close()

    assert code == 0
    assert time.monotonic() - begun < 5


def test_it_leaves_no_files_and_no_edit_behind(
    launch: Callable[..., Sandbox], meadow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    sandbox = launch()
    account = sandbox.account()
    url = account.upload(meadow)
    sandbox.faults({"call": "fetch", "kind": "hang"})
    account.until(account.order(prompt="snow", input_video=url), "processing")
    children = Path(f"/proc/{sandbox.process.pid}/task/{sandbox.process.pid}/children")
    while not (edits := children.read_text().split()):
        pass
    assert list(tmp_path.glob("klingstudio-sandbox-*"))

    assert sandbox.end() == 0

    assert not list(tmp_path.glob("klingstudio-sandbox-*"))
    assert not any(Path(f"/proc/{pid}").exists() for pid in edits)
    account.http.close()


def test_an_edit_ends_with_a_sandbox_that_was_killed(
    launch: Callable[..., Sandbox], meadow: Path, tmp_path: Path
) -> None:
    sandbox = launch("--state", str(tmp_path / "state"))
    account = sandbox.account()
    url = account.upload(meadow)
    sandbox.faults({"call": "fetch", "kind": "hang"})
    account.until(account.order(prompt="snow", input_video=url), "processing")
    while not any(one["call"] == "fetch" for one in sandbox.requests(account.name)):
        pass
    (edit,) = Path(f"/proc/{sandbox.process.pid}/task/{sandbox.process.pid}/children").read_text().split()

    sandbox.process.kill()
    sandbox.process.wait(5)

    deadline = time.monotonic() + 5
    while Path(f"/proc/{edit}/cmdline").exists() and b"sandbox" in Path(f"/proc/{edit}/cmdline").read_bytes():
        assert time.monotonic() < deadline
    account.http.close()


def test_it_ends_when_its_standard_input_does(launch: Callable[..., Sandbox]) -> None:
    sandbox = launch("--until-stdin-closes", stdin=subprocess.PIPE)
    assert sandbox.process.stdin
    assert sandbox.bare.get("/_sandbox/jobs").status_code == 200

    sandbox.process.stdin.close()

    assert sandbox.process.wait(5) == 0


def test_a_link_ends_with_its_lifetime_and_a_poll_brings_a_new_one(
    launch: Callable[..., Sandbox], meadow: Path, tmp_path: Path
) -> None:
    account = launch("--link-lifetime", "0.5").account()
    job_id = account.order(prompt="invert", input_video=account.upload(meadow), keep_audio=False)
    link = account.until_ended(job_id)["result_url"]
    bare = account.sandbox.bare

    deadline = time.monotonic() + 5
    while bare.head(link).status_code == 200:
        assert time.monotonic() < deadline

    assert bare.get(link).status_code == 403
    assert bare.get(account.job(job_id)["result_url"]).status_code == 200
    account.http.close()


def test_a_large_upload_needs_little_memory(account: Account) -> None:
    size_bytes = 200_000_000
    account.http.post("/api/repos", json={"namespace": account.name, "name": "inputs", "is_public": True})
    head = b'--b\r\nContent-Disposition: form-data; name="files[]"; filename="big.mp4"\r\n\r\n'
    block = os.urandom(1_000_000)

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(size_bytes // len(block)):
            yield block
        yield b"\r\n--b--\r\n"

    reply = account.http.put(
        f"/api/repos/{account.name}/inputs/file/main/clips",
        content=body(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    address = f"/api/repos/{account.name}/inputs/file/main/clips/big.mp4"
    status = Path(f"/proc/{account.sandbox.process.pid}/status").read_text()
    peak_kb = int(status.split("VmHWM:")[1].split()[0])
    assert reply.status_code == 200
    assert account.sandbox.bare.head(address).headers["content-length"] == str(size_bytes)
    assert peak_kb < 64 * 1024
    tail = account.sandbox.bare.get(address, headers={"Range": "bytes=-1000000"})
    assert tail.content == block


def test_an_upload_that_breaks_off_leaves_nothing(launch: Callable[..., Sandbox], tmp_path: Path) -> None:
    account = launch("--state", str(tmp_path / "state")).account()
    account.http.post("/api/repos", json={"namespace": account.name, "name": "inputs", "is_public": True})
    address = urlsplit(account.sandbox.base)
    head = f"PUT /api/repos/{account.name}/inputs/file/main/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {account.key}\r\n"
    blobs = tmp_path / "state" / "blobs"

    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(
            head.encode() + b"Content-Length: 9000000\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        connection.sendall(b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + bytes(500_000))
        while not list(blobs.iterdir()):
            pass

    deadline = time.monotonic() + 5
    while list(blobs.iterdir()):
        assert time.monotonic() < deadline
    assert account.http.get(f"/api/repos/{account.name}/inputs").json()["repository"]["is_empty"]
    account.http.close()


def test_an_answer_to_the_wrong_method_is_still_json(sandbox: Sandbox) -> None:
    reply = httpx.patch(f"{sandbox.base}/api/authorize", trust_env=False, verify=False)

    assert reply.status_code == 404
    assert reply.json()["status"] == "error"


def test_a_ledger_row_that_was_cut_by_a_kill_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.charge("one", currency="USD")
    with path.open("a") as file:
        file.write('{"row": "charge", "generat')

    Ledger(path).charge("two", currency="USD")

    assert [row["generation_id"] for row in Ledger(path).report()["charges"]] == ["one", "two"]
