"""Which edits of the text belong together as one step of undo: the letters of a word, or what was rubbed out at once."""

from __future__ import annotations

from PySide6.QtGui import QTextDocument

_ONE = (1, 2)
"""Units of one character: an emoji has two."""


class Strokes:
    """Listens to a document. A pause ends a step, too; whoever keeps the history looks after that."""

    def __init__(self, document: QTextDocument) -> None:
        self._document = document
        self._count = 0
        self._kind = ""
        self._next = -1
        self._after_space = False
        document.contentsChange.connect(self._note)

    @property
    def merge(self) -> str:
        """Equal for edits of the same step; empty for an edit that is a step of its own."""
        return f"{self._kind} {self._count}" if self._kind else ""

    def cut(self) -> None:
        """What comes next is a new step."""
        self._kind, self._next = "", -1

    def _note(self, at: int, removed: int, added: int) -> None:
        if removed == 0 and added in _ONE:
            is_space = self._document.characterAt(at).isspace()
            goes_on = at == self._next and not (self._after_space and not is_space)
            self._step("write", goes_on)
            self._next, self._after_space = at + added, is_space
        elif removed in _ONE and added == 0:
            # Backwards or forwards.
            self._step("erase", at in (self._next, self._next - removed))
            self._next = at
        else:
            self.cut()

    def _step(self, kind: str, goes_on: bool) -> None:
        if kind != self._kind or not goes_on:
            self._count += 1
        self._kind = kind
