from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QNativeGestureEvent, QPointingDevice
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from klingstudio.ui.player.canvas.divider import Divider
from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.player.comparison import Mode
from tests.ui.player.conftest import found
from tests.ui.player.pictures import AFTER_BLUE, BEFORE_BLUE, pair, picture, rgb
from tests.ui.player.viewer import HEIGHT, MIDDLE, WIDTH, drag, painted, show, tags, turn, viewer


@pytest.fixture
def view(qtbot: QtBot) -> PairView:
    return viewer(qtbot)


def test_zoomed_in_each_pixel_is_a_square_and_both_sides_show_the_same_place(view: PairView) -> None:
    show(view, Mode.WIPE)

    view.zoom_to(8, QPointF(0, 0))

    image = painted(view)
    assert view.zoom == 8
    for x, y in ((80, 200), (87, 207), (88, 208), (300, 40), (400, 200), (639, 350)):
        assert rgb(image, x, y) == (x // 8, y // 8, BEFORE_BLUE if x < MIDDLE.x() else AFTER_BLUE)


def test_what_is_under_the_pointer_stays_there(view: PairView) -> None:
    show(view, Mode.BEFORE)
    at = QPoint(200, 240)

    assert turn(view, at, 120 * 8, keys=Qt.KeyboardModifier.ControlModifier)

    red, green, _ = rgb(painted(view), at.x(), at.y())
    assert view.scale == pytest.approx(1.25**8)
    assert abs(red - at.x()) <= 1
    assert abs(green - at.y()) <= 1


def test_zooming_in_one_half_zooms_the_other_around_the_same_point(view: PairView) -> None:
    show(view, Mode.SIDE_BY_SIDE)
    half = view.box[0]

    view.zoom_to(4.0, QPointF(WIDTH - half + 40, MIDDLE.y()))

    image = painted(view)
    for x, y in ((40, 180), (160, 60), (300, 300)):
        red, green, _ = rgb(image, x, y)
        assert rgb(image, WIDTH - half + x, y) == (red, green, AFTER_BLUE)
    assert rgb(image, 40, 180)[0] == pytest.approx(40 * WIDTH / half, abs=2)


@pytest.mark.parametrize("button", [Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton])
def test_the_zoomed_picture_is_dragged_with_the_mouse(view: PairView, button: Qt.MouseButton) -> None:
    show(view, Mode.BEFORE)
    view.zoom_to(4)
    was = rgb(painted(view), 200, 200)

    drag(view, QPoint(200, 200), QPoint(120, 240), button)

    assert rgb(painted(view), 120, 240) == was
    assert rgb(painted(view), 200, 200) == (was[0] + 20, was[1] - 10, was[2])


def test_a_picture_that_is_seen_whole_is_not_dragged(view: PairView) -> None:
    show(view, Mode.BEFORE)

    drag(view, QPoint(200, 200), QPoint(120, 240))

    assert view.zoom is None
    assert rgb(painted(view), 200, 200) == (200, 200, BEFORE_BLUE)


def test_the_wheel_alone_moves_the_zoomed_picture_and_else_is_left_to_others(view: PairView) -> None:
    show(view, Mode.BEFORE)
    assert not turn(view, MIDDLE, -120)

    view.zoom_to(4)
    was = rgb(painted(view), 200, 200)

    assert turn(view, MIDDLE, -120)
    assert rgb(painted(view), 200, 140) == was


def test_two_fingers_zoom(view: PairView) -> None:
    show(view, Mode.BEFORE)
    at = QPointF(100, 100)

    for _ in range(3):
        pinch = QNativeGestureEvent(
            Qt.NativeGestureType.ZoomNativeGesture,
            QPointingDevice.primaryPointingDevice(),
            2,
            at,
            at,
            QPointF(view.mapToGlobal(at)),
            0.5,
            QPointF(),
        )
        QApplication.sendEvent(view, pinch)

    assert view.zoom == pytest.approx(1.5**3)
    red, green, _ = rgb(painted(view), 100, 100)
    assert abs(red - 100) <= 1
    assert abs(green - 100) <= 1


def test_stops_are_passed_in_both_directions(view: PairView) -> None:
    show(view, Mode.BEFORE)
    told: list[float | None] = []
    view.zoom_changed.connect(lambda: told.append(view.zoom))

    view.zoom_in()
    view.zoom_in()
    view.zoom_out()
    view.zoom_out()
    view.zoom_out()

    assert told == [1.5, 2.0, 1.5, None]


def test_true_size_and_the_whole_picture_are_one_step_away(view: PairView) -> None:
    show(view, Mode.BEFORE)
    view.set_source_sizes((4 * WIDTH, 4 * HEIGHT), (4 * WIDTH, 4 * HEIGHT))
    assert view.scale == 0.25

    view.actual_size()
    assert (view.zoom, view.scale) == (1.0, 1.0)

    view.fit()
    assert (view.zoom, view.scale) == (None, 0.25)


def test_zooming_in_asks_for_larger_pictures_up_to_the_size_of_the_clip(view: PairView, qtbot: QtBot) -> None:
    show(view, Mode.BEFORE)
    view.set_source_sizes((4 * WIDTH, 4 * HEIGHT), (4 * WIDTH, 4 * HEIGHT))
    boxes: list[tuple[int, int]] = []
    view.box_changed.connect(lambda width, height: boxes.append((width, height)))

    for scale in (0.5, 1.0, 8.0):
        view.zoom_to(scale)
        if view.box != (boxes[-1] if boxes else None):
            with qtbot.waitSignal(view.box_changed, timeout=20_000):
                pass

    assert boxes == [(2 * WIDTH, 2 * HEIGHT), (4 * WIDTH, 4 * HEIGHT)]


def test_a_picture_that_is_not_there_in_full_yet_is_smoothed(view: PairView) -> None:
    show(view, Mode.BEFORE)
    view.set_source_sizes((4 * WIDTH, 4 * HEIGHT), None)
    view.zoom_to(4.0, QPointF(0, 0))

    reds = {}
    for is_draft in (False, True):
        view.show_pair(pair(picture(WIDTH // 2, HEIGHT // 2, is_draft=is_draft), picture(WIDTH, HEIGHT)))
        image = painted(view)
        reds[is_draft] = [rgb(image, x, 200)[0] for x in range(100, 200)]

    assert reds[False] == reds[True]
    assert all(0 <= right - left <= 1 for left, right in pairwise(reds[True]))


def test_the_name_stays_in_sight_when_the_picture_does_not(view: PairView) -> None:
    show(view, Mode.WIPE)
    view.zoom_to(8)

    assert set(tags(view)) == {"Before", "After"}
    assert all(view.rect().contains(place) for place in tags(view).values())


def test_a_zoomed_wipe_keeps_its_divider_in_sight(view: PairView) -> None:
    show(view, Mode.WIPE, wipe=0.25)

    view.zoom_to(8, QPointF(WIDTH - 1, HEIGHT - 1))

    assert found(view, Divider).geometry().center().x() == pytest.approx(0.25 * WIDTH, abs=1)
    image = painted(view)
    assert rgb(image, 140, 100)[2] == BEFORE_BLUE
    assert rgb(image, 200, 100)[2] == AFTER_BLUE


def test_another_size_of_the_viewer_keeps_the_zoom_and_fills_it(view: PairView) -> None:
    show(view, Mode.BEFORE)
    view.zoom_to(2.0, QPointF(WIDTH, HEIGHT))

    view.resize(900, 500)

    image = painted(view)
    assert view.zoom == 2.0
    assert rgb(image, 880, 480) == ((1280 - 900 + 880) // 2 % 256, (720 - 500 + 480) // 2 % 256, BEFORE_BLUE)
