"""Finds out how clips lie against each other in time, once their surveys are complete."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, Signal

from klingstudio.media.align import Alignment, find_alignment
from klingstudio.media.signature import Moment
from klingstudio.ui.player.playback.deck import Deck


class Alignments(QObject):
    """Every two clips are looked at once, on a thread; the answer is kept as long as both are open."""

    found = Signal()

    _told = Signal(object, object)  # (Deck, Deck), Alignment: from the thread to this one

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._known: dict[tuple[Deck, Deck], Alignment | None] = {}
        """None while it is being looked for."""
        self._threads: list[threading.Thread] = []
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)

    def between(self, before: Deck, after: Deck) -> Alignment | None:
        """What was found, whichever way round; None: nothing yet."""
        alignment = self._known.get((before, after))
        if alignment is not None:
            return alignment
        turned = self._known.get((after, before))
        return None if turned is None else replace(turned, offset_s=-turned.offset_s)

    def search(self, before: Deck, after: Deck) -> None:
        """Start looking, unless a survey is not complete or it was done before."""
        if (before, after) in self._known or (after, before) in self._known:
            return
        if before.survey is None or after.survey is None or min(before.survey_progress, after.survey_progress) < 1:
            return
        self._known[before, after] = None
        self._threads[:] = [thread for thread in self._threads if thread.is_alive()]
        moments = before.survey.moments(), after.survey.moments()
        thread = threading.Thread(target=self._look, args=((before, after), *moments), name="align", daemon=True)
        self._threads.append(thread)
        thread.start()

    def keep(self, decks: Collection[Deck]) -> None:
        """Only these are still open; forget what was found about others."""
        for both in [both for both in self._known if not set(both) <= set(decks)]:
            del self._known[both]

    def close(self) -> None:
        """Wait for what is being looked at."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._known.clear()

    def _look(self, both: tuple[Deck, Deck], before: list[Moment], after: list[Moment]) -> None:
        alignment = find_alignment(before, after)
        try:
            self._told.emit(both, alignment)
        except RuntimeError:
            # The window is gone and Qt has deleted this object; nobody is left to hear.
            return

    def _on_told(self, both: tuple[Deck, Deck], alignment: Alignment) -> None:
        if both in self._known:
            self._known[both] = alignment
            self.found.emit()
