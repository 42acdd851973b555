"""What is said under the text, and the words that come with one click."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCharFormat
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from klingstudio.domain.prompt import Token, TokenKind
from klingstudio.store.settings import Snippet
from klingstudio.ui.models.phrases import CLAUSES
from klingstudio.ui.prompt.snippets import SaveDialog, SnippetsDialog
from tests.ui.prompt.conftest import Writer


def press(writer: Writer, name: str) -> None:
    """A button of the line under the text."""
    button = next(one for one in writer.panel.remark.buttons if one.text() == name)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def names(writer: Writer) -> list[str]:
    return [one.text() for one in writer.panel.remark.buttons]


async def test_a_number_without_a_picture_is_underlined_and_named(writer: Writer) -> None:
    writer.type("🎬 sky of @Image7")

    (mark,) = writer.edit.extraSelections()
    span = mark.cursor.selectionStart(), mark.cursor.selectionEnd()
    line = mark.format.underlineStyle()
    assert (span, line) == ((10, 17), QTextCharFormat.UnderlineStyle.WaveUnderline)
    assert writer.panel.remark.words == "@Image7 points at nothing"
    assert names(writer) == ["Remove", "Add image…"]


async def test_the_line_stays_under_its_word_when_another_word_becomes_a_chip(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.type("like  and @Image7")
    writer.put_caret(5)

    writer.type("@image1")

    (mark,) = writer.edit.extraSelections()
    assert mark.cursor.selectedText() == "@Image7"


async def test_it_is_replaced_with_one_click_and_one_step(writer: Writer) -> None:
    (image,) = writer.add("winter.jpg")
    writer.type("sky of @Image7 now")

    press(writer, "Replace with Image 1")

    assert writer.draft.words == ("sky of ", Token(TokenKind.IMAGE, image), " now")
    writer.draft.undo()
    assert writer.sent == "sky of @Image7 now"


async def test_it_is_removed_with_one_of_the_spaces_around_it(writer: Writer) -> None:
    writer.type("sky of @Image7 now")

    press(writer, "Remove")

    assert writer.sent == "sky of now"
    assert writer.panel.remark.isHidden()


async def test_a_picture_that_is_added_makes_it_right_by_itself(writer: Writer) -> None:
    wishes: list[bool] = []
    writer.panel.add_images_wanted.connect(lambda: wishes.append(True))
    writer.type("sky of @Image1")

    press(writer, "Add image…")
    (image,) = writer.add("sky.png")

    assert wishes == [True]
    assert writer.draft.words == ("sky of ", Token(TokenKind.IMAGE, image))
    assert writer.edit.extraSelections() == []


async def test_a_removed_picture_is_named_and_another_one_is_offered(writer: Writer) -> None:
    ids = writer.add("winter.jpg", "sky.png")
    writer.draft.replace_prompt("like @Image1")

    writer.draft.remove_reference(ids[0])

    assert writer.panel.remark.words == "The text still points at winter.jpg, which was removed"
    assert names(writer) == ["Remove", "Replace with Image 1", "Add image…"]


async def test_pictures_that_are_not_mentioned_are_inserted_with_one_click(writer: Writer) -> None:
    writer.add("winter.jpg", "sky.png")
    nothing_is_forgotten_yet = writer.panel.remark.words
    writer.type("snow")
    said = writer.panel.remark.words

    press(writer, "Insert both")

    assert nothing_is_forgotten_yet == ""
    assert said == "Image 1 and Image 2 are not mentioned"
    assert writer.sent == "snow @Image1 @Image2"
    assert writer.panel.remark.isHidden()


async def test_the_field_keeps_its_height_when_something_is_said(writer: Writer) -> None:
    QApplication.sendPostedEvents()
    before = writer.panel.sizeHint().height()

    writer.type("@Image7")
    QApplication.sendPostedEvents()

    assert abs(writer.panel.sizeHint().height() - before) <= 4


async def test_a_clause_is_inserted_as_text_and_a_second_click_selects_it(writer: Writer) -> None:
    clause = CLAUSES[0]
    writer.type("Make it snow")
    button = writer.panel.row.button("keep motion")

    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    once = writer.sent
    was_checked = button.isChecked()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    assert once == writer.sent == f"Make it snow. {clause.text}"
    assert was_checked
    assert writer.edit.textCursor().selectedText() == clause.text
    writer.press(Qt.Key.Key_Delete)
    assert writer.sent == "Make it snow. "
    assert not button.isChecked()


async def test_a_clause_is_one_step_of_undo(writer: Writer) -> None:
    writer.type("Make it snow.")
    QTest.mouseClick(writer.panel.row.button("keep face"), Qt.MouseButton.LeftButton)

    writer.press(Qt.Key.Key_Z, ctrl=True)

    assert writer.sent == "Make it snow."


async def test_a_text_is_kept_under_a_name_and_inserted_at_the_caret(writer: Writer) -> None:
    (image,) = writer.add("winter.jpg")
    writer.draft.replace_prompt("film grain of @Image1 now")
    writer.put_caret(0, len("film grain of *"))

    writer.panel._open_save(writer.edit.chosen_text())
    dialog = writer.panel._dialogs["save"]
    assert isinstance(dialog, SaveDialog)
    is_off_without_name = not dialog.keep.isEnabled()
    QTest.keyClicks(dialog.name, "grain")
    QTest.mouseClick(dialog.keep, Qt.MouseButton.LeftButton)
    writer.draft.replace_prompt("Snow with")
    writer.panel.row.button("grain").click()

    assert is_off_without_name
    assert writer.studio.settings.choices.snippets == (Snippet("grain", "film grain of @Image1"),)
    assert writer.draft.words == ("Snow with film grain of ", Token(TokenKind.IMAGE, image), " ")


async def test_a_snippet_is_renamed_deleted_and_brought_back(writer: Writer) -> None:
    writer.phrases.add("grain", "film grain")
    writer.phrases.add("grain", "fine grain")
    writer.panel._open_snippets()
    dialog = writer.panel._dialogs["snippets"]
    assert isinstance(dialog, SnippetsDialog)
    taken = [one.name for one in writer.phrases.snippets]

    dialog.list.setCurrentRow(0)
    dialog.list.item(0).setText("night")
    QTest.keyClick(dialog.list, Qt.Key.Key_Delete)
    after_deletion = [one.name for one in writer.phrases.snippets]
    QTest.mouseClick(dialog.undo, Qt.MouseButton.LeftButton)

    assert taken == ["grain", "grain 2"]
    assert after_deletion == ["grain 2"]
    assert [one.name for one in writer.phrases.snippets] == ["night", "grain 2"]


async def test_phrases_without_room_are_in_the_menu(writer: Writer) -> None:
    writer.window.resize(320, 300)
    # Lays everything out.
    writer.window.grab()

    writer.panel.row.more.click()

    menu = writer.panel.row.menu
    assert menu is not None
    shown = [one.text() for one in menu.actions() if one.text()]
    assert "keep camera" in shown
    assert shown[-2:] == ["Keep the text as a snippet…", "Manage snippets…"]


async def test_snippets_of_the_settings_are_there_from_the_start(writer: Writer) -> None:
    writer.studio.settings.update(snippets=(Snippet("grain", "film grain"),))

    writer.phrases.attach(writer.studio.as_studio)

    assert not writer.panel.row.button("grain").isHidden()
