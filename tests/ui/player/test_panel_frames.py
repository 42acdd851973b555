"""Frames that are saved, copied, or handed to the composer: every pixel the clip has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from klingstudio.media.still import full_frame
from klingstudio.ui.player.canvas.layers import compose, image_of
from klingstudio.ui.player.comparison import Comparison, Mode
from klingstudio.ui.player.playback.pair import Pair
from klingstudio.ui.player.snapshot import What, what_is_shown
from tests.ui.player.conftest import Stage, source_and_take
from tests.unit.media.numbered_clips import RED, numbered_clip

K = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return source_and_take(tmp_path_factory.mktemp("clips"), 40)


@pytest.fixture
def pair(stage: Stage, clips: dict[str, Path]) -> Stage:
    """Both clips, standing on step 21, in a window that is larger than they are."""
    stage.show_pair(clips)
    stage.go(21)
    return stage


def heard(stage: Stage) -> list[str]:
    words: list[str] = []
    stage.panel.said.connect(words.append)
    return words


def the_frame(path: Path, number: int) -> QImage:
    return image_of(full_frame(path, number)).copy()


def same(one: QImage, other: QImage) -> bool:
    rgb = QImage.Format.Format_RGB32
    return one.size() == other.size() and one.convertToFormat(rgb) == other.convertToFormat(rgb)


def save_as(stage: Stage, path: Path) -> str:
    """Answer the dialog; gives the name that it proposed."""
    dialogs = [one for one in stage.panel.findChildren(QFileDialog) if one.isVisible()]
    assert len(dialogs) == 1
    proposed = Path(dialogs[0].selectedFiles()[0]).name
    dialogs[0].fileSelected.emit(str(path))
    dialogs[0].close()
    return proposed


def test_the_saved_frame_is_the_one_on_screen_pixel_by_pixel(
    pair: Stage, clips: dict[str, Path], tmp_path: Path
) -> None:
    words = heard(pair)
    QTest.keyClick(pair.panel, K.Key_2)

    QTest.keyClick(pair.panel, K.Key_C)
    proposed = save_as(pair, tmp_path / "kept.png")
    pair.qtbot.waitUntil(lambda: bool(words), timeout=20_000)

    assert proposed == "take 00-00.84 after.png"
    assert words == [f"Saved to {tmp_path / 'kept.png'}"]
    assert same(QImage(str(tmp_path / "kept.png")), the_frame(clips["take"], 21))
    assert {one.name for one in tmp_path.iterdir()} - {"home"} == {"kept.png"}


def test_what_is_copied_is_the_frame_at_the_size_of_the_clip(pair: Stage, clips: dict[str, Path]) -> None:
    words = heard(pair)
    QTest.keyClick(pair.panel, K.Key_1)

    QTest.keyClick(pair.panel, K.Key_C, SHIFT)
    pair.qtbot.waitUntil(lambda: bool(words), timeout=20_000)

    assert same(QGuiApplication.clipboard().image(), the_frame(clips["source"], 21))
    assert words[0].startswith("Copied, ")


def test_the_comparison_is_kept_as_it_is_laid(pair: Stage, clips: dict[str, Path], tmp_path: Path) -> None:
    words = heard(pair)
    QTest.keyClick(pair.panel, K.Key_4)

    QTest.keyClick(pair.panel, K.Key_C)
    proposed = save_as(pair, tmp_path / "wipe.png")
    pair.qtbot.waitUntil(lambda: bool(words), timeout=20_000)

    wanted = compose(Comparison(mode=Mode.WIPE), the_frame(clips["source"], 21), the_frame(clips["take"], 21))
    assert proposed == "source 00-00.84 comparison.png"
    assert same(QImage(str(tmp_path / "wipe.png")), wanted)


def test_where_they_differ_is_kept_with_the_comparison(pair: Stage, clips: dict[str, Path]) -> None:
    words = heard(pair)
    pair.qtbot.waitUntil(lambda: pair.player.heat(21) is not None, timeout=20_000)
    QTest.keyClick(pair.panel, K.Key_4)
    QTest.keyClick(pair.panel, K.Key_H)

    QTest.keyClick(pair.panel, K.Key_C, SHIFT)
    pair.qtbot.waitUntil(lambda: bool(words), timeout=20_000)

    before, after = the_frame(clips["source"], 21), the_frame(clips["take"], 21)
    plain = Comparison(mode=Mode.WIPE)
    hot = compose(replace(plain, shows_heat=True), before, after, pair.player.heat(21))
    assert same(QGuiApplication.clipboard().image(), hot)
    assert not same(hot, compose(plain, before, after))


@pytest.mark.parametrize(("act", "clip"), [("use_before", "source"), ("use_after", "take")])
def test_a_frame_becomes_a_reference_without_a_question(
    pair: Stage, clips: dict[str, Path], act: str, clip: str
) -> None:
    made: list[Path] = []
    pair.panel.reference_wanted.connect(made.append)

    (action,) = [a for group in pair.panel.action_groups() for a in group.actions if a.objectName() == act]
    action.trigger()
    pair.qtbot.waitUntil(lambda: bool(made), timeout=20_000)

    assert same(QImage(str(made[0])), the_frame(clips[clip], 21))


def test_two_references_of_one_moment_are_two_files(pair: Stage) -> None:
    made: list[Path] = []
    pair.panel.reference_wanted.connect(made.append)

    for _ in range(2):
        QTest.keyClick(pair.panel, K.Key_1)
        pair.panel._actions["use_before"].trigger()
    pair.qtbot.waitUntil(lambda: len(made) == 2, timeout=20_000)

    assert len(set(made)) == 2
    assert all(path.is_file() for path in made)


def test_a_frame_that_cannot_be_saved_is_said(pair: Stage, tmp_path: Path) -> None:
    words = heard(pair)

    QTest.keyClick(pair.panel, K.Key_C)
    save_as(pair, tmp_path / "no such folder" / "kept.png")
    pair.qtbot.waitUntil(lambda: bool(words), timeout=20_000)

    assert words[0].startswith("A file cannot be written here")


def test_a_clip_that_is_gone_by_now_is_said(stage: Stage, tmp_path: Path) -> None:
    clip = numbered_clip(tmp_path / "gone.mp4", 12, ink=RED)
    stage.panel.show_source(clip)
    stage.wait_for_step(0)
    words = heard(stage)
    clip.unlink()

    QTest.keyClick(stage.panel, K.Key_C, SHIFT)
    stage.qtbot.waitUntil(lambda: bool(words), timeout=20_000)

    assert words[0].startswith("This file cannot be found")


def test_closing_waits_for_the_picture_that_is_being_taken(pair: Stage, tmp_path: Path) -> None:
    for number in range(3):
        QTest.keyClick(pair.panel, K.Key_C)
        save_as(pair, tmp_path / f"{number}.png")

    pair.panel.close_clips()

    assert all(QImage(str(path)).width() > 0 for path in tmp_path.glob("*.png*"))


@pytest.mark.parametrize(
    ("comparison", "shown"),
    [
        (Comparison(mode=Mode.BEFORE), What.BEFORE),
        (Comparison(mode=Mode.BEFORE, is_flipped=True), What.AFTER),
        (Comparison(mode=Mode.AFTER), What.AFTER),
        (Comparison(mode=Mode.AFTER, is_flipped=True), What.BEFORE),
        (Comparison(mode=Mode.DIFFERENCE), What.COMPARISON),
    ],
)
def test_what_is_kept_is_what_is_seen(pair: Stage, comparison: Comparison, shown: What) -> None:
    seen = pair.player.pair
    assert seen is not None
    alone = Pair(step=0, count=1, time_s=0.0, before=None, after=seen.after)

    assert what_is_shown(seen, comparison) is shown
    assert what_is_shown(alone, comparison) is What.AFTER
