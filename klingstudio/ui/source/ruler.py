"""Where each moment of a clip lies on the strip."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruler:
    """Seconds laid out from left to right, evenly while there is room.

    Of a long clip the part that is used would be a hair. Then it is seen larger than the rest, as under a lens, and what
    lies before and after it shares the room that is left.
    """

    length_s: float
    width: float
    start_s: float
    """The part that is used."""
    end_s: float
    scale: float
    """Pixels for each second of the part."""
    left: float
    """Where the part begins."""

    @staticmethod
    def laid(
        length_s: float,
        width: float,
        start_s: float,
        end_s: float,
        *,
        most_s: float,
        least_px: float,
        left: float | None = None,
    ) -> Ruler:
        """Lay a part of a clip out.

        Args:
            most_s: the longest part there can be.
            least_px: what the longest part is wide at least.
            left: where the part begins if that can be; None: where it is when everything is at rest.
        """
        length_s = max(length_s, 1e-3)
        even = width / length_s
        scale = max(even, min(least_px, width) / max(min(most_s, length_s), 1e-3))
        part_px = min((end_s - start_s) * scale, width)
        if scale <= even * 1.001:
            return Ruler(length_s=length_s, width=width, start_s=start_s, end_s=end_s, scale=even, left=start_s * even)
        rest_s = length_s - (end_s - start_s)
        if left is None:
            left = (width - part_px) * start_s / rest_s if rest_s > 0 else 0.0
        left = min(max(left, 0.0), width - part_px)
        return Ruler(length_s=length_s, width=width, start_s=start_s, end_s=end_s, scale=scale, left=left)

    @property
    def right(self) -> float:
        """Where the part ends."""
        return self.left + (self.end_s - self.start_s) * self.scale

    @property
    def slide_scale(self) -> float:
        """Pixels for each second that the whole part is moved: it arrives at the end together with the pointer."""
        rest_s = self.length_s - (self.end_s - self.start_s)
        return (self.width - (self.right - self.left)) / rest_s if rest_s > 1e-3 else self.scale

    def x_of(self, time_s: float) -> float:
        """Where a moment lies."""
        if time_s < self.start_s:
            return self.left * time_s / self.start_s
        if time_s <= self.end_s:
            return self.left + (time_s - self.start_s) * self.scale
        after_s = max(self.length_s - self.end_s, 1e-6)
        return self.right + (self.width - self.right) * (time_s - self.end_s) / after_s

    def time_at(self, x: float) -> float:
        """The moment that lies there."""
        x = min(max(x, 0.0), self.width)
        if x < self.left:
            return self.start_s * x / self.left
        if x <= self.right:
            return self.start_s + (x - self.left) / self.scale
        return self.end_s + (self.length_s - self.end_s) * (x - self.right) / (self.width - self.right)
