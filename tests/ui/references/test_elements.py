"""The tiles of elements: what a person does with mouse and keyboard, and what the draft has afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QWidget
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.media import ImageFacts
from klingstudio.ui.references.element_add import AddElement
from klingstudio.ui.references.element_tile import ElementTile
from klingstudio.ui.references.elements import ElementsArea
from klingstudio.ui.widgets.reference_drag import reference_data
from tests.fakes.drag import Drag
from tests.fakes.studio import BARE, PAID
from tests.ui.conftest import Desk

FRONT, LEFT, BACK, TOP = (f"/pictures/{name}.png" for name in ("mia", "left", "back", "top"))
HOW = (Qt.DropAction.MoveAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
press = QTest.keyClick


def area_of(desk: Desk) -> ElementsArea:
    return desk.window.references.elements


def add(desk: Desk, name: str = "Mia", frontal: str = FRONT, angles: tuple[str, ...] = ()) -> ElementTile:
    """An element of the draft, and its tile."""
    element_id = desk.draft.add_element(name, frontal, angles)
    tile = area_of(desk).tile(element_id)
    assert tile is not None
    tile.setFocus(Qt.FocusReason.TabFocusReason)
    return tile


def names(desk: Desk) -> list[str]:
    return [element.name for element in desk.draft.value.elements]


def pictures(desk: Desk, at: int = 0) -> tuple[str, tuple[str, ...]]:
    element = desk.draft.value.elements[at]
    return element.frontal, element.angles


def middle(widget: QWidget) -> QPoint:
    return widget.mapToGlobal(widget.rect().center())


def choose_in_dialog(window: QWidget, *paths: str) -> str:
    """Choose files in the dialog that was opened; its title."""
    (dialog,) = [one for one in window.findChildren(QFileDialog) if one.isVisible()]
    title = dialog.windowTitle()
    dialog.filesSelected.emit(list(paths))
    dialog.close()
    return title


def lines(menu: QMenu) -> dict[str, Callable[[], None]]:
    """What can be chosen in a menu, by its words."""
    return {one.text().partition("\t")[0]: one.trigger for one in menu.actions() if one.isEnabled() and one.text()}


# ------------------------------------------------------------------------------------------------------------ the tile


async def test_a_tile_says_what_it_is_for_eyes_and_ears(desk: Desk) -> None:
    await desk.start()

    tile = add(desk, angles=(LEFT, BACK))

    assert (tile.number, tile.words, tile.problem) == (1, "front + 2 angles", "")
    assert tile.accessibleName() == "Element 1, Mia, front + 2 angles"
    assert [slot.accessibleName() for slot in tile.slots] == [
        *("Front picture of Mia, mia.png", "Angle 1 of Mia, left.png", "Angle 2 of Mia, back.png"),
        "Add an angle to Mia",
    ]
    assert all(slot.toolTip() for slot in tile.slots)


@pytest.mark.parametrize("way", ["click", "Enter", "front picture", "name", "menu"])
async def test_it_is_inserted_by_each_way_there_is(way: str, desk: Desk) -> None:
    await desk.start()
    tile = add(desk)
    wanted: list[str] = []
    area_of(desk).insert_wanted.connect(wanted.append)

    match way:
        case "click":
            QTest.mouseClick(tile, Qt.MouseButton.LeftButton, pos=QPoint(tile.width() - 40, tile.height() - 6))
        case "Enter":
            press(tile, Qt.Key.Key_Return)
        case "front picture":
            QTest.mouseClick(tile.slots[0], Qt.MouseButton.LeftButton)
        case "name":
            QTest.mouseClick(tile.name.face, Qt.MouseButton.LeftButton)
            await desk.until(lambda: bool(wanted))
        case _:
            lines(tile.menu())["Insert @Element1"]()

    assert wanted == [desk.draft.figures[0].id]


async def test_the_name_is_changed_where_it_stands(desk: Desk) -> None:
    await desk.start()
    tile = add(desk)
    wanted: list[str] = []
    area_of(desk).insert_wanted.connect(wanted.append)

    press(tile, Qt.Key.Key_F2)
    QTest.keyClicks(tile.name.field, "Mia  the brave")
    press(tile.name.field, Qt.Key.Key_Return)
    assert names(desk) == ["Mia the brave"]
    assert tile.hasFocus()

    QTest.mouseDClick(tile.name.face, Qt.MouseButton.LeftButton)
    assert tile.name.is_editing
    QTest.keyClicks(tile.name.field, "No")
    press(tile.name.field, Qt.Key.Key_Escape)
    assert names(desk) == ["Mia the brave"]
    assert wanted == []

    press(tile, Qt.Key.Key_F2)
    QTest.keyClicks(tile.name.field, "Kept")
    area_of(desk).add.setFocus()
    assert names(desk) == ["Kept"]

    press(tile, Qt.Key.Key_F2)
    tile.name.field.clear()
    press(tile.name.field, Qt.Key.Key_Return)
    desk.draft.undo()
    assert names(desk) == ["Mia the brave"]


async def test_elements_change_places_and_go_by_keyboard_and_come_back_by_undo(desk: Desk) -> None:
    await desk.start()
    add(desk, "Mia")
    tile = add(desk, "Robot", LEFT)

    press(tile, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert (names(desk), tile.number) == (["Robot", "Mia"], 1)
    press(tile, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert names(desk) == ["Mia", "Robot"]

    press(tile, Qt.Key.Key_Delete)
    assert names(desk) == ["Mia"]
    assert area_of(desk).tiles()[0].hasFocus()
    press(area_of(desk).tiles()[0], Qt.Key.Key_Delete)
    assert names(desk) == []
    assert area_of(desk).add.hasFocus()

    desk.draft.undo()
    desk.draft.undo()
    assert names(desk) == ["Mia", "Robot"]


async def test_an_element_is_dragged_to_another_place(desk: Desk) -> None:
    await desk.start()
    for name in ("One", "Two", "Three"):
        add(desk, name)
    area, first = area_of(desk), desk.draft.figures[0].id
    await desk.settle()
    below_the_second = QPointF(20, area.tiles()[1].geometry().bottom() - 4)

    drag = Drag(area, at=below_the_second, data=reference_data(first))

    assert drag.enter().isAccepted()
    assert drag.drop()
    assert names(desk) == ["Two", "One", "Three"]


async def test_a_drag_that_is_no_reference_is_left_to_the_window(desk: Desk) -> None:
    await desk.start()
    add(desk)
    data = QMimeData()
    data.setText("words")

    entered = Drag(area_of(desk), at=QPointF(5, 5), data=data).enter()

    assert not entered.isAccepted()


async def test_an_image_of_the_draft_dropped_on_a_tile_is_an_angle_too(desk: Desk) -> None:
    await desk.start()
    desk.draft.add_pictures([Path(LEFT)])
    tile = add(desk)
    await desk.settle()
    at = QPointF(area_of(desk).mapFromGlobal(middle(tile.slots[1])))

    drag = Drag(area_of(desk), at=at, data=reference_data(desk.draft.pictures[0].id))
    drag.enter()
    assert tile.words == "Add angle to Mia"
    drag.drop()

    assert pictures(desk) == (FRONT, (LEFT,))
    assert tile.words == "front + 1 angle"


async def test_in_a_low_place_two_tiles_stand_side_by_side(desk: Desk) -> None:
    desk.open(width=880, height=700)
    await desk.start()
    desk.window.resize(880, 700)
    add(desk, "One")
    add(desk, "Two")
    await desk.settle()

    one, two = area_of(desk).tiles()
    assert one.y() == two.y()
    assert one.geometry().right() < two.x()


async def test_what_the_prompt_shows_is_found_among_the_tiles(desk: Desk) -> None:
    await desk.start()
    tile = add(desk)

    desk.draft.flash_wanted.emit(desk.draft.figures[0].id)

    assert tile.is_lit


# ----------------------------------------------------------------------------------------------------------- its slots


async def test_a_missing_front_is_said_and_chosen_at_its_place(desk: Desk) -> None:
    await desk.start()
    tile = add(desk, angles=(LEFT,))

    press(tile.slots[0], Qt.Key.Key_Delete)
    assert pictures(desk) == ("", (LEFT,))
    assert tile.problem == "Needs a front picture"
    assert tile.slots[0].accessibleName() == "Choose the front picture of Mia"
    problem = desk.draft.problem()
    assert problem is not None

    press(tile.slots[0], Qt.Key.Key_Return)
    assert choose_in_dialog(desk.window, BACK) == "Front picture of Mia"
    assert pictures(desk) == (BACK, (LEFT,))
    assert tile.problem == ""


async def test_angles_are_chosen_replaced_made_the_front_and_removed(desk: Desk) -> None:
    await desk.start()
    tile = add(desk)

    QTest.mouseClick(tile.slots[1], Qt.MouseButton.LeftButton)
    assert choose_in_dialog(desk.window, LEFT, BACK) == "Angle 1 of Mia"
    assert pictures(desk) == (FRONT, (LEFT, BACK))

    press(tile.slots[2], Qt.Key.Key_Return)
    choose_in_dialog(desk.window, TOP)
    assert pictures(desk) == (FRONT, (LEFT, TOP))

    lines(tile.slot_menu(2))["Make it the front"]()
    assert pictures(desk) == (TOP, (LEFT, FRONT))

    press(tile.slots[1], Qt.Key.Key_Backspace)
    assert pictures(desk) == (TOP, (FRONT,))
    desk.draft.undo()
    assert pictures(desk) == (TOP, (LEFT, FRONT))


async def test_with_all_angles_there_is_no_place_for_another(desk: Desk) -> None:
    await desk.start()

    tile = add(desk, angles=(LEFT, BACK, TOP))

    assert [slot.is_filled for slot in tile.slots] == [True] * 4


async def test_a_slot_offers_what_can_be_done_with_it(desk: Desk) -> None:
    await desk.start()
    tile = add(desk, angles=(LEFT,))
    cropped: list[tuple[str, int]] = []
    area_of(desk).crop_wanted.disconnect()
    area_of(desk).crop_wanted.connect(lambda id_, index: cropped.append((id_, index)))

    assert list(lines(tile.slot_menu(0))) == ["Insert @Element1", "Replace…", "Crop and rotate…", "Remove"]
    assert list(lines(tile.slot_menu(1))) == ["Replace…", "Make it the front", "Crop and rotate…", "Remove"]
    assert list(lines(tile.slot_menu(2))) == ["Choose a picture…"]
    lines(tile.slot_menu(1))["Crop and rotate…"]()

    assert cropped == [(desk.draft.figures[0].id, 1)]


@pytest.mark.parametrize("way", ["Shift+F10", "menu key", "right click"])
async def test_menus_open_by_key_and_mouse(way: str, desk: Desk) -> None:
    await desk.start()
    tile = add(desk)

    titles = []
    for widget in (tile, tile.slots[0]):
        centre = widget.rect().center()
        if way == "Shift+F10":
            press(widget, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
        else:
            reasons = QContextMenuEvent.Reason
            reason = reasons.Keyboard if way == "menu key" else reasons.Mouse
            QApplication.sendEvent(widget, QContextMenuEvent(reason, centre, widget.mapToGlobal(centre)))
        menu = QApplication.activePopupWidget()
        if isinstance(menu, QMenu):
            titles.append(list(lines(menu)))
            menu.close()

    assert [title[:2] for title in titles] == [["Insert @Element1", "Rename"], ["Insert @Element1", "Replace…"]]


async def test_what_is_wrong_with_a_picture_is_said_at_its_slot_with_what_helps(desk: Desk) -> None:
    small = ImageFacts(format="png", width_px=40, height_px=40, size_bytes=900)
    desk.studio.media.pictures["left.png"] = small
    desk.studio.media.pictures["back.png"] = InputRefused(Kind.IMAGE_UNREADABLE, "back.png")
    await desk.start()
    tile = add(desk, angles=(LEFT,))
    other = add(desk, "Robot", BACK)
    await desk.until(lambda: bool(tile.problem and other.problem))

    assert tile.problem == "Angle 1: too small"
    assert "40×40" in tile.slots[1].toolTip()
    assert tile.slots[0].accessibleDescription() == ""
    tile.fix.click()
    assert choose_in_dialog(desk.window, TOP) == "Angle 1 of Mia"
    assert pictures(desk) == (FRONT, (TOP,))

    assert other.problem == "Front: cannot be opened"
    other.fix.click()
    assert choose_in_dialog(desk.window, TOP) == "Front picture of Robot"
    assert pictures(desk, 1) == (TOP, ())


@pytest.mark.parametrize(
    ("width", "height", "size_bytes", "fixes"),
    [
        (200, 180, 900, ["Enlarge", "Replace…"]),
        (900, 300, 900, ["Crop…", "Add bars"]),
        (800, 600, 10_000_001, ["Make smaller", "Replace…"]),
    ],
)
async def test_a_refused_picture_of_an_element_is_mended_by_one_click_as_an_image_is(
    width: int, height: int, size_bytes: int, fixes: list[str], desk: Desk
) -> None:
    desk.studio.media.pictures["left.png"] = ImageFacts(
        format="png", width_px=width, height_px=height, size_bytes=size_bytes
    )
    await desk.start()
    tile = add(desk, angles=(LEFT,))
    await desk.until(lambda: bool(tile.problem))
    offered = [tile.fix.text(), tile.other_fix.text()]
    (made_here,) = [words for words in fixes if not words.endswith("…")]
    desk.studio.pictures.goes_on.clear()

    (tile.fix if tile.fix.text() == made_here else tile.other_fix).click()
    await desk.until(lambda: bool(desk.studio.pictures.asked))
    meanwhile = tile.problem, tile.fix.text(), made_here in lines(tile.slot_menu(1))
    desk.studio.pictures.goes_on.set()
    await desk.until(lambda: pictures(desk)[1] != (LEFT,))

    assert offered == fixes
    assert meanwhile == ("Editing…", "Cancel", False)
    assert desk.draft.undo_label == "replace an angle"
    desk.draft.undo()
    assert made_here in lines(tile.slot_menu(1))
    assert made_here not in lines(tile.slot_menu(0))


async def test_the_edit_of_a_picture_of_an_element_can_be_stopped(desk: Desk) -> None:
    desk.studio.media.pictures["left.png"] = ImageFacts(format="png", width_px=200, height_px=180, size_bytes=900)
    await desk.start()
    tile = add(desk, angles=(LEFT,))
    await desk.until(lambda: tile.fix.text() == "Enlarge")
    desk.studio.pictures.goes_on.clear()

    tile.fix.click()
    await desk.until(lambda: tile.fix.text() == "Cancel")
    tile.fix.click()
    desk.studio.pictures.goes_on.set()
    await desk.settle()

    assert pictures(desk) == (FRONT, (LEFT,))
    assert (tile.problem, tile.fix.text()) == ("Angle 1: too small", "Enlarge")


@pytest.mark.parametrize("what", ["tile", "front"])
async def test_a_double_click_inserts_it_once(what: str, desk: Desk) -> None:
    await desk.start()
    tile = add(desk)
    wanted: list[str] = []
    area_of(desk).insert_wanted.connect(wanted.append)
    widget, at = (
        (tile, QPoint(tile.width() - 40, tile.height() - 6)) if what == "tile" else (tile.slots[0], QPoint(9, 9))
    )

    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseDClick(widget, Qt.MouseButton.LeftButton, pos=at)

    assert len(wanted) == 1


async def test_del_at_an_empty_place_leaves_the_element_alone(desk: Desk) -> None:
    await desk.start()
    tile = add(desk)

    press(tile.slots[0], Qt.Key.Key_Delete)
    press(tile.slots[0], Qt.Key.Key_Delete)
    press(tile.slots[1], Qt.Key.Key_Delete)

    assert names(desk) == ["Mia"]
    assert pictures(desk) == ("", ())


@pytest.mark.parametrize("wide", [400, 220, 180, 150, 120, 80])
def test_the_words_that_open_the_library_are_never_cut(wide: int, qtbot: QtBot) -> None:
    row = AddElement()
    qtbot.addWidget(row)
    font = row.font()
    font.setPixelSize(28)
    row.setFont(font)
    row.from_library.setFont(font)
    row.resize(wide, 80)
    row.show()

    link = row.from_library
    assert link.isHidden() or row.rect().contains(link.geometry())
    assert link.isHidden() or link.width() >= link.sizeHint().width()
    assert row.sizeHint().width() >= link.sizeHint().width()


# ----------------------------------------------------------------------------------------------------- the row to add


async def test_a_new_element_is_made_of_chosen_files(desk: Desk) -> None:
    await desk.start()

    press(area_of(desk).add, Qt.Key.Key_Return)
    choose_in_dialog(desk.window, FRONT, LEFT, BACK, TOP, "/pictures/more.png")

    assert names(desk) == ["mia"]
    assert pictures(desk) == (FRONT, (LEFT, BACK, TOP))
    assert area_of(desk).tiles()[0].hasFocus()


async def test_where_no_element_can_be_added_the_row_says_why(desk: Desk) -> None:
    desk.studio.providers = (*desk.studio.providers, BARE)
    await desk.start()
    row = area_of(desk).add

    desk.draft.choose_provider(BARE.id)
    assert not row.isEnabled()
    assert row.toolTip().startswith("Bare takes no elements")

    desk.draft.choose_provider(PAID.id)
    assert row.isEnabled()
    desk.draft.add_pictures([Path(f"/pictures/{n}.png") for n in range(4)])
    assert row.toolTip() == "4 of 4 references used"
    assert not row.isEnabled()


async def test_an_element_that_the_provider_does_not_take_is_named_at_its_tile(desk: Desk) -> None:
    desk.studio.providers = (*desk.studio.providers, BARE)
    await desk.start()
    tile = add(desk)

    desk.draft.choose_provider(BARE.id)

    assert tile.problem.startswith("Bare takes no elements")
    tile.fix.click()
    assert names(desk) == []


# ---------------------------------------------------------------------------------- pictures that are held over it


async def test_every_place_says_what_a_drop_does_and_does_it(desk: Desk) -> None:
    await desk.start()
    tile = add(desk, angles=(LEFT,))
    area = area_of(desk)
    await desk.settle()

    said = []
    for widget in (tile.slots[0], tile.slots[1], tile.slots[2], tile.name, area.add):
        place = area.slot_at(middle(widget))
        assert place is not None
        place.light.offer(place.verb(1))
        said.append(place.light.words)
        place.light.clear()
    assert said == [
        *("Use as Mia's front", "Replace angle 1 of Mia", "Add angle to Mia", "Add angle to Mia", "New element"),
    ]
    assert area.slot_at(middle(desk.window.generate)) is None
    assert tile.words == "front + 1 angle"

    for widget, paths in ((tile.slots[2], [BACK, TOP]), (tile.slots[1], [TOP]), (area.add, [BACK, LEFT])):
        place = area.slot_at(middle(widget))
        assert place is not None
        area.put(place, [Path(path) for path in paths])
    assert pictures(desk) == (FRONT, (TOP, BACK, TOP))
    assert pictures(desk, 1) == (BACK, (LEFT,))


async def test_a_place_that_is_full_refuses_with_the_reason(desk: Desk) -> None:
    await desk.start()
    tile = add(desk, angles=(LEFT, BACK, TOP))
    area = area_of(desk)
    await desk.settle()

    place = area.slot_at(middle(tile.name))
    assert place is not None
    area.put(place, [Path("/pictures/more.png")])

    assert place.refusal == "Mia has 3 of 3 angles"
    assert pictures(desk) == (FRONT, (LEFT, BACK, TOP))


async def test_a_tile_without_a_front_takes_it_first(desk: Desk) -> None:
    await desk.start()
    tile = add(desk, frontal="", angles=(LEFT,))
    await desk.settle()

    place = area_of(desk).slot_at(middle(tile.name))
    assert place is not None
    assert place.verb(2) == "Use as Mia's front"
    area_of(desk).put(place, [Path(FRONT), Path(BACK)])

    assert pictures(desk) == (FRONT, (LEFT, BACK))
