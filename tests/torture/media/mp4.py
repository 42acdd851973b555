"""An mp4 file as a tree of boxes that can be taken apart, spoiled and put together again."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_NESTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"udta", b"moof", b"traf", b"mvex"})


@dataclass(slots=True, kw_only=True)
class Box:
    """One box: either with boxes inside, or with bytes."""

    kind: bytes
    body: bytes = b""
    inside: list[Box] = field(default_factory=list)
    claims: int | None = None
    """The size that its header tells, where it lies."""

    def packed(self) -> bytes:
        """As it stands in a file."""
        body = self.body + b"".join(box.packed() for box in self.inside)
        size = len(body) + 8 if self.claims is None else self.claims
        return struct.pack(">I4s", size & 0xFFFFFFFF, self.kind) + body

    def walk(self) -> Iterator[Box]:
        """This box and all inside, from the outside in."""
        yield self
        for box in self.inside:
            yield from box.walk()


def unpacked(data: bytes) -> list[Box]:
    """The boxes of a whole file, or of what is inside a box."""
    found, at = [], 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        end = at + size if size >= 8 else len(data)
        body = data[at + 8 : end]
        found.append(Box(kind=kind, inside=unpacked(body)) if kind in _NESTS else Box(kind=kind, body=body))
        at = end
    return found


def packed(boxes: list[Box]) -> bytes:
    """The file again."""
    return b"".join(box.packed() for box in boxes)


def all_of(boxes: list[Box]) -> list[Box]:
    """Every box at every depth."""
    return [one for box in boxes for one in box.walk()]


def first(boxes: list[Box], kind: bytes) -> Box:
    """The first of a kind, at any depth."""
    return next(box for box in all_of(boxes) if box.kind == kind)


def full(kind: bytes, *words: int, version: int = 0, flags: int = 0) -> Box:
    """A box with version and flags, and 32-bit numbers in it."""
    return Box(kind=kind, body=struct.pack(f">I{len(words)}I", version << 24 | flags, *words))
