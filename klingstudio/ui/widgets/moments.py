"""Times as a person reads and writes them: `00:03.14`, `80f`, `+10`, `-1s`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?|[.,]\d+)\s*(s?)")
_FRAME = re.compile(r"(\d+)\s*f")
_SHIFT = re.compile(r"([+-])\s*(?:(\d+)\s*f?|(\d+(?:[.,]\d*)?|[.,]\d+)\s*s)")


@dataclass(frozen=True, slots=True)
class AtTime:
    """A time from the start."""

    time_s: float


@dataclass(frozen=True, slots=True)
class AtFrame:
    """A frame as it is numbered on screen: the first is 1."""

    number: int


@dataclass(frozen=True, slots=True)
class ByFrames:
    """So many frames on from here, or back."""

    frames: int


@dataclass(frozen=True, slots=True)
class BySeconds:
    """So much time on from here, or back."""

    seconds: float


Moment = AtTime | AtFrame | ByFrames | BySeconds


def read_moment(words: str) -> Moment | None:
    """Where a person wants to go; None where it cannot be told.

    `1:02.5` and `3.5` are times, `80f` a frame, `+10` and `-10f` frames from here, `-1s` time from here.
    """
    # Some keyboards and phones write a real minus sign.
    text = words.strip().lower().replace("\N{MINUS SIGN}", "-")
    if shift := _SHIFT.fullmatch(text):
        sign = -1 if shift[1] == "-" else 1
        return ByFrames(sign * int(shift[2])) if shift[2] else BySeconds(sign * _number(shift[3]))
    if frame := _FRAME.fullmatch(text):
        return AtFrame(int(frame[1]))
    if clock := _CLOCK.fullmatch(text):
        hours, minutes = int(clock[1] or 0), int(clock[2] or 0)
        return AtTime(hours * 3600 + minutes * 60 + _number(clock[3]))
    return None


def timecode(time_s: float) -> str:
    """Minutes, seconds and hundredths, hours where there are any: `00:03.14`."""
    hundredths = int(time_s * 100 + 0.5)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:" if hours else ""
    return f"{start}{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"


def _number(text: str) -> float:
    return float(text.replace(",", "."))
