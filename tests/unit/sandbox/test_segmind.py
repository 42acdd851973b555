"""The Segmind dialect where the official client does not look: files on their way to disk, records that age, faults."""

from __future__ import annotations

import base64
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from klingstudio.sandbox.segmind import Segmind
from klingstudio.sandbox.segmind_assets import AssetsWrong, receive_assets
from tests.fakes.sandbox import Sandbox, run_sandbox

MODEL = "kling-o3-video2video-edit"
HISTORY = "/inference-request/request-history"
NOWHERE = "http://127.0.0.1:9/clip.mp4"
LINK_LIFETIME_S = 4.0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    with run_sandbox(folder, "--queue-delay", "0.05", "--link-lifetime", str(LINK_LIFETIME_S)) as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.faults([])
    return shared


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client(sandbox, f"SG_key-u{uuid.uuid4().hex[:10]}") as made:
        yield made


@pytest.fixture
def nobody(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client(sandbox) as made:
        yield made


def client(sandbox: Sandbox, key: str = "") -> httpx.Client:
    headers = {"x-api-key": key} if key else {}
    return httpx.Client(base_url=sandbox.at("segmind"), headers=headers, trust_env=False, verify=False, timeout=30)


def order(http: httpx.Client, **changes: Any) -> dict[str, Any]:
    reply = http.post(f"/v2/{MODEL}", json={"prompt": "x", "video_url": NOWHERE, "duration": "3"} | changes)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def until_over(http: httpx.Client, answer: dict[str, Any]) -> httpx.Response:
    end = time.monotonic() + 40
    while (reply := http.get(answer["status_url"])).json()["status"] in {"QUEUED", "PROCESSING"}:
        assert time.monotonic() < end, reply.text
        time.sleep(0.05)
    return reply


def upload(http: httpx.Client, file: Path) -> str:
    data = base64.b64encode(file.read_bytes()).decode()
    reply = http.post("/upload-asset", json={"data_urls": [f"data:video/mp4;base64,{data}"]})
    assert reply.status_code == 200, reply.text
    (url,) = reply.json()["file_urls"]
    return str(url)


@pytest.fixture(scope="module")
def done(shared: Sandbox, meadow: Path) -> tuple[str, dict[str, Any]]:
    """The key of an account, and its one finished job."""
    shared.faults([])
    key = "SG_key-finished"
    with client(shared, key) as http:
        answer = order(http, video_url=upload(http, meadow), mode="std")
        assert until_over(http, answer).json()["status"] == "COMPLETED"
    return key, answer


# ------------------------------------------------------------------------------------------------------- files to disk


async def chunked(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def a_body(*files: tuple[str, bytes], **options: Any) -> bytes:
    urls = [f"data:{kind};base64,{base64.b64encode(data).decode()}" for kind, data in files]
    return json.dumps({"data_urls": urls}, **options).encode()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 1000, 10**6])
@pytest.mark.parametrize("options", [{}, {"indent": 2}, {"separators": (",", ":")}], ids=["plain", "indented", "tight"])
async def test_files_are_written_as_they_come_in_pieces_of_any_size(
    tmp_path: Path, size: int, options: dict[str, Any]
) -> None:
    files = [("video/mp4", os.urandom(997)), ("image/png", b""), ("image/jpeg", b"x"), ("video/quicktime", b"ab")]

    names = await receive_assets(chunked(a_body(*files, **options), size), tmp_path)

    assert [(tmp_path / name).read_bytes() for name in names] == [data for _, data in files]
    assert [Path(name).suffix for name in names] == [".mp4", ".png", ".jpg", ".mov"]


GOOD = a_body(("video/mp4", b"film"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"not json" * 100,
        b'{"data_urls": []}',
        b'{"data_urls": ["https://h.invalid/x"]}',
        b'{"data_urls": ["data:text/html;base64,PGI+"]}',
        b'{"data_urls": ["data:video/mp4;base64,####"]}',
        b'{"data_urls": ["data:video/mp4;base64,Zml"]}',
        GOOD[:-1],
        GOOD[:-3],
        GOOD[:-8],
        GOOD + b"x",
        GOOD[:-2] + b', "https://h.invalid/x"]}',
        GOOD[:-2] + b" " * 500 + b"]}",
    ],
)
@pytest.mark.parametrize("size", [3, 10**6])
async def test_a_body_that_is_no_upload_leaves_nothing(tmp_path: Path, body: bytes, size: int) -> None:
    with pytest.raises(AssetsWrong):
        await receive_assets(chunked(body, size), tmp_path)

    assert list(tmp_path.iterdir()) == []


async def test_a_connection_that_ends_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield GOOD[:-6]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await receive_assets(broken(), tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_267_mb_of_base64_are_not_held_in_memory(sandbox: Sandbox, http: httpx.Client) -> None:
    status = Path(f"/proc/{sandbox.process.pid}/status")
    if not status.exists():
        pytest.skip("memory is measured on Linux only")
    piece = base64.b64encode(os.urandom(300_000))

    def body() -> Iterator[bytes]:
        yield b'{"data_urls":["data:video/mp4;base64,'
        for _ in range(668):
            yield piece
        yield b'"]}'

    length = len('{"data_urls":["data:video/mp4;base64,"]}') + 668 * len(piece)
    http.post("/upload-asset", content=GOOD)
    Path(f"/proc/{sandbox.process.pid}/clear_refs").write_text("5")
    before = _memory_kb(status, "VmRSS")
    reply = http.post("/upload-asset", content=body(), headers={"Content-Length": str(length)})
    grew_mb = (_memory_kb(status, "VmHWM") - before) / 1024

    assert length > 267_000_000
    assert int(http.head(reply.json()["file_urls"][0]).headers["content-length"]) == 668 * 300_000
    assert grew_mb <= 8, f"{grew_mb:.1f} MB"


def _memory_kb(status: Path, field: str) -> int:
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(f"{field}:"))


@pytest.mark.parametrize("name", ["..%2Fledger.jsonl", "ledger.jsonl", "0" * 32, "0" * 32 + ".mp4", "%2Fetc%2Fpasswd"])
def test_no_other_file_can_be_read(nobody: httpx.Client, name: str) -> None:
    assert nobody.get(f"/assets/{name}").status_code == 404


def test_an_upload_needs_a_key_and_reading_it_none(http: httpx.Client, nobody: httpx.Client) -> None:
    assert nobody.post("/upload-asset", content=GOOD).status_code == 401
    url = http.post("/upload-asset", content=GOOD).json()["file_urls"][0]

    assert nobody.get(url).content == b"film"
    assert nobody.head(url).headers["content-length"] == "4"
    assert nobody.get(url, headers={"Range": "bytes=1-2"}).content == b"il"


# --------------------------------------------------------------------------------------------------------------- results


def test_a_finished_film_is_served_to_anybody_until_its_link_ends(
    sandbox: Sandbox, nobody: httpx.Client, done: tuple[str, dict[str, Any]]
) -> None:
    key, answer = done
    with client(sandbox, key) as http:
        url = http.get(answer["response_url"]).json()["output"]
        assert nobody.get(url).content[4:8] == b"ftyp"
        assert nobody.get(url, headers={"Range": "bytes=4-7"}).content == b"ftyp"
        assert nobody.get(url.partition("?")[0]).status_code == 403
        sandbox.faults([{"call": "record", "kind": "expired_link"}])
        assert nobody.get(http.get(answer["response_url"]).json()["output"]).status_code == 403
        sandbox.faults([{"call": "result", "kind": "expired_link"}])
        assert nobody.get(url).status_code == 403


def test_a_record_can_be_the_film_itself_for_who_has_the_key(
    sandbox: Sandbox, nobody: httpx.Client, done: tuple[str, dict[str, Any]]
) -> None:
    key, answer = done
    sandbox.faults([{"call": "record", "kind": "other_form", "times": 0}])
    with client(sandbox, key) as http:
        film = http.get(answer["response_url"])
        part = http.get(answer["response_url"], headers={"Range": "bytes=4-7"})

    assert nobody.get(answer["response_url"]).status_code == 401
    assert (film.headers["content-type"], film.content[4:8]) == ("video/mp4", b"ftyp")
    assert float(film.headers["x-cost"]) == pytest.approx(0.95, abs=0.01)
    assert film.headers["x-request-id"] == answer["request_id"]
    assert (part.status_code, part.content) == (206, b"ftyp")


def test_what_was_spent_is_missing_afterwards(sandbox: Sandbox, done: tuple[str, dict[str, Any]]) -> None:
    key, answer = done
    with client(sandbox, key) as http:
        left = http.get("/v1/get-user-credits").json()
        metrics = http.get(answer["response_url"]).json()["metrics"]

    assert left["credits"] == pytest.approx(100 - metrics["cost"])
    assert metrics["remaining_credits"] == left["credits"]
    assert metrics["retry_count"] == 0


# --------------------------------------------------------------------------------------------------------------- records


def test_a_record_dies_after_an_hour_and_the_history_does_not(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with run_sandbox(state, "--queue-delay", "99999") as first, client(first, "SG_key-old") as http:
        young, old = order(http), order(http)
    file = state / "jobs" / f"{old['request_id']}.json"
    job = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(job | {"enqueued_at": time.time() - 3601}), "utf-8")

    with run_sandbox(state, "--queue-delay", "99999") as second, client(second, "SG_key-old") as http:
        for answer, status in ((young, 200), (old, 404)):
            for path in ("/v2/requests/{}/status", "/v2/requests/{}", "/v1/requests/{}"):
                reply = http.get(path.format(answer["request_id"]))
                assert reply.status_code == status
                assert status == 200 or reply.json() == {"error": f"Request {answer['request_id']} not found"}
            assert http.get(f"{HISTORY}/{answer['request_id']}").json()["model_status"] == "PENDING"


def test_faults_with_a_meaning_have_it_here(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.faults([{"call": "submit", "kind": "list_lag", "seconds": 60}])
    hidden = order(http)
    shown = order(http)

    def listed() -> list[str]:
        return [row["request_id"] for row in http.get(HISTORY).json()["data"]]

    assert listed() == [shown["request_id"]]
    assert http.get(f"{HISTORY}/{hidden['request_id']}").status_code == 404
    sandbox.faults(
        [
            {"call": "list", "kind": "list_empty"},
            {"call": "charge", "kind": "list_empty"},
            {"call": "list", "kind": "list_lag", "after": 1},
            {"call": "list", "kind": "list_bare", "after": 2},
            {"call": "poll", "kind": "unknown_status", "word": "DREAMING"},
        ]
    )
    assert http.get(shown["status_url"]).json()["status"] == "DREAMING"
    assert listed() == []
    assert http.get(f"{HISTORY}/{shown['request_id']}").status_code == 404
    assert listed() == []
    assert "request_body" not in http.get(HISTORY).json()["data"][0]
    assert listed() == [shown["request_id"]]
    assert http.get(f"{HISTORY}/{shown['request_id']}").json()["request_body"]["video_url"] == NOWHERE


@pytest.mark.parametrize("body", [b"", b"nothing", b"[]", b"7", b"\xff\xfe", b'{"prompt": 3, "video_url": "x"}'])
def test_a_body_that_is_no_order_is_refused(http: httpx.Client, body: bytes) -> None:
    reply = http.post(f"/v2/{MODEL}", content=body, headers={"content-type": "application/json"})

    assert reply.status_code == 400
    assert isinstance(reply.json()["error"], str)


def test_another_content_type_is_406_too(http: httpx.Client) -> None:
    reply = http.post(
        f"/v2/{MODEL}", content=b'{"prompt": "x", "video_url": "x"}', headers={"content-type": "text/plain"}
    )

    assert (reply.status_code, reply.json()) == (406, {"error": "Invalid content type"})


def test_unknown_addresses_and_methods(http: httpx.Client) -> None:
    assert http.get("/v3/anything").json() == {"error": "Not found"}
    wrong = http.put(f"/v2/{MODEL}", json={})
    assert (wrong.status_code, wrong.headers["content-type"].partition(";")[0]) == (405, "text/html")


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("GET", "/v1/get-user-credits", "authorize"),
        ("POST", f"/v1/{MODEL}", "submit"),
        ("POST", f"/v2/{MODEL}", "submit"),
        ("GET", f"/v2/{MODEL}", ""),
        ("GET", "/v2/requests/x/status", "poll"),
        ("GET", "/v2/requests/x", "record"),
        ("GET", "/v1/requests/x", "record"),
        ("POST", "/upload-asset", "upload"),
        ("GET", "/assets/x.mp4", "fetch"),
        ("GET", "/outputs/x.mp4", "result"),
        ("GET", HISTORY, "list"),
        ("GET", HISTORY + "/x", "charge"),
        ("GET", "/", ""),
    ],
)
def test_every_call_has_its_word_in_the_fault_plan(method: str, path: str, call: str) -> None:
    assert Segmind.call_of(method, path) == call
