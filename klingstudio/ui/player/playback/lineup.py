"""Which clips are on the two sides, and how they lie against each other in time."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import assert_never

from PySide6.QtCore import QObject, Qt, Signal

from klingstudio.media.align import Alignment
from klingstudio.media.decode import Arrived, Broken, Opened
from klingstudio.media.survey import Surveyed
from klingstudio.ui.player.playback.alignments import Alignments
from klingstudio.ui.player.playback.deck import OPEN_AT_MOST, Deck, News, Shelf, still_open
from klingstudio.ui.player.playback.laid import Laid
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.player.playback.timeline import Timeline, Track


class Lineup(QObject):
    """Opens clips, keeps those that were taken away a moment ago, and closes the rest."""

    changed = Signal()
    """`laid` is another one."""
    arrived = Signal()
    """An exact picture that was asked for is there."""
    surveyed = Signal()
    problem_found = Signal(object, object)  # Side, Problem
    alignment_changed = Signal()

    _told = Signal(object, object)  # Deck, News: from a clip's threads to this one

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.laid: Laid | None = None
        """None when there is nothing to show."""
        self._decks: dict[Side, Deck] = {}
        self._starts: dict[Side, float | None] = dict.fromkeys(Side)
        """Where each clip begins on a common axis of time, as far as the owner knows."""
        self._nudge_s = 0.0
        self._aligns = True
        self._alignments = Alignments(self)
        self._shelf = Shelf()
        self._open: list[Deck] = []
        """Every clip whose file may still be open, also those that were taken away."""
        # A partial without `self`: by then this object is half gone.
        self.destroyed.connect(partial(_stop, self._open))
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)
        self._alignments.found.connect(self._on_alignment)

    # Clips

    def load(self, side: Side, path: Path | None, starts_at_s: float | None) -> None:
        """Put a clip on one side, or take it away. `starts_at_s`: on a common axis of time; None: not known."""
        self._drop(side)
        if path is not None:
            deck = self._shelf.take(path)
            if deck is None:
                deck = Deck(path, self._tell)
                self._open.append(deck)
            self._decks[side] = deck
        self._starts[side] = starts_at_s
        self._shelf.keep(OPEN_AT_MOST - len(self._decks))
        self._nudge_s, self._aligns = 0.0, True
        self._lay()

    def swap(self) -> None:
        """Let the two clips change sides."""
        self._decks = {side.other: deck for side, deck in self._decks.items()}
        self._starts = {side.other: start for side, start in self._starts.items()}
        self._nudge_s = -self._nudge_s
        self._lay()

    def close(self) -> None:
        """Take all clips away and wait until their files are closed."""
        for side in tuple(self._decks):
            self._drop(side)
        self._shelf.keep(0)
        self._lay()
        for deck in self._open:
            deck.close()
        self._open.clear()
        self._alignments.close()

    def deck(self, side: Side) -> Deck | None:
        """The clip on a side, open or not yet."""
        return self._decks.get(side)

    @property
    def decks(self) -> tuple[Deck, ...]:
        """The clips on both sides."""
        return tuple(self._decks.values())

    @property
    def is_opening(self) -> bool:
        """True until every file is open or refused."""
        return any(deck.is_opening for deck in self.decks)

    @property
    def is_changing(self) -> bool:
        """One of two clips is replaced by one that is just being opened: until then the old pair stays on screen."""
        is_pair = self.laid is not None and self.laid.follower is not None
        return is_pair and len(self._decks) == len(Side) and self.is_opening

    def _drop(self, side: Side) -> None:
        self._open[:] = still_open(self._open)
        self._alignments.keep(self._open)
        deck = self._decks.pop(side, None)
        if deck is not None:
            self._shelf.put(deck)

    def _tell(self, deck: Deck, news: News) -> None:
        try:
            self._told.emit(deck, news)
        except RuntimeError:
            # The window is gone and Qt has deleted this object; nobody is left to hear.
            deck.stop()

    def _on_told(self, deck: Deck, news: News) -> None:
        side = next((side for side, used in self._decks.items() if used is deck), None)
        match news:
            case Opened():
                deck.has_opened(news)
                self._lay()
            case Arrived():
                self.arrived.emit()
            case Surveyed(done=done):
                deck.surveyed = done
                self.surveyed.emit()
            case Broken(problem=problem, playable=playable):
                is_first = not deck.has_complained
                deck.has_broken(playable)
                if side is None:
                    self._shelf.drop(deck)
                    return
                self._lay()
                if is_first:
                    self.problem_found.emit(side, problem)
            case other:
                assert_never(other)

    # How they lie

    @property
    def alignment(self) -> Alignment | None:
        """The shift that was found and is in force; None: what the owner said, or none."""
        before, after = self._decks.get(Side.BEFORE), self._decks.get(Side.AFTER)
        if not self._aligns or self._is_shift_known or before is None or after is None:
            return None
        alignment = self._alignments.between(before, after)
        return alignment if alignment is not None and alignment.is_sure else None

    @property
    def nudged(self) -> int:
        """By how many of its frames the clip after was shifted by hand; positive: later."""
        track = self._after_track
        return 0 if track is None else round(self._nudge_s / track.frame_s)

    def nudge(self, frames: int) -> None:
        """Shift the clip after by some of its own frames, later or (negative) earlier."""
        track = self._after_track
        if track is not None:
            self._nudge_s += frames * track.frame_s
            self._realign()

    def set_aligning(self, aligns: bool) -> None:
        """Lay the clips as was found out, or as the owner said; not shifted by hand any more."""
        self._nudge_s, self._aligns = 0.0, aligns
        self._realign()

    def search_alignment(self) -> None:
        """Find out how they lie, unless it is known or was looked for already."""
        before, after = self._decks.get(Side.BEFORE), self._decks.get(Side.AFTER)
        if before is not None and after is not None and not self._is_shift_known:
            self._alignments.search(before, after)

    @property
    def _after_track(self) -> Track | None:
        after = self._decks.get(Side.AFTER)
        return None if after is None else after.track

    @property
    def _is_shift_known(self) -> bool:
        return any(start is not None for start in self._starts.values())

    def _offset_s(self) -> float:
        found = self.alignment
        said = (self._starts[Side.AFTER] or 0.0) - (self._starts[Side.BEFORE] or 0.0)
        return (said if found is None else found.offset_s) + self._nudge_s

    def _on_alignment(self) -> None:
        # Who has shifted the clip by hand has found out better.
        if not self._nudge_s and self.alignment is not None:
            self._realign()

    def _realign(self) -> None:
        self._lay()
        self.alignment_changed.emit()

    def _lay(self) -> None:
        """Work out again what the open clips share."""
        if self.is_changing:
            return
        laid = self._laid_now()
        if laid != self.laid:
            self.laid = laid
            self.changed.emit()

    def _laid_now(self) -> Laid | None:
        tracks = [(side, deck, deck.track) for side in Side if (deck := self._decks.get(side)) and deck.track]
        match tracks:
            case [(side, deck, track)]:
                return Laid(timeline=Timeline(leading=track), leader=deck, leading_side=side)
            case [(side, deck, track), (_, other, following)]:
                timeline = Timeline(leading=track, following=following, offset_s=self._offset_s())
                return Laid(timeline=timeline, leader=deck, leading_side=side, follower=other)
            case _:
                return None


def _stop(decks: Iterable[Deck], _gone: QObject | None = None) -> None:
    for deck in decks:
        deck.stop()
