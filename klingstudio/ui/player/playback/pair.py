"""A pair of pictures that belong together, and the two sides they are on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from klingstudio.media.decode_pixels import Picture


class Side(StrEnum):
    """The two clips."""

    BEFORE = "before"
    AFTER = "after"

    @property
    def other(self) -> Side:
        return Side.AFTER if self is Side.BEFORE else Side.BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What is on screen at one step. One of the two is None when there is only one clip."""

    step: int
    count: int
    time_s: float
    before: Picture | None
    after: Picture | None

    @property
    def is_draft(self) -> bool:
        """True: the right frames, but small and compressed; the exact pair follows when there is time for it."""
        return any(picture is not None and picture.is_draft for picture in (self.before, self.after))
