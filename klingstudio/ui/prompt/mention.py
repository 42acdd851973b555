"""From a typed `@` to a token: follows the caret, filters the list, and puts the chosen reference in place of what was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent, QTextCursor
from PySide6.QtWidgets import QTextEdit

from klingstudio.domain.prompt import CHIP, Token
from klingstudio.ui.prompt.faces import Face, Faces

if TYPE_CHECKING:
    from klingstudio.ui.prompt.picker import Picker

_TAKES = {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab}
_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)


class Mention:
    """Begins when an `@` is typed, ends with Esc, a space, or when the caret leaves the typed word."""

    def __init__(self, field: QTextEdit, faces: Faces, put: Callable[[QTextCursor, Token], None]) -> None:
        """`put`: replaces what the cursor has selected."""
        self._field = field
        self._faces = faces
        self._put = put
        self._at: int | None = None
        self._picker: Picker | None = None
        faces.changed.connect(self.follow)

    @property
    def picker(self) -> Picker | None:
        """The list while it is open."""
        return self._picker if self._picker is not None and self._picker.isVisible() else None

    def begin(self) -> None:
        """An `@` has just been typed."""
        at = self._field.textCursor().position() - 1
        before = self._field.document().characterAt(at - 1) if at > 0 else ""
        # Part of an address such as name@example.org.
        if not (before.isascii() and before.isalnum()):
            self._at = at
            self.follow()

    def end(self) -> None:
        """Close; it opens again at the next `@`."""
        self._at = None
        if self._picker is not None:
            self._picker.hide()

    def follow(self) -> None:
        """The caret, the text or the references changed."""
        typed = self._typed()
        if typed is None:
            if self._at is not None:
                self.end()
            return
        every = self._faces.every()
        found = [face for face in every if _fits(face, typed)]
        if found or (not every and not typed):
            self._open(found)
        elif self._picker is not None:
            # Not ended: what is rubbed out again may fit.
            self._picker.hide()

    def takes(self, event: QKeyEvent) -> bool:
        """A key was pressed; True where the list used it."""
        picker = self.picker
        if picker is None or event.modifiers() not in _PLAIN:
            return False
        match event.key():
            case Qt.Key.Key_Escape:
                self.end()
                return True
            case Qt.Key.Key_Down | Qt.Key.Key_Up if picker.token is not None:
                picker.move_by(1 if event.key() == Qt.Key.Key_Down else -1)
                return True
            case key if key in _TAKES and picker.token is not None:
                self._accept(picker.token)
                return True
            case _:
                return False

    def takes_tab(self) -> bool:
        """Tab was pressed; True where the list used it."""
        picker = self.picker
        if picker is None or picker.token is None:
            return False
        self._accept(picker.token)
        return True

    def _typed(self) -> str | None:
        """What stands between the `@` and the caret; None where that is no single word."""
        cursor = self._field.textCursor()
        if self._at is None or cursor.hasSelection() or cursor.position() <= self._at:
            return None
        if self._field.document().characterAt(self._at) != "@":
            return None
        span = self._span()
        words = span.selectedText()[1:]
        return None if any(one.isspace() or one in f"{CHIP}@" for one in words) else words

    def _span(self) -> QTextCursor:
        caret = self._field.textCursor()
        span = QTextCursor(self._field.document())
        span.setPosition(self._at or 0)
        span.setPosition(caret.position(), QTextCursor.MoveMode.KeepAnchor)
        return span

    def _open(self, found: list[Face]) -> None:
        window = self._field.window()
        if self._picker is None:
            # Imported when it is wanted: the window is shown before that.
            from klingstudio.ui.prompt.picker import Picker

            self._picker = Picker(window)
            self._picker.picked.connect(self._accept)
        start = QTextCursor(self._field.document())
        start.setPosition(self._at or 0)
        line = self._field.cursorRect(start)
        caret = line.translated(self._field.viewport().mapTo(window, QPoint(0, 0)))
        if window.rect().contains(caret.center()):
            self._picker.offer(found, caret)

    def _accept(self, token: Token) -> None:
        span = self._span()
        self.end()
        self._put(span, token)


def _fits(face: Face, typed: str) -> bool:
    """By number, by name, or by the way it is written out: `2`, `bea`, `image2`, `im`."""
    typed = typed.casefold()
    written = f"{face.token.kind}{face.number}".casefold()
    return written.startswith(typed) or str(face.number) == typed or typed in face.name.casefold()
