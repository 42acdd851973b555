from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from klingstudio.domain.price import Money
from klingstudio.providers.base import Account
from klingstudio.ui.dialogs.settings import KeyBox, SettingsDialog
from klingstudio.ui.theme import Theme
from klingstudio.ui.widgets.focus import FocusRing
from klingstudio.ui.widgets.pasted import CLEAR_AFTER_MS
from klingstudio.vault import Secret, Where
from tests.fakes.studio import FREE, PAID, provider
from tests.fakes.studio_run import KEY
from tests.ui.conftest import Desk


async def opened(desk: Desk) -> tuple[SettingsDialog, KeyBox]:
    await desk.start()
    desk.window.dialogs.settings(PAID.id)
    dialog = desk.window.findChild(SettingsDialog)
    assert isinstance(dialog, SettingsDialog)
    return dialog, dialog.box(PAID.id)


async def test_the_settings_do_not_stop_the_window(desk: Desk) -> None:
    dialog, _ = await opened(desk)

    assert dialog.isVisible()
    assert not dialog.isModal()
    assert dialog.windowModality() is Qt.WindowModality.NonModal


async def test_a_pasted_key_is_saved_trimmed_and_leaves_the_field(desk: Desk) -> None:
    _, box = await opened(desk)

    box.field.setText("  new-key \n")
    box.save.click()
    await desk.until(lambda: desk.studio.accounts.keys[PAID.id] == "new-key")
    await desk.until(lambda: box.answer == "Saved")

    assert box.field.text() == ""
    assert box._place.text() == "The keychain is locked, so the key is kept for this session only."


async def test_a_key_is_never_readable_by_itself(desk: Desk) -> None:
    _, box = await opened(desk)

    assert box.field.echoMode() is QLineEdit.EchoMode.Password


async def test_the_test_says_in_words_whose_key_it_is(desk: Desk) -> None:
    _, box = await opened(desk)

    box.test.click()
    await desk.until(lambda: box.answer.startswith("Works"))

    assert box.answer == "Works for ada"


async def test_the_test_tells_what_is_left_and_nothing_where_that_is_not_told(desk: Desk) -> None:
    _, box = await opened(desk)
    desk.studio.accounts.account = Account("ada", "fingerprint", Money(Decimal("7.40"), "USD"))
    box.test.click()
    await desk.until(lambda: box.answer.startswith("Works"))
    with_name = box.answer

    desk.studio.accounts.account = Account("", "fingerprint", Money(Decimal(260), "credits"))
    box.test.click()
    await desk.until(lambda: box.answer.startswith("Works · 2"))

    assert with_name == "Works for ada · $7.40 left"
    assert box.answer == "Works · 260 credits left"


async def test_only_providers_that_bill_organisations_are_asked_about_one(desk: Desk) -> None:
    desk.studio.providers = (replace(PAID, bills_organisations=False), FREE)

    dialog, _ = await opened(desk)

    assert not any(label.text().startswith("Billed to") for label in dialog.findChildren(QLabel))


async def test_four_keys_fit_a_small_screen_and_the_last_can_be_reached(desk: Desk) -> None:
    others = tuple(provider(name, needs_key=True) for name in ("bolt", "corp", "dyna"))
    desk.studio.providers = (PAID, *others, FREE)
    dialog, _ = await opened(desk)
    dialog.resize(dialog.width(), 768 - 36)
    await desk.settle()

    dialog.show_key_of("dyna")
    await desk.settle()
    field = dialog.box("dyna").field

    assert field.hasFocus()
    assert field.visibleRegion().boundingRect().height() == field.height()


async def test_a_refused_key_says_so_at_its_field(desk: Desk) -> None:
    _, box = await opened(desk)
    desk.studio.accounts.keys[PAID.id] = "wrong"

    box.test.click()
    await desk.until(lambda: bool(desk.models.accounts.state(PAID.id).problem))

    assert box.answer == "The provider does not accept the key: 401. Check it or add a new one."


async def test_a_removed_key_greys_the_generate_button(desk: Desk) -> None:
    desk.studio.settings.update(provider=PAID.id)
    _, box = await opened(desk)
    await desk.fill()

    box.remove.click()
    await desk.until(lambda: desk.generate.reason == "No key for Acme")

    assert not box.test.isEnabled()
    assert "There is no keychain on this system" in box._place.text()


async def test_a_key_of_the_environment_cannot_be_changed_here(desk: Desk) -> None:
    async def key(_provider_id: str) -> Secret:
        return Secret("from-outside", Where.ENVIRONMENT)

    desk.studio.accounts.key = key  # type: ignore[assignment, method-assign]
    _, box = await opened(desk)

    assert "ACME_API_KEY" in box._place.text()
    assert not box.field.isEnabled()
    assert box.remove.isHidden()


async def test_the_theme_changes_at_once_and_is_remembered(desk: Desk) -> None:
    dialog, _ = await opened(desk)

    QTest.mouseClick(dialog.themes["light"], Qt.MouseButton.LeftButton)

    assert not desk.looks.is_dark
    assert desk.studio.settings.choices.theme == "light"


async def test_the_organisation_that_is_billed_goes_into_the_request_where_the_provider_has_such(desk: Desk) -> None:
    dialog, _ = await opened(desk)
    await desk.fill()
    desk.draft.choose_provider(PAID.id)

    dialog._billed_to.setText(" studio-ada ")
    dialog._billed_to.editingFinished.emit()
    at_the_paid_one = desk.draft.request().billed_to
    desk.draft.choose_provider(FREE.id)

    assert at_the_paid_one == "studio-ada"
    assert desk.draft.request().billed_to is None


async def test_consent_can_be_taken_back(desk: Desk) -> None:
    desk.studio.settings.update(upload_consent=frozenset({PAID.id}))
    dialog, _ = await opened(desk)

    dialog._forget.click()

    assert desk.models.accounts.asks_consent(PAID.id)
    assert dialog._agreed.text() == "You are asked before the first one."


async def test_the_first_key_leads_to_its_provider(desk: Desk) -> None:
    _, box = await opened(desk)
    desk.studio.settings.update(provider="")
    desk.draft.use_free_provider(remember=False)

    box.field.setText("new-key")
    box.save.click()
    await desk.until(lambda: box.answer == "Saved")

    assert desk.draft.provider is not None
    assert desk.draft.provider.id == PAID.id


async def test_a_further_key_leaves_the_chosen_provider_alone(desk: Desk) -> None:
    _, box = await opened(desk)
    desk.draft.use_free_provider()
    desk.studio.settings.update(provider=FREE.id)

    box.field.setText("new-key")
    box.save.click()
    await desk.until(lambda: box.answer == "Saved")

    assert desk.draft.provider is not None
    assert desk.draft.provider.id != PAID.id


async def test_the_keyboard_has_a_ring_in_the_settings_too(desk: Desk) -> None:
    dialog, box = await opened(desk)
    dialog.activateWindow()
    await desk.settle()
    box.field.setFocus()

    QTest.keyClick(box.field, Qt.Key.Key_Tab)

    ring = dialog.findChild(FocusRing)
    assert isinstance(ring, FocusRing)
    assert ring.target is box._eye


async def test_testing_a_key_leaves_the_keyboard_on_the_button(desk: Desk) -> None:
    dialog, box = await opened(desk)
    dialog.activateWindow()
    await desk.settle()
    box.test.setFocus()

    QTest.keyClick(box.test, Qt.Key.Key_Space)
    while_testing = box.test.hasFocus()
    await desk.until(lambda: box.answer.startswith("Works"))

    assert while_testing
    assert box.test.hasFocus()


async def test_the_settings_fit_on_the_screen_with_large_text(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    desk = Desk(tmp_path, Theme(qapp, scale=2.0))
    qtbot.addWidget(desk.window)
    try:
        dialog, _ = await opened(desk)

        assert dialog.height() < desk.window.screen().availableSize().height()
    finally:
        await desk.models.aclose()
        desk.window.detach()
        desk.window.close()


async def test_a_pasted_key_leaves_the_clipboard_a_while_after_it_was_saved(desk: Desk) -> None:
    _, box = await opened(desk)
    clipboard = QApplication.clipboard()

    for key, then in ((KEY, ""), (f"{KEY}-2", "something else")):
        clipboard.setText(f" {key}\n")
        box.field.setFocus()
        box.field.paste()
        QTest.keyClick(box.field, Qt.Key.Key_Return)
        await desk.until(box.pasted._timer.isActive)
        assert clipboard.text() == f" {key}\n", "not at once: it may be wanted elsewhere, too"
        clipboard.setText(then or clipboard.text())
        assert box.pasted._timer.interval() == CLEAR_AFTER_MS
        # Half a minute is over.
        box.pasted._timer.setInterval(0)
        await desk.until(lambda: not box.pasted._timer.isActive())
        box.pasted._timer.setInterval(CLEAR_AFTER_MS)
        assert clipboard.text() == then
        assert box.field.text() == ""


async def test_a_key_that_was_not_saved_does_not_stay_in_a_closed_dialog(desk: Desk) -> None:
    dialog, box = await opened(desk)
    box.field.setText(KEY)

    dialog.close()

    assert box.field.text() == ""


async def test_a_pasted_key_leaves_the_clipboard_when_the_program_ends(desk: Desk) -> None:
    _, box = await opened(desk)
    QApplication.clipboard().setText(KEY)
    box.field.paste()
    QTest.keyClick(box.field, Qt.Key.Key_Return)

    desk.window.detach()

    assert QApplication.clipboard().text() == ""
