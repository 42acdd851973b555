"""Two open clips as they lie against each other: which leads, and which frame belongs to which step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from klingstudio.ui.player.playback.deck import Deck
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.player.playback.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """Nothing here changes: another clip, or another shift, is another one of these."""

    timeline: Timeline
    leader: Deck
    leading_side: Side
    follower: Deck | None = None
    """On the other side; None when there is only one clip."""

    @property
    def sides(self) -> dict[Side, Deck]:
        """The clips that take part."""
        alone = {self.leading_side: self.leader}
        return alone if self.follower is None else alone | {self.leading_side.other: self.follower}

    def frame(self, side: Side, step: int) -> int | None:
        """The number of a side's frame at a step."""
        if not 0 <= step < self.timeline.count:
            return None
        if side is self.leading_side:
            return self.timeline.leading_frame(step)
        return self.timeline.following_frame(step)

    def frames(self, steps: Iterable[int]) -> dict[Side, tuple[int, ...]]:
        """For each clip the frames of these steps, each once, in the same order."""
        found: dict[Side, dict[int, None]] = {side: {} for side in self.sides}
        for step in steps:
            for side, frames in found.items():
                frame = self.frame(side, step)
                if frame is not None:
                    frames[frame] = None
        return {side: tuple(frames) for side, frames in found.items()}

    def clip_time_s(self, side: Side, time_s: float) -> float | None:
        """A clip's own time, from its first frame on, at a time of the clock."""
        if side not in self.sides:
            return None
        leading_s = self.timeline.start_s + time_s
        return leading_s if side is self.leading_side else leading_s - self.timeline.offset_s

    def followed(self, leading_frame: int) -> int:
        """The frame of the following clip that belongs to a frame of the leading one."""
        frame = self.timeline.following_frame(leading_frame - self.timeline.first)
        assert frame is not None
        return frame


def same_moment(old: Laid | None, new: Laid | None, time_s: float, *, standing_on: int | None) -> float | None:
    """The time of the clock after clips were changed at which the same is seen as before; None: nothing is the same.

    `standing_on`: the step that is seen if the clock stands.
    """
    if old is None or new is None or not old.timeline.count:
        return None
    for side, deck in new.sides.items():
        own_s = _own_time_s(old, deck, time_s, standing_on)
        if own_s is not None:
            offset_s = 0.0 if side is new.leading_side else new.timeline.offset_s
            return own_s + offset_s - new.timeline.start_s
    return None


def _own_time_s(laid: Laid, deck: Deck, time_s: float, standing_on: int | None) -> float | None:
    side = next((side for side, used in laid.sides.items() if used is deck), None)
    if side is None or deck.track is None:
        return None
    frame = None if standing_on is None else laid.frame(side, standing_on)
    # Its picture may have begun earlier than that of the other clip.
    return laid.clip_time_s(side, time_s) if frame is None else deck.track.index.time_s(frame)
