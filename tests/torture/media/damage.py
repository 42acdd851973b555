"""What may happen to a file on its way, or be done to it: each takes the bytes of a whole one and gives those of a bad one."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Mapping

from tests.torture.media.mp4 import Box, all_of, packed, unpacked

Spoil = Callable[[bytes, random.Random], bytes]

_ABSURD = (0, 1, 2, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_HEADERS = frozenset({
    b"mvhd", b"tkhd", b"mdhd", b"stts", b"stsz", b"stsc", b"stco", b"ctts", b"elst", b"stsd", b"stss", b"hdlr", b"vmhd",
    b"dref", b"trun", b"tfhd", b"tfdt", b"trex", b"mehd",
})  # fmt: skip


def cut(whole: bytes, dice: random.Random) -> bytes:
    """The end is missing."""
    return whole[: dice.randrange(1, len(whole))]


def flip_bit(whole: bytes, dice: random.Random) -> bytes:
    """One bit is wrong."""
    at = dice.randrange(len(whole))
    return whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :]


def flip_bytes(whole: bytes, dice: random.Random) -> bytes:
    """Some bytes are wrong, here and there."""
    spoiled = bytearray(whole)
    for _ in range(dice.randint(2, 40)):
        spoiled[dice.randrange(len(whole))] = dice.randrange(256)
    return bytes(spoiled)


def _range(whole: bytes, dice: random.Random) -> tuple[int, int]:
    start = dice.randrange(len(whole))
    return start, min(len(whole), start + dice.choice((16, 188, 512, 4096)))


def zero(whole: bytes, dice: random.Random) -> bytes:
    """A sector was never written."""
    start, end = _range(whole, dice)
    return whole[:start] + bytes(end - start) + whole[end:]


def fill(whole: bytes, dice: random.Random) -> bytes:
    """A sector holds something else."""
    start, end = _range(whole, dice)
    return whole[:start] + dice.randbytes(end - start) + whole[end:]


def leave_out(whole: bytes, dice: random.Random) -> bytes:
    """A part in the middle is missing; what follows lies too early."""
    start, end = _range(whole, dice)
    return whole[:start] + whole[end:]


def repeat(whole: bytes, dice: random.Random) -> bytes:
    """A part is there twice; what follows lies too late."""
    start, end = _range(whole, dice)
    return whole[:end] + whole[start:]


def swap_boxes(whole: bytes, dice: random.Random) -> bytes:
    """Two boxes in one place have changed places."""
    boxes = unpacked(whole)
    places = [boxes, *(box.inside for box in all_of(boxes) if len(box.inside) > 1)]
    place = dice.choice(places)
    one, other = dice.randrange(len(place)), dice.randrange(len(place))
    place[one], place[other] = place[other], place[one]
    return packed(boxes)


def drop_box(whole: bytes, dice: random.Random) -> bytes:
    """A box is missing."""
    boxes = unpacked(whole)
    places = [boxes, *(box.inside for box in all_of(boxes) if box.inside)]
    place = dice.choice(places)
    del place[dice.randrange(len(place))]
    return packed(boxes)


def double_box(whole: bytes, dice: random.Random) -> bytes:
    """A box is there twice."""
    boxes = unpacked(whole)
    place = dice.choice([boxes, *(box.inside for box in all_of(boxes) if box.inside)])
    at = dice.randrange(len(place))
    place.insert(at, place[at])
    return packed(boxes)


def resize_box(whole: bytes, dice: random.Random) -> bytes:
    """A box tells a size that it has not: none, less than its own header, beyond the end, negative."""
    boxes = unpacked(whole)
    box = dice.choice(all_of(boxes))
    real = len(box.packed())
    box.claims = dice.choice((0, 1, 7, 8, real - 1, real + 1, real + 8, real * 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
    return packed(boxes)


def nest_box(whole: bytes, dice: random.Random) -> bytes:
    """A box lies in thousands of others."""
    boxes = unpacked(whole)
    at = dice.choice([n for n, box in enumerate(boxes) if box.kind in (b"moov", b"moof", b"mdat")])
    inner = boxes[at].packed()
    kind = dice.choice((b"moov", b"trak", b"mdia", b"udta", b"meta", b"moof"))
    depth = dice.choice((10, 300, 5000))
    headers = b"".join(struct.pack(">I4s", len(inner) + 8 * (depth - n), kind) for n in range(depth))
    return packed(boxes[:at]) + headers + inner + packed(boxes[at + 1 :])


def absurd_word(whole: bytes, dice: random.Random) -> bytes:
    """One number in one header is absurd: a width, a time scale, a count, an offset."""
    boxes = unpacked(whole)
    _spoil_word(dice.choice(_headers(boxes)), dice)
    return packed(boxes)


def absurd_words(whole: bytes, dice: random.Random) -> bytes:
    """Several numbers in several headers are absurd."""
    boxes = unpacked(whole)
    for _ in range(dice.randint(2, 12)):
        _spoil_word(dice.choice(_headers(boxes)), dice)
    return packed(boxes)


def _headers(boxes: list[Box]) -> list[Box]:
    return [box for box in all_of(boxes) if box.kind in _HEADERS and len(box.body) >= 8]


def _spoil_word(box: Box, dice: random.Random) -> None:
    body = bytearray(box.body)
    at = dice.randrange(0, len(body) - 3, dice.choice((2, 4)))
    struct.pack_into(">I", body, at, dice.choice((*_ABSURD, dice.getrandbits(32))))
    box.body = bytes(body)


ANYWHERE: Mapping[str, Spoil] = {
    "flip_bit": flip_bit,
    "flip_bytes": flip_bytes,
    "zero": zero,
    "fill": fill,
    "leave_out": leave_out,
    "repeat": repeat,
}
"""For files of every kind."""

IN_BOXES: Mapping[str, Spoil] = {
    "swap_boxes": swap_boxes,
    "drop_box": drop_box,
    "double_box": double_box,
    "resize_box": resize_box,
    "nest_box": nest_box,
    "absurd_word": absurd_word,
    "absurd_words": absurd_words,
}
"""For mp4 and mov."""
