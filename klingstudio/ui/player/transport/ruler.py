"""Where each step lies on a bar: one rule for the playhead, the marks, the strip of changes and the pictures above."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ruler:
    """Steps laid out from left to right."""

    count: int
    width: float
    inset: float
    """Room at both ends, so that the playhead is whole on the first and the last step."""

    def x_of(self, step: float) -> float:
        """The middle of a step."""
        return self.inset + self._room * step / max(1, self.count - 1)

    def step_at(self, x: float) -> int:
        """The step that is nearest."""
        share = min(max((x - self.inset) / self._room, 0.0), 1.0)
        return round(share * max(0, self.count - 1))

    @property
    def _room(self) -> float:
        return max(1.0, self.width - 2 * self.inset)
