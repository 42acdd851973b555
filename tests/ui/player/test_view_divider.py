from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from klingstudio.ui.player.canvas.divider import Divider
from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.player.comparison import Mode
from tests.ui.player.conftest import found
from tests.ui.player.pictures import AFTER_BLUE, BEFORE_BLUE, pair, picture, rgb
from tests.ui.player.viewer import HEIGHT, MIDDLE, WIDTH, drag, painted, show, viewer


@pytest.fixture
def view(qtbot: QtBot) -> PairView:
    return viewer(qtbot)


@pytest.mark.parametrize("at", [MIDDLE, QPoint(MIDDLE.x(), 40), MIDDLE + QPoint(9, 100), MIDDLE - QPoint(9, 0)])
def test_the_divider_is_dragged_anywhere_along_its_line(view: PairView, at: QPoint) -> None:
    show(view, Mode.WIPE)

    drag(view, at, QPoint(160, at.y()))

    assert view.comparison.wipe == 0.25
    image = painted(view)
    assert rgb(image, 150, 300)[2] == BEFORE_BLUE
    assert rgb(image, 170, 300)[2] == AFTER_BLUE


def test_the_divider_that_lies_across_is_dragged_up_and_down(view: PairView) -> None:
    show(view, Mode.WIPE, wipes_across=True)

    drag(view, QPoint(100, 180), QPoint(400, 270))

    assert view.comparison.wipe == 0.75
    image = painted(view)
    assert rgb(image, 500, 260)[2] == BEFORE_BLUE
    assert rgb(image, 500, 280)[2] == AFTER_BLUE


def test_a_drag_beyond_the_picture_stops_at_its_edge(view: PairView) -> None:
    show(view, Mode.WIPE)

    drag(view, MIDDLE, QPoint(WIDTH + 200, 180))

    assert view.comparison.wipe == 1.0


def test_a_press_away_from_the_line_moves_nothing(view: PairView) -> None:
    show(view, Mode.WIPE)

    drag(view, QPoint(200, 180), QPoint(500, 180))

    assert view.comparison.wipe == 0.5


def test_a_double_click_on_the_line_centres_it(view: PairView) -> None:
    show(view, Mode.WIPE, wipe=0.2)

    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(500, 180))
    assert view.comparison.wipe == 0.2

    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(128, 60))
    assert view.comparison.wipe == 0.5


@pytest.mark.parametrize(
    ("key", "lies_at"),
    [
        (Qt.Key.Key_Left, 0.49),
        (Qt.Key.Key_Right, 0.51),
        (Qt.Key.Key_Up, 0.49),
        (Qt.Key.Key_Down, 0.51),
        (Qt.Key.Key_PageUp, 0.4),
        (Qt.Key.Key_PageDown, 0.6),
        (Qt.Key.Key_Home, 0.0),
        (Qt.Key.Key_End, 1.0),
    ],
)
@pytest.mark.parametrize("wipes_across", [False, True])
def test_keys_move_the_divider_the_way_they_point(
    view: PairView, key: Qt.Key, lies_at: float, wipes_across: bool
) -> None:
    show(view, Mode.WIPE, wipes_across=wipes_across)

    QTest.keyClick(found(view, Divider), key)

    assert view.comparison.wipe == pytest.approx(lies_at)


def test_a_drag_keeps_its_fraction_although_the_divider_speaks_in_percent(view: PairView) -> None:
    show(view, Mode.WIPE)

    drag(view, MIDDLE, QPoint(111, 180))

    assert view.comparison.wipe == 111 / WIDTH
    assert found(view, Divider).value() == 17


def test_the_divider_is_reached_by_keyboard_and_the_mouse_leaves_the_keys_to_the_picture(view: PairView) -> None:
    show(view, Mode.WIPE)
    divider = found(view, Divider)

    drag(view, MIDDLE, QPoint(200, 180))

    assert divider.focusPolicy() == Qt.FocusPolicy.TabFocus
    assert not divider.hasFocus()
    assert not divider.isHidden()


def test_the_divider_is_there_in_a_wipe_of_two_only(view: PairView) -> None:
    divider = found(view, Divider)
    seen = {}
    for mode in Mode:
        show(view, mode)
        seen[mode] = divider.isVisible()
    show(view, Mode.WIPE)
    view.show_pair(pair(picture(WIDTH, HEIGHT), None))

    assert seen == {mode: mode is Mode.WIPE for mode in Mode}
    assert not divider.isVisible()


def test_a_screen_reader_hears_and_moves_the_divider(view: PairView) -> None:
    show(view, Mode.WIPE, wipe=0.3)

    knob = QAccessible.queryAccessibleInterface(found(view, Divider))

    assert knob.role() == QAccessible.Role.Slider
    assert "Divider" in knob.text(QAccessible.Text.Name)
    assert knob.valueInterface().currentValue() == 30
    knob.valueInterface().setCurrentValue(80)
    assert view.comparison.wipe == 0.8
