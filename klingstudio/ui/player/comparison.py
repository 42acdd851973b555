"""How two clips are laid against each other: the choices of the person looking, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

GAIN_LEAST, GAIN_MOST = 1.0, 16.0
"""How much a difference may be strengthened."""


class Mode(StrEnum):
    """What is painted where."""

    BEFORE = "before"
    AFTER = "after"
    SIDE_BY_SIDE = "side by side"
    WIPE = "wipe"
    OVERLAY = "overlay"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that decides how a pair is painted, but for zoom."""

    mode: Mode = Mode.SIDE_BY_SIDE
    wipe: float = 0.5
    """Place of the divider, 0 to 1 of what is seen of the picture: before lies left of it (above, where it lies across)."""
    wipes_across: bool = False
    """True: the divider lies across the picture and moves up and down."""
    opacity: float = 0.5
    """Of the clip after, in overlay: 0 to 1."""
    gain: float = 4.0
    """How many times a difference is strengthened; painted as a whole number."""
    is_flipped: bool = False
    """True: before and after have changed places for the moment."""
    shows_heat: bool = False
    """Where the two differ is laid over the picture."""

    @property
    def times(self) -> int:
        """The gain as it is painted: how many times a difference is added up."""
        return round(min(max(self.gain, GAIN_LEAST), GAIN_MOST))
