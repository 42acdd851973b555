"""A part of a clip as a person writes it: two moments, which have to make sense together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from klingstudio.domain.fit import place
from klingstudio.domain.media import TOLERANCE_S, Limits, Trim
from klingstudio.ui import text
from klingstudio.ui.widgets.moments import AtFrame, AtTime, ByFrames, BySeconds, read_moment, timecode


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why the part cannot be used, and which of the two has to be changed."""

    words: str
    is_start: bool = False


def short_timecode(time_s: float) -> str:
    """`0:01.20`: with one digit of minutes where one is enough."""
    return timecode(time_s).removeprefix("0")


def typed_part(start: str, end: str, part: Trim, times: Sequence[float], limits: Limits) -> Trim | Wrong:
    """The part that was written, on whole frames.

    Args:
        part: what is used now; `+10` and `-1s` count from there.
        times: where the clip can be cut, its end included.
    """
    start_s = _moment_s(start, part.start_s, times, is_end=False)
    if start_s is None:
        return Wrong(text.NO_TIME, is_start=True)
    end_s = _moment_s(end, part.end_s, times, is_end=True)
    if end_s is None:
        return Wrong(text.NO_TIME)
    if start_s < 0 or end_s > times[-1] + 0.01:
        return Wrong(text.part_outside(short_timecode(times[-1])), is_start=start_s < 0)
    made = Trim(start_s=place(times, start_s), end_s=place(times, end_s))
    length_s = made.end_s - made.start_s
    if length_s <= 0:
        return Wrong(text.PART_BACKWARDS)
    if length_s < limits.clip_min_s - TOLERANCE_S:
        return Wrong(text.part_too_short(length_s, limits.clip_min_s))
    # Who writes it down may have more than the handles give: what some document accepts is sent with a caution.
    if length_s > limits.clip_limit_s + TOLERANCE_S:
        return Wrong(text.part_too_long(length_s, limits.clip_limit_s))
    return made


def _moment_s(words: str, now_s: float, times: Sequence[float], *, is_end: bool) -> float | None:
    match read_moment(words):
        case None:
            return None
        case AtTime(time_s=time_s):
            return time_s
        case AtFrame(number=number):
            # The end lies behind its last frame.
            at = number if is_end else number - 1
            return times[at] if 0 <= at < len(times) else times[-1] + 1.0
        case ByFrames(frames=frames):
            return place(times, now_s, frames)
        case BySeconds(seconds=seconds):
            return now_s + seconds
        case other:
            assert_never(other)
