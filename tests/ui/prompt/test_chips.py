"""A chip is one character of the text and always the same picture."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from klingstudio.domain.prompt import Token, TokenKind
from klingstudio.ui import theme
from klingstudio.ui.prompt.document import unit_at
from klingstudio.ui.prompt.edit import PLACEHOLDER
from klingstudio.ui.prompt.units import length, to_points, to_units
from klingstudio.ui.widgets.reference_drag import reference_data
from tests.fakes.drag import Drag
from tests.ui.prompt.conftest import Writer


def menu_of(writer: Writer) -> QMenu:
    menu = writer.panel.menus.menu
    assert menu is not None
    return menu


def choose(menu: QMenu, *names: str) -> None:
    """Go through a menu and its inner one."""
    for name in names:
        action = next(one for one in menu.actions() if one.text() == name)
        if (inside := action.menu()) is not None:
            assert isinstance(inside, QMenu)
            menu = inside
        else:
            action.trigger()


async def test_the_caret_passes_a_chip_in_one_step(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.draft.replace_prompt("🎬 @Image1!")
    writer.put_caret(0)

    stops = []
    for _ in range(4):
        writer.press(Qt.Key.Key_Right)
        stops.append(writer.caret)

    assert stops == [2, 3, 4, 5]


async def test_shift_and_arrow_select_a_chip_and_copy_gives_its_words(writer: Writer) -> None:
    writer.add("winter.jpg", "sky.png")
    writer.draft.replace_prompt("like @Image2 now")
    writer.put_caret(4)

    writer.press(Qt.Key.Key_Right, shift=True)
    writer.press(Qt.Key.Key_Right, shift=True)
    writer.press(Qt.Key.Key_C, ctrl=True)

    assert QApplication.clipboard().text() == " @Image2"


async def test_the_first_backspace_selects_a_chip_and_the_second_removes_it(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.type("Like @image1")
    assert writer.shown == "Like *"

    writer.press(Qt.Key.Key_Backspace)
    selected = writer.edit.textCursor().selectionStart(), writer.edit.textCursor().selectionEnd()
    after_one = writer.shown
    writer.press(Qt.Key.Key_Backspace)

    assert (selected, after_one) == ((5, 6), "Like *")
    assert writer.shown == writer.sent == "Like "


async def test_delete_takes_a_chip_as_one_character(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.draft.replace_prompt("a@Image1b")
    writer.put_caret(1)

    writer.press(Qt.Key.Key_Delete)

    assert writer.sent == "ab"


async def test_cut_and_paste_move_a_chip_that_stays_the_same_picture(writer: Writer) -> None:
    ids = writer.add("winter.jpg", "sky.png")
    writer.draft.replace_prompt("@Image2 and snow")
    writer.put_caret(0, 1)
    writer.press(Qt.Key.Key_X, ctrl=True)
    writer.draft.place_picture(ids[1], 0)

    writer.press(Qt.Key.Key_End)
    writer.press(Qt.Key.Key_V, ctrl=True)

    assert writer.sent == " and snow@Image1"
    assert writer.draft.words[-1] == Token(TokenKind.IMAGE, ids[1])


async def test_a_chip_that_was_cut_before_its_image_was_removed_never_becomes_another_image(writer: Writer) -> None:
    winter, sky = writer.add("winter.jpg", "sky.png")
    writer.draft.replace_prompt("like @Image1")
    writer.put_caret(5, 6)
    writer.press(Qt.Key.Key_X, ctrl=True)

    writer.draft.remove_reference(winter)
    writer.press(Qt.Key.Key_V, ctrl=True)
    dangling = writer.draft.words
    writer.draft.undo()
    writer.draft.undo()
    writer.press(Qt.Key.Key_V, ctrl=True)

    assert dangling == ("like ", Token(TokenKind.IMAGE, winter))
    assert writer.sent == "like @Image1"
    assert sky in writer.draft.value.unused


@pytest.mark.parametrize(
    "words",
    [
        "{",
        "[]",
        "7",
        '["{0}", ["Image", ""]]',
        '["{0}", ["Moon", "x"]]',
        '["{0}", 5]',
        "[" * 50_000,
        '["{0}", "' + "x" * 9000 + '"]',
    ],
)
async def test_what_another_program_puts_in_place_of_our_words_is_not_believed(words: str, writer: Writer) -> None:
    data = QMimeData()
    data.setText("snow")
    data.setData("application/x-klingstudio-words", words.replace("{0}", writer.draft.value.id).encode())

    writer.edit.insertFromMimeData(data)

    assert writer.sent == "snow"


async def test_a_chip_pasted_from_another_draft_is_taken_by_its_number(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.draft.replace_prompt("@Image1")
    writer.press(Qt.Key.Key_A, ctrl=True)
    writer.press(Qt.Key.Key_C, ctrl=True)
    writer.draft.load(writer.draft.begin())
    (other,) = writer.add("sky.png")

    writer.press(Qt.Key.Key_V, ctrl=True)

    assert writer.draft.words == (Token(TokenKind.IMAGE, other),)


@pytest.mark.parametrize("before", ["", "like ", "像", "(", "…", "🎬", "سماء "])
async def test_a_written_number_becomes_a_chip_behind_anything(writer: Writer, before: str) -> None:
    (image,) = writer.add("winter.jpg")
    writer.commit(before)

    writer.type("@IMAGE1 x")

    assert writer.draft.words == tuple(part for part in (before, Token(TokenKind.IMAGE, image), " x") if part)
    assert writer.caret == length(before) + 3


async def test_pasted_text_with_numbers_becomes_chips_and_the_caret_is_behind_it(writer: Writer) -> None:
    writer.add("winter.jpg", "sky.png")
    writer.type("See ")

    writer.paste("snow of @image1, sky of @Image2")

    assert writer.shown == "See snow of *, sky of *"
    assert writer.caret == len(writer.shown)


async def test_removing_a_picture_leaves_its_chip_dashed_and_undo_brings_it_back(writer: Writer) -> None:
    ids = writer.add("winter.jpg", "sky.png")
    writer.draft.replace_prompt("Snow of @Image1, sky of @Image2")

    writer.draft.remove_reference(ids[0])

    face = writer.panel.faces.of(Token(TokenKind.IMAGE, ids[0]))
    assert (face.number, face.label) == (None, "? winter.jpg")
    assert writer.sent == "Snow of @Image, sky of @Image1"
    writer.press(Qt.Key.Key_Z, ctrl=True)
    assert writer.sent == "Snow of @Image1, sky of @Image2"


async def test_moving_a_picture_leaves_text_caret_and_scrolling_alone(writer: Writer) -> None:
    ids = writer.add("winter.jpg", "sky.png")
    writer.draft.replace_prompt("Snow of @Image1, sky of @Image2")
    writer.put_caret(7)

    writer.draft.place_picture(ids[0], 1)

    assert (writer.caret, writer.shown) == (7, "Snow of *, sky of *")
    assert writer.sent == "Snow of @Image2, sky of @Image1"


async def test_a_reference_is_inserted_at_the_caret_with_the_spaces_it_needs(writer: Writer) -> None:
    (image,) = writer.add("winter.jpg")
    writer.draft.replace_prompt("Snow like and wind")
    writer.put_caret(len("Snow like"))

    writer.panel.insert_reference(image)

    assert writer.sent == "Snow like @Image1 and wind"
    assert writer.caret == len("Snow like *")
    writer.press(Qt.Key.Key_Z, ctrl=True)
    assert writer.sent == "Snow like and wind"


async def test_a_tile_dropped_on_the_text_becomes_a_chip(writer: Writer) -> None:
    (image,) = writer.add("winter.jpg")
    writer.draft.replace_prompt("Snow like now")
    writer.put_caret(9)
    there = writer.edit.cursorRect().center()
    writer.put_caret(0)
    drag = Drag(writer.edit.viewport(), at=QPointF(there), data=reference_data(image))

    accepted = [drag.enter().isAccepted(), drag.move(QPointF(there)), drag.drop()]

    assert accepted == [True, True, True]
    assert writer.sent == "Snow like @Image1 now"


async def test_files_and_bitmaps_are_left_to_the_window(writer: Writer, tmp_path: Path) -> None:
    files, bitmap = QMimeData(), QMimeData()
    files.setText("file")
    files.setUrls([QUrl("file:///clips/street.mp4")])
    bitmap.setData("image/png", b"data")

    for data in (files, bitmap):
        assert not writer.edit.canInsertFromMimeData(data)
        writer.edit.insertFromMimeData(data)

    assert writer.sent == ""


async def test_a_click_on_a_chip_opens_what_can_be_done_with_it(writer: Writer) -> None:
    ids = writer.add("winter.jpg", "sky.png")
    writer.draft.replace_prompt("like @Image1 now")
    flashed: list[str] = []
    writer.draft.flash_wanted.connect(flashed.append)

    QTest.mouseClick(writer.edit.viewport(), Qt.MouseButton.LeftButton, pos=writer.edit.chip_area(5).center())
    menu = menu_of(writer)

    assert [one.text() for one in menu.actions()] == [
        "",
        "Show Image 1",
        "Replace with",
        "Make it an element",
        "Remove",
    ]
    choose(menu, "Show Image 1")
    assert flashed == [ids[0]]
    choose(menu, "Replace with", "Image 2, sky.png")
    assert writer.sent == "like @Image2 now"


async def test_a_chip_follows_its_image_when_that_becomes_an_element(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.draft.replace_prompt("like @Image1 now")
    writer.put_caret(6)

    writer.press(Qt.Key.Key_F10, shift=True)
    choose(menu_of(writer), "Make it an element")

    assert writer.sent == "like @Element1 now"


async def test_the_menu_of_a_chip_opens_by_keyboard_and_remove_takes_one_of_two_spaces(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.draft.replace_prompt("like @Image1 now")
    writer.put_caret(6)

    writer.press(Qt.Key.Key_F10, shift=True)
    choose(menu_of(writer), "Remove")

    assert writer.sent == "like now"


async def test_the_menu_key_beside_no_chip_opens_the_menu_of_the_text(writer: Writer) -> None:
    writer.type("hello ")
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(1, 1), QPoint(1, 1))

    QApplication.sendEvent(writer.edit, event)

    names = [one.text() for one in menu_of(writer).actions() if one.text()]
    assert names == [
        *("Undo typing", "Redo", "Cut", "Copy", "Paste", "Select all"),
        "Keep the prompt as a snippet…",
    ]


async def test_hovering_a_chip_shows_its_picture_larger_with_its_words(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.draft.replace_prompt("like @Image1")

    writer.edit.card_wanted.emit(5)
    card = writer.panel.menus.card

    assert card is not None
    assert card.words == "Image 1, winter.jpg"
    writer.type("x")
    assert writer.panel.menus.card is None


async def test_a_reader_hears_words_for_a_chip(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.draft.replace_prompt("like @Image1 now")

    assert writer.edit.accessibleDescription() == "like @Image1, winter.jpg now"


async def test_a_space_before_the_first_chip_can_be_deleted_and_the_placeholder_comes_back(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.draft.replace_prompt(" @Image1")
    writer.put_caret(1)
    writer.press(Qt.Key.Key_Backspace)
    without_space = writer.shown

    writer.press(Qt.Key.Key_Delete)

    assert (without_space, writer.shown) == ("*", "")
    assert writer.edit.document().isEmpty()


async def test_the_first_letter_stands_where_the_placeholder_stood(writer: Writer) -> None:
    writer.window.setFocus()
    empty = writer.edit.viewport().grab().toImage()
    writer.draft.replace_prompt(PLACEHOLDER)
    written = writer.edit.viewport().grab().toImage()

    def top(image: QImage) -> int:
        ground = image.pixelColor(image.width() - 2, image.height() - 2)
        rows = (y for y in range(image.height()) for x in range(4, 80) if image.pixelColor(x, y) != ground)
        return next(rows)

    assert top(empty) == top(written)


async def test_a_line_with_a_chip_is_as_high_as_one_without(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.draft.replace_prompt("plain\nlike @Image1\nplain\nplain")
    writer.edit.grab()

    block = writer.edit.document().begin()
    baselines = []
    while block.isValid():
        line = block.layout().lineAt(0)
        baselines.append(block.layout().position().y() + line.y() + line.ascent())
        block = block.next()

    distances = [after - before for before, after in itertools.pairwise(baselines)]
    assert distances == pytest.approx([theme.px(theme.PROMPT_LINE)] * 3, abs=0.1)


@pytest.mark.parametrize("text", ["", "abc", "a🎬b", "👩‍🚀x", "سماء 🎬", "e\u0301"])
def test_positions_survive_the_way_to_qt_and_back(text: str) -> None:
    assert [to_points(text, to_units(text, n)) for n in range(len(text) + 1)] == list(range(len(text) + 1))
    assert length(text) == len(text.encode("utf-16-le")) // 2


def test_a_token_is_one_unit_and_an_emoji_two() -> None:
    words = ("🎬", Token(TokenKind.IMAGE, "a"), "b")

    assert [unit_at(words, n) for n in range(4)] == [0, 2, 3, 4]
