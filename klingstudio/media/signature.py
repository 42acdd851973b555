"""What a frame looks like in a few thousand bytes: enough to say how much two frames differ, and where."""

from __future__ import annotations

from dataclasses import dataclass

SIDE = 48
"""Cells across and down. The same for every shape of picture, so that any two clips can be compared."""

SIGNATURE_BYTES = SIDE * SIDE * 3
"""What one signature takes."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The mean colour of each cell of an upright frame, row by row: red, green, blue."""

    cells: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One frame of a clip: when it is shown, and what it looks like."""

    time_s: float
    signature: Signature
