"""Which frame of one clip belongs to which frame of the other."""

from __future__ import annotations

from dataclasses import dataclass, field

from klingstudio.media.decode_index import FrameIndex

_MOST_SLACK_S = 0.002
"""Some files count whole milliseconds: the same moment may differ by one in each clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One clip and how much of it can be shown."""

    index: FrameIndex
    playable: int
    """Frames from the start."""

    @property
    def length_s(self) -> float:
        """Time until the end of the last frame that can be shown."""
        return self.end_s(self.playable - 1)

    @property
    def frame_s(self) -> float:
        """How long a frame is shown, on average."""
        return self.index.duration_s / len(self.index)

    def end_s(self, frame: int) -> float:
        """When a frame is over."""
        is_last = frame + 1 >= len(self.index)
        return self.index.duration_s if is_last else self.index.time_s(frame + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Steps that both clips share: one for each frame of the leading clip, the other one aligned by time.

    With two clips only the part counts that both have: a pair exists or nothing is shown.
    """

    leading: Track
    following: Track | None = None
    offset_s: float = 0.0
    """Time in the leading clip at which the following one begins; negative where the following one began earlier."""
    first: int = field(init=False)
    """Number of the leading frame at step 0."""
    count: int = field(init=False)
    """How many steps there are; 0: the two have no time in common."""

    def __post_init__(self) -> None:
        index = self.leading.index
        first, end = 0, self.leading.playable
        if self.following is not None:
            # A cut between two frames starts with the frame after it.
            first = _frame_from(index, self.offset_s - self._slack_s)
            end = min(end, _frame_from(index, self.offset_s + self.following.length_s - self._slack_s))
        object.__setattr__(self, "first", first)
        object.__setattr__(self, "count", max(0, end - first))

    @property
    def length_s(self) -> float:
        """Time from the first step to the end of the last one."""
        return self.end_s(self.count - 1) if self.count else 0.0

    @property
    def start_s(self) -> float:
        """The leading clip's own time at step 0."""
        return self.leading.index.time_s(min(self.first, len(self.leading.index) - 1))

    def step_at(self, time_s: float) -> int:
        """The step that is on screen at a time of the clock."""
        return self.step_of(self.leading.index.at(self.start_s + time_s))

    def step_of(self, leading_frame: int) -> int:
        """The step of a frame of the leading clip, or the nearest one that there is."""
        return min(max(leading_frame - self.first, 0), max(self.count - 1, 0))

    def time_s(self, step: int) -> float:
        """The time of the clock at which a step begins."""
        return self.leading.index.time_s(self.first + step) - self.start_s

    def end_s(self, step: int) -> float:
        """The time of the clock at which a step is over."""
        return self.leading.end_s(self.first + step) - self.start_s

    def leading_frame(self, step: int) -> int:
        """Number of the leading clip's frame."""
        return self.first + step

    def following_frame(self, step: int) -> int | None:
        """Number of the other clip's frame, or None when there is no other clip."""
        if self.following is None:
            return None
        time_s = self.leading.index.time_s(self.first + step) - self.offset_s
        return min(self.following.index.at(time_s + self._slack_s), self.following.playable - 1)

    @property
    def _slack_s(self) -> float:
        return 0.0 if self.following is None else min(_MOST_SLACK_S, self.following.frame_s / 4)


def _frame_from(index: FrameIndex, time_s: float) -> int:
    """The first frame that begins at this time or later; their number if there is none."""
    if time_s <= 0:
        return 0
    frame = index.at(time_s)
    return frame if index.time_s(frame) >= time_s else frame + 1
