"""The bar with the playhead, the marks, the strip of changes, and the pictures above it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from klingstudio.ui import theme
from klingstudio.ui.player.transport.change_strip import ChangeStrip
from klingstudio.ui.player.transport.hover import Hover
from klingstudio.ui.player.transport.scrub_bar import ScrubBar
from tests.ui.player.conftest import Stage, found, source_and_take


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return source_and_take(tmp_path_factory.mktemp("clips"), 50)


@pytest.fixture
def bar(qtbot: QtBot) -> ScrubBar:
    made = ScrubBar()
    qtbot.addWidget(made)
    made.resize(412, 20)
    made.set_count(101, page=25)
    made.show()
    return made


def wished(bar: ScrubBar) -> list[tuple[str, int]]:
    said: list[tuple[str, int]] = []
    bar.step_wished.connect(lambda step: said.append(("go", step)))
    bar.step_dragged.connect(lambda step: said.append(("drag", step)))
    return said


def test_a_press_drags_and_letting_go_is_the_wish(bar: ScrubBar) -> None:
    said = wished(bar)

    QTest.mousePress(bar, Qt.MouseButton.LeftButton, pos=QPoint(round(bar.ruler.x_of(25)), 10))
    QTest.mouseMove(bar, QPoint(round(bar.ruler.x_of(50)), 10))
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=QPoint(round(bar.ruler.x_of(50)), 10))

    assert said == [("drag", 25), ("drag", 50), ("go", 50)]


def test_what_is_shown_does_not_pull_the_playhead_out_of_the_hand(bar: ScrubBar) -> None:
    QTest.mousePress(bar, Qt.MouseButton.LeftButton, pos=QPoint(round(bar.ruler.x_of(25)), 10))
    bar.show_step(3)
    assert bar.value() == 25
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=QPoint(round(bar.ruler.x_of(25)), 10))

    bar.show_step(3)

    assert bar.value() == 3


@pytest.mark.parametrize(
    ("key", "step"),
    [
        (Qt.Key.Key_Right, 51),
        (Qt.Key.Key_Left, 49),
        (Qt.Key.Key_PageUp, 75),
        (Qt.Key.Key_PageDown, 25),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_End, 100),
    ],
)
def test_the_bar_is_moved_by_keys(bar: ScrubBar, key: Qt.Key, step: int) -> None:
    bar.show_step(50)
    said = wished(bar)

    QTest.keyClick(bar, key)

    assert said == [("go", step)]


def colours_at(bar: ScrubBar, x: float) -> set[str]:
    """What is painted in one column."""
    image = bar.grab().toImage()
    return {image.pixelColor(round(x), y).name() for y in range(image.height())}


def test_marks_are_seen_where_they_are(bar: ScrubBar) -> None:
    text = theme.tokens(bar.palette()).text
    assert text not in colours_at(bar, bar.ruler.x_of(20)) | colours_at(bar, bar.ruler.x_of(70))

    bar.show_marks(20, 70, is_looping=False)

    assert text in colours_at(bar, bar.ruler.x_of(20))
    assert text in colours_at(bar, bar.ruler.x_of(70))
    assert text not in colours_at(bar, bar.ruler.x_of(45))


def test_the_part_that_is_played_round_is_thicker(bar: ScrubBar) -> None:
    def thickness(step: int) -> int:
        image = bar.grab().toImage()
        ground = image.pixelColor(round(bar.ruler.x_of(step)), 0)
        column = [image.pixelColor(round(bar.ruler.x_of(step)), y) for y in range(image.height())]
        return sum(1 for colour in column if colour != ground)

    bar.show_marks(20, 70, is_looping=False)
    before = thickness(45)
    bar.show_marks(20, 70, is_looping=True)

    assert thickness(45) > before
    assert thickness(90) == before


def test_how_much_is_ready_is_seen_until_all_is(bar: ScrubBar) -> None:
    plain = bar.grab().toImage()

    bar.show_ready(0.5)
    half = bar.grab().toImage()
    bar.show_ready(1.0)

    middle = bar.height() // 2
    assert half.pixel(150, middle) != plain.pixel(150, middle)
    assert half.pixel(350, middle) == plain.pixel(350, middle)
    assert bar.grab().toImage() == plain


@pytest.fixture
def strip(qtbot: QtBot) -> ChangeStrip:
    made = ChangeStrip()
    qtbot.addWidget(made)
    made.resize(412, made.height())
    made.show()
    return made


def tall(strip: ChangeStrip, step: int) -> int:
    """How high the bar of a step is painted."""
    image = strip.grab().toImage()
    ground = image.pixelColor(0, 0).name()
    x = round(strip.ruler.x_of(step))
    columns = range(max(0, x - 2), min(image.width(), x + 3))
    return max(sum(image.pixelColor(at, y).name() != ground for y in range(image.height())) for at in columns)


def test_the_strip_is_as_high_as_the_change(strip: ChangeStrip) -> None:
    strip.show_changes([None] * 20 + [0.0] * 20 + [0.5] * 20 + [1.0] * 41)

    heights = [tall(strip, step) for step in (10, 30, 50, 80)]

    assert heights == [0, 1, strip.height() // 2, strip.height()]


def test_clips_that_hardly_differ_have_a_low_strip(strip: ChangeStrip) -> None:
    strip.show_changes([0.02] * 100)

    assert tall(strip, 50) <= 2


def test_a_small_change_can_be_told_from_none_at_a_glance(strip: ChangeStrip) -> None:
    strip.show_changes([0.0] * 50 + [0.05] * 51)

    assert tall(strip, 20) == 1
    assert tall(strip, 80) == theme.px(theme.STRIP_LEAST)


def test_a_click_near_a_peak_goes_to_it(strip: ChangeStrip) -> None:
    changes = [0.1] * 101
    changes[40] = 0.9
    strip.show_changes(changes)
    said: list[int] = []
    strip.step_wished.connect(said.append)

    for step in (39, 41, 60):
        QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(round(strip.ruler.x_of(step)), 5))

    assert said == [40, 40, 60]


# --- in the player ----------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(stage: Stage, clips: dict[str, Path]) -> Stage:
    stage.show_pair(clips)
    stage.qtbot.waitUntil(lambda: stage.player.survey_progress >= 1, timeout=20_000)
    return stage


def test_the_pointer_over_the_bar_shows_pictures_and_their_time(pair: Stage) -> None:
    hover = found(pair.panel, Hover)
    at = QPoint(round(pair.bar.ruler.x_of(25)), pair.bar.height() // 2)

    QTest.mouseMove(pair.bar, at)
    pair.qtbot.waitUntil(hover.isVisible, timeout=5_000)

    assert hover.words == "00:01.00"
    assert len(hover.images) == 2
    assert hover.geometry().bottom() < pair.bar.mapTo(pair.panel, QPoint(0, 0)).y()
    assert pair.player.step == 0


def test_the_pictures_stay_inside_the_player(pair: Stage) -> None:
    hover = found(pair.panel, Hover)

    for step in (0, 49):
        pair.bar.pointed.emit(step)
        assert hover.isVisible()
        assert pair.panel.rect().contains(hover.geometry())


def test_where_one_side_is_seen_only_its_picture_is_shown(pair: Stage) -> None:
    QTest.keyClick(pair.panel, Qt.Key.Key_2)

    pair.bar.pointed.emit(10)

    assert len(found(pair.panel, Hover).images) == 1


def test_they_go_with_the_pointer(pair: Stage) -> None:
    pair.bar.pointed.emit(10)
    pair.bar.left.emit()

    assert not found(pair.panel, Hover).isVisible()


def test_the_strip_shows_what_was_found_and_only_for_two_clips(pair: Stage) -> None:
    strip = found(pair.panel, ChangeStrip)
    pair.qtbot.waitUntil(lambda: None not in pair.player.changes and bool(pair.player.changes), timeout=20_000)
    assert strip.isVisible()
    assert tall(strip, 25) > 1

    pair.panel.show_take(None, "")
    pair.wait_for_pair(lambda pair: pair.after is None)

    assert not strip.isVisible()
