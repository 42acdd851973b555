"""The strip of pictures: what mouse and keys choose on it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QKeyEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from klingstudio.domain.media import Trim
from klingstudio.ui import theme
from klingstudio.ui.source.ruler import Ruler
from klingstudio.ui.source.strip import TrimStrip
from tests.fakes.limits import LIMITS

FPS = 25
WIDTH = 250


def times_of(length_s: float) -> tuple[float, ...]:
    return tuple(n / FPS for n in range(round(length_s * FPS) + 1))


class Bench:
    """A strip on screen, and everything it says."""

    def __init__(self, qtbot: QtBot) -> None:
        self.window = QWidget()
        self.strip = strip = TrimStrip(self.window)
        self.window.resize(WIDTH + 20, 80)
        strip.setGeometry(0, 0, WIDTH, strip.height())
        qtbot.addWidget(self.window)
        self.window.show()
        self.window.activateWindow()
        self.chosen: list[tuple[float, float]] = []
        self.follows: list[bool] = []
        self.dragged: list[Trim | None] = []
        self.looked_at: list[float] = []
        self.rested: list[float] = []
        strip.chosen.connect(self._on_chosen)
        strip.dragged.connect(self.dragged.append)
        strip.looked_at.connect(self.looked_at.append)
        strip.rested.connect(self.rested.append)

    def _on_chosen(self, part: Trim, follows: bool) -> None:
        self.chosen.append((part.start_s, part.end_s))
        self.follows.append(follows)

    def show(self, length_s: float, start_s: float, end_s: float) -> None:
        self.strip.show_clip(times_of(length_s), (b"",))
        self.strip.show_part(start_s, end_s, LIMITS)

    def point(self, time_s: float) -> QPoint:
        return QPoint(round(self.strip.ruler.x_of(time_s)), self.strip.height() // 2)

    def press(self, at: QPoint) -> None:
        QTest.mousePress(self.strip, Qt.MouseButton.LeftButton, pos=at)

    def drag(self, at: QPoint) -> None:
        QTest.mouseMove(self.strip, at)

    def let_go(self, at: QPoint) -> None:
        QTest.mouseRelease(self.strip, Qt.MouseButton.LeftButton, pos=at)

    @property
    def part(self) -> tuple[float, float]:
        return self.strip.part.start_s, self.strip.part.end_s


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    return Bench(qtbot)


# --- by hand -----------------------------------------------------------------------------------------------------------


def test_an_edge_is_dragged_to_whole_frames_and_told_once_it_is_let_go(bench: Bench) -> None:
    bench.show(12.4, 0.0, 10.0)
    at, to = bench.point(0.0), bench.point(1.2)

    bench.press(at)
    bench.drag((at + to) / 2)
    bench.drag(to)
    is_told_early = bool(bench.chosen)
    bench.let_go(to)

    assert not is_told_early
    assert len(bench.chosen) == 1
    start_s, end_s = bench.chosen[0]
    assert start_s in times_of(12.4)
    assert start_s == pytest.approx(1.2, abs=0.05)
    assert end_s == 10.0
    assert bench.follows == [False]


def test_while_an_edge_is_dragged_its_own_frame_is_looked_at(bench: Bench) -> None:
    bench.show(12.4, 0.0, 10.0)
    at = bench.point(10.0)

    bench.press(at)
    bench.drag(bench.point(8.0))
    part = bench.strip.part
    bench.let_go(bench.point(8.0))

    # The last frame that is still used, not the first one that is not.
    assert bench.looked_at[0] == pytest.approx(9.96)
    assert bench.looked_at[-1] == pytest.approx(part.end_s - 1 / FPS)
    assert bench.rested == [bench.looked_at[-1]]


def test_the_longest_and_the_shortest_part_stop_the_edge(bench: Bench) -> None:
    bench.show(12.4, 1.0, 10.0)

    bench.press(bench.point(10.0))
    bench.drag(QPoint(WIDTH + 40, 10))
    longest = bench.part
    bench.drag(QPoint(-40, 10))
    shortest = bench.part
    bench.let_go(QPoint(-40, 10))

    assert longest == (1.0, pytest.approx(11.0))
    assert shortest == (1.0, pytest.approx(4.0))


def test_the_part_is_slid_and_keeps_its_length(bench: Bench) -> None:
    bench.show(12.4, 0.0, 8.0)
    middle = bench.point(4.0)

    bench.press(middle)
    bench.drag(QPoint(WIDTH * 2, 10))
    bench.let_go(QPoint(WIDTH * 2, 10))

    assert bench.chosen == [(pytest.approx(4.4), pytest.approx(12.4))]


def test_a_press_alone_shows_the_frame_that_lies_there(bench: Bench) -> None:
    bench.show(12.4, 0.0, 8.0)

    for time_s in (3.0, 11.0):
        at = bench.point(time_s)
        bench.press(at)
        bench.let_go(at)

    assert bench.chosen == []
    assert bench.rested == [pytest.approx(3.0, abs=0.06), pytest.approx(11.0, abs=0.06)]
    assert bench.dragged == [None, None]
    assert all(time_s in times_of(12.4) for time_s in bench.rested)


def test_outside_of_the_part_dragging_only_looks(bench: Bench) -> None:
    bench.show(20.0, 0.0, 8.0)

    bench.press(bench.point(14.0))
    bench.drag(bench.point(18.0))
    bench.let_go(bench.point(18.0))

    assert bench.looked_at[0] == pytest.approx(14.0, abs=0.1)
    assert bench.rested == [pytest.approx(18.0, abs=0.1)]
    assert bench.part == (0.0, 8.0)


def test_escape_gives_a_drag_back(bench: Bench) -> None:
    bench.show(12.4, 0.0, 10.0)
    bench.press(bench.point(10.0))
    bench.drag(bench.point(7.0))
    dragged = bench.part

    QTest.keyClick(bench.strip.end, Qt.Key.Key_Escape)
    bench.drag(bench.point(5.0))
    bench.let_go(bench.point(5.0))

    assert dragged[1] < 8
    assert bench.part == (0.0, 10.0)
    assert bench.chosen == []
    assert bench.dragged[-1] is None


def test_escape_belongs_to_the_strip_only_while_something_is_held(bench: Bench) -> None:
    bench.show(12.4, 0.0, 10.0)
    passed_on = []
    for holds in (True, False):
        if holds:
            bench.press(bench.point(10.0))
        key = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(bench.strip, key)
        passed_on.append(not key.isAccepted())

    assert passed_on == [False, True]


def test_what_becomes_known_meanwhile_does_not_pull_the_edge_out_of_the_hand(bench: Bench) -> None:
    bench.show(12.4, 0.0, 10.0)
    bench.press(bench.point(10.0))
    bench.drag(bench.point(7.0))
    dragged = bench.part

    bench.strip.show_part(0.0, 10.0, LIMITS)

    assert bench.part == dragged


def test_each_edge_can_be_grabbed_from_ten_pixels_beside_it(bench: Bench) -> None:
    bench.show(20.0, 5.0, 12.0)
    left, right = bench.point(5.0), bench.point(12.0)
    found = []
    for edge in (left, right):
        for beside in (-10, 0, 10):
            at = edge + QPoint(beside, 0)
            bench.press(at)
            bench.drag(at + QPoint(-12 if edge is left else -20, 0))
            found.append((bench.part[0] != 5.0, bench.part[1] != 12.0))
            bench.strip.give_back()

    assert found == [(True, False)] * 3 + [(False, True)] * 3


def wheel(bench: Bench, at: QPoint, notches: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> bool:
    here = QPointF(at)
    event = QWheelEvent(
        here, bench.strip.mapToGlobal(here), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, keys,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    event.ignore()
    QApplication.sendEvent(bench.strip, event)
    return event.isAccepted()


def test_the_wheel_goes_by_frames_but_only_for_who_works_there(bench: Bench) -> None:
    bench.show(12.4, 1.0, 9.0)
    by_passing = wheel(bench, bench.point(1.0), 1)
    bench.strip.start.setFocus()

    wheel(bench, bench.point(1.0), 1)
    wheel(bench, bench.point(5.0), -1, Qt.KeyboardModifier.ShiftModifier)

    assert not by_passing
    assert bench.chosen == [(pytest.approx(1.04), 9.0), (pytest.approx(0.64), pytest.approx(8.6))]


# --- by key ------------------------------------------------------------------------------------------------------------

SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.mark.parametrize(
    ("edge", "key", "keys", "part"),
    [
        ("start", Qt.Key.Key_Right, NONE, (1.04, 9.0)),
        ("start", Qt.Key.Key_Left, NONE, (0.96, 9.0)),
        ("start", Qt.Key.Key_Right, SHIFT, (1.4, 9.0)),
        ("start", Qt.Key.Key_Home, NONE, (0.0, 9.0)),
        ("start", Qt.Key.Key_End, NONE, (6.0, 9.0)),
        ("start", Qt.Key.Key_Left, ALT, (0.96, 8.96)),
        ("end", Qt.Key.Key_Right, NONE, (1.0, 9.04)),
        ("end", Qt.Key.Key_Left, SHIFT, (1.0, 8.6)),
        ("end", Qt.Key.Key_Home, NONE, (1.0, 4.0)),
        ("end", Qt.Key.Key_End, NONE, (1.0, 11.0)),
        ("end", Qt.Key.Key_Right, ALT | SHIFT, (1.4, 9.4)),
    ],
)
def test_keys_go_one_frame_or_ten_or_as_far_as_can_be(
    bench: Bench, edge: str, key: Qt.Key, keys: Qt.KeyboardModifier, part: tuple[float, float]
) -> None:
    bench.show(12.4, 1.0, 9.0)
    handle = bench.strip.start if edge == "start" else bench.strip.end
    handle.setFocus()

    QTest.keyClick(handle, key, keys)

    assert bench.chosen == [pytest.approx(part)]
    assert bench.follows == [True]
    looked_at = bench.part[0] if edge == "start" else bench.part[1] - 1 / FPS
    assert bench.rested == [pytest.approx(looked_at)]


def test_a_screen_reader_finds_two_sliders_with_their_times(bench: Bench) -> None:
    bench.show(12.4, 1.2, 9.92)
    ends = (bench.strip.start, bench.strip.end)
    faces = [QAccessible.queryAccessibleInterface(end) for end in ends]

    assert [face.role() for face in faces] == [QAccessible.Role.Slider] * 2
    # Frames are numbered as in the player, from 1; the part ends behind its last one.
    names = [face.text(QAccessible.Text.Name) for face in faces]
    assert names == ["In 00:01.20, frame 31", "Out 00:09.92, frame 248"]


def test_what_assistive_technology_sets_is_a_choice_too(bench: Bench) -> None:
    bench.show(12.4, 1.0, 9.0)

    bench.strip.end.setSliderPosition(200)
    bench.strip.end.triggerAction(bench.strip.end.SliderAction.SliderMove)

    assert bench.chosen == [(1.0, pytest.approx(8.0))]


# --- what it shows -----------------------------------------------------------------------------------------------------


def test_nothing_can_be_taken_hold_of_before_frames_and_limits_are_known(bench: Bench) -> None:
    states = []
    for times, limits, words in (
        ((), LIMITS, ""), (times_of(5), None, ""), (times_of(2), LIMITS, ""), (times_of(5), LIMITS, "Reading…"),
    ):  # fmt: skip
        bench.strip.show_clip(times, (), words)
        bench.strip.show_part(0.0, times[-1] if times else 5.0, limits)
        bench.press(QPoint(2, 5))
        states.append((bench.strip.can_trim, bench.strip.is_held, bench.strip.start.isEnabled()))

    assert states == [(False, False, False)] * 4


def test_what_is_not_used_is_dimmed_and_the_part_is_framed(bench: Bench) -> None:
    bench.show(20.0, 6.0, 14.0)
    accent = theme.tokens(bench.strip.palette()).accent

    image = bench.strip.grab().toImage()

    def colour(time_s: float, dx: int = 0) -> str:
        return image.pixelColor(bench.point(time_s).x() + dx, 4).name()

    assert colour(6.0, dx=1) == accent
    assert colour(14.0, dx=-2) == accent
    assert colour(10.0) != accent
    assert colour(2.0) != colour(10.0)


@given(
    length_s=st.floats(3.0, 3600.0),
    share=st.floats(0.0, 1.0),
    part_share=st.floats(0.3, 1.0),
    width=st.floats(120.0, 900.0),
)
def test_every_moment_has_its_place_and_every_place_its_moment(
    length_s: float, share: float, part_share: float, width: float
) -> None:
    part_s = min(10.0, length_s) * part_share
    start_s = (length_s - part_s) * share
    ruler = Ruler.laid(length_s, width, start_s, start_s + part_s, most_s=10.0, least_px=96)

    moments = [length_s * n / 20 for n in range(21)] + [start_s, start_s + part_s]
    places = [ruler.x_of(moment) for moment in sorted(moments)]

    assert places == sorted(places)
    assert places[0] == pytest.approx(0, abs=1e-6)
    assert places[-1] == pytest.approx(width, abs=1e-3)
    assert [ruler.time_at(place) for place in places] == pytest.approx(sorted(moments), abs=length_s * 1e-6 + 1e-6)
    # However long the source is, the part can be seen and taken hold of.
    assert ruler.right - ruler.left >= 96 * part_s / 10 - 1e-6


def test_in_a_long_source_the_edge_stays_under_the_hand(bench: Bench) -> None:
    bench.show(600.0, 0.0, 10.0)
    at = bench.point(0.0)

    bench.press(at)
    bench.drag(at + QPoint(30, 0))
    edges = bench.strip.ruler.left, bench.strip.ruler.right
    bench.let_go(at + QPoint(30, 0))

    assert edges[0] == pytest.approx(30, abs=1)
    assert edges[1] == pytest.approx(theme.px(theme.TRIM_PART_LEAST), abs=1)
    assert bench.chosen[0][1] == 10.0


def test_another_provider_ends_a_drag(bench: Bench) -> None:
    bench.show(12.4, 0.0, 10.0)
    bench.press(bench.point(10.0))
    bench.drag(bench.point(7.0))

    bench.strip.show_part(0.0, 5.0, replace(LIMITS, clip_max_s=5.0))

    assert not bench.strip.is_held
    assert bench.part == (0.0, 5.0)
