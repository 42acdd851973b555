"""Positions in text: Qt counts UTF-16 units, Python counts code points. An emoji is two of the first and one of the other."""

from __future__ import annotations


def length(text: str) -> int:
    """How long Qt finds this text."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def to_units(text: str, points: int) -> int:
    """Qt's position of the code point at `points`."""
    return length(text[:points])


def to_points(text: str, units: int) -> int:
    """The code point at Qt's position `units`. Inside a character: the one after it."""
    return len(text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "replace"))
