"""A clip that takes the program with it does so twice at most."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.media.decode import Arrived, Broken, ClipDecoder, Event
from klingstudio.media.trial import CRASHES_MOST, Trial
from tests.fakes.sandbox import ROOT
from tests.fakes.studio_run import a_clip

CRASHING = """
import signal, sys, threading, time
from pathlib import Path
from klingstudio.media.decode import ClipDecoder
# On the decoder's own thread, as the video library would.
ClipDecoder(Path(sys.argv[1]), lambda event: signal.pthread_kill(threading.get_ident(), signal.SIGSEGV))
time.sleep(30)
"""


def crash_with(clip: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CRASHING, str(clip)], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == -signal.SIGSEGV


def seen_of(clip: Path) -> list[Event]:
    events: list[Event] = []
    done = threading.Event()

    def tell(event: Event) -> None:
        events.append(event)
        if isinstance(event, Broken | Arrived):
            done.set()

    decoder = ClipDecoder(clip, tell)
    decoder.request([0], (64, 64))
    assert done.wait(30)
    decoder.close()
    return events


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_a_clip_that_crashed_the_program_twice_is_not_opened_in_it_again(home: Path, tmp_path: Path) -> None:
    clip, other = (
        a_clip(tmp_path / "clip.mp4", seconds=0.5, side=64),
        a_clip(tmp_path / "other.mp4", seconds=0.5, side=64),
    )
    for _ in range(CRASHES_MOST):
        crash_with(clip)

    (refused,) = seen_of(clip)

    assert isinstance(refused, Broken)
    assert (refused.problem.kind, refused.playable) == (Kind.PREVIEW_UNSAFE, 0)
    assert isinstance(seen_of(other)[-1], Arrived), "others are played"
    os.utime(clip, (1, 1))
    assert isinstance(seen_of(clip)[-1], Arrived), "another file by the same name is played"


def test_one_crash_is_forgotten_when_it_goes_well_again(home: Path, tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "clip.mp4", seconds=0.5, side=64)
    for _ in range(CRASHES_MOST):
        crash_with(clip)
        assert isinstance(seen_of(clip)[-1], Arrived)

    assert list((home / "cache" / "previews").iterdir()) == []


def test_two_that_open_one_clip_at_the_same_time_are_no_crash(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"x")
    trials = [Trial(clip, tmp_path / "marks") for _ in range(5)]

    for trial in trials:
        trial.begin()
    for trial in trials:
        trial.passed()

    assert list((tmp_path / "marks").iterdir()) == []


@pytest.mark.parametrize("words", ["", "{}", "[]", '{"pid": "x", "crashes": 1}'])
def test_a_mark_that_makes_no_sense_is_none(tmp_path: Path, words: str) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"x")
    trial = Trial(clip, tmp_path / "marks")
    trial.begin()
    (mark,) = (tmp_path / "marks").iterdir()
    mark.write_text(words)

    Trial(clip, tmp_path / "marks").begin()


def test_a_clip_that_is_not_there_and_a_folder_that_cannot_be_written_disturb_nobody(tmp_path: Path) -> None:
    Trial(tmp_path / "missing.mp4", tmp_path / "marks").begin()
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"x")
    try:
        Trial(clip, clip / "marks").begin()
    except InputRefused:
        pytest.fail("it was refused")
