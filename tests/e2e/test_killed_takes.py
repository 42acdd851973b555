"""Several takes of one request, killed and resumed: each is paid once and each arrives."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.command_line import CommandLine, lines, until_state
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import a_clip

SLOW: dict[str, list[dict[str, Any]]] = {
    # So that the kill arrives while the state still lasts.
    "submitting": [{"call": "submit", "kind": "hang", "effect": True}],
    "downloading": [{"call": "result", "kind": "slow", "seconds": 2, "times": 3}],
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.mark.parametrize("state", ["submitting", "remote", "downloading"])
def test_takes_of_a_killed_program_are_paid_once_and_all_arrive(
    home: Path, run: CommandLine, sandbox: Sandbox, clip: Path, state: str
) -> None:
    sandbox.faults(SLOW.get(state, []))
    edit = run.start("edit", str(clip), "--prompt", "deep snow", "--provider", "oxen", "--takes", "3", "--json")
    until_state(edit, state)
    deadline = time.monotonic() + 20
    while not sandbox.ledger() and time.monotonic() < deadline:
        time.sleep(0.02)
    edit.kill()
    edit.wait()
    sandbox.faults([])

    resumed = run("resume", "--json")

    assert resumed.returncode == 0, resumed.stderr
    jobs = lines(run("jobs", "--json").stdout)
    assert [job["state"] for job in jobs] == ["completed"] * 3
    assert len({job["take"] for job in jobs}) == 3
    assert (len(sandbox.requests("POST", "/api/ai/queue")), len(sandbox.ledger())) == (1, 3)
    assert sorted(path.name for path in (home / "takes").iterdir()) == sorted(Path(job["take"]).name for job in jobs)
