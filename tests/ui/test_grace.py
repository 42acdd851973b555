"""The three seconds after Generate: what was pressed is frozen, can be taken back, and is sent once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import Kind, StudioError
from klingstudio.domain.request import Tier
from klingstudio.ui.dialogs.settings import SettingsDialog
from klingstudio.ui.generate.questions import AGREE
from klingstudio.ui.models.grace import SECONDS, SendGrace
from klingstudio.ui.theme import Theme
from tests.fakes.studio import FREE, PAID
from tests.ui.conftest import Desk


async def ready(desk: Desk, provider_id: str = PAID.id) -> None:
    """A draft that waits for Generate, which can be taken back."""
    desk.studio.settings.update(provider=provider_id, upload_consent=frozenset({PAID.id}), send_grace=True)
    await desk.start()
    await desk.fill()


def press(desk: Desk) -> None:
    """A press that is not the second half of a double press."""
    desk.generate._just_pressed.stop()
    QTest.mouseClick(desk.generate.button, Qt.MouseButton.LeftButton)


def let_pass(desk: Desk, seconds: int = SECONDS) -> None:
    for _ in range(seconds):
        desk.models.grace.tick()


async def test_the_button_counts_and_then_the_order_is_made_once(desk: Desk) -> None:
    await ready(desk)
    seen = []

    press(desk)
    for _ in range(SECONDS):
        seen.append(desk.generate.button.word)
        assert desk.studio.queue.enqueued == []
        desk.models.grace.tick()
    let_pass(desk)

    assert seen == ["Undo (3)", "Undo (2)", "Undo (1)"]
    assert len(desk.studio.queue.enqueued) == 1
    assert desk.generate.button.word == "Generate"


@pytest.mark.parametrize(
    "take_back",
    [
        press,
        lambda desk: QTest.keyClick(desk.edit, Qt.Key.Key_Escape),
        lambda desk: QTest.keyClick(desk.edit, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier),
        lambda desk: QTest.keyClick(desk.generate.button, Qt.Key.Key_Space),
    ],
    ids=["the button", "Escape", "Ctrl+Z", "the button by key"],
)
async def test_it_is_taken_back_and_nothing_was_recorded(desk: Desk, take_back: Callable[[Desk], None]) -> None:
    await ready(desk)
    press(desk)
    let_pass(desk, 2)
    desk.generate._just_pressed.stop()

    take_back(desk)
    let_pass(desk)

    assert desk.studio.queue.enqueued == []
    assert desk.generate.button.word == "Generate"
    assert desk.generate.button.isEnabled()
    assert desk.draft.prompt == "Make it snow"
    assert desk.window.toast.words == "Taken back: nothing was sent"


async def test_a_double_press_is_one_wish_and_not_its_own_undo(desk: Desk) -> None:
    await ready(desk)

    QTest.mouseClick(desk.generate.button, Qt.MouseButton.LeftButton)
    QTest.mouseDClick(desk.generate.button, Qt.MouseButton.LeftButton)
    let_pass(desk)

    assert len(desk.studio.queue.enqueued) == 1


async def test_a_press_in_the_moment_it_was_sent_is_no_second_order(desk: Desk) -> None:
    await ready(desk)
    press(desk)
    let_pass(desk)

    press(desk)
    let_pass(desk)

    assert len(desk.studio.queue.enqueued) == 1


async def test_what_was_pressed_is_what_is_sent_whatever_is_changed_meanwhile(desk: Desk) -> None:
    await ready(desk)
    press(desk)

    desk.draft.replace_prompt("Something else")
    desk.draft.choose_takes(4)
    desk.draft.choose_tier(Tier.STANDARD)
    desk.draft.choose_provider(FREE.id)
    desk.draft.remove_source()
    let_pass(desk)

    request, takes, _ = desk.studio.queue.enqueued[0]
    assert (request.prompt, request.provider, request.tier, takes) == ("Make it snow", PAID.id, Tier.PRO, 1)


async def test_it_can_be_taken_back_although_the_draft_could_not_be_sent_any_more(desk: Desk) -> None:
    await ready(desk)
    press(desk)
    desk.draft.replace_prompt("")

    assert desk.generate.button.isEnabled()
    assert desk.generate.reason == ""
    press(desk)
    let_pass(desk)

    assert desk.studio.queue.enqueued == []
    assert desk.generate.reason == "Write what should change"


async def test_closing_the_window_sends_nothing(desk: Desk) -> None:
    await ready(desk)
    press(desk)

    desk.window.close()
    let_pass(desk)

    assert desk.studio.queue.enqueued == []


async def test_escape_in_another_window_means_something_else(desk: Desk) -> None:
    await ready(desk)
    press(desk)
    desk.window.dialogs.settings()
    dialog = desk.window.findChild(SettingsDialog)
    assert isinstance(dialog, SettingsDialog)

    QTest.keyClick(dialog.box(PAID.id).field, Qt.Key.Key_Escape)
    let_pass(desk)

    assert len(desk.studio.queue.enqueued) == 1


async def test_other_keys_go_where_they_always_go(desk: Desk) -> None:
    await ready(desk)
    press(desk)

    desk.edit.setFocus()
    QTest.keyClicks(desk.edit, "!")

    assert "!" in desk.edit.toPlainText()
    assert desk.models.grace.left == SECONDS


async def test_it_can_be_switched_off_in_the_settings(desk: Desk) -> None:
    await ready(desk)
    desk.window.dialogs.settings()
    dialog = desk.window.findChild(SettingsDialog)
    assert isinstance(dialog, SettingsDialog)

    was_on = dialog.grace[True].isChecked()
    dialog.grace[False].click()
    press(desk)

    assert was_on
    assert not desk.studio.settings.choices.send_grace
    assert len(desk.studio.queue.enqueued) == 1


async def test_the_sandbox_waits_as_the_others_do(desk: Desk) -> None:
    await ready(desk, FREE.id)

    press(desk)

    assert desk.generate.button.word == "Undo (3)"


async def test_the_demo_does_not_wait(desk: Desk) -> None:
    await ready(desk, FREE.id)

    desk.generate.generate_now()

    assert len(desk.studio.queue.enqueued) == 1


async def test_agreeing_to_a_public_upload_can_be_taken_back_as_well(desk: Desk) -> None:
    desk.studio.settings.update(provider=PAID.id, send_grace=True)
    await desk.start()
    await desk.fill()
    press(desk)

    agree = desk.generate.notice.button(AGREE)
    assert agree is not None
    agree.click()
    desk.generate._just_pressed.stop()

    assert desk.generate.button.word == "Undo (3)"
    assert desk.generate.take_back()


async def test_a_failure_to_record_it_is_told_when_the_time_is_over(desk: Desk) -> None:
    await ready(desk)
    press(desk)
    desk.studio.queue.refuses = StudioError(Kind.DISK_FULL, "2 MB free")

    let_pass(desk)

    assert desk.window.messages.title == "The disk is full"
    assert desk.generate.button.word == "Generate"


async def test_it_says_what_it_does_and_keeps_its_place(desk: Desk) -> None:
    await ready(desk)
    await desk.settle()
    before = desk.generate.button.geometry()
    press(desk)
    await desk.settle()

    button = desk.generate.button
    assert button.geometry() == before
    assert button.accessibleName() == "Undo (3)"
    assert button.accessibleDescription().startswith("Sent in 3 seconds, as it was when Generate was pressed.")
    assert button.property("kind") == "", "the accent is for what spends money"


async def test_the_seconds_pass_by_themselves(qtbot: QtBot, desk: Desk) -> None:
    sent: list[str] = []
    grace = SendGrace(desk.window, tick_ms=5)

    grace.hold(lambda: sent.append("order"))
    await desk.until(lambda: bool(sent))

    assert (sent, grace.left) == (["order"], 0)


@pytest.mark.parametrize(("width", "scale"), [(640, 1.0), (900, 1.0), (1440, 2.0)])
async def test_the_button_is_whole_in_a_narrow_window_and_with_large_text(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, width: int, scale: float
) -> None:
    desk = Desk(tmp_path, Theme(qapp, scale=scale))
    qtbot.addWidget(desk.window)
    try:
        await ready(desk)
        desk.window.resize(width, 900)
        press(desk)
        await desk.settle()

        button = desk.generate.button
        assert button.width() >= button.sizeHint().width()
        assert desk.generate.rect().contains(button.geometry())
        assert desk.generate.button.word == "Undo (3)"
    finally:
        await desk.models.aclose()
        desk.window.detach()
        desk.window.close()


def test_a_wish_that_was_taken_back_never_comes(qapp: QApplication) -> None:
    sent: list[int] = []
    grace = SendGrace(qapp, tick_ms=3_600_000)

    grace.hold(lambda: sent.append(1))
    assert grace.take_back()
    assert not grace.take_back()
    for _ in range(SECONDS):
        grace.tick()

    assert sent == []
    grace.deleteLater()
