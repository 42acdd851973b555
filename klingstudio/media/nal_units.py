"""The layer between a file and an H.264 or HEVC decoder, where damage shows that the decoder itself would not notice.

A sample is a row of units, each behind its length, and inside a unit two zero bytes are never followed by a third, a one
or a two: those are what other kinds of files begin a unit with. Zeros where a disk or a download left a hole break this
at once; a decoder may make pictures of them.
"""

from __future__ import annotations

import re

_NEVER_INSIDE = re.compile(rb"\x00\x00(?:[\x00-\x02]|\x03[\x04-\xff])")
_LENGTH_BYTES_AT = {"h264": 4, "hevc": 21}
"""Where the description of a stream tells how many bytes a length has."""


def length_bytes(codec: str, description: bytes | None) -> int:
    """Of the length before each unit; 0: not a stream of this kind."""
    at = _LENGTH_BYTES_AT.get(codec)
    if at is None or not description or description[0] != 1 or len(description) <= at:
        return 0
    return (description[at] & 3) + 1


def is_whole(sample: bytes, length_bytes: int) -> bool:
    """True when the units fill the sample and none holds what none can."""
    at, end = 0, len(sample)
    while at < end:
        start = at + length_bytes
        at = start + int.from_bytes(sample[at:start], "big")
        if at > end:
            return False
        # Some programs leave a zero of the next unit's beginning at the end of this one.
        if _NEVER_INSIDE.search(sample[start:at].rstrip(b"\0")):
            return False
    return True
