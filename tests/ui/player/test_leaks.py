"""What is opened is closed again, and what happens to files under the player's feet is said and harms nothing."""

from __future__ import annotations

import gc
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import Kind
from klingstudio.ui.player.playback.pair import Side
from tests.ui.player.conftest import LIMIT_MS, Bare
from tests.unit.media.numbered_clips import BLUE, RED, numbered_clip
from tests.unit.media.test_decode import cut_off

_LEAK_BYTES = 10 << 20


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A source and three takes."""
    folder = tmp_path_factory.mktemp("clips")
    takes = [numbered_clip(folder / f"take{n}.mp4", 30, ink=BLUE) for n in range(3)]
    return [numbered_clip(folder / "source.mp4", 40, ink=RED), *takes]


def open_files(folder: Path) -> int:
    """How many files of a folder this process has open."""
    links = (os.path.realpath(name) for name in Path("/proc/self/fd").iterdir())
    return sum(link.startswith(str(folder)) for link in links)


def memory_bytes() -> int:
    """What this process occupies."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def open_close_and_swap(bare: Bare, clips: list[Path], turns: int) -> None:
    source, *takes = clips
    for turn in range(turns):
        bare.player.load(Side.BEFORE, source)
        bare.player.load(Side.AFTER, takes[turn % 3], plays=turn % 2 == 0)
        if turn % 4 == 0:
            bare.until_pair()
            bare.player.seek(turn % 29)
        if turn % 8 == 0:
            # While it plays, surveys may stand back until time has passed.
            bare.player.pause()
            bare.until(lambda: bare.player.survey_progress == 1)
        if turn % 3 == 0:
            bare.player.swap()
        if turn % 5 == 0:
            bare.player.close()
            # The program does this in its idle moments; tests with a window run without.
            gc.collect()
    bare.player.close()
    gc.collect()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts files and memory as Linux shows them")
def test_two_hundred_times_opened_swapped_and_closed_nothing_is_left(bare: Bare, clips: list[Path]) -> None:
    # What every library keeps for good is there after some turns.
    open_close_and_swap(bare, clips, 100)
    threads, occupied = threading.active_count(), memory_bytes()

    open_close_and_swap(bare, clips, 200)

    assert threading.active_count() == threads
    assert open_files(clips[0].parent) == 0
    assert memory_bytes() - occupied <= _LEAK_BYTES


def test_three_clips_stay_open_and_no_more(bare: Bare, clips: list[Path]) -> None:
    source, *takes = clips
    bare.player.load(Side.BEFORE, source)
    for take in (*takes, takes[2], takes[1]):
        bare.player.load(Side.AFTER, take)
        bare.until(lambda: not bare.player.is_loading())
        bare.until_pair()

    bare.until(lambda: open_files(takes[0]) == 0)

    assert open_files(takes[1]) > 0
    assert open_files(takes[2]) > 0


def test_a_take_that_was_there_a_moment_ago_comes_back_at_once(bare: Bare, clips: list[Path]) -> None:
    source, one, other, _ = clips
    bare.player.load(Side.BEFORE, source)
    for take in (one, other):
        bare.player.load(Side.AFTER, take)
        bare.until_pair()

    bare.player.load(Side.AFTER, one)

    assert bare.player.pair is not None
    assert bare.player.pair.after is not None
    assert not bare.player.is_loading()


def test_a_take_whose_file_was_replaced_is_opened_anew(bare: Bare, clips: list[Path], tmp_path: Path) -> None:
    source, one, other, _ = clips
    take = tmp_path / "take.mp4"
    shutil.copy(one, take)
    bare.player.load(Side.BEFORE, source)
    for path in (take, other):
        bare.player.load(Side.AFTER, path)
        bare.until_pair()
    take.unlink()
    numbered_clip(take, 12, ink=BLUE)

    bare.player.load(Side.AFTER, take)
    bare.until(lambda: bare.player.timeline is not None and bare.player.timeline.count == 12)

    assert bare.problems == []


def test_a_player_that_is_deleted_without_closing_lets_every_thread_end(qtbot: QtBot, clips: list[Path]) -> None:
    known = set(threading.enumerate())
    bare = Bare(qtbot)
    bare.player.load(Side.BEFORE, clips[0])
    bare.player.load(Side.AFTER, clips[1])
    bare.until(lambda: bare.player.pair is not None and bare.player.survey_progress > 0)
    left = [thread for thread in threading.enumerate() if thread not in known]

    bare.player.deleteLater()
    with qtbot.waitSignal(bare.player.destroyed, timeout=LIMIT_MS):
        pass
    for thread in left:
        thread.join(10)

    assert len(left) > 2
    assert not any(thread.is_alive() for thread in left)


# --- files that are not what they should be ---------------------------------------------------------------------------


def without_picture(path: Path) -> None:
    """A file with sound only."""
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=48000)
        assert isinstance(stream, av.AudioStream)
        for _ in range(20):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            frame.sample_rate = 48000
            frame.planes[0].update(bytes(frame.planes[0].buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "make", "kind"),
    [
        ("empty.mp4", lambda path: path.write_bytes(b""), Kind.SOURCE_EMPTY),
        ("letter.mp4", lambda path: path.write_text("Dear reader, " * 500), Kind.SOURCE_NOT_VIDEO),
        ("zeros.mp4", lambda path: path.write_bytes(bytes(5000)), Kind.SOURCE_NOT_VIDEO),
        ("sound.mp4", without_picture, Kind.SOURCE_NO_PICTURE),
        ("folder.mp4", lambda path: path.mkdir(), Kind.SOURCE_NOT_A_FILE),
        ("nothing.mp4", lambda path: None, Kind.SOURCE_MISSING),
    ],
)
@pytest.mark.parametrize("side", Side)
def test_what_cannot_be_played_is_said_once_and_the_other_side_stays(
    side: Side,
    name: str,
    make: Callable[[Path], object],
    kind: Kind,
    bare: Bare,
    clips: list[Path],
    tmp_path: Path,
) -> None:
    make(tmp_path / name)

    bare.player.load(side.other, clips[0])
    bare.player.load(side, tmp_path / name, plays=True)
    bare.until(lambda: bool(bare.problems))
    bare.until_exact(0)

    assert [(found, problem.kind) for found, problem in bare.problems] == [(side, kind)]
    assert bare.player.timeline is not None
    assert bare.player.timeline.count == 40
    assert not bare.player.is_playing


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_cut_off_take_plays_as_far_as_it_goes(share: float, bare: Bare, clips: list[Path], tmp_path: Path) -> None:
    take = tmp_path / "take.mkv"
    whole = numbered_clip(tmp_path / "whole.mkv", 30, ink=BLUE, options={"g": "5"}).read_bytes()
    take.write_bytes(whole[: int(len(whole) * share)])

    bare.player.load(Side.BEFORE, clips[0])
    bare.player.load(Side.AFTER, take)
    bare.until_pair()
    assert bare.player.timeline is not None
    last = bare.player.timeline.count - 1
    bare.player.seek(last)
    bare.until(lambda: (pair := bare.player.pair) is not None and pair.step > 0 and not pair.is_draft)

    assert 0 < last < 30


def test_a_file_that_is_deleted_while_it_is_open_goes_on_or_is_said_to_be_gone(
    bare: Bare, clips: list[Path], tmp_path: Path
) -> None:
    take = tmp_path / "take.mp4"
    shutil.copy(clips[1], take)
    bare.player.load(Side.BEFORE, clips[0])
    bare.player.load(Side.AFTER, take)
    bare.until_pair()

    take.unlink()
    bare.player.seek(20)
    bare.until(lambda: bool(bare.problems) or (bare.player.pair is not None and bare.player.pair.step == 20))
    bare.player.load(Side.AFTER, clips[2])
    bare.until_pair()
    bare.player.load(Side.AFTER, take)
    bare.until(lambda: bool(bare.problems))

    assert [(side, problem.kind) for side, problem in bare.problems] == [(Side.AFTER, Kind.SOURCE_MISSING)]


def test_a_file_that_is_cut_off_while_it_is_open_shows_what_is_left(bare: Bare, tmp_path: Path) -> None:
    source = numbered_clip(tmp_path / "source.mp4", 200, ink=RED, options={"g": "20"})
    bare.player.hold_survey(True)
    bare.player.load(Side.BEFORE, source)
    bare.until_exact(0)

    with source.open("r+b") as file:
        file.truncate(source.stat().st_size // 2)
    bare.player.seek(199)
    bare.until(lambda: bool(bare.problems))
    bare.until(lambda: bare.player.pair is not None and bare.player.pair.step == bare.player.step)

    assert [problem.kind for _, problem in bare.problems] == [Kind.SOURCE_DAMAGED]
    assert bare.player.timeline is not None
    assert 0 < bare.player.timeline.count < 200


def test_damage_is_said_once_however_much_of_it_there_is(bare: Bare, clips: list[Path], tmp_path: Path) -> None:
    bare.player.load(Side.BEFORE, cut_off(clips[0], tmp_path / "cut.mp4"))
    bare.until(lambda: bool(bare.problems) and bare.player.pair is not None)
    assert bare.player.timeline is not None

    for step in range(bare.player.timeline.count - 1, 0, -7):
        bare.player.seek(step)
        bare.until(lambda: bare.player.pair is not None and bare.player.pair.step == bare.player.step)

    assert [(side, problem.kind) for side, problem in bare.problems] == [(Side.BEFORE, Kind.SOURCE_DAMAGED)]
