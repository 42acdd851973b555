"""Which frames a decoder should make next: what was asked for, then the window behind it for stepping back.

A frame in the middle of a clip costs everything from the key frame before it, so going back frame by frame would decode
the same stretch over and over. Instead a whole window of frames before the present one is filled in one run, and the
next run is begun while half of the window is still left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

_A_STEP_BACK = 10
"""Going back by up to so many frames is stepping; further, it is a jump."""

_WORTH_A_RUN = 12
"""Frames that one run fetches at least, where key frames lie closer together."""

_SPARE = 2
"""Places in the cache that are left for frames on their way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Frames to decode in one go."""

    first: int
    """From here on frames are kept."""
    target: int
    """The last one."""


class Stock(Protocol):
    """What is there, and what fetching more would take."""

    @property
    def room(self) -> int:
        """Frames that fit into the cache together; at least one."""
        ...

    def is_missing(self, frame: int) -> bool:
        """True for a frame of the clip that is not in the cache and may come out of the data."""
        ...

    def is_lost(self, frame: int) -> bool:
        """True for a frame that did not come out when it was last tried on the way to others."""
        ...

    def key_before(self, frame: int) -> int:
        """The frame from which on has to be decoded."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for last."""

    frames: tuple[int, ...] = ()
    """The most urgent first: that is where the user is."""
    back: int = 0
    """So many frames before the first wish are to be ready too."""
    is_stepping_back: bool = False

    def followed_by(self, frames: tuple[int, ...], back: int) -> Wishes:
        """The next wishes, which tell a step back from a jump."""
        way = self.frames[0] - frames[0] if self.frames and frames else 0
        # Asking for more around the same frame does not change direction.
        is_stepping_back = 0 < way <= _A_STEP_BACK or (way == 0 and self.is_stepping_back)
        return Wishes(frames=frames, back=back, is_stepping_back=is_stepping_back)

    def window(self, room: int) -> range:
        """The frames before the first wish that are to be ready, those among the wishes included."""
        if not self.frames:
            return range(0)
        here = self.frames[0]
        return range(max(0, min(here - self._reach(room), self._wished_behind(room).start)), here)

    def next_ahead(self, stock: Stock) -> Run | None:
        """What to decode for the wishes themselves, in their order."""
        # What does not fit into the cache together would be decoded again and again.
        frames = self.frames[: stock.room]
        behind = self._wished_behind(stock.room)
        target = next((frame for frame in frames if frame not in behind and stock.is_missing(frame)), None)
        if target is None:
            return None
        first = target
        if target == frames[0]:
            # On the way to the place where the user is, its neighbours come by for next to nothing.
            first = (self.window(stock.room) if self.is_stepping_back else behind).start
        return Run(first=max(first, stock.key_before(target)), target=target)

    def next_behind(self, stock: Stock, goal: range) -> Run | None:
        """What to decode to fill the window. `goal`: the window when filling it was begun; that much is finished."""
        window = self.window(stock.room)
        end = next((at for at in reversed(window) if stock.is_missing(at) and not stock.is_lost(at)), None)
        if end is None:
            return None
        is_low = window.stop - 1 - end < self._reach(stock.room) / 2
        if not (is_low or end in goal or end in self._wished_behind(stock.room)):
            return None
        first = max(window.start, stock.key_before(end))
        while first > window.start and end - first < _WORTH_A_RUN:
            first = max(window.start, stock.key_before(first - 1))
        return Run(first=first, target=end)

    def _reach(self, room: int) -> int:
        return max(0, min(self.back, room - len(self.frames) - _SPARE))

    def _wished_behind(self, room: int) -> range:
        """The wishes that run on backwards from the first one."""
        frames = self.frames[:room]
        lowest = here = frames[0] if frames else 0
        while lowest - 1 in frames:
            lowest -= 1
        return range(lowest, here)
