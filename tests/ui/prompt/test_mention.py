"""The list that opens at an `@`."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from klingstudio.domain.prompt import Token, TokenKind
from klingstudio.ui.prompt.picker import NOTHING, Picker
from tests.ui.prompt.conftest import Writer


def list_of(writer: Writer) -> Picker:
    picker = writer.edit.mention.picker
    assert picker is not None
    return picker


async def test_an_at_sign_offers_every_reference_and_enter_takes_one(writer: Writer) -> None:
    writer.add("winter.jpg", "sky.png")
    mia = writer.draft.add_element("Mia", "/pictures/mia.png")
    writer.type("Let @")

    rows = list_of(writer).rows
    writer.press(Qt.Key.Key_Down)
    writer.press(Qt.Key.Key_Down)
    writer.press(Qt.Key.Key_Return)

    assert rows == ["Image 1   winter.jpg", "Image 2   sky.png", "Element 1   Mia"]
    assert writer.draft.words == ("Let ", Token(TokenKind.ELEMENT, mia), " ")
    assert writer.edit.mention.picker is None
    assert writer.caret == len("Let * ")


@pytest.mark.parametrize("typed", ["2", "sky", "SK", "image2"[:5] + "", "y.p"])
async def test_typing_filters_by_number_and_name(writer: Writer, typed: str) -> None:
    writer.add("winter.jpg", "sky.png")

    writer.type(f"@{typed}")

    rows = list_of(writer).rows
    assert "Image 2   sky.png" in rows
    assert len(rows) == (2 if typed == "image" else 1)


async def test_what_was_typed_is_replaced_exactly(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.draft.replace_prompt("like , now")
    writer.put_caret(5)

    writer.type("@win")
    writer.press(Qt.Key.Key_Tab)

    assert writer.sent == "like @Image1, now"
    writer.press(Qt.Key.Key_Z, ctrl=True)
    assert writer.sent == "like @win, now"
    assert writer.edit.hasFocus()


async def test_the_space_behind_it_is_not_typed_twice_and_gives_way_to_a_comma(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.type("@")
    writer.press(Qt.Key.Key_Return)
    writer.type(" and @")
    writer.press(Qt.Key.Key_Return)

    writer.type(", now")

    assert writer.sent == "@Image1 and @Image1, now"


async def test_escape_closes_until_the_next_at_sign(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.type("@")

    writer.press(Qt.Key.Key_Escape)
    writer.type("w")
    after_escape = writer.edit.mention.picker
    writer.type(" @")

    assert after_escape is None
    assert list_of(writer).rows == ["Image 1   winter.jpg"]
    assert writer.edit.hasFocus()


async def test_enter_breaks_a_line_where_nothing_is_offered(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.type("@zz")
    assert writer.edit.mention.picker is None

    writer.press(Qt.Key.Key_Return)

    assert writer.sent == "@zz\n"


async def test_rubbing_out_opens_the_list_again(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.type("@wz")

    writer.press(Qt.Key.Key_Backspace)

    assert list_of(writer).rows == ["Image 1   winter.jpg"]


async def test_an_address_is_no_mention(writer: Writer) -> None:
    writer.add("winter.jpg")

    writer.type("me@")

    assert writer.edit.mention.picker is None


async def test_without_pictures_it_says_how_to_get_some_and_enter_breaks_the_line(writer: Writer) -> None:
    writer.type("@")
    assert list_of(writer)._nothing.text() == NOTHING
    assert list_of(writer)._nothing.isVisible()

    writer.press(Qt.Key.Key_Return)

    assert writer.sent == "@\n"
    assert writer.edit.mention.picker is None


async def test_a_click_takes_a_row_and_leaves_the_keyboard_in_the_text(writer: Writer) -> None:
    (image,) = writer.add("winter.jpg")
    writer.type("@")
    picker = list_of(writer)

    picker._list.itemClicked.emit(picker._list.item(0))

    assert writer.draft.words == (Token(TokenKind.IMAGE, image), " ")
    assert writer.edit.hasFocus()
    assert picker.focusPolicy() == picker._list.focusPolicy() == Qt.FocusPolicy.NoFocus


async def test_the_list_stays_inside_the_window_and_beside_the_caret(writer: Writer) -> None:
    writer.add("winter.jpg", "sky.png")
    writer.window.resize(420, 200)
    writer.type("Quite a long text that goes to the far right @")

    picker = list_of(writer)
    caret = writer.edit.cursorRect().translated(writer.edit.viewport().mapTo(writer.window, writer.edit.pos()))

    assert writer.window.rect().contains(picker.geometry())
    assert not picker.geometry().contains(caret.center())


async def test_the_list_follows_an_input_method(writer: Writer) -> None:
    writer.add("winter.jpg")

    writer.commit("像@")
    writer.commit("", preedit="wi")
    while_composing = writer.edit.mention.picker
    writer.commit("win")

    assert while_composing is not None
    assert list_of(writer).rows == ["Image 1   winter.jpg"]
    writer.press(Qt.Key.Key_Return)
    assert writer.sent == "像@Image1 "


async def test_leaving_the_word_closes_the_list(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.type("ab @")

    writer.press(Qt.Key.Key_Home)

    assert writer.edit.mention.picker is None
