"""A place that takes pictures, as whoever holds some over it sees it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from klingstudio.ui.references import element_words
from klingstudio.ui.references.element_add import AddElement
from klingstudio.ui.references.element_tile import ElementTile


@dataclass(frozen=True, slots=True)
class SlotLight:
    """Says inside a tile, or in the row below, what a drop there does."""

    tile: ElementTile | AddElement
    index: int

    def offer(self, verb: str) -> None:
        self._show(verb, refuses=False)

    def refuse(self, reason: str) -> None:
        self._show(reason, refuses=True)

    def clear(self) -> None:
        if isinstance(self.tile, AddElement):
            self.tile.light("")
        else:
            self.tile.light(None, "")

    @property
    def words(self) -> str:
        """What is said there now."""
        return self.tile.words

    def _show(self, words: str, *, refuses: bool) -> None:
        if isinstance(self.tile, AddElement):
            self.tile.light(words, refuses=refuses)
        else:
            self.tile.light(self.index, words, refuses=refuses)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementSlot:
    """A place that takes pictures: one of an element, or the row where a new element begins."""

    element_id: str
    """Empty: a new one."""
    index: int
    """0 is the front, the angles follow; one more than there are angles is the next free place."""
    name: str
    """Of the element."""
    room: int
    """How many pictures are of use there."""
    is_filled: bool
    refusal: str
    """Why it takes none; empty where it does."""
    widget: QWidget
    light: SlotLight

    def verb(self, count: int) -> str:
        """What a drop of so many pictures does."""
        return element_words.verb(
            self.name, self.index, is_filled=self.is_filled, is_new=not self.element_id, count=count
        )
