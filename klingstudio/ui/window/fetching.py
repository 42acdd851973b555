"""The question before anything is fetched from the web, how far that is, and what went wrong."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from klingstudio.ui import text
from klingstudio.ui.models.arrivals import ArrivalsModel, Fetch
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.notice import Notice
from klingstudio.ui.widgets.progress import ProgressLine
from klingstudio.ui.window.regions import go_to, scroll_to

FETCH, NO, CANCEL, CLOSE = "Fetch", "No", "Cancel", "Close"


class Fetching(Notice):
    """Stands in the window and waits; the person can go on with everything else meanwhile."""

    def __init__(self, arrivals: ArrivalsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("fetching")
        self._arrivals = arrivals
        self._line: ProgressLine | None = None
        self._came_from: QWidget | None = None
        self.acted.connect(self._answer)
        arrivals.fetch_changed.connect(self._show_fetch)

    def go(self) -> None:
        """Give the keyboard to the question, which was asked for by key, until it is answered."""
        if not self.isHidden() and (button := self.button(FETCH)) is not None:
            self._came_from = QApplication.focusWidget()
            go_to(button, Qt.FocusReason.TabFocusReason)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # Afterwards it has its place.
        QTimer.singleShot(0, self, self._come_into_view)

    def _come_into_view(self) -> None:
        scroll_to(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._arrivals.decline()
        else:
            super().keyPressEvent(event)

    def _show_fetch(self) -> None:
        fetch, had_keyboard = self._arrivals.fetch, self._has_keyboard()
        if fetch is not None:
            self._say(fetch)
            self._show_line(fetch)
            if had_keyboard and not self._has_keyboard():
                # The buttons are others now.
                self._buttons.findChildren(Button)[0].setFocus(Qt.FocusReason.OtherFocusReason)
            return
        if had_keyboard and self._came_from is not None and isValid(self._came_from):
            self._came_from.setFocus(Qt.FocusReason.OtherFocusReason)
        self._came_from = None
        self.clear()

    def _has_keyboard(self) -> bool:
        focus = QApplication.focusWidget()
        return focus is not None and self.isAncestorOf(focus)

    def _say(self, fetch: Fetch) -> None:
        name, host = fetch.address.name or "a file", fetch.address.host
        if fetch.problem is not None:
            sentence = text.sentence(fetch.problem)
            again = (text.Button.TRY_AGAIN,) if sentence.button == text.Button.TRY_AGAIN else ()
            self.say(sentence.title, f"{host}: {sentence.hint}", (*again, CLOSE), details=text.details(fetch.problem))
        elif fetch.is_running:
            self.say(f"Fetching {name} from {host}…", "", (CANCEL,), tone="neutral")
        else:
            hint = "Nothing is fetched before you agree. No key and no log-in is sent there."
            self.say(f"Fetch {name} from {host}?", hint, (FETCH, NO), tone="neutral")

    def _show_line(self, fetch: Fetch) -> None:
        is_shown = fetch.is_running and fetch.problem is None
        if self._line is None and is_shown:
            self._line = ProgressLine("Fetched", self)
            self._words.addWidget(self._line)
        if self._line is not None:
            self._line.setVisible(is_shown)
            self._line.show_fraction(fetch.fraction)

    def _answer(self, words: str) -> None:
        if words in (FETCH, text.Button.TRY_AGAIN):
            self._arrivals.agree()
        else:
            self._arrivals.decline()
