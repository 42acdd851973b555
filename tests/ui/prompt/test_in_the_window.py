"""The prompt among its neighbours: tiles, the button, menus and keys of the window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from klingstudio.domain.errors import InputRefused
from tests.ui.conftest import Desk


async def test_a_click_or_enter_on_a_tile_inserts_it(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.draft.add_pictures([tmp_path / "winter.jpg", tmp_path / "sky.png"])

    QTest.mouseClick(desk.window.references.tiles()[1], Qt.MouseButton.LeftButton)
    QTest.keyClick(desk.window.references.tiles()[0], Qt.Key.Key_Return)

    assert desk.draft.prompt == "@Image2 @Image1 "
    assert desk.edit.hasFocus()


async def test_keys_insert_images_and_elements_by_number(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.draft.add_pictures([tmp_path / "winter.jpg", tmp_path / "sky.png"])
    desk.draft.add_element("Mia", str(tmp_path / "mia.png"))
    desk.edit.setFocus()

    QTest.keyClick(desk.edit, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(desk.edit, Qt.Key.Key_1, keys)

    assert desk.draft.prompt == "@Image2 @Element1 "


async def test_moving_a_tile_keeps_each_chip_at_its_picture(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.draft.add_pictures([tmp_path / "a.png", tmp_path / "b.png"])
    desk.draft.replace_prompt("First @Image1, then @Image2")

    QTest.keyClick(desk.window.references.tiles()[0], Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)

    assert [picture.name for picture in desk.draft.pictures] == ["b.png", "a.png"]
    assert desk.draft.prompt == "First @Image2, then @Image1"


async def test_a_chip_whose_tile_is_gone_is_reported_at_the_field_and_on_the_button(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    await desk.fill("Snow")
    desk.draft.add_pictures([tmp_path / "a.png"])
    desk.draft.replace_prompt("Snow like @Image1")
    await desk.until(lambda: not desk.draft.is_reading)

    QTest.keyClick(desk.window.references.tiles()[0], Qt.Key.Key_Delete)

    assert desk.window.prompt.remark.words == "The text still points at a.png, which was removed"
    assert desk.generate.reason == "The prompt points at something that is not there"


async def test_too_long_a_prompt_says_by_how_much(desk: Desk) -> None:
    await desk.start()
    await desk.fill("x" * 2501)

    assert desk.window.prompt.count.text() == "2501 / 2500"
    assert desk.window.prompt.remark.words == "The prompt is too long: 2,501 of 2,500 characters"
    assert desk.generate.reason == "The prompt is too long"
    with pytest.raises(InputRefused):
        desk.draft.request()
