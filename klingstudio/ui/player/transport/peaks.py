"""Where in a clip the changes are: heights for the strip, and the places worth jumping to. Free of Qt."""

from __future__ import annotations

from collections.abc import Sequence

Changes = Sequence[float | None]
"""How much each step differs, 0 to 1; None where it is not known yet."""

LEAST = 0.02
"""Smaller changes are noise of the encoders."""

_STANDS_OUT = 0.25
"""A peak is worth a jump when it rises above the valleys beside it by this part of the highest one."""


def heights(changes: Changes, bars: int) -> list[float | None]:
    """The greatest change under each of so many bars."""
    count = len(changes)
    found: list[float | None] = []
    for bar in range(bars):
        first = bar * count // bars
        part = changes[first : max(first + 1, (bar + 1) * count // bars)]
        known = [value for value in part if value is not None]
        found.append(max(known) if known else None)
    return found


def highest_near(changes: Changes, step: int, reach: int) -> int:
    """The step with the greatest change, not further than `reach` from here; `step` where none is known."""
    best, most = step, -1.0
    for near in sorted(range(max(0, step - reach), min(len(changes), step + reach + 1)), key=lambda at: abs(at - step)):
        value = changes[near]
        if value is not None and value > most:
            best, most = near, value
    return best


def peaks(changes: Changes) -> list[int]:
    """Steps at which the change is greatest between two valleys, from left to right; of a plateau its first step."""
    known = [value if value is not None else 0.0 for value in changes]
    rise = max(LEAST, _STANDS_OUT * max(known, default=0.0))
    found: list[int] = []
    low, top, top_at = float("inf"), float("-inf"), -1
    climbing = True
    for step, value in enumerate(known):
        if climbing:
            low = min(low, value)
            if value > top:
                top, top_at = value, step
            # The clip may begin high: what counts is how far it falls after the peak, or rose before it.
            if top - value >= rise:
                found.append(top_at)
                climbing, low = False, value
        else:
            low = min(low, value)
            if value - low >= rise:
                climbing, top, top_at = True, value, step
    if climbing and top_at >= 0 and top >= rise and (top - low >= rise or not found):
        found.append(top_at)
    return found
