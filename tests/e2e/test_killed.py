"""An edit that is killed in each of its states and resumed: one request at most, the take arrives, nothing is left over."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.command_line import CommandLine, until_state
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import a_clip

SLOW: dict[str, list[dict[str, Any]]] = {
    # So that the kill arrives while the state still lasts.
    "uploading": [{"call": "upload", "kind": "slow", "seconds": 2}],
    "submitting": [{"call": "submit", "kind": "hang", "effect": True}],
    "downloading": [{"call": "result", "kind": "slow", "seconds": 2}],
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Its height does not fit, so that there is a fitted clip which could be left over.
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", side=700)


def facts(path: Path) -> tuple[str, int]:
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns


def take_of(home: Path) -> tuple[str, int]:
    """Hash of the take that the journal has completed, and how many requests it says may have left."""
    journal = sqlite3.connect(f"file:{home / 'data' / 'studio.sqlite3'}?mode=ro", uri=True)
    try:
        ((good,),) = journal.execute("SELECT take_sha256 FROM event WHERE ev = 'good'").fetchall()
        ((attempts,),) = journal.execute("SELECT count(*) FROM attempt").fetchall()
    finally:
        journal.close()
    return good, attempts


@pytest.mark.parametrize(
    "state",
    [
        "preparing",
        "prepared",
        "uploading",
        "ready",
        "submitting",
        "remote",
        "succeeded",
        "downloading",
        "verifying",
    ],
)
def test_a_job_that_is_killed_in_any_state_is_paid_once_and_brings_its_take(
    home: Path,
    run: CommandLine,
    sandbox: Sandbox,
    clip: Path,
    state: str,
) -> None:
    before = facts(clip)
    sandbox.faults(SLOW.get(state, []))
    edit = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    until_state(edit, state)
    if state == "submitting":
        # Killed before a byte left, nobody could tell what became of it, and the person would be asked.
        deadline = time.monotonic() + 20
        while not sandbox.requests("POST", "/api/ai/queue") and time.monotonic() < deadline:
            time.sleep(0.02)
    edit.kill()
    edit.wait()
    assert not list((home / "takes").glob("*.mp4")) or state == "verifying", "a final name before its time"

    resumed = run("resume", "--json")
    last = json.loads(resumed.stdout.splitlines()[-1])
    requests = 1
    if last["state"] == "unconfirmed":
        # The kill hit between the intent and the first byte. Nobody can tell that, so the person is asked.
        assert resumed.returncode == 6
        assert sandbox.requests("POST", "/api/ai/queue") == []
        resumed = run("resolve", last["job"], "again")
        last = json.loads(run("jobs", "--json").stdout.splitlines()[0])
        requests = 2

    assert resumed.returncode == 0, resumed.stderr
    assert last["state"] == "completed"
    sha256, attempts = take_of(home)
    assert (len(sandbox.requests("POST", "/api/ai/queue")), attempts, len(sandbox.ledger())) == (1, requests, 1)
    takes = list((home / "takes").iterdir())
    assert takes == [Path(last["take"])], "the take and nothing else"
    assert facts(takes[0])[0] == sha256
    assert facts(clip) == before
    assert list((home / "cache" / "work").iterdir()) == []
