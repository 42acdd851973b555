from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest

from klingstudio.domain.errors import InputRefused, Kind, Problem
from klingstudio.ui.prompt.panel import utf16_length
from klingstudio.ui.references.panel import short
from tests.ui.conftest import Desk


def put_cursor(desk: Desk, position: int) -> None:
    cursor = desk.edit.textCursor()
    cursor.setPosition(position)
    desk.edit.setTextCursor(cursor)


async def test_a_click_on_a_tile_inserts_its_token_at_the_cursor(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.draft.add_pictures([tmp_path / "winter.jpg", tmp_path / "sky.png"])
    desk.draft.replace_prompt("Snow like and wind")
    put_cursor(desk, len("Snow like"))

    QTest.mouseClick(desk.window.references.tiles()[1], Qt.MouseButton.LeftButton)

    assert desk.draft.prompt == "Snow like @Image2 and wind"
    assert desk.edit.textCursor().position() == len("Snow like @Image2")


async def test_the_key_enter_on_a_tile_inserts_its_token(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.draft.add_pictures([tmp_path / "winter.jpg"])

    QTest.keyClick(desk.window.references.tiles()[0], Qt.Key.Key_Return)

    assert desk.draft.prompt == "@Image1 "


async def test_removing_a_tile_renumbers_the_tokens_of_the_others(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.draft.add_pictures([tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png"])
    desk.draft.replace_prompt("Sky of @Image3, snow of @Image1")

    QTest.keyClick(desk.window.references.tiles()[1], Qt.Key.Key_Delete)

    assert desk.edit.toPlainText() == "Sky of @Image2, snow of @Image1"
    assert [picture.name for picture in desk.draft.pictures] == ["a.png", "c.png"]


async def test_a_token_whose_tile_is_gone_is_reported_at_the_field_and_on_the_button(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.start()
    await desk.fill("Snow like @Image1")

    problem = desk.draft.prompt_problem()

    assert problem is not None
    assert problem.kind is Kind.TOKEN_WITHOUT_REFERENCE
    assert "@Image1" in desk.window.prompt._problem.text()
    assert desk.generate.reason == "The prompt points at something that is not there"


async def test_moving_a_tile_keeps_each_token_at_its_picture(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.draft.add_pictures([tmp_path / "a.png", tmp_path / "b.png"])
    desk.draft.replace_prompt("First @Image1, then @Image2")

    QTest.keyClick(desk.window.references.tiles()[0], Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)

    assert [picture.name for picture in desk.draft.pictures] == ["b.png", "a.png"]
    assert desk.edit.toPlainText() == "First @Image2, then @Image1"


async def test_renumbering_is_one_step_of_undo(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.draft.add_pictures([tmp_path / "a.png", tmp_path / "b.png"])
    desk.edit.setPlainText("Snow like @Image2")
    desk.draft.remove_reference(desk.draft.pictures[0].id)

    desk.edit.undo()

    assert desk.edit.toPlainText() == "Snow like @Image2"


async def test_tokens_are_coloured_and_a_dangling_one_is_underlined(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.draft.add_pictures([tmp_path / "a.png"])

    desk.draft.replace_prompt("🎬 @Image1 and @Image2")

    formats = desk.edit.document().firstBlock().layout().formats()
    spans = [(f.start, f.length, f.format.fontUnderline()) for f in formats]
    assert [span[:2] for span in spans] == [(3, 7), (15, 7)]
    assert formats[0].format.foreground().color() != formats[1].format.foreground().color()
    assert formats[1].format.underlineStyle() == formats[1].format.UnderlineStyle.WaveUnderline


async def test_too_long_a_prompt_says_by_how_much(desk: Desk) -> None:
    await desk.start()
    await desk.fill("x" * 2501)

    assert desk.window.prompt._count.text() == "2501 / 2500"
    assert desk.generate.reason == "The prompt is too long"
    with pytest.raises(InputRefused):
        desk.draft.request()


async def test_tab_leaves_the_field(desk: Desk) -> None:
    await desk.start()
    desk.edit.setFocus()

    QTest.keyClick(desk.edit, Qt.Key.Key_Tab)

    assert desk.edit.toPlainText() == ""
    assert not desk.edit.hasFocus()


def test_length_counts_as_qt_does() -> None:
    assert utf16_length("a🎬b") == 4


async def test_a_selection_is_replaced_by_the_token(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.draft.add_pictures([tmp_path / "a.png"])
    desk.draft.replace_prompt("Snow like THIS, now")
    cursor = desk.edit.textCursor()
    cursor.setPosition(10)
    cursor.setPosition(14, QTextCursor.MoveMode.KeepAnchor)
    desk.edit.setTextCursor(cursor)

    desk.window.prompt.insert_token("@Image1")

    assert desk.edit.toPlainText() == "Snow like @Image1, now"


async def test_a_press_on_the_margin_of_the_field_writes_on(desk: Desk) -> None:
    await desk.start()
    await desk.settle()
    desk.draft.replace_prompt("Make it snow")

    QTest.mouseClick(desk.window.prompt._frame, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))

    assert desk.edit.hasFocus()
    assert desk.edit.textCursor().atEnd()


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind.value.startswith("image")])
def test_the_words_on_a_tile_are_few(kind: Kind) -> None:
    words = short(Problem(kind=kind))

    assert len(words) <= 18
    assert words[0].isupper()
