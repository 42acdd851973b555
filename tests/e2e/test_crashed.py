"""The real window is crashed, killed or told to end from outside, and started again."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from klingstudio.life import Life, Past
from tests.fakes.command_line import CommandLine, until_state
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import KEY, a_clip
from tests.fakes.window_run import IS_OPEN, a_window, line_of
from tests.torture.secrets import core_files, descendants, scan_files, scan_processes

TELLS_AND_ENDS = """
if window().ended is None:
    tell("nothing to tell"); end()
elif once("told"):
    tell(window().ended.title); tell(window().ended.hint)
if "completed" in states:
    tell("completed"); end()
"""


@pytest.fixture
def running(run: CommandLine, sandbox: Sandbox, tmp_path: Path) -> CommandLine:
    """An edit is at the provider, and takes its time."""
    sandbox.faults([{"call": "poll", "kind": "slow", "seconds": 1, "times": 6}])
    edit = run.start("edit", str(a_clip(tmp_path / "clip.mp4")), "--prompt", "deep snow", "--json")
    until_state(edit, "remote")
    edit.kill()
    edit.wait()
    return run


def test_after_a_crash_the_next_start_says_so_and_every_edit_goes_on(
    running: CommandLine, sandbox: Sandbox, home: Path, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    with a_window(running, IS_OPEN, cwd=here) as window:
        assert line_of(window) == "open"
        children = scan_processes(descendants(window.pid), [KEY])
        window.send_signal(signal.SIGSEGV)
        assert window.wait(30) == -signal.SIGSEGV

    assert children == [], "no child is given a key"
    assert core_files([here]) == []
    assert "Fatal Python error: Segmentation fault" in (home / "logs" / "crash.txt").read_text()
    with a_window(running, TELLS_AND_ENDS) as window:
        said = [line_of(window) for _ in range(3)]
        assert window.wait(30) == 0

    assert said == ["Kling Studio ended unexpectedly", "Your edits are kept: 1 goes on.", "completed"]
    assert len(sandbox.requests("POST", "/api/ai/queue")) == 1
    with a_window(running, TELLS_AND_ENDS) as window:
        assert line_of(window) == "nothing to tell"
    assert scan_files([home, here], [KEY]) == []


def test_after_crashes_in_a_row_nothing_goes_on_until_the_person_says_so(
    running: CommandLine, sandbox: Sandbox, home: Path
) -> None:
    now = datetime.now(UTC)
    # As two crashes within the last minutes left it, and a third one just now.
    Life(home / "logs", Past(ended_badly=True, crashes=(now, now)), now)
    asked = len(sandbox.requests("GET", "/api/ai/queue"))

    with a_window(
        running,
        """
        if once("told"):
            ended = window().ended
            tell(ended.title); tell(ended.hint)
            tell(window().stage.player)
            tell(states)
            QTimer.singleShot(1500, lambda: tell("rested"))
        import os
        if os.path.exists(os.environ["KLINGSTUDIO_HOME"] + "/go") and once("go"):
            window().ended.button("Start normally").click()
            tell("player" if window().stage.player is not None else "no player")
        if "completed" in states:
            tell("completed"); end()
        """,
    ) as window:
        said = [line_of(window) for _ in range(5)]
        meanwhile = len(sandbox.requests("GET", "/api/ai/queue")) - asked
        (home / "go").touch()
        said += [line_of(window) for _ in range(2)]
        assert window.wait(30) == 0

    why = (
        "Kling Studio ended unexpectedly 3 times in 5 minutes. So that you can get at your edits, no clip is played and"
        " nothing goes on by itself. Your edits are kept: 1 would go on."
    )
    assert said == [
        "Started with care",
        why,
        "None",
        "['remote']",
        "rested",
        "player",
        "completed",
    ]
    assert meanwhile == 0, "nobody was asked"
    assert len(sandbox.requests("POST", "/api/ai/queue")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_who_is_told_to_end_closes_as_by_the_button(run: CommandLine, home: Path, number: signal.Signals) -> None:
    with a_window(run, IS_OPEN) as window:
        assert line_of(window) == "open"
        window.send_signal(number)
        out, err = window.communicate(timeout=30)

    assert (window.returncode, out, err) == (0, "", "")
    assert json.loads((home / "logs" / "life.json").read_text())["running"] is None


def test_who_is_told_to_end_while_an_order_is_out_waits_for_its_answer(
    run: CommandLine, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "slow", "effect": True, "seconds": 2}])
    clip = a_clip(tmp_path / "clip.mp4")
    with a_window(
        run,
        f"""
        if once("filled"):
            window()._models.spending.set_send_grace(False)
            from pathlib import Path
            window()._models.draft.set_source(Path({str(clip)!r}))
            window()._models.draft.replace_prompt("deep snow")
        if window().generate.readiness().ok and once("go"):
            window().generate.generate_now()
        if "submitting" in states and once("out"):
            tell("out")
        """,
    ) as window:
        assert line_of(window) == "out"
        deadline = time.monotonic() + 20
        while not sandbox.requests("POST", "/api/ai/queue") and time.monotonic() < deadline:
            time.sleep(0.02)
        window.send_signal(signal.SIGTERM)
        out, err = window.communicate(timeout=30)

    assert (window.returncode, err) == (0, ""), out
    (job,) = [json.loads(line) for line in run("jobs", "--json").stdout.splitlines()][:1]
    assert job["state"] == "remote", "the answer was heard"
    assert len(sandbox.requests("POST", "/api/ai/queue")) == 1
