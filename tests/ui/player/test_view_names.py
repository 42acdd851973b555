from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.player.comparison import Mode
from klingstudio.ui.player.playback.pair import Side
from tests.ui.player.pictures import pair, picture
from tests.ui.player.viewer import HEIGHT, MIDDLE, WIDTH, show, tags, viewer


@pytest.fixture
def view(qtbot: QtBot) -> PairView:
    return viewer(qtbot)


@pytest.mark.parametrize(
    ("mode", "choices", "names"),
    [
        (Mode.BEFORE, {}, {"Before"}),
        (Mode.AFTER, {}, {"After · v02"}),
        (Mode.BEFORE, {"is_flipped": True}, {"After · v02", "Flipped"}),
        (Mode.SIDE_BY_SIDE, {}, {"Before", "After · v02"}),
        (Mode.WIPE, {}, {"Before", "After · v02"}),
        (Mode.WIPE, {"wipes_across": True}, {"Before", "After · v02"}),
        (Mode.OVERLAY, {"opacity": 0.3}, {"Before", "After · v02", "Overlay 30 %"}),
        (Mode.DIFFERENCE, {"gain": 6.0}, {"Before", "After · v02", "Difference × 6"}),
        (
            Mode.WIPE,
            {"shows_heat": True, "is_flipped": True},
            {"Before", "After · v02", "Looking where they differ… · Flipped"},
        ),
    ],
)
def test_names_say_what_is_where_and_what_was_done_to_it(
    view: PairView, mode: Mode, choices: dict[str, object], names: set[str]
) -> None:
    view.set_names("", "v02")

    show(view, mode, **choices)

    placed = tags(view)
    assert set(placed) == names
    assert all(view.rect().contains(place) for place in placed.values())
    places = list(placed.values())
    assert not any(one.intersects(other) for number, one in enumerate(places) for other in places[:number])


@pytest.mark.parametrize("mode", list(Mode))
def test_long_names_are_cut_and_never_lie_on_each_other(view: PairView, mode: Mode) -> None:
    view.set_names(
        "a source with a name that nobody would give " * 3, "a take with a name that goes on and on and on " * 3
    )
    view.set_choosable(True)

    show(view, mode, is_flipped=True, shows_heat=True)

    placed = list(tags(view).items())
    assert {words[:5] for words, _ in placed} >= ({"After"} if mode is Mode.BEFORE else {"Befor"})
    assert any(words.endswith("…") for words, _ in placed)
    assert not any(one.intersects(other) for number, (_, one) in enumerate(placed) for _, other in placed[:number])


@pytest.mark.parametrize("wipe", [0.5, 0.3, 0.05, 0.0, 1.0])
def test_names_stay_on_their_side_of_the_divider(view: PairView, wipe: float) -> None:
    view.set_names("", "v02")

    show(view, Mode.WIPE, wipe=wipe)

    line = round(wipe * WIDTH)
    placed = tags(view)
    assert all(place.right() < line for words, place in placed.items() if "Before".startswith(words.rstrip("…")))
    assert all(place.left() >= line for words, place in placed.items() if words.startswith("After"))
    assert (wipe == 0.5) <= (len(placed) == 2)


def test_the_source_alone_needs_no_name(view: PairView) -> None:
    view.set_paired(False)
    view.show_pair(pair(picture(WIDTH, HEIGHT), None))
    assert tags(view) == {}

    view.show_pair(pair(None, picture(WIDTH, HEIGHT)))
    assert set(tags(view)) == {"After"}


def test_a_press_on_a_name_asks_for_another_clip_on_that_side(view: PairView) -> None:
    view.set_names("", "v02")
    show(view, Mode.WIPE, wipe=0.9)
    pressed: list[tuple[Side, QPoint]] = []
    view.side_pressed.connect(lambda side, below: pressed.append((side, view.mapFromGlobal(below))))

    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=tags(view)["Before"].center())
    assert pressed == []

    view.set_choosable(True)
    before = tags(view)["Before"]
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=before.center())
    show(view, Mode.SIDE_BY_SIDE)
    after = tags(view)["After · v02"]
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=after.center())
    assert pressed == [(Side.BEFORE, before.bottomLeft()), (Side.AFTER, after.bottomLeft())]
    assert view.comparison.wipe == 0.5


def test_the_pointer_says_what_it_can_do(view: PairView) -> None:
    show(view, Mode.WIPE)
    view.set_choosable(True)
    shapes = {}
    for what, at in {
        "name": tags(view)["Before"].center(),
        "line": QPoint(MIDDLE.x() + 4, 300),
        "picture": QPoint(100, 300),
    }.items():
        QTest.mouseMove(view, at)
        shapes[what] = view.cursor().shape()
    view.zoom_to(3)
    QTest.mouseMove(view, QPoint(120, 300))
    shapes["zoomed"] = view.cursor().shape()

    assert shapes == {
        "name": Qt.CursorShape.PointingHandCursor,
        "line": Qt.CursorShape.SplitHCursor,
        "picture": Qt.CursorShape.ArrowCursor,
        "zoomed": Qt.CursorShape.OpenHandCursor,
    }


@pytest.mark.parametrize(
    ("mode", "choices", "words"),
    [
        (Mode.BEFORE, {}, "Before · Source"),
        (Mode.AFTER, {}, "After · v02"),
        (Mode.BEFORE, {"is_flipped": True}, "After · v02"),
        (Mode.SIDE_BY_SIDE, {}, "Before · Source and After · v02, side by side"),
        (Mode.WIPE, {}, "Before · Source left of the divider, After · v02 right of it"),
        (Mode.WIPE, {"wipes_across": True}, "Before · Source above the divider, After · v02 below it"),
        (Mode.OVERLAY, {}, "After · v02 laid over Before · Source"),
        (Mode.DIFFERENCE, {"is_flipped": True}, "Difference of After · v02 and Before · Source"),
    ],
)
def test_what_is_to_be_seen_is_said_in_words(view: PairView, mode: Mode, choices: dict[str, bool], words: str) -> None:
    view.set_names("Source", "v02")

    show(view, mode, **choices)

    assert view.accessibleDescription() == words
