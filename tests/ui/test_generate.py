from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from klingstudio.domain.errors import Kind, StudioError
from klingstudio.domain.job import State
from klingstudio.domain.price import Money
from klingstudio.domain.request import Tier
from klingstudio.ui import theme
from klingstudio.ui.generate.questions import AGREE, NOT_NOW, USE_SANDBOX
from klingstudio.ui.text import Button
from tests.fakes.studio import FREE, PAID, a_job, refused_source
from tests.ui.conftest import Desk


async def ready(desk: Desk) -> None:
    """A draft at the paid provider, with consent given."""
    desk.studio.settings.update(provider=PAID.id, upload_consent=frozenset({PAID.id}))
    await desk.start()
    await desk.fill()


def press_keys(desk: Desk) -> None:
    QTest.keyClick(desk.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


async def test_ctrl_enter_in_the_prompt_generates_once_even_when_pressed_twice(desk: Desk) -> None:
    await ready(desk)
    desk.edit.setFocus()

    press_keys(desk)
    press_keys(desk)
    await desk.settle()

    assert len(desk.studio.queue.enqueued) == 1
    assert desk.edit.toPlainText() == "Make it snow"


async def test_a_double_click_on_the_button_generates_once(desk: Desk) -> None:
    await ready(desk)

    QTest.mouseClick(desk.generate.button, Qt.MouseButton.LeftButton)
    QTest.mouseDClick(desk.generate.button, Qt.MouseButton.LeftButton)
    await desk.settle()

    assert len(desk.studio.queue.enqueued) == 1


async def test_the_price_is_on_the_button_and_is_the_cap_of_the_request(desk: Desk) -> None:
    await ready(desk)
    desk.draft.choose_takes(2)

    desk.generate.generate()

    request, takes, estimate = desk.studio.queue.enqueued[0]
    assert desk.generate.button.price == "$3.36"
    assert takes == 2
    assert estimate == Money(Decimal("1.68"), "USD")
    assert request.max_cost is not None
    assert Decimal("1.68") <= request.max_cost <= Decimal("1.72")
    assert "2026-09-01" in desk.generate.button.toolTip()


async def test_an_unknown_price_is_never_shown_as_a_number(desk: Desk) -> None:
    await ready(desk)

    desk.draft.choose_tier(Tier.STANDARD)
    await desk.settle()
    desk.generate.generate()

    request = desk.studio.queue.enqueued[0][0]
    assert desk.generate.button.price == "price unknown"
    assert request.max_cost is None
    assert request.accepts_unknown_price


async def test_the_sandbox_is_free(desk: Desk) -> None:
    await desk.start()
    await desk.fill()

    assert desk.draft.provider is FREE
    assert desk.generate.button.price == "free"
    assert desk.window.body.words.text() == "Sandbox: free, no key needed"


async def test_a_grey_button_says_what_is_missing(desk: Desk) -> None:
    await desk.start()
    reasons = [desk.generate.reason]
    desk.draft.set_source(Path("/clips/street.mp4"))
    await desk.until(lambda: not desk.draft.is_reading)
    reasons.append(desk.generate.reason)
    desk.draft.replace_prompt("Make it snow")
    reasons.append(desk.generate.reason)

    assert reasons == ["Add a video first", "Write what should change", ""]
    assert desk.generate.button.isEnabled()


async def test_the_reason_is_a_tooltip_and_read_aloud_too(desk: Desk) -> None:
    await desk.start()

    assert not desk.generate.button.isEnabled()
    assert desk.generate.button.toolTip() == "Add a video first"
    assert desk.generate.button.accessibleDescription() == "Add a video first"


async def test_before_the_studio_is_open_the_button_says_that_it_starts(desk: Desk) -> None:
    desk.open()

    assert desk.generate.reason == "Starting…"


async def test_the_first_public_upload_asks_and_a_no_sends_nothing(desk: Desk) -> None:
    desk.studio.settings.update(provider=PAID.id)
    await desk.start()
    await desk.fill()

    desk.generate.generate()
    asked = desk.generate.notice.title
    desk.generate.notice.acted.emit(NOT_NOW)

    assert asked == "Acme makes uploaded files public"
    assert desk.generate.notice.title == ""
    assert desk.studio.queue.enqueued == []


async def test_agreeing_to_a_public_upload_sends_and_is_remembered(desk: Desk) -> None:
    desk.studio.settings.update(provider=PAID.id)
    await desk.start()
    await desk.fill()
    desk.generate.generate()

    agree = desk.generate.notice.button(AGREE)
    assert agree is not None
    agree.click()

    assert len(desk.studio.queue.enqueued) == 1
    assert desk.studio.settings.choices.upload_consent == {PAID.id}


async def test_without_a_key_the_bar_offers_to_add_one_or_the_sandbox(desk: Desk) -> None:
    desk.studio.accounts.keys.clear()
    desk.studio.settings.update(provider=PAID.id)
    await desk.start()
    await desk.fill()

    assert desk.generate.reason == "No key for Acme"
    assert desk.generate.notice.button(Button.ADD_KEY) is not None
    sandbox = desk.generate.notice.button(USE_SANDBOX)
    assert sandbox is not None
    sandbox.click()
    assert desk.draft.provider is FREE
    assert desk.generate.button.isEnabled()


async def test_a_source_that_cannot_be_used_is_told_on_its_card_with_one_button(desk: Desk) -> None:
    await desk.start()
    desk.studio.media.clips["short.mp4"] = refused_source(Kind.SOURCE_TOO_SHORT, "1.2 s; the least is 3 s")

    desk.draft.set_source(Path("/clips/short.mp4"))
    await desk.until(lambda: desk.draft.source is not None and desk.draft.source.problem is not None)

    assert desk.window.source.card.fits.words == "This clip is too short: 1.2 s; the least is 3 s. Choose a longer one."
    assert desk.window.source.card.fits.help.text() == Button.CHOOSE_VIDEO
    assert desk.generate.reason == "This clip is too short"


async def test_a_failure_to_record_the_job_is_shown_and_nothing_is_lost(desk: Desk) -> None:
    await ready(desk)
    desk.studio.queue.refuses = StudioError(Kind.DISK_FULL, "2 MB free")

    desk.generate.generate()

    assert desk.window.messages.title == "The disk is full"
    assert desk.draft.prompt == "Make it snow"


@pytest.mark.log_ok
async def test_an_unexpected_error_is_shown_and_logged(desk: Desk) -> None:
    await desk.start()

    desk.models.problems.report("a slot", ZeroDivisionError("by zero"))

    assert desk.window.messages.title == "Something unexpected happened"
    assert "by zero" in desk.window.messages.hint


async def test_running_again_fills_the_draft_from_the_job(desk: Desk) -> None:
    await ready(desk)
    job = a_job(7, state=State.REMOTE_FAILED)
    desk.studio.queue.tell(job)

    desk.window.takes.run_again.emit(job.id)
    await desk.until(lambda: not desk.draft.is_reading)

    assert desk.draft.request().prompt == job.request.prompt
    assert desk.draft.request().source == job.request.source


async def test_without_a_key_the_keys_of_generate_lead_to_adding_one(desk: Desk) -> None:
    desk.studio.accounts.keys.clear()
    desk.studio.settings.update(provider=PAID.id)
    await desk.start()
    await desk.fill()
    await desk.settle()

    press_keys(desk)

    assert QApplication.focusWidget() is desk.generate.notice.button(Button.ADD_KEY)


async def test_the_question_about_a_public_upload_has_the_keyboard_on_the_no(desk: Desk) -> None:
    desk.studio.settings.update(provider=PAID.id)
    await desk.start()
    await desk.fill()
    await desk.settle()

    press_keys(desk)

    assert QApplication.focusWidget() is desk.generate.notice.button(NOT_NOW)


@pytest.mark.parametrize("width", [640, 900, 1440])
async def test_the_reason_always_has_room_for_a_sentence(desk: Desk, width: int) -> None:
    await desk.start()
    desk.window.resize(width, 820)
    await desk.settle()

    reason = desk.generate._reason

    assert reason.isVisible()
    assert reason.width() >= theme.REASON_LEAST
    assert reason.text() == "Add a video first"


async def test_a_menu_of_the_bar_starts_where_its_button_starts(desk: Desk) -> None:
    await desk.start()
    button = desk.generate.choices.takes
    menu = button.menu()

    menu.popup(desk.window.mapToGlobal(QPoint(0, 0)))
    left = menu.x()
    menu.hide()

    assert left == button.mapToGlobal(QPoint(0, 0)).x()


async def test_the_card_of_a_bad_source_says_its_name_once_and_has_no_empty_picture(desk: Desk) -> None:
    await desk.start()
    desk.studio.media.clips["cut.mp4"] = refused_source(Kind.SOURCE_DAMAGED, "cut.mp4")

    desk.draft.set_source(Path("/clips/cut.mp4"))
    await desk.until(lambda: desk.draft.source is not None and desk.draft.source.problem is not None)

    assert desk.window.source.card.fits.words == (
        "This video is damaged or cut off. Copy or export it again, or choose another one."
    )
    assert desk.window.source.card.strip is None


@pytest.mark.parametrize("width", [640, 900, 1200, 1440])
async def test_what_comes_and_goes_with_the_typing_leaves_everything_where_it_is(desk: Desk, width: int) -> None:
    await ready(desk)
    desk.window.resize(width, 820)
    await desk.settle()
    before = (desk.generate.geometry(), desk.generate.button.geometry(), desk.window.stage.geometry())

    desk.draft.replace_prompt("")
    await desk.settle()

    assert desk.generate.reason == "Write what should change"
    assert (desk.generate.geometry(), desk.generate.button.geometry(), desk.window.stage.geometry()) == before
