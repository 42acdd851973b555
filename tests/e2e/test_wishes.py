"""What a person may want of a job that was sent: several takes under one cap, a cancel, no copies left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from klingstudio.cli import COMMANDS
from klingstudio.cli.parser import parser
from klingstudio.providers.registry import SERVICES
from tests.fakes.command_line import CommandLine, until_state
from tests.fakes.sandbox import Sandbox, run_quick_sandbox
from tests.fakes.studio_run import a_clip

WITHOUT_CANCEL = next(entry.info for entry in SERVICES if not entry.info.can_cancel and entry.info.hosts_files)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, edits: Path) -> Iterator[Sandbox]:
    with run_quick_sandbox(tmp_path_factory.mktemp("sandbox"), "--queue-delay", "0.3", edits=edits) as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.faults([])
    return shared


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


def test_two_takes_of_one_request_end_in_two_lines_and_their_copies_can_be_removed(
    run: CommandLine, sandbox: Sandbox, clip: Path
) -> None:
    edit = ("edit", str(clip), "--prompt", "deep snow", "--provider", "oxen", "--takes", "2", "--json")

    over = run(*edit, "--max-cost", "2.01")
    done = run(*edit, "--max-cost", "2.02")

    assert over.returncode == 5
    assert done.returncode == 0, done.stderr
    ends = [line for line in map(json.loads, done.stdout.splitlines()) if line["event"] == "done"]
    assert [end["state"] for end in ends] == ["completed"] * 2
    assert len({end["take"] for end in ends}) == 2
    assert len(sandbox.requests("POST", "/api/ai/queue")) == 1

    removed, again = run("delete-copies", ends[0]["job"]), run("delete-copies", ends[1]["job"])
    assert (removed.returncode, again.returncode) == (0, 0), removed.stderr
    assert "1 uploaded file was removed." in removed.stdout
    assert "history keeps them even then" in removed.stdout
    assert "0 uploaded files were removed." in again.stdout
    assert len(sandbox.requests("DELETE", "/api/repos")) == 1


def test_a_cancel_that_cannot_be_says_so_and_the_take_comes_all_the_same(
    run: CommandLine, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "poll", "kind": "slow", "seconds": 1, "times": 6}])
    chosen = ("--provider", WITHOUT_CANCEL.id, "--yes", "--json")
    edit = run.start("edit", str(clip), "--prompt", "deep snow", *chosen)
    job = until_state(edit, "remote")
    edit.kill()
    edit.communicate()

    cancelled = run("cancel", job)
    resumed = run("resume", "--json")
    kept = run("delete-copies", job)

    assert cancelled.returncode == 4
    assert "cannot stop an edit" in cancelled.stdout
    assert [one for one in sandbox.requests() if one["call"] == "cancel"] == []
    assert json.loads(resumed.stdout.splitlines()[-1])["state"] == "completed", resumed.stderr
    assert kept.returncode == 2
    assert "cannot remove uploads" in kept.stderr


def test_every_word_of_the_command_line_is_taken_for_a_command_and_not_for_a_file() -> None:
    words = {word for action in parser()._actions for word in (action.choices or ()) if action.dest == "command"}

    assert set(COMMANDS) == words
