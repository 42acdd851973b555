"""Clauses and snippets as a row of buttons; what has no room in it is in the menu at its end."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.models.phrases import CLAUSES, Phrase, PhrasesModel
from klingstudio.ui.widgets.icons import Button, IconButton
from klingstudio.ui.widgets.labels import plain_tip


class PhraseRow(QWidget):
    """Says which phrase is wanted; a phrase that is in the text already is shown as pressed."""

    wanted = Signal(object)
    """A `Phrase`."""
    save_wanted = Signal()
    """Keep the selected text, or all of it, as a snippet."""
    manage_wanted = Signal()

    def __init__(self, phrases: PhrasesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._phrases = phrases
        self._buttons: list[tuple[Phrase, Button]] = []
        self._used: frozenset[str] = frozenset()
        self.more = IconButton("plus", "Snippets", self, token="secondary")
        self.more.setProperty("on", "raised")
        self.more.clicked.connect(self._open_menu)
        self.menu: QMenu | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        phrases.changed.connect(self._rebuild)
        self._rebuild()

    def button(self, name: str) -> Button:
        """The button of this phrase."""
        return next(button for phrase, button in self._buttons if phrase.name == name)

    def show_used(self, names: frozenset[str]) -> None:
        """Which phrases are in the text."""
        if names == self._used:
            return
        self._used = names
        self._show_state()

    def _show_state(self) -> None:
        for phrase, button in self._buttons:
            is_used = phrase.name in self._used
            button.setChecked(is_used)
            verb = "Select" if is_used else "Insert"
            button.setToolTip(plain_tip(f"{verb}: {phrase.text}"))
            button.setAccessibleDescription(f"{verb}s the text: {phrase.text}")

    def sizeHint(self) -> QSize:
        return QSize(theme.px(120), max(self.more.sizeHint().height(), self._buttons[0][1].sizeHint().height()))

    def minimumSizeHint(self) -> QSize:
        return QSize(self.more.sizeHint().width(), self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _rebuild(self) -> None:
        for _, old in self._buttons:
            old.hide()
            old.deleteLater()
        self._buttons = []
        for phrase in (*CLAUSES, *self._phrases.snippets):
            button = Button(phrase.name, self, kind="clause")
            button.setCheckable(True)
            # One connection each, made with its phrase.
            button.clicked.connect(lambda _=False, one=phrase: self._on_button(one))
            self._buttons.append((phrase, button))
        self._show_state()
        self._place()

    def _on_button(self, phrase: Phrase) -> None:
        self.wanted.emit(phrase)
        # The text decides what is shown as pressed, not the press.
        self._show_state()

    def _place(self) -> None:
        x, gap, air = 0, theme.px(6), self.more.sizeHint().width()
        is_full = False
        for _, button in self._buttons:
            size = button.sizeHint()
            is_full = is_full or x + size.width() + gap + air > self.width()
            button.setVisible(not is_full)
            if not is_full:
                button.setGeometry(x, (self.height() - size.height()) // 2, size.width(), size.height())
                x += size.width() + gap
        side = self.more.sizeHint()
        self.more.setGeometry(x, (self.height() - side.height()) // 2, side.width(), side.height())
        # Behind the last button, also for the Tab key.
        self.more.raise_()

    def _open_menu(self) -> None:
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        for phrase, button in self._buttons:
            if button.isHidden() or phrase in self._phrases.snippets:
                action = menu.addAction(phrase.name)
                action.setToolTip(plain_tip(phrase.text))
                action.triggered.connect(lambda _=False, one=phrase: self.wanted.emit(one))
        if not menu.isEmpty():
            menu.addSeparator()
        menu.setToolTipsVisible(True)
        menu.addAction("Keep the text as a snippet…").triggered.connect(self.save_wanted)
        manage = menu.addAction("Manage snippets…")
        manage.triggered.connect(self.manage_wanted)
        manage.setEnabled(bool(self._phrases.snippets))
        self.menu = menu
        menu.destroyed.connect(self._forget_menu)
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def _forget_menu(self) -> None:
        self.menu = None
