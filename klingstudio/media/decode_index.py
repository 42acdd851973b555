"""When each frame of a clip is shown, known without decoding any."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from fractions import Fraction


class FrameIndex:
    """The presentation times of every frame of a clip, and which of them decoding can start from."""

    def __init__(self, times: Iterable[int], keys: Iterable[int], time_base: Fraction, last_duration: int) -> None:
        """`times` and `keys` in any order, in units of `time_base` seconds; `last_duration` closes the last frame."""
        sorted_keys = array("q", sorted(set(keys)))
        # Frames before the first key frame have nothing to be decoded from: a clip that was cut in the middle.
        start = sorted_keys[0] if sorted_keys else 0
        self._keys = sorted_keys
        self._pts = array("q", sorted(time for time in set(times) if time >= start))
        self._time_base = time_base
        self._last_duration = last_duration
        # Asked for a dozen times a frame: exact once, and quick ever after.
        start_pts = self._pts[0] if self._pts else 0
        self._times_s = array("d", (float((pts - start_pts) * time_base) for pts in self._pts))

    def __len__(self) -> int:
        return len(self._pts)

    @property
    def duration_s(self) -> float:
        """From the first frame's time to the end of the last frame."""
        return float((self._pts[-1] + self._last_duration - self._pts[0]) * self._time_base) if self._pts else 0.0

    @property
    def start_s(self) -> float:
        """The file's own time of the first frame: what sound and pictures have in common."""
        return float(self._pts[0] * self._time_base) if self._pts else 0.0

    def pts(self, index: int) -> int:
        """The time of a frame in the stream's own units."""
        return self._pts[index]

    def time_s(self, index: int) -> float:
        """When a frame is shown, in seconds after the first frame."""
        return self._times_s[index]

    def at(self, time_s: float) -> int:
        """The frame that is on screen at `time_s`; the first or last one outside the clip."""
        # Times come back from floating point: a hair before a frame's own time is that frame.
        return min(max(bisect_right(self._times_s, time_s + 1e-5) - 1, 0), len(self._pts) - 1)

    def of_pts(self, pts: int) -> int:
        """The first frame at or after a time in the stream's own units."""
        return bisect_left(self._pts, pts)

    def key_before(self, index: int) -> int:
        """The frame to start from so that `index` comes out."""
        place = bisect_right(self._keys, self._pts[index]) - 1
        return bisect_left(self._pts, self._keys[max(place, 0)])
