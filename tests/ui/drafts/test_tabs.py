"""Drafts as tabs at the top of the window: pointer, keys, menus, and what is said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QTabBar

from klingstudio.domain.errors import DiskProblem, Kind
from klingstudio.domain.job import State
from tests.fakes.studio import a_job, a_request

if TYPE_CHECKING:
    from tests.ui.conftest import Desk

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def bar(desk: Desk) -> QTabBar:
    return desk.window.header.tabs.bar


def titles(desk: Desk) -> list[str]:
    return [bar(desk).tabText(index) for index in range(bar(desk).count())]


def middle(desk: Desk, index: int) -> QPoint:
    return bar(desk).tabRect(index).center()


def point_at(desk: Desk, index: int) -> None:
    at, none = QPointF(middle(desk, index)), Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, at, bar(desk).mapToGlobal(at), none, none, Qt.KeyboardModifier(0))
    QApplication.sendEvent(bar(desk), event)


async def write(desk: Desk, *prompts: str) -> None:
    await desk.start()
    for n, prompt in enumerate(prompts):
        if n:
            QTest.keyClick(desk.window, Qt.Key.Key_N, CTRL)
        desk.draft.replace_prompt(prompt)


async def test_the_keys_open_close_reopen_and_walk_through_drafts(desk: Desk) -> None:
    await write(desk, "snow", "night", "sepia")
    assert titles(desk) == ["snow", "night", "sepia"]
    assert bar(desk).currentIndex() == 2

    QTest.keyClick(desk.window, Qt.Key.Key_Tab, CTRL)
    assert desk.edit.toPlainText() == "snow"
    QTest.keyClick(desk.window, Qt.Key.Key_Backtab, CTRL | SHIFT)
    assert desk.edit.toPlainText() == "sepia"
    QTest.keyClick(desk.window, Qt.Key.Key_PageUp, CTRL)
    assert desk.edit.toPlainText() == "night"

    QTest.keyClick(desk.window, Qt.Key.Key_W, CTRL)
    assert titles(desk) == ["snow", "sepia"]
    QTest.keyClick(desk.window, Qt.Key.Key_T, CTRL | SHIFT)
    assert titles(desk) == ["snow", "night", "sepia"]
    assert desk.edit.toPlainText() == "night"

    QTest.keyClick(desk.window, Qt.Key.Key_PageDown, CTRL | SHIFT)
    assert titles(desk) == ["snow", "sepia", "night"]
    assert bar(desk).currentIndex() == 2


async def test_a_click_shows_a_draft_and_a_middle_click_closes_one(desk: Desk) -> None:
    await write(desk, "snow", "night", "sepia")

    QTest.mouseClick(bar(desk), Qt.MouseButton.LeftButton, pos=middle(desk, 0))
    assert desk.edit.toPlainText() == "snow"
    QTest.mouseClick(bar(desk), Qt.MouseButton.MiddleButton, pos=middle(desk, 1))

    assert titles(desk) == ["snow", "sepia"]
    assert desk.edit.toPlainText() == "snow"


async def test_the_tab_in_front_and_the_one_below_the_pointer_have_a_cross(desk: Desk) -> None:
    await write(desk, "snow", "night")
    front, below = bar(desk)._crosses  # type: ignore[attr-defined]
    assert front.isVisible()
    assert not below.isVisible()

    point_at(desk, 0)
    assert below.isVisible()
    assert bar(desk).tabRect(0).contains(below.geometry())
    QTest.mouseClick(below, Qt.MouseButton.LeftButton)

    assert titles(desk) == ["night"]
    assert bar(desk).tabRect(0).contains(front.geometry())


async def test_a_tab_that_is_dragged_changes_the_order(desk: Desk) -> None:
    await write(desk, "snow", "night", "sepia")
    start, end = middle(desk, 0), middle(desk, 2) + QPoint(20, 0)

    QTest.mousePress(bar(desk), Qt.MouseButton.LeftButton, pos=start)
    for share in (0.2, 0.5, 0.8, 1.0):
        QTest.mouseMove(bar(desk), start + (end - start) * share)
    QTest.mouseRelease(bar(desk), Qt.MouseButton.LeftButton, pos=end)

    assert titles(desk) == ["night", "sepia", "snow"]
    assert [desk.models.drafts.title(one) for one in desk.models.drafts.ids] == ["night", "sepia", "snow"]
    assert desk.edit.toPlainText() == "snow"


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
async def test_a_double_click_names_a_draft_in_its_place(desk: Desk, key: Qt.Key) -> None:
    await write(desk, "snow", "night")

    QTest.mouseDClick(bar(desk), Qt.MouseButton.LeftButton, pos=middle(desk, 0))
    field = bar(desk).findChild(QLineEdit, "draftName")
    assert field is not None
    assert (field.hasFocus(), field.selectedText()) == (True, "snow")
    QTest.keyClicks(field, "winter & ice")
    QTest.keyClick(field, key)

    is_named = key == Qt.Key.Key_Return
    assert desk.models.drafts.title(desk.models.drafts.ids[0]) == ("winter & ice" if is_named else "snow")
    assert bar(desk).accessibleTabName(0) == ("winter & ice" if is_named else "snow")


async def test_f2_on_the_tabs_names_the_draft_and_gives_the_keyboard_back(desk: Desk) -> None:
    await write(desk, "snow", "night")
    bar(desk).setFocus(Qt.FocusReason.TabFocusReason)

    QTest.keyClick(bar(desk), Qt.Key.Key_Left)
    assert desk.edit.toPlainText() == "snow"
    QTest.keyClick(bar(desk), Qt.Key.Key_F2)
    field = QApplication.focusWidget()
    assert isinstance(field, QLineEdit)
    QTest.keyClicks(field, "winter")
    QTest.keyClick(field, Qt.Key.Key_Return)

    assert titles(desk) == ["winter", "night"]
    assert bar(desk).hasFocus()


async def test_a_draft_that_is_closed_while_it_is_named_takes_the_field_along(desk: Desk) -> None:
    await write(desk, "snow", "night")
    desk.window.header.rename_draft()
    field = desk.window.findChild(QLineEdit, "draftName")
    assert field is not None

    QTest.keyClick(field, Qt.Key.Key_W, CTRL)

    assert titles(desk) == ["snow"]
    assert not field.isVisible()
    assert not desk.window.header.tabs.is_editing


async def test_the_menu_of_a_tab_is_about_that_tab(desk: Desk) -> None:
    await write(desk, "snow", "night", "sepia")

    desk.window.header.tabs._open_menu(desk.models.drafts.ids[1], QPoint(10, 10))
    menu = next(one for one in desk.window.header.tabs.findChildren(QMenu) if one.isVisible())
    lines = {action.text(): action for action in menu.actions() if action.text()}
    assert list(lines) == ["Rename…", "Duplicate", "Close", "Close others", "Reopen closed draft"]
    assert not lines["Reopen closed draft"].isEnabled()
    lines["Duplicate"].trigger()
    assert titles(desk) == ["snow", "night", "night 2", "sepia"]
    lines["Close others"].trigger()
    menu.close()

    assert titles(desk) == ["night"]
    assert desk.window.toast.words == "Closed 3 drafts"
    QTest.mouseClick(desk.window.toast.button, Qt.MouseButton.LeftButton)
    assert titles(desk) == ["snow", "night", "night 2", "sepia"]


async def test_tabs_are_a_list_of_tabs_for_a_screen_reader(desk: Desk) -> None:
    await write(desk, "snow", "night")

    seen = QAccessible.queryAccessibleInterface(bar(desk))

    assert seen.role() == QAccessible.Role.PageTabList
    tabs = [child for n in range(seen.childCount()) if (child := seen.child(n)).role() == QAccessible.Role.PageTab]
    assert [tab.text(QAccessible.Text.Name) for tab in tabs] == ["snow", "night"]


async def test_the_ring_is_around_the_tab_in_front(desk: Desk) -> None:
    await write(desk, "snow", "night")
    bar(desk).setFocus(Qt.FocusReason.TabFocusReason)

    QTest.keyClick(bar(desk), Qt.Key.Key_Left)

    ring, tab = desk.window.ring.geometry(), bar(desk).tabRect(0)
    assert ring.contains(tab.translated(bar(desk).mapTo(desk.window, QPoint(0, 0))))
    assert ring.width() < tab.width() * 1.2


@pytest.mark.parametrize(("width", "drafts"), [(1440, 1), (1440, 12), (960, 2), (960, 12), (640, 12)])
async def test_every_draft_can_be_reached_at_every_width(desk: Desk, width: int, drafts: int) -> None:
    desk.open(width, 600)
    for n in range(drafts):
        if n:
            desk.models.drafts.new()
        desk.draft.replace_prompt(f"draft number {n}")
    await desk.settle()

    assert desk.window.width() == width
    assert bar(desk).isVisible()
    front = bar(desk).tabRect(bar(desk).currentIndex())
    assert bar(desk).rect().intersected(front).width() > front.width() // 2
    add = desk.window.header.tabs.add
    assert desk.window.rect().contains(add.mapTo(desk.window, add.rect().bottomRight()))


async def test_one_draft_in_a_narrow_window_takes_no_line_until_it_is_named(desk: Desk) -> None:
    desk.open(960, 600)
    await desk.settle()
    low = desk.window.header.height()
    assert not bar(desk).isVisible()

    desk.window.header.rename_draft()
    field = desk.window.findChild(QLineEdit, "draftName")
    assert field is not None
    assert field.isVisible()
    QTest.keyClicks(field, "winter")
    QTest.keyClick(field, Qt.Key.Key_Return)

    assert desk.draft.value.name == "winter"
    assert desk.window.header.height() == low


async def test_undo_says_what_it_takes_back_and_works_from_everywhere(desk: Desk) -> None:
    await desk.start()
    menus = desk.window.menus
    assert (menus.undo.text(), menus.undo.isEnabled()) == ("Undo", False)
    desk.draft.add_pictures([Path("/a.png"), Path("/b.png")])
    desk.draft.remove_reference(desk.draft.value.images[1].id)
    assert menus.undo.text() == "Undo: remove Image 2"

    for place in (desk.generate, bar(desk), desk.edit):
        before = desk.draft.value
        place.setFocus(Qt.FocusReason.TabFocusReason)
        focus = QApplication.focusWidget() or desk.window
        QTest.keyClick(focus, Qt.Key.Key_Z, CTRL)
        assert len(desk.draft.value.images) == 2
        assert menus.redo.text() == "Redo: remove Image 2"
        QTest.keyClick(focus, Qt.Key.Key_Z, CTRL | SHIFT)
        assert desk.draft.value == before


async def test_a_field_keeps_its_own_undo_while_somebody_writes_in_it(desk: Desk) -> None:
    await write(desk, "snow")
    desk.window.header.rename_draft()
    field = desk.window.findChild(QLineEdit, "draftName")
    assert field is not None
    QTest.keyClicks(field, "winter")

    QTest.keyClick(field, Qt.Key.Key_Z, CTRL)

    assert field.text() != "winter"
    assert desk.draft.prompt == "snow"


async def test_a_draft_that_is_back_already_is_not_offered_again(desk: Desk) -> None:
    await write(desk, "snow", "night", "sepia")
    drafts, toast = desk.models.drafts, desk.window.toast
    drafts.close(drafts.ids[1])
    drafts.close(drafts.ids[1])
    assert toast.words == "Closed “sepia”"

    drafts.new()
    assert toast.words == "Closed “sepia”"
    drafts.reopen()
    assert toast.words == ""


async def test_what_was_removed_comes_back_with_the_button_of_the_toast(desk: Desk) -> None:
    await desk.start()
    desk.draft.add_pictures([Path("/a.png"), Path("/b.png")])
    toast = desk.window.toast

    desk.draft.remove_reference(desk.draft.value.images[0].id)
    assert toast.words == "Removed Image 1"
    QTest.mouseClick(toast.button, Qt.MouseButton.LeftButton)
    assert [Path(one.place).name for one in desk.draft.value.images] == ["a.png", "b.png"]
    assert toast.words == ""

    desk.draft.remove_reference(desk.draft.value.images[0].id)
    desk.draft.choose_takes(3)
    assert toast.words == ""


async def test_the_line_below_says_when_it_was_saved_and_when_it_could_not_be(desk: Desk) -> None:
    await desk.start()
    saved = desk.window.body.saved
    desk.draft.replace_prompt("snow")
    await desk.until(lambda: saved.text().startswith("saved "))

    desk.studio.drafts.refuses = DiskProblem(Kind.DISK_FULL, "the journal could not be written")
    desk.draft.replace_prompt("night")
    await desk.until(lambda: saved.text() == "not saved")
    assert desk.window.messages.isVisible()

    desk.studio.drafts.refuses = None
    desk.draft.replace_prompt("sepia")
    await desk.until(lambda: saved.text().startswith("saved "))


async def test_an_earlier_run_never_replaces_what_is_being_made(desk: Desk) -> None:
    await write(desk, "snow")
    desk.studio.queue.tell(a_job(state=State.COMPLETED, request=a_request(prompt="night")))

    desk.window.takes.run_again.emit("job-1")
    assert titles(desk) == ["snow", "street"]
    assert desk.edit.toPlainText() == "night"

    QTest.keyClick(desk.window, Qt.Key.Key_N, CTRL)
    desk.window.takes.run_again.emit("job-1")
    assert titles(desk) == ["snow", "street", "street 2"]


async def test_keys_insert_images_and_elements_by_their_number(desk: Desk) -> None:
    await desk.start()
    desk.draft.add_pictures([Path("/a.png"), Path("/b.png")])
    desk.draft.add_element("Mia", "/mia.png")
    inserts = [action.isEnabled() for action in desk.window.menus.insert_images + desk.window.menus.insert_elements]
    assert inserts == [True, True, False, False, True, False, False, False]

    QTest.keyClick(desk.window, Qt.Key.Key_2, CTRL)
    QTest.keyClick(desk.window, Qt.Key.Key_1, CTRL | SHIFT)

    assert desk.draft.prompt.split() == ["@Image2", "@Element1"]


async def test_the_sample_leaves_a_draft_that_has_a_clip_alone(desk: Desk) -> None:
    await desk.start()
    await desk.fill("snow")

    desk.window.use_sample()
    await desk.until(lambda: titles(desk) == ["street", "walk"])
