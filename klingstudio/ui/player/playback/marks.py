"""The in and the out mark, and between which ends it plays again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from klingstudio.ui.player.playback.clock import Clock
from klingstudio.ui.player.playback.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Marks:
    """Frames of the leading clip, both inside what is marked: a shifted partner does not move them."""

    first: int | None = None
    last: int | None = None

    def starting(self, frame: int | None) -> Marks:
        """With another in mark, or none. An out mark before it goes."""
        is_crossed = frame is not None and self.last is not None and self.last < frame
        return Marks(frame, None if is_crossed else self.last)

    def ending(self, frame: int | None) -> Marks:
        """With another out mark, or none. An in mark behind it goes."""
        is_crossed = frame is not None and self.first is not None and self.first > frame
        return Marks(None if is_crossed else self.first, frame)

    def seen_as(self, number: Callable[[int], int]) -> Marks:
        """The same marks counted in another way."""
        first, last = (None if frame is None else number(frame) for frame in (self.first, self.last))
        return Marks(first, last)


class Loop:
    """Tells the clock where to begin again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.is_looping = True
        """At the end of everything."""
        self.is_marked = False
        """At the out mark; a mark that is missing stands for the end."""
        self.marks = Marks()

    def clear(self) -> None:
        """Other clips: nothing is marked."""
        self.marks, self.is_marked = Marks(), False

    def steps(self, timeline: Timeline | None) -> range | None:
        """What is played again and again; None: it stops at the end, or there is nothing to play."""
        if timeline is None or not timeline.count or not (self.is_looping or self.is_marked):
            return None
        marks = self.marks.seen_as(timeline.step_of) if self.is_marked else Marks()
        return range(marks.first or 0, timeline.count if marks.last is None else marks.last + 1)

    def apply(self, timeline: Timeline | None) -> None:
        """Let the clock go by it from now on."""
        steps = self.steps(timeline)
        self._clock.is_looping = self.is_looping or self.is_marked
        if timeline is None or not steps or not self.is_marked:
            self._clock.clear_range()
        else:
            self._clock.set_range(timeline.time_s(steps[0]), timeline.end_s(steps[-1]))
