"""The one clock that both sides of the player follow."""

from __future__ import annotations

from collections.abc import Callable


class Clock:
    """Media time in seconds, from 0 up to the length of what is played. No Qt; the time source is handed in."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` is monotonic and counts seconds."""
        self._now = now
        self._base_s = 0.0
        self._started_at: float | None = None
        self._length_s = 0.0
        self.is_looping = True

    @property
    def is_running(self) -> bool:
        """False when paused, and after the end without a loop was read once."""
        return self._started_at is not None

    @property
    def length_s(self) -> float:
        """Where the time begins again, or stops."""
        return self._length_s

    def set_length(self, length_s: float) -> None:
        """Play something of another length. A time behind its end becomes the end."""
        time_s = self.time_s()
        self._length_s = length_s
        self.seek(time_s)

    def time_s(self) -> float:
        """The time now: below the length while looping, the length itself at the end without a loop."""
        if self._started_at is None:
            return self._base_s
        time_s = self._base_s + self._now() - self._started_at
        if time_s < self._length_s:
            return time_s
        if self.is_looping and self._length_s > 0:
            return time_s % self._length_s
        self._base_s, self._started_at = self._length_s, None
        return self._length_s

    def play(self) -> None:
        """Run on from here; from the start when the end was reached."""
        if self._started_at is not None or self._length_s <= 0:
            return
        if self._base_s >= self._length_s:
            self._base_s = 0.0
        self._started_at = self._now()

    def pause(self) -> None:
        """Stand still."""
        self._base_s, self._started_at = self.time_s(), None

    def seek(self, time_s: float) -> None:
        """Go to a time, running or not."""
        self._base_s = min(max(time_s, 0.0), self._length_s)
        if self._started_at is not None:
            self._started_at = self._now()
