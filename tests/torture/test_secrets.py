"""No key is anywhere it may not be, and whoever looks for them would find one."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from klingstudio.engine.sandbox_process import SandboxProcess
from klingstudio.media.worker import MediaWorker
from klingstudio.providers.registry import SERVICES
from tests.fakes.sandbox import ROOT, run_sandbox
from tests.fakes.services import key_of
from tests.torture import forced
from tests.torture.parts import Stint
from tests.torture.secrets import MARK, core_files, descendants, scan_files, scan_processes, shapes

KEY = key_of("scan")


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that the look at the end of the run does not reach: here keys are left on purpose."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


# --- the scanner ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", list(shapes(MARK)))
def test_a_key_is_found_in_every_shape(elsewhere: Path, shape: str) -> None:
    (elsewhere / "deep").mkdir()
    (elsewhere / "deep" / "x.log").write_bytes(b"\xff" * 999 + shapes(MARK)[shape] + b"\n")

    (line,) = scan_files([elsewhere], [MARK])

    assert line == f"{elsewhere / 'deep' / 'x.log'}: a key {shape}"


def test_a_key_is_found_across_the_pieces_that_are_read(elsewhere: Path) -> None:
    (elsewhere / "large").write_bytes(b"." * 3_999_997 + MARK.encode() + b"." * 100)

    assert len(scan_files([elsewhere], [MARK])) == 1


def test_a_key_is_found_inside_archives_and_databases(elsewhere: Path) -> None:
    with zipfile.ZipFile(elsewhere / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.txt", f"{KEY} {'.' * 999}")
    (elsewhere / "b.gz").write_bytes(gzip.compress(f"{KEY} {'.' * 999}".encode()))
    with closing(sqlite3.connect(elsewhere / "c.sqlite3")) as journal:
        journal.execute("PRAGMA page_size=512")
        journal.execute("CREATE TABLE t (words)")
        # Longer than a page, with the key where the next one begins: no page has all of it.
        journal.executemany("INSERT INTO t VALUES (?)", [("." * n + KEY + "." * 600,) for n in range(300, 360)])
        journal.commit()

    found = scan_files([elsewhere], [KEY])

    assert any("a.zip, inside.txt" in line for line in found)
    assert any("b.gz, unpacked" in line for line in found)
    assert any("c.sqlite3, its values" in line for line in found)
    assert not any(KEY in line for line in found), "what tells of a leak is none"


def test_a_key_is_found_in_the_log_beside_an_open_database(elsewhere: Path) -> None:
    with closing(sqlite3.connect(elsewhere / "c.sqlite3")) as journal:
        journal.execute("PRAGMA journal_mode=WAL")
        journal.execute("CREATE TABLE t (words)")
        journal.execute("INSERT INTO t VALUES (?)", (KEY,))
        journal.commit()

        assert any("-wal" in line for line in scan_files([elsewhere], [KEY]))


def test_nothing_is_found_where_there_is_nothing(elsewhere: Path) -> None:
    (elsewhere / "noise").write_bytes(os.urandom(2_000_000))

    assert scan_files([elsewhere, elsewhere / "missing"], [KEY, MARK]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_key_is_found_in_the_arguments_and_the_environment_of_a_child() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()", KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "SOME_KEY": KEY},
    )
    assert child.stdout is not None
    try:
        child.stdout.readline()
        assert child.pid in descendants(os.getpid())
        found = scan_processes([child.pid], [KEY])
    finally:
        child.communicate(b"\n")

    assert [line.partition(", ")[2].partition(":")[0] for line in found] == ["cmdline", "environ"]


def test_what_is_left_of_a_crash_is_known_by_its_name(elsewhere: Path) -> None:
    for name in ("core", "core.4711", "core.py", "score"):
        (elsewhere / name).touch()

    assert [path.name for path in core_files([elsewhere])] == ["core", "core.4711"]


# --- the look at the end of every run ---------------------------------------------------------------------------------

LEAKY = f"""
import base64

def test_leaves_a_key(tmp_path):
    (tmp_path / "x.log").write_bytes(base64.b64encode(b"a Bearer " + {KEY[:9]!r}.encode() + {KEY[9:]!r}.encode()))
"""
CLEAN = """
def test_leaves_none(tmp_path):
    (tmp_path / "x.log").write_text("a Bearer ***")
"""


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["one process", "several"])
@pytest.mark.parametrize("leaves", [True, False], ids=["leaves a key", "leaves none"])
def test_a_run_whose_tests_left_a_key_fails(elsewhere: Path, workers: list[str], leaves: bool) -> None:
    (elsewhere / "pytest.ini").write_text("[pytest]\n")
    (elsewhere / "test_it.py").write_text(LEAKY if leaves else CLEAN)

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "tests.leaks", "-p", "no:randomly", *workers),
            f"--basetemp={elsewhere / 'made'}",
            "test_it.py",
        ],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == (1 if leaves else 0), done.stdout
    assert ("keys left behind" in done.stdout) is leaves


# --- the look at every request ----------------------------------------------------------------------------------------


def test_a_key_that_goes_to_another_host_fails_the_test_that_sent_it(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"a key went where none may go: .*elsewhere"):
        send_a_key_elsewhere(tmp_path)


def send_a_key_elsewhere(state: Path) -> None:
    with run_sandbox(state) as it:
        request = urllib.request.Request(f"{it.url}/_sandbox/elsewhere", headers={"authorization": f"Bearer {KEY}"})
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()


# --- a job that fails wherever it waits -------------------------------------------------------------------------------

SEED = 20261121


@pytest.mark.log_ok
async def test_no_failure_anywhere_in_a_job_writes_its_key() -> None:
    verdict = await forced._run(Stint(seed=SEED), most=3)

    assert verdict.violations == (), "\n".join(verdict.violations)
    assert verdict.counts["failures"] == 3
    assert int(verdict.counts["waits of a job"]) > 30


# --- what children are given ------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
async def test_no_child_of_the_program_is_given_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for entry in SERVICES:
        monkeypatch.setenv(str(entry.info.key_variable), KEY)
    before = set(descendants(os.getpid()))
    sandbox = SandboxProcess(tmp_path / "sandbox")
    await sandbox.address()
    drawing = asyncio.ensure_future(MediaWorker().sample(tmp_path / "walk.mp4"))
    seen: set[str] = set()
    programs: set[str] = set()
    while not drawing.done() and len(programs) < 2:
        for child in set(descendants(os.getpid())) - before:
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
                programs |= {"klingstudio.sandbox", "klingstudio.media.child"}.intersection(words)
            seen.update(scan_processes([child], [MARK]))
        await asyncio.sleep(0.02)
    drawing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await drawing
    await sandbox.aclose()

    assert programs == {"klingstudio.sandbox", "klingstudio.media.child"}
    assert seen == set()
