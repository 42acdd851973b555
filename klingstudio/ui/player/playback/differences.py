"""How much two clips differ at each step, worked out a little at a time as their surveys go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from klingstudio.ui.player.playback.laid import Laid

if TYPE_CHECKING:
    from klingstudio.media.changes import Heat
    from klingstudio.media.signature import Signature

_AT_ONCE = 16
"""Steps that are compared in one go: a few milliseconds."""


class Differences:
    """One value for each step that two clips share."""

    def __init__(self) -> None:
        self._laid: Laid | None = None
        self._values: list[float | None] = []
        self._next = 0

    def watch(self, laid: Laid | None) -> None:
        """Begin anew with these clips, laid against each other like this."""
        self._laid = laid
        self._values = [None] * laid.timeline.count if laid is not None and laid.follower is not None else []
        self._next = 0

    @property
    def values(self) -> Sequence[float | None]:
        """From 0, alike, to 1; None: not known, or not yet. Empty where there is one clip only."""
        return self._values

    def go_on(self) -> int:
        """Compare some steps more, as far as both surveys have come. How many it were."""
        start = self._next
        while self._next < min(start + _AT_ONCE, len(self._values)) and self._is_surveyed(self._next):
            self._values[self._next] = self._change(self._next)
            self._next += 1
        return self._next - start

    def heat(self, step: int) -> Heat | None:
        """Where the two differ at a step, if it was looked at."""
        from klingstudio.media.changes import heat

        both = self._signatures(step)
        return None if both is None else heat(*both)

    def _change(self, step: int) -> float | None:
        from klingstudio.media.changes import change

        both = self._signatures(step)
        return None if both is None else change(*both)

    def _is_surveyed(self, step: int) -> bool:
        assert self._laid is not None
        frames = ((deck, self._laid.frame(side, step)) for side, deck in self._laid.sides.items())
        return all(frame is not None and frame < deck.surveyed for deck, frame in frames)

    def _signatures(self, step: int) -> tuple[Signature, Signature] | None:
        if self._laid is None:
            return None
        frames = ((deck, self._laid.frame(side, step)) for side, deck in self._laid.sides.items())
        match [deck.signature(frame) for deck, frame in frames if frame is not None]:
            case [one, other] if one is not None and other is not None:
                return one, other
            case _:
                return None
