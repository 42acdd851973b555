"""A key that was pasted does not stay in the clipboard, from where the next program could take it."""

from __future__ import annotations

import hashlib

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QClipboard, QGuiApplication

CLEAR_AFTER_MS = 30_000

_PLACES = (QClipboard.Mode.Clipboard, QClipboard.Mode.Selection)


class PastedKey(QObject):
    """Empties the clipboard a while after a key was saved that lies in it, unless something else lies there by then."""

    def __init__(self, parent: QObject | None = None, *, after_ms: int = CLEAR_AFTER_MS) -> None:
        super().__init__(parent)
        self._mark = ""
        """Of the key: itself it is not kept."""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(after_ms)
        self._timer.timeout.connect(self.clear)

    def saved(self, key: str) -> None:
        """This key has just been saved. Where it was typed there is nothing to do."""
        mark = _mark(key)
        if any(_mark(text) == mark for text in _texts().values()):
            self._mark = mark
            self._timer.start()

    def clear(self) -> None:
        """Now; also when the program ends before the time is over."""
        self._timer.stop()
        for place, text in _texts().items():
            if self._mark and _mark(text) == self._mark:
                QGuiApplication.clipboard().clear(place)
        self._mark = ""


def _texts() -> dict[QClipboard.Mode, str]:
    clipboard = QGuiApplication.clipboard()
    there = [place for place in _PLACES if place is QClipboard.Mode.Clipboard or clipboard.supportsSelection()]
    return {place: text for place in there if (text := clipboard.text(place).strip())}


def _mark(text: str) -> str:
    return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).hexdigest()
