"""Limits on spending as a person sees them: at the top, in the settings, at the button, and in the refusal."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from klingstudio.domain.budget import Cap
from klingstudio.domain.errors import Kind, Problem, SpendingRefused
from klingstudio.domain.job import Job, SourceMark, State
from klingstudio.domain.request import Tier
from klingstudio.ui.dialogs.limits import NOT_AN_AMOUNT, LimitField
from klingstudio.ui.dialogs.settings import SettingsDialog
from klingstudio.ui.generate.questions import NOT_NOW, SEND_ANYWAY
from klingstudio.ui.text import Button
from tests.fakes.studio import FREE, NOW, PAID, a_job, provider
from tests.ui.conftest import Desk

CREDITS = provider("dojo", needs_key=True, currency="credits")


async def ready(desk: Desk, *caps: Cap, provider_id: str = PAID.id) -> None:
    """A draft that costs $1.68, with these limits."""
    desk.studio.settings.update(provider=provider_id, upload_consent=frozenset({PAID.id}), caps=caps)
    await desk.start()
    await desk.fill()


def limited(day: str | None = None, month: str | None = None, currency: str = "USD") -> Cap:
    return Cap(currency=currency, day=Decimal(day) if day else None, month=Decimal(month) if month else None)


def spend(desk: Desk, charge: str | None, number: int = 1, *, days_ago: int = 0) -> Job:
    """An edit that was made before."""
    job = a_job(number, state=State.COMPLETED if charge else State.REMOTE, remote_id=f"r{number}")
    desk.studio.books.sent(job, charge, NOW - timedelta(days=days_ago))
    desk.studio.queue.tell(job)
    return job


def settings(desk: Desk) -> SettingsDialog:
    dialog = desk.window.findChild(SettingsDialog)
    assert isinstance(dialog, SettingsDialog)
    return dialog


def field(desk: Desk, currency: str = "USD", period: str = "day") -> LimitField:
    return settings(desk).limits.fields[currency, period]


def write(entry: LimitField, words: str) -> None:
    """Write into a field and leave it."""
    entry.setFocus()
    entry.selectAll()
    QTest.keyClick(entry, Qt.Key.Key_Delete)
    QTest.keyClicks(entry, words)
    QTest.keyClick(entry, Qt.Key.Key_Return)


# ---------------------------------------------------------------------------------------------------------- at the top


async def test_without_spending_and_limits_nothing_is_said(desk: Desk) -> None:
    await ready(desk)

    assert desk.window.header.spending.isHidden()


async def test_the_top_says_what_was_spent_today_of_what(desk: Desk) -> None:
    await ready(desk, limited(day="20", month="100"))
    spend(desk, "1.68")
    spend(desk, "4.20", 2, days_ago=3)  # in August
    spend(desk, None, 3)
    button = desk.window.header.spending

    assert button.isVisible()
    assert button.words == "Today $3.36 of $20"
    assert button.toolTip() == (
        "Today $3.36 of $20.00.\n$1.68 of it is reserved until it is known what was charged.\n"
        "This month $3.36 of $100.00.\n$1.68 of it is reserved until it is known what was charged.\n"
        "Press to change the limits"
    )
    assert button.accessibleName() == button.words


async def test_credits_stand_beside_dollars_and_are_not_added(desk: Desk) -> None:
    desk.studio.providers = (PAID, CREDITS, FREE)
    desk.studio.accounts.live[CREDITS.id] = None
    await ready(desk, limited(day="20"), limited(day="100", currency="credits"))

    assert desk.window.header.spending.words == "Today $0 of $20 · 0 credits of 100 credits"


async def test_a_narrow_window_leaves_the_place_to_its_menus(desk: Desk) -> None:
    await ready(desk, limited(day="20"))

    desk.window.resize(700, 800)
    await desk.settle()
    narrow = desk.window.header.spending.isVisible()
    desk.window.resize(900, 800)
    await desk.settle()

    assert (narrow, desk.window.header.spending.isVisible()) == (False, True)


async def test_generating_reserves_at_once_what_it_may_cost(desk: Desk) -> None:
    await ready(desk, limited(day="20"))

    desk.generate.generate()

    assert desk.window.header.spending.words == "Today $1.71 of $20"


async def test_a_press_at_the_top_opens_the_limits(desk: Desk) -> None:
    await ready(desk, limited(day="20"))

    desk.window.header.spending.click()
    await desk.settle()

    assert QApplication.focusWidget() is field(desk)
    assert field(desk).visibleRegion().boundingRect().height() == field(desk).height()


# ------------------------------------------------------------------------------------------------------- in the settings


async def test_a_limit_is_kept_as_it_is_written_and_lifted_when_it_is_emptied(desk: Desk) -> None:
    await ready(desk)
    desk.window.dialogs.budget()

    write(field(desk), "20")
    write(field(desk, period="month"), "$ 99,50")
    kept = desk.studio.settings.choices.caps
    write(field(desk), "")
    write(field(desk, period="month"), "")

    assert kept == (limited(day="20", month="99.50"),)
    assert desk.studio.settings.choices.caps == ()


@pytest.mark.parametrize("words", ["twenty", "-5", "1e3", "1,000", "1.234", "20 euros", "99999999"])
async def test_what_is_no_amount_is_said_at_the_field_and_changes_nothing(desk: Desk, words: str) -> None:
    await ready(desk, limited(day="20"))
    desk.window.dialogs.budget()

    write(field(desk), words)
    told = settings(desk).limits.problem
    write(field(desk), "30")

    assert told == NOT_AN_AMOUNT
    assert settings(desk).limits.problem == ""
    assert desk.studio.settings.choices.caps == (limited(day="30"),)


async def test_every_kind_of_money_has_its_own_limits_and_the_sandbox_has_none(desk: Desk) -> None:
    desk.studio.providers = (PAID, CREDITS, FREE)
    desk.studio.accounts.live[CREDITS.id] = None
    await ready(desk)
    desk.window.dialogs.budget()

    assert list(settings(desk).limits.fields) == [
        ("USD", "day"),
        ("USD", "month"),
        ("credits", "day"),
        ("credits", "month"),
    ]
    assert field(desk, "credits", "month").accessibleName() == "Spend at most, a month, in credits"


# --------------------------------------------------------------------------------------------------------- at the button


async def test_the_tooltip_says_what_is_reserved_and_what_is_left(desk: Desk) -> None:
    await ready(desk, limited(day="20"))
    spend(desk, "1.68")

    lines = desk.generate.button.toolTip().splitlines()

    assert "At most $1.71, which is reserved until it is known what was charged" in lines
    assert "$18.32 left today of $20.00" in lines


async def test_over_the_limit_the_button_says_why_and_the_draft_is_left_alone(desk: Desk) -> None:
    await ready(desk, limited(day="3"))
    spend(desk, "1.68")
    notice = desk.generate.notice

    assert not desk.generate.button.isEnabled()
    assert desk.generate.reason == desk.generate.link.text() == "Over your limit for today"
    assert notice.title == ""
    desk.generate.link.click()
    assert notice.title == "This could spend more than your limit"
    assert notice.hint == (
        "Today $1.68 of $3.00 is booked, and this may cost $1.71; the next day begins at midnight."
        " Raise the limit in the settings, wait, or send a shorter clip or fewer takes."
    )
    assert desk.generate.link.toolTip() == f"{notice.title}: {notice.hint}".replace(": Today", ": today")
    assert desk.draft.prompt == "Make it snow"


async def test_the_keys_of_generate_lead_to_the_settings_and_a_higher_limit_lets_it_go(desk: Desk) -> None:
    await ready(desk, limited(month="1"))
    desk.edit.setFocus()
    QTest.keyClick(desk.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    help_ = desk.generate.notice.button(Button.SETTINGS)
    assert help_ is not None
    assert QApplication.focusWidget() is help_
    assert desk.generate.reason == "Over your limit for this month"

    help_.click()
    write(field(desk, period="month"), "5")

    assert desk.generate.button.isEnabled()
    assert desk.generate.notice.title == ""


async def test_fewer_takes_fit_where_more_do_not(desk: Desk) -> None:
    await ready(desk, limited(day="4"))

    desk.draft.choose_takes(4)
    with_four = desk.generate.button.isEnabled()
    desk.draft.choose_takes(2)

    assert (with_four, desk.generate.button.isEnabled()) == (False, True)


async def test_the_free_sandbox_is_never_refused(desk: Desk) -> None:
    await ready(desk, limited(day="0.01", month="0.01"), provider_id=FREE.id)

    desk.generate.generate()

    assert len(desk.studio.queue.enqueued) == 1


async def test_a_refusal_by_the_engine_is_told_with_the_way_to_the_limits(desk: Desk) -> None:
    await ready(desk, limited(day="20"))
    desk.studio.queue.refuses = SpendingRefused(Kind.OVER_BUDGET, "today $19.00 of $20.00 is booked")

    desk.generate.generate()

    assert desk.window.messages.title == "This could spend more than your limit"
    assert desk.draft.prompt == "Make it snow"
    help_ = desk.window.messages.button(Button.SETTINGS)
    assert help_ is not None
    help_.click()
    await desk.settle()
    assert QApplication.focusWidget() is field(desk)


async def test_going_on_without_room_is_said_with_the_way_to_the_limits(desk: Desk) -> None:
    await ready(desk, limited(day="20"))
    problem = Problem(kind=Kind.OVER_BUDGET, detail="today $19.00 of $20.00 is booked")
    waits = a_job(5, state=State.READY, paused=True, problem=problem)
    desk.studio.queue.tell(waits)

    desk.jobs.carry_on(waits.id)

    assert desk.studio.queue.asked == [("carry_on", waits.id)]
    assert desk.window.messages.title == "This could spend more than your limit"
    assert desk.window.messages.button(Button.SETTINGS) is not None


async def test_a_limit_on_an_unknown_price_asks_and_a_no_sends_nothing(desk: Desk) -> None:
    await ready(desk, limited(day="20"))
    desk.draft.choose_tier(Tier.STANDARD)
    await desk.settle()

    desk.generate.generate()
    asked = desk.generate.notice.title
    focus = QApplication.focusWidget()
    no = desk.generate.notice.button(NOT_NOW)
    assert no is not None
    no.click()

    assert asked == "Acme does not tell the price of this"
    assert focus is no
    assert desk.generate.notice.title == ""
    assert desk.studio.queue.enqueued == []


async def test_a_yes_to_an_unknown_price_sends_once_and_is_asked_again_the_next_time(desk: Desk) -> None:
    await ready(desk, limited(day="20"))
    desk.draft.choose_tier(Tier.STANDARD)
    await desk.settle()
    desk.generate.generate()
    yes = desk.generate.notice.button(SEND_ANYWAY)
    assert yes is not None

    yes.click()
    sent = len(desk.studio.queue.enqueued)
    desk.generate._just_sent.stop()
    desk.generate.generate()

    assert (sent, len(desk.studio.queue.enqueued)) == (1, 1)
    assert desk.generate.notice.button(SEND_ANYWAY) is not None
    assert "The price of 1 edit is not known." in desk.window.header.spending.toolTip()


# ------------------------------------------------------------------------------------------------- what is there already


def made_before(desk: Desk, number: int = 3, size_bytes: int = 1_000_000) -> Job:
    request = desk.draft.request()
    mark = SourceMark(sha256="", size_bytes=size_bytes, modified_ns=0)
    job = a_job(number, state=State.COMPLETED, request=request, source_mark=mark, take="/takes/a.mp4")
    desk.studio.queue.tell(job)
    return job


async def test_the_very_same_that_was_made_before_is_said_and_shown_and_may_be_made_again(desk: Desk) -> None:
    await ready(desk)
    shown: list[str] = []
    desk.generate.take_wanted.connect(shown.append)
    job = made_before(desk)

    desk.generate.link.click()
    desk.generate.generate()

    assert desk.generate.link.text() == "You already have this: v01"
    assert shown == [job.id]
    assert len(desk.studio.queue.enqueued) == 1


async def test_other_words_another_file_or_an_unfinished_job_are_not_the_same(desk: Desk) -> None:
    await ready(desk)
    made_before(desk)
    desk.draft.choose_takes(3)
    with_takes = desk.generate.link.isVisible()
    desk.draft.replace_prompt("Make it rain")
    other_words = desk.generate.link.isVisible()
    desk.draft.replace_prompt("Make it snow")
    desk.draft.choose_keep_audio(False)
    other_sound = desk.generate.link.isVisible()

    assert (with_takes, other_words, other_sound) == (True, False, False)


async def test_a_file_of_another_size_is_another_clip(desk: Desk) -> None:
    await ready(desk)

    made_before(desk, size_bytes=999)

    assert not desk.generate.link.isVisible()


async def test_nothing_is_read_after_the_end(desk: Desk) -> None:
    await ready(desk)
    desk.studio.queue.tell(a_job(3))
    desk.studio.queue.tell(a_job(3, state=State.REMOTE))

    await desk.models.aclose()

    assert not desk.models.spending._soon.isActive()
    assert not desk.models.spending._midnight.isActive()
