"""The program is started while it is open."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.command_line import CommandLine
from tests.fakes.studio_run import a_clip
from tests.fakes.window_run import IS_OPEN, a_window, line_of

IN_THE_BACK = """
if once("back"):
    window().showMinimized()
    tell("back")
if not window().isMinimized() and once("forward"):
    tell("forward")
source = window()._models.draft.source
if source is not None and once("source"):
    tell(source.path)
"""
SAYS_WHY = """
from PySide6.QtWidgets import QLabel
if failure is not None:
    tell(failure.findChildren(QLabel)[0].text())
    end()
"""


def test_the_second_start_hands_its_files_to_the_open_window_and_ends(run: CommandLine, tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "clip ü.mp4")
    with a_window(run, IN_THE_BACK) as window:
        assert line_of(window) == "back"
        run.environ["QT_QPA_PLATFORM"] = "offscreen"
        second = run("--", str(clip))
        said = [line_of(window) for _ in range(2)]

    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert said == ["forward", str(clip)]


def test_of_two_starts_at_the_same_moment_one_gives_way(run: CommandLine, home: Path) -> None:
    with a_window(run, IS_OPEN) as first, a_window(run, IS_OPEN) as second:
        deadline = time.monotonic() + 20
        while first.poll() is None and second.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        gone, stays = (first, second) if first.poll() is not None else (second, first)
        assert gone.wait(1) == 0
        assert line_of(stays) == "open"
        assert stays.poll() is None


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGSTOP")
def test_where_the_open_program_does_not_answer_the_second_says_that_it_is_open(run: CommandLine) -> None:
    with a_window(run, IS_OPEN) as first:
        assert line_of(first) == "open"
        first.send_signal(signal.SIGSTOP)
        with a_window(run, SAYS_WHY) as second:
            assert line_of(second) == "Kling Studio is already open"
            assert second.wait(30) == 0
        first.send_signal(signal.SIGCONT)
