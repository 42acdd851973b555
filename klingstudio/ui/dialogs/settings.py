"""Keys, looks and the rest of the choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QHideEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from klingstudio.ui import text, theme
from klingstudio.ui.dialogs.limits import LimitsBox
from klingstudio.ui.models.accounts import AccountsModel, KeyState, Place
from klingstudio.ui.models.spending import SpendingModel
from klingstudio.ui.widgets.focus import FocusRing
from klingstudio.ui.widgets.icons import Button, IconButton, IconLabel
from klingstudio.ui.widgets.labels import label, set_role
from klingstudio.ui.widgets.pasted import PastedKey
from klingstudio.ui.widgets.progress import ProgressLine

if TYPE_CHECKING:
    from klingstudio.providers.base import ProviderInfo

_PLACES = {
    Place.UNKNOWN: "Looking for a key…",
    Place.NONE: "No key yet",
    Place.ENVIRONMENT: "From the environment variable {variable}, which comes first",
    Place.KEYCHAIN: "Kept in the keychain of this computer",
    Place.SESSION: "Kept in memory until the program ends",
}
_GRACE = ((True, "Wait three seconds"), (False, "Send at once"))
_THEMES = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))


class KeyBox(QFrame):
    """One provider's key."""

    def __init__(self, info: ProviderInfo, accounts: AccountsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.info = info
        self._accounts = accounts
        self.setProperty("ground", "card")
        self.field = QLineEdit(self)
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.pasted = PastedKey(self)
        self.field.setAccessibleName(f"Key for {info.title}")
        self.field.setPlaceholderText("Paste a key")
        self.field.setClearButtonEnabled(False)
        self.field.returnPressed.connect(self._save)
        self.field.textChanged.connect(self._on_text)
        self._eye = IconButton("eye", "Show the key while typing", self)
        self._eye.setCheckable(True)
        self._eye.setProperty("on", "raised")
        self._eye.toggled.connect(self._on_eye)
        self.save = Button("Save", self)
        self.save.setAccessibleName(f"Save the key for {info.title}")
        self.save.clicked.connect(self._save)
        self.test = Button("Test", self)
        self.test.setAccessibleName(f"Test the key for {info.title}")
        self.test.clicked.connect(lambda: accounts.test(info.id))
        self.remove = Button("Remove", self)
        self.remove.setAccessibleName(f"Remove the key for {info.title}")
        self.remove.clicked.connect(lambda: accounts.remove_key(info.id))
        self._get = Button("Get a key", self, kind="link")
        self._get.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(info.key_page)))
        self._get.setToolTip(info.key_page)
        self._place = label(role="secondary", wraps=True)
        self._icon = IconLabel("circle-check", "good", 14)
        self._answer = label(role="good", wraps=True)
        self._busy = ProgressLine("Working", self)

        head = QHBoxLayout()
        head.addWidget(label(info.title, "strong"))
        head.addStretch()
        head.addWidget(self._get)
        entry = QHBoxLayout()
        entry.setSpacing(theme.px(theme.BETWEEN))
        entry.addWidget(self.field, stretch=1)
        entry.addWidget(self._eye)
        entry.addWidget(self.save)
        entry.addWidget(self.test)
        entry.addWidget(self.remove)
        foot = QHBoxLayout()
        foot.setSpacing(theme.px(6))
        foot.addWidget(self._icon, alignment=Qt.AlignmentFlag.AlignTop)
        foot.addWidget(self._answer, stretch=1)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(n) for n in (14, 12, 14, 14)))
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addLayout(head)
        column.addWidget(self._place)
        column.addLayout(entry)
        column.addWidget(self._busy)
        column.addLayout(foot)
        accounts.changed.connect(self._on_changed)
        self._refresh()

    @property
    def answer(self) -> str:
        """What the last test or change came to, in words."""
        return self._answer.text()

    def _save(self) -> None:
        key = self.field.text().strip()
        if key:
            self.field.clear()
            self._eye.setChecked(False)
            self.pasted.saved(key)
            self._accounts.set_key(self.info.id, key)

    def _on_text(self) -> None:
        self.save.setEnabled(bool(self.field.text().strip()))

    def _on_eye(self, shows: bool) -> None:
        self.field.setEchoMode(QLineEdit.EchoMode.Normal if shows else QLineEdit.EchoMode.Password)
        self._eye.show_icon("eye-off" if shows else "eye", "Hide the key" if shows else "Show the key while typing")

    def _on_changed(self, provider_id: str) -> None:
        if provider_id == self.info.id:
            self._refresh()

    def _refresh(self) -> None:
        state = self._accounts.state(self.info.id)
        is_ours = state.place in {Place.KEYCHAIN, Place.SESSION}
        words = _PLACES[state.place].format(variable=self.info.key_variable)
        self._place.setText(
            f"{words}. {state.note}" if state.note and state.place is Place.NONE else state.note or words
        )
        # Not greyed while something is under way: a greyed control loses the keyboard, and asking again does no harm.
        self.field.setEnabled(state.place is not Place.ENVIRONMENT)
        self.field.setPlaceholderText("Paste another key" if state.is_there else "Paste a key")
        self.save.setEnabled(bool(self.field.text().strip()) and not state.busy)
        self.test.setEnabled(state.is_there)
        self.test.setToolTip("" if state.is_there else "Save a key first")
        self.remove.setEnabled(is_ours and not state.busy)
        self.remove.setVisible(is_ours)
        self._busy.setVisible(bool(state.busy))
        self._show_answer(state)

    def _show_answer(self, state: KeyState) -> None:
        self._icon.setVisible(bool(state.answer or state.problem) and not state.busy)
        self._answer.setVisible(bool(state.busy or state.answer or state.problem))
        if state.problem is not None:
            self._icon.show_icon("circle-alert", "bad")
            set_role(self._answer, "role", "bad")
            self._answer.setText(text.passage(state.problem))
        else:
            self._icon.show_icon("circle-check", "good")
            set_role(self._answer, "role", "secondary" if state.busy else "good")
            self._answer.setText(f"{state.busy}…" if state.busy else state.answer)


class SettingsDialog(QDialog):
    """Stands beside the window and takes effect at once; there is nothing to confirm."""

    theme_chosen = Signal(str)

    def __init__(self, accounts: AccountsModel, spending: SpendingModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._accounts = accounts
        self.setObjectName("settings")
        self.setWindowTitle("Settings")
        self.setModal(False)
        self._boxes = {info.id: KeyBox(info, accounts, self) for info in accounts.providers}
        inside = QWidget(self)
        inside.setProperty("clear", "true")
        column = QVBoxLayout(inside)
        column.setContentsMargins(*(theme.px(n) for n in (20, 16, 20, 20)))
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addWidget(label("Keys", "section"))
        column.addWidget(label("A key is sent to its provider only, and never written to a file.", "faint", wraps=True))
        for box in self._boxes.values():
            column.addWidget(box)
        column.addSpacing(theme.px(theme.INSIDE))
        if payers := [info.title for info in accounts.providers if info.bills_organisations]:
            column.addWidget(label(f"Billed to, at {', '.join(payers)}", "section"))
            column.addLayout(self._build_billed_to())
            column.addSpacing(theme.px(theme.INSIDE))
        self.limits = LimitsBox(spending, self)
        column.addWidget(label("Spend at most", "section"))
        column.addWidget(self.limits)
        column.addSpacing(theme.px(theme.INSIDE))
        column.addWidget(label("After Generate is pressed", "section"))
        column.addLayout(self._build_grace(spending))
        hint = "In these seconds it can be taken back: press it again, Esc or Ctrl+Z. Nothing is sent before they end."
        column.addWidget(label(hint, "faint", wraps=True))
        column.addSpacing(theme.px(theme.INSIDE))
        column.addWidget(label("Theme", "section"))
        column.addLayout(self._build_theme())
        column.addSpacing(theme.px(theme.INSIDE))
        column.addWidget(label("Public uploads", "section"))
        column.addLayout(self._build_consent())
        column.addStretch()
        self._scroll = scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inside)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close = Button("Done", self)
        close.clicked.connect(self.close)
        foot = QHBoxLayout()
        foot.setContentsMargins(*(theme.px(n) for n in (20, 12, 20, 16)))
        foot.addStretch()
        foot.addWidget(close)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.setSpacing(0)
        outside.addWidget(scroll, stretch=1)
        outside.addLayout(foot)
        self.resize(theme.px(520), theme.px(700))
        FocusRing(self)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        # A key that was begun and not saved does not wait in a window that nobody sees.
        for box in self._boxes.values():
            box.field.clear()

    def detach(self) -> None:
        """The program ends, and with it whoever would clear the clipboard later."""
        for box in self._boxes.values():
            box.pasted.clear()

    def show_key_of(self, provider_id: str) -> None:
        """Put the cursor into this provider's key field."""
        box = self._boxes.get(provider_id) or next(iter(self._boxes.values()), None)
        if box is not None:
            box.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_limits(self) -> None:
        """Put the cursor into the first limit."""
        first = self.limits.first
        if first is not None:
            self._scroll.ensureWidgetVisible(self.limits)
            first.setFocus(Qt.FocusReason.ShortcutFocusReason)
            first.selectAll()

    def show_theme(self, choice: str) -> None:
        """Mark the theme that is used."""
        self.themes[choice].setChecked(True)

    def box(self, provider_id: str) -> KeyBox:
        return self._boxes[provider_id]

    def _build_billed_to(self) -> QVBoxLayout:
        self._billed_to = QLineEdit(self._accounts.billed_to, self)
        self._billed_to.setAccessibleName("Organisation that is billed")
        self._billed_to.setPlaceholderText("The key's own account")
        self._billed_to.editingFinished.connect(lambda: self._accounts.set_billed_to(self._billed_to.text()))
        column = QVBoxLayout()
        column.setSpacing(theme.px(theme.GAP))
        column.addWidget(self._billed_to)
        hint = "The name of an organisation of yours at the provider that pays instead. Leave it empty to pay yourself."
        column.addWidget(label(hint, "faint", wraps=True))
        return column

    def _build_grace(self, spending: SpendingModel) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.px(theme.BETWEEN))
        group = QButtonGroup(self)
        self.grace: dict[bool, Button] = {}
        for value, words in _GRACE:
            button = Button(words, self)
            button.setCheckable(True)
            button.setChecked(value is spending.send_grace)
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, choice=value: spending.set_send_grace(choice))
            group.addButton(button)
            row.addWidget(button)
            self.grace[value] = button
        row.addStretch()
        return row

    def _build_theme(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.px(theme.BETWEEN))
        group = QButtonGroup(self)
        self.themes: dict[str, Button] = {}
        for value, words in _THEMES:
            button = Button(words, self)
            button.setCheckable(True)
            button.setChecked(value == self._accounts.theme)
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, choice=value: self.theme_chosen.emit(choice))
            group.addButton(button)
            row.addWidget(button)
            self.themes[value] = button
        row.addStretch()
        return row

    def _build_consent(self) -> QHBoxLayout:
        self._agreed = label(role="secondary", wraps=True)
        self._forget = Button("Ask again", self)
        self._forget.clicked.connect(self._accounts.forget_consents)
        self._accounts.consent_changed.connect(self._show_consent)
        row = QHBoxLayout()
        row.setSpacing(theme.px(theme.INSIDE))
        row.addWidget(self._agreed, stretch=1)
        row.addWidget(self._forget)
        self._show_consent()
        return row

    def _show_consent(self) -> None:
        titles = [info.title for info in self._accounts.providers if info.id in self._accounts.consents]
        words = (
            f"You agreed to public uploads at {', '.join(titles)}." if titles else "You are asked before the first one."
        )
        self._agreed.setText(words)
        self._forget.setEnabled(bool(titles))
