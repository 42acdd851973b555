"""Which frame of the take belongs to which frame of the source."""

from __future__ import annotations

from dataclasses import dataclass

from klingstudio.media.decode_index import FrameIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One clip and how much of it can be shown."""

    index: FrameIndex
    playable: int
    """Frames from the start."""

    @property
    def length_s(self) -> float:
        """Time until the end of the last frame that can be shown."""
        whole = self.playable == len(self.index)
        return self.index.duration_s if whole else self.index.time_s(self.playable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Steps that both clips share: one for each frame of the leading clip, the other one aligned by time.

    With two clips only the part counts that both have: a pair exists or nothing is shown.
    """

    leading: Track
    following: Track | None = None
    offset_s: float = 0.0
    """Time in the leading clip at which the following one begins: where the source was trimmed."""

    @property
    def first(self) -> int:
        """Number of the leading frame at step 0."""
        if self.offset_s <= 0:
            return 0
        first = self.leading.index.at(self.offset_s)
        # A cut between two frames starts with the frame after it.
        return first if self.leading.index.time_s(first) >= self.offset_s - 1e-4 else first + 1

    @property
    def count(self) -> int:
        """How many steps there are; 0: the two have no time in common."""
        last = self.leading.playable - 1
        if self.following is not None:
            last = min(last, self.leading.index.at(self.offset_s + self.following.length_s - 1e-3))
        return max(0, last + 1 - self.first)

    @property
    def length_s(self) -> float:
        """Time from the first step to the end of the last one."""
        if not self.count:
            return 0.0
        after = self.first + self.count
        is_last = after >= len(self.leading.index)
        end_s = self.leading.index.duration_s if is_last else self.leading.index.time_s(after)
        return end_s - self._start_s

    def step_at(self, time_s: float) -> int:
        """The step that is on screen at a time of the clock."""
        return min(max(self.leading.index.at(self._start_s + time_s) - self.first, 0), max(self.count - 1, 0))

    def time_s(self, step: int) -> float:
        """The time of the clock at which a step begins."""
        return self.leading.index.time_s(self.first + step) - self._start_s

    def leading_frame(self, step: int) -> int:
        """Number of the leading clip's frame."""
        return self.first + step

    def following_frame(self, step: int) -> int | None:
        """Number of the other clip's frame, or None when there is no other clip."""
        if self.following is None:
            return None
        time_s = self.leading.index.time_s(self.first + step) - self.offset_s
        return min(self.following.index.at(time_s), self.following.playable - 1)

    @property
    def _start_s(self) -> float:
        return self.leading.index.time_s(min(self.first, len(self.leading.index) - 1))
