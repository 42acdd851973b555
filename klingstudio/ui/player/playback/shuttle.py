"""J, K and L: the speed that comes of pressing them again and again."""

from __future__ import annotations

from dataclasses import dataclass

_SPEEDS = (1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Shuttle:
    """How it runs now. Every key gives the next one."""

    rate: float | None = None
    """Negative: backwards. None: it stands."""

    def forward(self) -> Shuttle:
        """L: run, twice as fast each time; slow down and turn round where it runs backwards."""
        return Shuttle(_pushed(self.rate or 0.0))

    def back(self) -> Shuttle:
        """J: the same the other way."""
        return Shuttle(-_pushed(-(self.rate or 0.0)))

    def stop(self) -> Shuttle:
        """K."""
        return Shuttle()


def _pushed(rate: float) -> float:
    if rate < -_SPEEDS[0]:
        return -max(speed for speed in _SPEEDS if speed < -rate)
    return next((speed for speed in _SPEEDS if speed > rate), _SPEEDS[-1])
