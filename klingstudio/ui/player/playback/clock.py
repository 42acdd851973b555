"""The one clock that both sides of the player follow."""

from __future__ import annotations

from collections.abc import Callable

LEAST_RATE, MOST_RATE = 0.1, 4.0
"""How slow and how fast media time may run, forward or back."""

_STEERING = 0.02
"""The part of its speed by which a clock that is steered goes faster or slower: not seen in pictures."""

_TOO_FAR_S = 0.25
"""Further off than this, steering would take too long: the clock jumps."""


class Clock:
    """Media time in seconds, from 0 up to the length of what is played. No Qt; the time source is handed in.

    It runs to the end of the range that was set, or of everything if it is beyond; there it begins again, or stops.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` is monotonic and counts seconds."""
        self._now = now
        self._base_s = 0.0
        self._owed_s = 0.0
        """What steering still has to add since the clock was last read."""
        self._started_at: float | None = None
        self._length_s = 0.0
        self._range: tuple[float, float] | None = None
        self._rate = 1.0
        self.is_looping = True
        self.rounds = 0
        """How often it went from one end to the other."""

    @property
    def is_running(self) -> bool:
        """False when paused, and after the end without a loop was read once."""
        return self._started_at is not None

    @property
    def length_s(self) -> float:
        """The time behind the last picture."""
        return self._length_s

    @property
    def rate(self) -> float:
        """Seconds of media time in a second; negative: backwards."""
        return self._rate

    @property
    def range_s(self) -> tuple[float, float]:
        """Between which times it loops: everything, unless `set_range` said otherwise."""
        return self._range or (0.0, self._length_s)

    def set_length(self, length_s: float) -> None:
        """Play something of another length, all of it. A time behind its end becomes the end."""
        time_s = self.time_s()
        self._length_s, self._range = length_s, None
        self.seek(time_s)

    def set_range(self, start_s: float, end_s: float) -> None:
        """Play only this part, as far as there is any; a time outside stays and runs into it."""
        self._settle()
        start_s, end_s = max(0.0, start_s), min(end_s, self._length_s)
        self._range = (start_s, end_s) if start_s < end_s else None

    def clear_range(self) -> None:
        """Play everything."""
        self._settle()
        self._range = None

    def set_rate(self, rate: float) -> None:
        """Run at another speed from here on; the sign is the direction. Not 0: that is `pause`."""
        self._settle()
        self._rate = max(LEAST_RATE, min(abs(rate), MOST_RATE)) * (-1 if rate < 0 else 1)
        self._owed_s = 0.0

    def time_s(self) -> float:
        """The time now: below the end while looping, the end itself when it stopped there."""
        self._settle()
        return self._base_s

    def play(self) -> None:
        """Run on from here; from the other end when this one was reached."""
        if self._started_at is not None or self._length_s <= 0:
            return
        start_s, end_s = self.range_s
        if self._rate > 0 and (self._base_s >= self._length_s or self._base_s == end_s):
            self._base_s = start_s
        elif self._rate < 0 and (self._base_s <= 0 or self._base_s == start_s):
            self._base_s = end_s
        self._owed_s, self._started_at = 0.0, self._now()

    def pause(self) -> None:
        """Stand still."""
        self._settle()
        self._started_at = None

    def seek(self, time_s: float) -> None:
        """Go to a time, running or not."""
        self._settle()
        self._base_s, self._owed_s = min(max(time_s, 0.0), self._length_s), 0.0

    def steer(self, time_s: float) -> None:
        """It should be this time now, says what is heard: get there without a visible jerk, or jump from far off."""
        self._settle()
        if self._started_at is None or not 0 <= time_s <= self._length_s:
            return
        off_s = time_s - self._base_s
        start_s, end_s = self.range_s
        span_s = end_s - start_s
        if self.is_looping and abs(off_s) > span_s / 2 and start_s <= time_s <= end_s:
            # One of the two has begun again already.
            off_s -= span_s if off_s > 0 else -span_s
        if abs(off_s) > _TOO_FAR_S:
            self.seek(time_s)
        else:
            self._owed_s = off_s

    def _settle(self) -> None:
        """Work out the time now, and count on from there."""
        if self._started_at is None:
            return
        now = self._now()
        went_s = (now - self._started_at) * self._rate
        most_s = abs(went_s) * _STEERING
        paid_s = max(-most_s, min(self._owed_s, most_s))
        self._owed_s -= paid_s
        self._started_at = now
        self._run_to(self._base_s + went_s + paid_s)

    def _run_to(self, time_s: float) -> None:
        start_s, end_s = self.range_s
        if self._rate > 0:
            stop_s = end_s if self._base_s < end_s else self._length_s
            behind_s = time_s - stop_s
        else:
            stop_s = start_s if self._base_s >= start_s else 0.0
            behind_s = stop_s - time_s
        if behind_s < 0:
            self._base_s = time_s
        elif self.is_looping and end_s > start_s:
            self.rounds += 1
            rest_s = behind_s % (end_s - start_s)
            self._base_s = start_s + rest_s if self._rate > 0 else end_s - rest_s
        else:
            self._base_s, self._started_at = stop_s, None
