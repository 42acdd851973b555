from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.player.playback.player import PairPlayer
from klingstudio.ui.player.playback.sound import Sound
from tests.ui.player.sound_server import Recording, SoundServer, running_server
from tests.unit.media.numbered_clips import HEIGHT_PX, WIDTH_PX, numbered_clip
from tests.unit.media.sounding_clips import click, clicks_in, hz_of, sounding_clip, tones

ROOT = Path(__file__).resolve().parents[3]
BEFORE_HZ, AFTER_HZ, STEP_HZ = 500, 3000, 100
_LIMIT_MS = 20_000


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    with running_server() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environ.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each second of both has a pitch of its own; a third one clicks at each second."""
    folder = tmp_path_factory.mktemp("clips")
    sounding_clip(folder / "before.mp4", 8, tones(BEFORE_HZ, STEP_HZ))
    sounding_clip(folder / "after.mp4", 8, tones(AFTER_HZ, STEP_HZ))
    sounding_clip(folder / "clicks.mp4", 12, click)
    return folder


class Room:
    """A player that is heard."""

    def __init__(self, qtbot: QtBot, now: Callable[[], float] = time.monotonic) -> None:
        self.qtbot = qtbot
        self.player = PairPlayer(now)
        self.player.set_box(WIDTH_PX, HEIGHT_PX)
        self.player.set_looping(False)
        self.sound = Sound(self.player)

    def load(self, before: Path, after: Path | None = None) -> None:
        """Open them and wait until they can be seen and heard."""
        self.player.load(Side.BEFORE, before)
        self.player.load(Side.AFTER, after, offset_s=0.0)
        self.until(lambda: self.player.pair is not None and (after is None or self.player.pair.after is not None))
        self.until(lambda: self.sound.has_sound and not self.sound._search.isActive())

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for it."""
        self.qtbot.waitUntil(is_so, timeout=_LIMIT_MS)

    def until_time(self, time_s: float) -> None:
        """Until the player's clock has come there."""
        self.until(lambda: self.player.time_s >= time_s)

    def close(self) -> None:
        """Close what is open."""
        self.sound.close()
        self.player.close()


@pytest.fixture
def room(qtbot: QtBot) -> Iterator[Room]:
    made = Room(qtbot)
    yield made
    made.close()


def heard_now(recording: Recording) -> list[int]:
    """The tenth of a second that was heard last."""
    return list(recording.values[-4800:])


def is_heard(recording: Recording, hz: float) -> bool:
    values = heard_now(recording)
    return max(values) > 1000 and abs(hz_of(values) - hz) < 20


def is_silent(recording: Recording) -> bool:
    return not any(heard_now(recording))


# --- with a loudspeaker -----------------------------------------------------------------------------------------------


@pytest.mark.pulse
@pytest.mark.slow
def test_the_clock_follows_what_is_heard(qtbot: QtBot, server: SoundServer, clips: Path) -> None:
    # Left alone, this clock would be 80 ms ahead after ten seconds.
    room = Room(qtbot, now=lambda: time.monotonic() * 1.008)
    try:
        room.load(clips / "clicks.mp4")
        seen: list[tuple[float, float]] = []
        watch = QTimer()
        watch.setInterval(5)
        watch.timeout.connect(lambda: seen.append((time.monotonic(), room.player.time_s)))
        with server.recording() as recording:
            room.player.play()
            watch.start()
            room.until_time(10.5)
            watch.stop()
            room.player.pause()
            errors_s = [off(recording.heard_at(place), seen) for place in clicks_in(recording.values)]
    finally:
        room.close()

    assert len(errors_s) >= 9
    assert abs(statistics.median(errors_s)) < 0.04
    # No drift: the end is as good as the middle.
    assert abs(statistics.median(errors_s[-3:]) - statistics.median(errors_s[2:5])) < 0.03


def off(heard_at: float, seen: list[tuple[float, float]]) -> float:
    """How far the clock was from a whole second when a click was heard."""
    at, time_s = min(seen, key=lambda one: abs(one[0] - heard_at))
    time_s += heard_at - at
    return time_s - round(time_s)


@pytest.mark.pulse
def test_the_side_that_was_chosen_is_heard_at_the_same_moment(room: Room, server: SoundServer, clips: Path) -> None:
    room.load(clips / "before.mp4", clips / "after.mp4")
    with server.recording() as recording:
        room.player.seek(50)
        room.player.play()
        room.until(lambda: is_heard(recording, BEFORE_HZ + 2 * STEP_HZ))

        room.sound.listen_to(Side.AFTER)
        room.until_time(3.4)

        room.until(lambda: is_heard(recording, AFTER_HZ + 3 * STEP_HZ))
        assert room.player.time_s < 4.2


@pytest.mark.pulse
def test_a_clip_that_lies_later_is_heard_later(room: Room, server: SoundServer, clips: Path) -> None:
    room.load(clips / "before.mp4", clips / "after.mp4")
    room.sound.listen_to(Side.AFTER)
    room.player.load(Side.AFTER, clips / "after.mp4", offset_s=3.0)
    room.until(lambda: room.player.starts_at_s(Side.AFTER) is not None and room.sound.has_sound)
    with server.recording() as recording:
        room.player.play()

        room.until(lambda: is_heard(recording, AFTER_HZ))

        clip_s = room.player.clip_time_s(Side.AFTER)
        assert clip_s is not None
        assert clip_s < 1.5


@pytest.mark.pulse
def test_it_is_silent_while_it_stands_and_goes_on_where_it_was(room: Room, server: SoundServer, clips: Path) -> None:
    room.load(clips / "before.mp4")
    with server.recording() as recording:
        room.player.seek(100)
        room.player.play()
        room.until(lambda: is_heard(recording, BEFORE_HZ + 4 * STEP_HZ))

        room.player.pause()
        room.until(lambda: is_silent(recording))

        room.player.play()
        room.until(lambda: is_heard(recording, BEFORE_HZ + 4 * STEP_HZ))


@pytest.mark.pulse
def test_mute_volume_and_speed(room: Room, server: SoundServer, clips: Path) -> None:
    room.load(clips / "before.mp4")
    room.player.set_looping(True)
    changes: list[bool] = []
    room.sound.changed.connect(lambda: changes.append(room.sound.is_muted))
    with server.recording() as recording:
        room.player.play()
        room.until(lambda: max(heard_now(recording)) > 10_000)

        room.sound.set_muted(True)
        room.until(lambda: is_silent(recording))
        room.sound.set_volume(0.5)
        room.sound.set_muted(False)
        room.until(lambda: not is_silent(recording))
        room.until(lambda: 100 < max(heard_now(recording)) < 6_000)

        room.sound.set_volume(1.0)
        room.player.set_rate(2.0)
        room.player.seek(25)
        # Twice as fast, and no octave higher.
        room.until(lambda: is_heard(recording, BEFORE_HZ + 3 * STEP_HZ))
        room.player.set_rate(4.0)
        room.until(lambda: is_silent(recording))
        room.player.set_rate(-1.0)
        assert is_silent(recording)
        room.player.set_rate(1.0)
        room.until(lambda: not is_silent(recording))
    assert changes == [True, True, False, False]


@pytest.mark.pulse
def test_each_round_of_a_loop_is_heard(room: Room, server: SoundServer, clips: Path) -> None:
    room.load(clips / "before.mp4")
    room.player.mark_in(50)
    room.player.mark_out(74)
    room.player.set_looping_marks(True)
    with server.recording() as recording:
        room.player.seek(62)
        middle_s = room.player.time_s
        room.player.seek(50)
        room.player.play()
        for _ in range(3):
            # Not at its beginning, where the end of the last round may be what is heard.
            room.until(lambda: room.player.time_s > middle_s)
            room.until(lambda: is_heard(recording, BEFORE_HZ + 2 * STEP_HZ))
            room.until(lambda: room.player.time_s < middle_s)


@pytest.mark.pulse
def test_a_device_that_goes_stops_nothing_and_is_used_again(room: Room, server: SoundServer, clips: Path) -> None:
    room.load(clips / "before.mp4")
    room.player.set_looping(True)
    room.player.play()
    room.until(lambda: room.sound.has_device)

    server.pull_out()
    room.until(lambda: not room.sound.has_device)
    time_s = room.player.time_s
    room.until(lambda: room.player.time_s != time_s)
    assert room.player.is_playing

    server.plug_in()
    room.until(lambda: room.sound.has_device)
    with server.recording() as recording:
        room.until(lambda: max(heard_now(recording)) > 1000)


@pytest.mark.pulse
def test_a_server_that_dies_takes_nothing_with_it(clips: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.ui.player.child_server_dies", str(clips / "before.mp4")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert (done.returncode, done.stdout.splitlines()) == (0, ["runs without", "has it back"]), done.stderr


# --- without ----------------------------------------------------------------------------------------------------------


def test_without_a_device_the_player_runs_by_itself(room: Room, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_AUDIO_BACKEND", "pulseaudio")
    monkeypatch.setenv("PULSE_SERVER", f"unix:{clips}/nobody")
    room.load(clips / "before.mp4")

    room.player.play()
    room.until_time(0.3)

    assert room.sound.has_sound
    assert not room.sound.has_device


def test_a_clip_without_sound_is_silent_and_looks_for_no_device(room: Room, tmp_path: Path) -> None:
    room.player.load(Side.BEFORE, numbered_clip(tmp_path / "clip.mp4", 20))
    room.until(lambda: room.player.pair is not None)

    room.player.play()
    room.until_time(0.3)

    assert not room.sound.has_sound
    assert not room.sound.has_device


def test_the_volume_stays_between_silent_and_full(room: Room) -> None:
    room.sound.set_volume(3.0)
    loudest = room.sound.volume
    room.sound.set_volume(-1.0)

    assert (loudest, room.sound.volume) == (1.0, 0.0)


def test_a_clip_that_is_taken_away_leaves_no_file_open(room: Room, clips: Path) -> None:
    room.load(clips / "before.mp4")
    (reader,) = room.sound._readers

    room.player.load(Side.BEFORE, None)

    room.until(lambda: not reader.is_running())
    assert not room.sound.has_sound
