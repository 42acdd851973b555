"""The element library in the window: what is kept, found, used, described, exported, imported and removed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel

from klingstudio.domain.element import Element, LibraryElement
from klingstudio.domain.errors import DiskProblem, InputRefused, Kind
from klingstudio.domain.job import State
from klingstudio.ui.dialogs.library import UNDO, LibraryDialog
from klingstudio.ui.models.library import Kept
from tests.fakes.drag import Drag
from tests.fakes.library import FakeLibrary
from tests.fakes.studio import BARE, a_job, a_request
from tests.ui.conftest import Desk

FRONT, LEFT = "/pictures/mia.png", "/pictures/left.png"
press = QTest.keyClick


def library_of(desk: Desk) -> FakeLibrary:
    return desk.studio.library


def three(desk: Desk) -> tuple[LibraryElement, LibraryElement, LibraryElement]:
    kept = library_of(desk)
    mia = kept.add("Mia", angles=(LEFT,), tags=("hero", "winter"), notes="Red coat")
    return mia, kept.add("Robot", tags=("hero",)), kept.add("Tower", tags=("place",))


async def opened(desk: Desk) -> LibraryDialog:
    """The dialog, opened as a person does it."""
    press(desk.window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    dialog = desk.window.findChild(LibraryDialog)
    assert dialog is not None
    await desk.until(dialog.isActiveWindow)
    return dialog


def shown(dialog: LibraryDialog) -> list[str]:
    return [dialog.rows.index(row).data() for row in range(dialog.rows.rowCount())]


def says(dialog: LibraryDialog, words: str) -> bool:
    return any(words in one.text() for one in dialog.findChildren(QLabel) if one.isVisible())


def file_dialog(dialog: LibraryDialog) -> QFileDialog:
    (found,) = [one for one in dialog.findChildren(QFileDialog) if one.isVisible()]
    return found


# -------------------------------------------------------------------------------------------------- saving from a draft


async def test_an_element_of_the_draft_is_saved_changed_and_brought_up_to_date(desk: Desk) -> None:
    await desk.start()
    said: list[str] = []
    desk.models.problems.said.connect(said.append)
    element_id = desk.draft.add_element("Mia", FRONT)
    area = desk.window.references.elements
    tile = area.tiles()[0]
    assert desk.models.library.kept(element_id) is Kept.NOT

    next(one for one in tile.menu().actions() if one.text() == "Save to library").trigger()
    await desk.until(lambda: desk.models.library.kept(element_id) is Kept.SAME)
    (kept,) = library_of(desk).all()
    assert (kept.name, kept.frontal) == ("Mia", FRONT)
    assert desk.draft.value.elements[0].library_id == kept.id
    assert not tile.save.isVisible()

    desk.draft.add_angles(element_id, [LEFT])
    assert desk.models.library.kept(element_id) is Kept.CHANGED
    assert tile.save.isVisible()
    assert tile.save.text() == "Update library"
    press(tile.save, Qt.Key.Key_Space)
    await desk.until(lambda: desk.models.library.kept(element_id) is Kept.SAME)

    assert library_of(desk).all()[0].angles == (LEFT,)
    assert said == ["Mia is in the library", "Mia in the library is up to date"]
    desk.draft.undo()
    assert desk.models.library.kept(element_id) is Kept.CHANGED


async def test_an_element_without_a_front_cannot_be_saved(desk: Desk) -> None:
    await desk.start()

    desk.draft.add_element("Mia")

    tile = desk.window.references.elements.tiles()[0]
    assert "Save to library" not in [one.text() for one in tile.menu().actions()]


async def test_a_save_that_fails_is_said_in_the_window(desk: Desk) -> None:
    await desk.start()
    library_of(desk).refuses = DiskProblem(Kind.DISK_FULL, "/library")
    element_id = desk.draft.add_element("Mia", FRONT)

    desk.models.library.save(element_id)
    await desk.until(lambda: bool(desk.window.messages.title))

    assert desk.window.messages.title == "The disk is full"
    assert desk.models.library.kept(element_id) is Kept.NOT
    assert desk.models.library.busy == ""


async def test_what_was_changed_while_it_was_saved_stays_and_is_said_to_differ(desk: Desk) -> None:
    await desk.start()
    element_id = desk.draft.add_element("Mia", FRONT)

    desk.models.library.save(element_id)
    desk.draft.name_element(element_id, "Mia the brave")
    await desk.until(lambda: desk.models.library.kept(element_id) is not Kept.NOT)

    assert desk.draft.value.elements[0].name == "Mia the brave"
    assert desk.models.library.kept(element_id) is Kept.CHANGED


async def test_a_copy_of_the_draft_made_while_an_element_is_saved_is_left_as_it_is(desk: Desk) -> None:
    await desk.start()
    element_id = desk.draft.add_element("Mia", FRONT)

    desk.models.library.save(element_id)
    desk.models.drafts.duplicate(desk.draft.value.id)
    await desk.until(lambda: bool(desk.models.library.every))
    await desk.settle()

    assert desk.draft.value.elements[0].library_id == ""
    assert desk.draft.undo_label == ""


# ------------------------------------------------------------------------------------------------- looking and using


async def test_an_empty_library_says_what_goes_there(desk: Desk) -> None:
    await desk.start()

    dialog = await opened(desk)

    assert dialog.empty.isVisible()
    assert says(dialog, "Save an element of a draft here to use it again")
    assert dialog.import_.isEnabled()
    assert not dialog.add.isEnabled()


async def test_each_element_says_what_it_is_and_how_often_it_was_used(desk: Desk) -> None:
    await desk.start()
    mia, *_ = three(desk)
    used = Element(frontal=FRONT, library_id=mia.id)
    for n, state in enumerate([State.COMPLETED, State.COMPLETED, State.REMOTE_FAILED], 1):
        desk.studio.queue.tell(a_job(n, state=state, request=a_request(elements=(used, used))))

    dialog = await opened(desk)

    heard = dialog.rows.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert heard == "Mia, front + 1 angle, used in 2 takes, tags hero, winter"
    assert dialog.details.about.text() == "front + 1 angle · used in 2 takes"
    desk.studio.queue.tell(a_job(4, state=State.PREPARING, request=a_request(elements=(used,))))
    desk.studio.queue.tell(a_job(4, state=State.COMPLETED, request=a_request(elements=(used,))))
    assert dialog.details.about.text() == "front + 1 angle · used in 3 takes"


async def test_words_and_tags_narrow_the_list_down(desk: Desk) -> None:
    await desk.start()
    three(desk)
    dialog = await opened(desk)
    assert shown(dialog) == ["Mia", "Robot", "Tower"]

    press(dialog, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(dialog.search, "HERO re")
    assert shown(dialog) == ["Mia"]
    dialog.search.clear()
    QTest.keyClicks(dialog.search, "nobody")
    assert dialog.nothing.isVisible()
    assert not dialog.add.isEnabled()

    dialog.search.clear()
    desk.models.library.choose_tag("hero")
    assert shown(dialog) == ["Mia", "Robot"]
    desk.models.library.choose_tag("")
    assert shown(dialog) == ["Mia", "Robot", "Tower"]


@pytest.mark.parametrize("way", ["Enter", "double click", "button"])
async def test_an_element_is_used_in_the_draft_by_each_way_there_is(way: str, desk: Desk) -> None:
    await desk.start()
    mia, *_ = three(desk)
    dialog = await opened(desk)

    match way:
        case "Enter":
            press(dialog.list, Qt.Key.Key_Return)
        case "double click":
            at = dialog.list.visualRect(dialog.rows.index(0)).center()
            QTest.mouseClick(dialog.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
            QTest.mouseDClick(dialog.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
        case _:
            QTest.mouseClick(dialog.add, Qt.MouseButton.LeftButton)

    (element,) = desk.draft.value.elements
    assert (element.name, element.places, element.library_id) == ("Mia", mia.places, mia.id)
    assert desk.models.library.kept(element.id) is Kept.SAME
    assert says(dialog, "Mia is in the draft")


async def test_where_the_draft_takes_none_the_button_says_why(desk: Desk) -> None:
    desk.studio.providers = (*desk.studio.providers, BARE)
    await desk.start()
    three(desk)
    dialog = await opened(desk)

    desk.draft.choose_provider(BARE.id)
    press(dialog.list, Qt.Key.Key_Return)

    assert not dialog.add.isEnabled()
    assert dialog.add.toolTip().startswith("Bare takes no elements")
    assert desk.draft.value.elements == ()


# --------------------------------------------------------------------------------------------- describing and removing


async def test_name_tags_and_notes_take_effect_when_their_field_is_left(desk: Desk) -> None:
    await desk.start()
    mia, *_ = three(desk)
    dialog = await opened(desk)
    details = dialog.details

    press(dialog.list, Qt.Key.Key_F2)
    assert details.name.hasFocus()
    QTest.keyClicks(details.name, "Mia in winter")
    press(details.name, Qt.Key.Key_Return)
    details.tags.setFocus()
    details.tags.clear()
    QTest.keyClicks(details.tags, "snow, , lead")
    details.notes.setFocus()
    QTest.keyClicks(details.notes, "! ")
    press(details.notes, Qt.Key.Key_Tab)

    kept = library_of(desk).kept[mia.id]
    assert (kept.name, kept.tags) == ("Mia in winter", ("snow", "lead"))
    assert "!" in kept.notes
    assert shown(dialog)[0] == "Mia in winter"


async def test_what_is_written_is_kept_when_another_element_is_chosen(desk: Desk) -> None:
    await desk.start()
    mia, *_ = three(desk)
    dialog = await opened(desk)
    dialog.details.notes.setFocus()
    QTest.keyClicks(dialog.details.notes, "Left-handed. ")
    assert library_of(desk).kept[mia.id].notes == "Red coat"

    dialog.list.setCurrentIndex(dialog.rows.index(1))

    assert library_of(desk).kept[mia.id].notes == "Left-handed. Red coat"
    assert dialog.details.name.text() == "Robot"


@pytest.mark.parametrize("way", ["button", "Ctrl+Z"])
async def test_a_removed_element_can_be_had_back(way: str, desk: Desk) -> None:
    await desk.start()
    three(desk)
    dialog = await opened(desk)
    press(dialog.list, Qt.Key.Key_Down)

    press(dialog.list, Qt.Key.Key_Delete)
    assert shown(dialog) == ["Mia", "Tower"]
    assert dialog.notice.title == "Robot was removed from the library"
    assert dialog.details.name.text() == "Tower"

    if way == "button":
        button = dialog.notice.button(UNDO)
        assert button is not None
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    else:
        press(dialog.list, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)

    assert shown(dialog) == ["Mia", "Robot", "Tower"]
    assert dialog.details.name.text() == "Robot"
    assert dialog.notice.title == ""


# --------------------------------------------------------------------------------------------------------------- files


async def test_an_element_is_exported_under_a_name_that_fits_it(desk: Desk) -> None:
    await desk.start()
    mia, *_ = three(desk)
    said: list[str] = []
    desk.models.problems.said.connect(said.append)
    dialog = await opened(desk)

    QTest.mouseClick(dialog.details.export, Qt.MouseButton.LeftButton)
    chooser = file_dialog(dialog)
    assert chooser.acceptMode() is QFileDialog.AcceptMode.AcceptSave
    assert [Path(name).name for name in chooser.selectedFiles()] == ["Mia.klingelement"]
    chooser.fileSelected.emit("/away/Mia.klingelement")
    chooser.close()
    await desk.until(lambda: bool(said))

    assert library_of(desk).exported == [(mia.id, Path("/away/Mia.klingelement"))]
    assert said == ["Saved as Mia.klingelement"]


async def test_imported_elements_are_shown_and_what_cannot_be_used_is_said(desk: Desk) -> None:
    await desk.start()
    three(desk)
    dialog = await opened(desk)
    QTest.keyClicks(dialog.search, "tower")

    QTest.mouseClick(dialog.import_, Qt.MouseButton.LeftButton)
    chooser = file_dialog(dialog)
    chooser.filesSelected.emit(["/away/Zoe.klingelement"])
    chooser.close()
    await desk.until(lambda: "Zoe" in shown(dialog))
    assert dialog.details.name.text() == "Zoe"
    assert dialog.search.text() == ""

    library_of(desk).refuses = InputRefused(Kind.ELEMENT_FILE_DAMAGED, "Odd.klingelement")
    desk.models.library.import_files([Path("/away/Odd.klingelement")])
    await desk.until(lambda: bool(dialog.notice.title))
    assert dialog.notice.title == "This element file is damaged or cut off"
    assert "Odd.klingelement" in dialog.notice.hint
    assert desk.window.messages.title == ""
    assert not dialog.stop.isVisible()


async def test_what_takes_long_is_said_and_can_be_cancelled(desk: Desk) -> None:
    await desk.start()
    dialog = await opened(desk)
    library_of(desk).gate = asyncio.Event()

    desk.models.library.import_files([Path("/away/Zoe.klingelement")])
    await desk.until(lambda: says(dialog, "Adding Zoe.klingelement…"))
    assert dialog.stop.isVisible()
    QTest.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)
    await desk.until(lambda: not dialog.stop.isVisible())

    assert library_of(desk).all() == ()
    assert dialog.notice.title == ""
    library_of(desk).gate = None
    desk.models.library.import_files([Path("/away/Zoe.klingelement")])
    await desk.until(lambda: shown(dialog) == ["Zoe"])


async def test_element_files_can_be_dropped_on_the_library(desk: Desk) -> None:
    await desk.start()
    dialog = await opened(desk)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/away/Zoe.klingelement"), QUrl.fromLocalFile("/away/notes.txt")])
    drag = Drag(dialog, at=QPointF(50, 50), data=data)

    entered = drag.enter()
    drag.drop()
    await desk.until(lambda: shown(dialog) == ["Zoe"])

    assert entered.isAccepted()
    assert not dialog.empty.isVisible()


async def test_every_control_of_the_library_has_a_name(desk: Desk) -> None:
    await desk.start()
    three(desk)
    dialog = await opened(desk)
    details = dialog.details

    controls = (dialog.search, dialog.list, details.name, details.tags, details.notes, details.export, details.remove)
    assert all(control.accessibleName() for control in controls)


async def test_in_a_narrow_place_what_is_chosen_stands_below_the_list(desk: Desk) -> None:
    await desk.start()
    three(desk)
    dialog = await opened(desk)

    dialog.resize(420, 700)
    await desk.settle()

    assert dialog.details.mapTo(dialog, QPoint(0, 0)).y() > dialog.list.geometry().bottom()
