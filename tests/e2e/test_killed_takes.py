"""Several takes of one request, killed and resumed: each is paid once and each arrives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.sandbox import ROOT, Sandbox
from tests.fakes.studio_run import a_clip, environ_of

SLOW: dict[str, list[dict[str, Any]]] = {
    # So that the kill arrives while the state still lasts.
    "submitting": [{"call": "submit", "kind": "hang", "effect": True}],
    "downloading": [{"call": "result", "kind": "slow", "seconds": 2, "times": 3}],
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def environ(home: Path, sandbox: Sandbox) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.endswith("_KEY") and not k.startswith("DBUS")}
    return inherited | environ_of(home, sandbox)


@pytest.fixture
def running() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("state", ["submitting", "remote", "downloading"])
def test_takes_of_a_killed_program_are_paid_once_and_all_arrive(
    home: Path, environ: dict[str, str], sandbox: Sandbox, clip: Path, running: list[subprocess.Popen[str]], state: str
) -> None:
    sandbox.faults(SLOW.get(state, []))
    command = [sys.executable, "-m", "klingstudio"]
    arguments = ["edit", str(clip), "--prompt", "deep snow", "--provider", "oxen", "--takes", "3", "--json"]
    edit = subprocess.Popen(
        [*command, *arguments], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    running.append(edit)
    assert edit.stdout is not None
    for line in edit.stdout:
        if json.loads(line).get("state") == state:
            break
    else:
        pytest.fail(f"never {state}")
    deadline = time.monotonic() + 20
    while not sandbox.ledger() and time.monotonic() < deadline:
        time.sleep(0.02)
    edit.kill()
    edit.wait()
    sandbox.faults([])

    resumed = subprocess.run(
        [*command, "resume", "--json"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )

    assert resumed.returncode == 0, resumed.stderr
    listed = subprocess.run(
        [*command, "jobs", "--json"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    jobs = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [job["state"] for job in jobs] == ["completed"] * 3
    assert len({job["take"] for job in jobs}) == 3
    assert (len(sandbox.requests("POST", "/api/ai/queue")), len(sandbox.ledger())) == (1, 3)
    assert sorted(path.name for path in (home / "takes").iterdir()) == sorted(Path(job["take"]).name for job in jobs)
