from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import InputRefused, Kind, Problem
from klingstudio.domain.job import Wait
from klingstudio.domain.media import Caution, Doubt
from klingstudio.domain.price import Money
from klingstudio.engine.compare import Lack, Loss, Offer
from klingstudio.ui import text, theme
from klingstudio.ui.dialogs.compare import IN_USE, USE, CompareDialog
from klingstudio.ui.dialogs.offer_words import ROWS, Cell, offer_words
from klingstudio.ui.models.compare import Stage
from klingstudio.ui.theme import Theme
from klingstudio.ui.widgets.focus import FocusRing
from tests.fakes.offers import an_offer
from tests.fakes.studio import BARE, FREE, PAID, PRICE
from tests.ui.conftest import Desk


def cell(offer: Offer, row: str) -> Cell:
    return offer_words(offer).cells[ROWS.index(row)]


# --- the words ----------------------------------------------------------------------------------------------------------


def test_a_listed_price_names_its_day_and_its_page() -> None:
    said = cell(an_offer(PAID), "Price")

    assert said.words == "about $1.68"
    assert said.more == "0.336 USD per second; listed 2026-09-01: https://example.org/prices."


def test_a_live_price_says_that_it_is_live() -> None:
    said = cell(an_offer(PAID, price=replace(PRICE, is_live=True, note="For this account.")), "Price")

    assert "live, 2026-09-01, from https://example.org/prices. For this account." in said.more
    assert "listed" not in said.more


def test_several_takes_are_named_with_their_common_price() -> None:
    offer = an_offer(PAID, takes=3, estimate=Money(Decimal("5.04"), "USD"))

    assert cell(offer, "Price").words == "about $5.04 for 3 takes"


def test_an_unknown_price_is_unknown_and_has_no_number() -> None:
    said = cell(an_offer(PAID, price=None, estimate=None), "Price")

    assert said.words == "unknown"
    assert not any(letter.isdigit() for letter in said.words + said.more)


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (Wait(usual_s=250, jobs=6), "About 4 min, from 6 edits"),
        (Wait(usual_s=48.4, jobs=1), "About 48 s, from 1 edit"),
        (Wait(usual_s=0, jobs=2), "About 1 s, from 2 edits"),
        (None, "No edits yet"),
    ],
)
def test_the_wait_is_of_the_persons_own_edits(wait: Wait | None, words: str) -> None:
    assert cell(an_offer(PAID, wait=wait), "Usual wait").words == words


def test_what_is_lost_is_said_and_that_nothing_is_too() -> None:
    losses = (Loss(Lack.ELEMENTS, "2"), Loss(Lack.LENGTH, "12.4 s → 10.0 s"), Loss(Lack.HOSTING))

    lost, nothing = cell(an_offer(BARE, losses=losses), "What changes"), cell(an_offer(PAID), "What changes")

    assert (lost.words, lost.tone) == ("2 elements not supported; trimmed, 12.4 s → 10.0 s", "warning")
    assert (nothing.words, nothing.tone) == ("Nothing is lost", "good")


@pytest.mark.parametrize("lack", Lack)
def test_every_lack_has_words(lack: Lack) -> None:
    assert "{" not in text.loss(lack.value, "1")


@pytest.mark.parametrize("doubt", Doubt)
def test_every_doubt_has_words_with_its_document(doubt: Doubt) -> None:
    caution = Caution(doubt=doubt, subject="source", value="12.0 s", limit="10 s", source="its page, read 2026-09-01")

    assert "its page, read 2026-09-01" in text.caution(caution)
    assert cell(an_offer(PAID, cautions=(caution,)), "What changes").tone == "warning"


def test_the_files_are_where_the_host_is_and_stay_as_long_as_there() -> None:
    host = replace(PAID, upload_lifetime="One day.")

    own, other = cell(an_offer(host, host=host), "Your files"), cell(an_offer(BARE, host=host), "Your files")

    assert own == Cell("Hosted there", "Files go into a public place. Kept: one day.")
    assert other == Cell("Through Acme", "Files go into a public place. Kept: one day.")


def test_without_a_host_it_says_so() -> None:
    offer = an_offer(BARE, host=None, problem=Problem(kind=Kind.HOST_MISSING, detail="Bare"))

    assert cell(offer, "Your files").words == "Nobody can host them yet"
    assert offer_words(offer).reason == "This provider cannot host your files: Bare"


def test_a_cancel_is_told_as_it_is() -> None:
    assert cell(an_offer(BARE), "Cancel") == Cell("Cannot be cancelled", BARE.cancel_note)
    assert cell(an_offer(PAID), "Cancel") == Cell("Can be cancelled", PAID.cancel_note)


def test_that_nothing_is_written_yet_does_not_speak_against_a_provider() -> None:
    assert offer_words(an_offer(PAID, problem=Problem(kind=Kind.PROMPT_EMPTY))).reason == ""


# --- the panel -----------------------------------------------------------------------------------------------------------


async def opened(desk: Desk, *offers: Offer) -> CompareDialog:
    desk.studio.providers = (PAID, BARE, FREE)
    desk.studio.accounts.live[BARE.id] = None
    desk.studio.offers = offers or (an_offer(PAID), an_offer(BARE))
    await desk.start()
    await desk.fill()
    desk.window.dialogs.compare()
    dialog = desk.window.findChild(CompareDialog)
    assert isinstance(dialog, CompareDialog)
    await desk.until(lambda: desk.models.compare.stage is not Stage.ASKING)
    return dialog


async def test_the_link_of_the_bar_opens_it_and_escape_closes_it(desk: Desk) -> None:
    await opened(desk)
    desk.window.dialogs._made["compare"].close()

    desk.generate.choices.compare.click()
    dialog = desk.window.findChild(CompareDialog)
    assert isinstance(dialog, CompareDialog)
    is_open, is_modal = dialog.isVisible(), dialog.isModal()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)

    assert is_open
    assert not is_modal
    assert not dialog.isVisible()


async def test_the_key_is_on_the_page_of_shortcuts(desk: Desk) -> None:
    rows = dict(desk.window.menus.groups())["Generate"]

    assert ("Compare providers", "Ctrl+Shift+C") in rows


async def test_every_service_has_a_column_and_the_chosen_one_is_marked(desk: Desk) -> None:
    dialog = await opened(desk)
    desk.draft.choose_provider(PAID.id)

    assert [column.title.text() for column in dialog.columns] == ["Acme", "Bare"]
    assert [column.button.text() for column in dialog.columns] == [IN_USE, USE]
    assert dialog.columns[0].cells[0].words == "about $1.68"


async def test_using_one_chooses_it_and_closes_the_panel(desk: Desk) -> None:
    dialog = await opened(desk)

    dialog.columns[1].button.click()

    assert desk.draft.provider is BARE
    assert desk.studio.settings.choices.provider == BARE.id
    assert not dialog.isVisible()


async def test_one_that_cannot_do_it_is_grey_with_its_reason(desk: Desk) -> None:
    problem = Problem(kind=Kind.NOT_SUPPORTED, detail="Bare takes no elements", subject="element:1")

    dialog = await opened(desk, an_offer(PAID), an_offer(BARE, problem=problem))
    able, unable = dialog.columns

    assert able.button.isEnabled()
    assert not able.reason.isVisible()
    assert not unable.button.isEnabled()
    assert unable.button.toolTip() == unable.reason.text() == "Bare takes no elements"


async def test_one_without_a_key_can_be_chosen_and_leads_to_adding_one(desk: Desk) -> None:
    dialog = await opened(desk, an_offer(PAID), an_offer(BARE, has_key=False))

    dialog.columns[1].button.click()
    await desk.settle()

    assert dialog.columns[1].cells[ROWS.index("Key")].words == "No key"
    assert desk.generate.reason == "No key for Bare"


async def test_without_a_clip_it_says_what_to_do_first(desk: Desk) -> None:
    await desk.start()

    desk.window.dialogs.compare()

    dialog = desk.window.findChild(CompareDialog)
    assert isinstance(dialog, CompareDialog)
    assert dialog.empty.isVisible()
    assert desk.studio.compared == []


async def test_a_clip_that_cannot_be_used_is_said_and_can_be_tried_again(desk: Desk) -> None:
    dialog = await opened(desk)
    desk.studio.offers = InputRefused(Kind.SOURCE_MISSING, "street.mp4", subject="source")

    dialog.refresh.click()
    await desk.until(lambda: desk.models.compare.stage is Stage.FAILED)
    said = dialog.notice.title
    desk.studio.offers = (an_offer(PAID),)
    again = dialog.notice.button(text.Button.TRY_AGAIN)
    assert again is not None
    again.click()
    await desk.until(lambda: desk.models.compare.stage is Stage.READY)

    assert said == "This file cannot be found"
    assert dialog.notice.title == ""
    assert [column.title.text() for column in dialog.columns] == ["Acme"]


async def test_while_it_asks_a_line_moves_and_the_last_answer_stays(desk: Desk) -> None:
    dialog = await opened(desk)

    dialog.refresh.click()
    is_asking, columns = dialog._busy.isVisible(), len(dialog.columns)
    await desk.until(lambda: desk.models.compare.stage is Stage.READY)

    assert is_asking
    assert columns == 2
    assert not dialog._busy.isVisible()


async def test_it_follows_the_draft_while_it_is_open_and_rests_when_closed(desk: Desk) -> None:
    dialog = await opened(desk)
    desk.models.compare._settle.setInterval(0)
    asked = len(desk.studio.compared)

    desk.draft.choose_takes(3)
    await desk.until(lambda: len(desk.studio.compared) > asked)
    desk.draft.replace_prompt("Make it rain")
    await desk.settle()
    after_words = len(desk.studio.compared)
    dialog.close()
    desk.draft.choose_takes(2)
    await asyncio.sleep(0.02)

    assert desk.studio.compared[asked][1] == 3
    assert after_words == asked + 1
    assert len(desk.studio.compared) == after_words


async def test_the_keyboard_reaches_every_button_and_shows_where_it_is(desk: Desk) -> None:
    dialog = await opened(desk)
    dialog.activateWindow()
    dialog.refresh.setFocus()
    await desk.settle()

    reached = []
    for _ in range(3):
        QTest.keyClick(QApplication.focusWidget() or dialog, Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())

    assert reached == [dialog.columns[0].button, dialog.columns[1].button, dialog._close]
    ring = dialog.findChild(FocusRing)
    assert isinstance(ring, FocusRing)
    assert ring.target is dialog._close


async def test_a_screen_reader_hears_the_whole_column_at_its_button(desk: Desk) -> None:
    dialog = await opened(desk)
    button = dialog.columns[1].button

    assert button.accessibleName() == "Use Bare"
    for words in ("Price: about $1.68", "Usual wait: No edits yet", "Cancel: Cannot be cancelled"):
        assert words in button.accessibleDescription()


@pytest.mark.parametrize(("width", "is_wide"), [(1080, True), (420, False)])
async def test_narrow_the_services_stand_below_each_other_and_no_text_is_cut(
    desk: Desk, width: int, is_wide: bool
) -> None:
    dialog = await opened(desk)
    dialog.resize(width, 700)
    await desk.settle()

    lefts = {column.title.mapTo(dialog, column.title.rect().topLeft()).x() for column in dialog.columns}
    inside = dialog._scroll.viewport().width()

    assert dialog.is_wide is is_wide
    assert len(lefts) == (2 if is_wide else 1)
    for column in dialog.columns:
        for view in column.cells:
            assert view.mapTo(dialog._table, view.rect().topRight()).x() < inside
            assert view.height() >= view.heightForWidth(view.width())


async def test_with_large_text_it_fits_on_the_screen(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    desk = Desk(tmp_path, Theme(qapp, scale=2.0))
    qtbot.addWidget(desk.window)
    try:
        dialog = await opened(desk)
        room = dialog.screen().availableSize()

        assert dialog.width() <= room.width()
        assert dialog.height() < room.height()
        assert theme.px(theme.BASE_PX) == 26
    finally:
        await desk.models.aclose()
        desk.window.detach()
        desk.window.close()


async def test_a_key_that_is_added_while_it_is_open_changes_the_answer(desk: Desk) -> None:
    dialog = await opened(desk, an_offer(PAID), an_offer(BARE, has_key=False))
    desk.studio.offers = (an_offer(PAID), an_offer(BARE))

    desk.models.accounts.set_key(BARE.id, "a-key")
    await desk.until(lambda: dialog.columns[1].cells[ROWS.index("Key")].words == "There is a key")
