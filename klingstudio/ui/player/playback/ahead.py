"""Which steps are decoded before they are due."""

from __future__ import annotations

import math

AHEAD = 12
"""Steps that are decoded before they are due at the speed of the clip: what a busy machine may be late."""

AHEAD_AT_MOST = 24
"""The same at high speed, where many are passed over."""

NEAR = (1, 2, -1, -2)
"""Steps around a still picture that are made ready first."""

READY = range(3, 1 + AHEAD // 2)
"""Steps that are made ready after those, so that playing begins with something in hand."""

BACK = 240
"""Frames behind a picture that the decoder makes ready when nothing else is to do, as far as its cache goes."""


def steps_around(base: int, count: int) -> list[int]:
    """For a still picture, so that a step in either direction answers at once."""
    return [step for step in (base, *(base + near for near in NEAR)) if 0 <= step < count]


def steps_to_play(base: int, count: int) -> list[int]:
    """For a picture that rests: the same, and what playing would show first."""
    return [*steps_around(base, count), *(base + step for step in READY if base + step < count)]


def steps_ahead(base: int, rate: float, count: int, loop: range | None) -> list[int]:
    """While playing at this rate: a step and those that come next, begun again where the loop ends. None: no loop."""
    way = 1 if rate > 0 else -1
    steps = [base]
    most = min(AHEAD * max(1, math.ceil(abs(rate))), AHEAD_AT_MOST)
    while len(steps) <= most:
        step = steps[-1] + way
        leaves_loop = loop is not None and steps[-1] in loop and step not in loop
        if leaves_loop or not 0 <= step < count:
            if not loop:
                break
            step = loop[0] if way > 0 else loop[-1]
        if step in steps:
            break
        steps.append(step)
    return steps
