"""Words go into the draft as they are typed, pasted, composed, recalled and undone."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from klingstudio.domain.draft import Draft
from klingstudio.domain.request import Tier
from klingstudio.ui.models.history import History
from tests.ui.prompt.conftest import Writer


async def test_undo_goes_back_word_by_word_and_redo_forth_again(writer: Writer) -> None:
    writer.type("make it snow")

    texts = []
    for _ in range(3):
        writer.press(Qt.Key.Key_Z, ctrl=True)
        texts.append(writer.sent)
    writer.press(Qt.Key.Key_Z, ctrl=True, shift=True)
    writer.press(Qt.Key.Key_Y, ctrl=True)

    assert texts == ["make it ", "make ", ""]
    assert writer.shown == writer.sent == "make it "


async def test_a_pause_ends_a_step(writer: Writer) -> None:
    writer.type("sno")
    writer.clock.now += 2
    writer.type("w")

    writer.press(Qt.Key.Key_Z, ctrl=True)

    assert writer.sent == "sno"


async def test_what_is_rubbed_out_at_once_is_one_step(writer: Writer) -> None:
    writer.type("snow")
    for _ in range(3):
        writer.press(Qt.Key.Key_Backspace)

    writer.press(Qt.Key.Key_Z, ctrl=True)

    assert writer.sent == "snow"


async def test_undo_is_the_drafts_so_that_it_takes_back_more_than_words(writer: Writer) -> None:
    writer.type("snow")
    writer.draft.choose_tier(Tier.STANDARD)

    writer.press(Qt.Key.Key_Z, ctrl=True)

    assert writer.draft.value.tier is Tier.PRO
    assert writer.sent == "snow"
    assert not writer.edit.document().isUndoRedoEnabled()


async def test_too_much_text_is_refused_at_once_with_the_count(writer: Writer) -> None:
    writer.type("snow")
    data = QMimeData()
    data.setText("x" * 204_800)

    began_at = time.perf_counter()
    writer.edit.insertFromMimeData(data)
    took_s = time.perf_counter() - began_at

    assert writer.panel.remark.words == "Not pasted: 204,800 characters; the most is 2,500"
    assert writer.sent == writer.shown == "snow"
    assert took_s < 0.1
    writer.type("y")
    assert writer.panel.remark.words == ""


async def test_pasting_leaves_out_what_is_no_text(writer: Writer) -> None:
    writer.paste("a\r\nb\x07\ufffc\u2028c\td\u202e\ufdd0")

    assert writer.sent == "a\nb\nc d\u202e"
    assert writer.shown == writer.sent


async def test_rich_text_is_pasted_plain(writer: Writer) -> None:
    data = QMimeData()
    data.setHtml("<b>snow</b><img src='x.png'>")
    data.setText("snow")

    writer.edit.insertFromMimeData(data)

    assert (writer.sent, writer.edit.textCursor().charFormat().fontWeight()) == ("snow", 400)


async def test_what_is_being_composed_is_not_yet_in_the_draft(writer: Writer) -> None:
    writer.type("雪 ")

    writer.commit("", preedit="ni hao")
    while_composing = writer.sent
    writer.commit("你好")

    assert (while_composing, writer.sent) == ("雪 ", "雪 你好")


async def test_composing_goes_on_while_the_draft_changes_elsewhere(writer: Writer) -> None:
    ids = writer.add("winter.jpg", "sky.png")
    writer.draft.replace_prompt("@Image1 and @Image2")
    writer.put_caret(5)
    writer.commit("", preedit="ni")

    writer.draft.place_picture(ids[0], 1)
    writer.commit("你")

    assert writer.sent == "@Image2 and你 @Image1"


async def test_half_an_emoji_is_not_left_behind(writer: Writer) -> None:
    writer.type("a🎬b")

    cursor = writer.edit.textCursor()
    cursor.setPosition(1)
    cursor.setPosition(2, cursor.MoveMode.KeepAnchor)
    cursor.removeSelectedText()

    assert writer.sent == writer.shown == "ab"
    assert writer.edit.document().characterCount() == len("ab") + 1


@pytest.mark.parametrize("text", ["🎬👩‍🚀 x", "اجعل الثلج", "e\u0301 ñ", "𝒜𝒷"])
async def test_any_writing_arrives_whole(writer: Writer, text: str) -> None:
    writer.add("winter.jpg")

    writer.commit(text)
    writer.type(" @image1")
    writer.put_caret(writer.caret - 1)
    writer.type("!")

    assert writer.sent == f"{text} !@Image1"


async def test_lines_are_broken_the_same_way_with_and_without_shift(writer: Writer) -> None:
    writer.type("a")
    writer.press(Qt.Key.Key_Return)
    writer.type("b")
    writer.press(Qt.Key.Key_Return, shift=True)
    writer.type("c")

    assert writer.sent == "a\nb\nc"


async def test_every_key_that_writes_belongs_to_the_text(writer: Writer) -> None:
    keys = "".join(chr(code) for code in range(33, 127) if chr(code) != "@")
    stolen = []
    for key in keys:
        event = QKeyEvent(QKeyEvent.Type.ShortcutOverride, 0, Qt.KeyboardModifier.NoModifier, key)
        event.ignore()
        QApplication.sendEvent(writer.edit, event)
        stolen += [] if event.isAccepted() else [key]

    writer.type(keys)

    assert (stolen, writer.sent) == ([], keys)


async def test_ctrl_backspace_takes_a_word(writer: Writer) -> None:
    writer.type("make it snow")

    writer.press(Qt.Key.Key_Backspace, ctrl=True)

    assert writer.sent == "make it "


async def test_tab_leaves_the_field_and_escape_says_so(writer: Writer) -> None:
    left: list[bool] = []
    writer.edit.left.connect(lambda: left.append(True))

    writer.press(Qt.Key.Key_Escape)
    writer.press(Qt.Key.Key_Tab)

    assert (left, writer.sent) == ([True], "")
    assert not writer.edit.hasFocus()


async def test_earlier_prompts_are_gone_through_and_the_unfinished_one_comes_back(writer: Writer) -> None:
    (image,) = writer.add("winter.jpg")
    writer.earlier = ["rain", "rain", "snow like @Image1", " "]
    writer.type("fog of @image1")
    unfinished = writer.draft.words

    seen = []
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down):
        writer.press(key, alt=True)
        seen.append(writer.shown)

    assert seen == ["rain", "snow like *", "snow like *", "rain", "fog of *", "fog of *"]
    assert writer.draft.words == unfinished
    assert writer.draft.value.unused == ()
    assert image


async def test_each_recall_is_one_step_of_undo(writer: Writer) -> None:
    writer.earlier = ["rain", "snow"]
    writer.type("fog")

    writer.press(Qt.Key.Key_Up, alt=True)
    writer.press(Qt.Key.Key_Up, alt=True)
    writer.press(Qt.Key.Key_Z, ctrl=True)

    assert writer.sent == "rain"
    writer.press(Qt.Key.Key_Z, ctrl=True)
    assert writer.sent == "fog"


async def test_after_undo_of_a_recall_the_newest_prompt_comes_first_again(writer: Writer) -> None:
    writer.earlier = ["rain", "snow"]
    writer.type("fog")
    writer.press(Qt.Key.Key_Up, alt=True)
    writer.draft.undo()

    writer.press(Qt.Key.Key_Up, alt=True)
    again = writer.sent
    writer.press(Qt.Key.Key_Down, alt=True)

    assert again == "rain"
    assert writer.sent == "fog"


async def test_another_draft_brings_its_own_words_and_history(writer: Writer) -> None:
    writer.type("snow")
    first = writer.draft.history

    writer.draft.load(History(Draft(id="other", prompt=("rain 🎬",)), writer.clock))
    there = writer.shown, writer.caret
    writer.draft.load(first)
    writer.press(Qt.Key.Key_Z, ctrl=True)

    assert there == ("rain 🎬", 7)
    assert writer.sent == ""


async def test_the_counter_counts_what_is_sent(writer: Writer) -> None:
    writer.add("winter.jpg")
    writer.draft.replace_prompt("🎬 @Image1")

    assert writer.panel.count.text() == "9 / 2500"
    assert writer.panel.count.toolTip() == "What is sent:\n🎬 @Image1"


async def test_a_press_on_the_margin_of_the_field_writes_on(writer: Writer) -> None:
    writer.draft.replace_prompt("Make it snow")
    writer.put_caret(0)
    writer.panel.row.more.setFocus()

    QTest.mouseClick(writer.panel._ground, Qt.MouseButton.LeftButton)

    assert writer.edit.hasFocus()
    assert writer.edit.textCursor().atEnd()
