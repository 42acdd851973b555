"""Do the tables of an mp4 file agree with each other, and with what lies in the file?

A player makes the best of a file whose tables were damaged: it leaves out a track, a fragment or the rest, and says
nothing. Here every box must end where its parent says, every table must be there, and every sample that they declare
must lie inside the file. Nothing is decoded, and nothing is read but headers and tables.
"""

from __future__ import annotations

import os
import struct
from array import array
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import BinaryIO, NamedTuple

_NESTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf"})
_ONE_OF_EACH = ((b"stsd",), (b"stts",), (b"stsc",), (b"stsz", b"stz2"), (b"stco", b"co64"))
"""Tables that a track needs to be read at all."""
_TABLES_MAX_BYTES = 256 * 1024 * 1024
_BOXES_MAX = 100_000
_DEPTH_MAX = 12
_TRACKS_MAX = 100
_TIMES_ITS_SIZE = 50
_GAP_S = 0.5
_DURATION, _SIZE, _FLAGS, _OFFSET = 0x100, 0x200, 0x400, 0x800
"""What a fragment tells of each of its samples."""


class Flaw(Exception):
    """The tables cannot be right; the text says why."""


class _Box(NamedTuple):
    kind: bytes
    start: int
    """Of what is inside."""
    end: int
    around: tuple[_Box, ...]
    """The boxes that it lies in, from the inside out."""


@dataclass(slots=True, kw_only=True)
class Track:
    """What the tables say of one track."""

    track_id: int
    handler: bytes
    samples: int
    clock: int = 0
    """Units of its time in a second."""
    is_uniform: bool = False
    """All samples have the same size, as in sound that is not compressed: several are read together."""
    ends: int | None = None
    """Where the last fragment ended, in units of the track."""
    chunks: list[tuple[int, int]] = field(default_factory=list)
    """Where its data lies: from, to."""


def read_tables(file: BinaryIO) -> dict[int, Track]:
    """The tracks, by their place in the file.

    Raises:
        Flaw: something does not fit.
    """
    size = file.seek(0, os.SEEK_END)
    inside: dict[_Box | None, list[_Box]] = {}
    for box in _walk(file, size):
        # Of tracks and fragments everything at any depth, in one list.
        for around in box.around or (None,):
            inside.setdefault(around, []).append(box)
        if len(inside) > _BOXES_MAX:
            raise Flaw("too many parts")
    contents = [box for box in inside.get(None, ()) if box.kind == b"moov"]
    if len(contents) != 1:
        raise Flaw("there is not one list of contents")
    listed = inside.get(contents[0], [])
    tracks = [_track(file, inside.get(box, [])) for box in listed if box.kind == b"trak"]
    if len({track.track_id for track in tracks}) < len(tracks):
        raise Flaw("two tracks have the same number")
    usual = [_words(_body(file, box)) for box in listed if box.kind == b"trex"]
    for piece in inside.get(None, ()):
        if piece.kind == b"moof":
            fragments = [box for box in inside.get(piece, ()) if box.kind == b"traf"]
            if not fragments:
                raise Flaw("a piece without samples")
            for box in fragments:
                _add_fragment(file, piece, inside.get(box, []), tracks, usual)
    for track in tracks:
        if any(not 0 <= start <= end <= size for start, end in track.chunks):
            raise Flaw(f"track {track.track_id} lies beyond the end of the file")
    return dict(enumerate(tracks))


def refuse_impossible(file: BinaryIO) -> None:
    """Refuse what declares more than the file can hold: opening it would take memory, or time, for all of it.

    Where a table is cut off nothing is said: that is for whoever reads it.

    Raises:
        Flaw: it does.
    """
    size = file.seek(0, os.SEEK_END)
    in_pieces = tracks = 0
    for box in _walk(file, size, is_strict=False):
        if box.kind == b"trak":
            tracks += 1
        elif box.kind == b"trun":
            in_pieces += _declared(file, box, 4)
        elif box.kind == b"cmov":
            # The list of contents, packed: a few bytes can stand for gigabytes, and nobody has done so for twenty years.
            raise Flaw("its list of contents is packed")
        elif box.kind in (b"stsz", b"stz2"):
            count = _declared(file, box, 8)
            sizes = _words(_body(file, box)[12:])[:count] if box.kind == b"stsz" and count <= size else ()
            # A film that was cut off is still played up to there.
            if count > size or sum(sizes) > _TIMES_ITS_SIZE * size:
                raise Flaw(f"{count} samples of {sum(sizes)} bytes in {size} bytes")
        if in_pieces > size or tracks > _TRACKS_MAX:
            raise Flaw(f"{in_pieces} samples and {tracks} tracks in {size} bytes")


def _declared(file: BinaryIO, box: _Box, at: int) -> int:
    file.seek(box.start + at)
    return int.from_bytes(file.read(4), "big")


def _walk(file: BinaryIO, size: int, *, is_strict: bool = True) -> Iterator[_Box]:
    """Every box that may hold a table, level by level."""
    waiting: deque[tuple[int, int, tuple[_Box, ...]]] = deque([(0, size, ())])
    while waiting:
        at, end, around = waiting.popleft()
        while at < end:
            file.seek(at)
            header = file.read(16)[: end - at]
            length, inside = int.from_bytes(header[:4], "big"), 8
            if length == 1:
                length, inside = int.from_bytes(header[8:16], "big"), 16
            elif length == 0 and not around:
                length = end - at
            if length < inside or at + length > end or len(around) > _DEPTH_MAX:
                if is_strict:
                    raise Flaw(f"a part of {length} bytes where {end - at} are left")
                break
            box = _Box(header[4:8], at + inside, at + length, around)
            yield box
            if box.kind in _NESTS:
                waiting.append((box.start, box.end, (box, *around)))
            at += length


def _body(file: BinaryIO, box: _Box) -> bytes:
    if box.end - box.start > _TABLES_MAX_BYTES:
        raise Flaw("a table is too large")
    file.seek(box.start)
    return file.read(box.end - box.start)


def _words(data: bytes, code: str = "I") -> array[int]:
    """Big-endian numbers; what is left at the end is not one."""
    numbers = array(code)
    numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
    numbers.byteswap()
    return numbers


def _rows(data: bytes, columns: int, *, skip: int = 4) -> array[int]:
    """The numbers of a table that begins with how many rows it has."""
    words = _words(data[skip:])
    if not words or words[0] * columns > len(words) - 1:
        raise Flaw("a table is shorter than it says")
    return words[1 : 1 + words[0] * columns]


def _track(file: BinaryIO, inside: list[_Box]) -> Track:
    count = Counter(box.kind for box in inside)
    boxes = {box.kind: box for box in inside}
    if not {b"tkhd", b"mdhd", b"hdlr"} <= boxes.keys():
        raise Flaw("a track does not say what it is")
    head = _body(file, boxes[b"tkhd"])
    at = 20 if head[:1] == b"\1" else 12
    number, handler = int.from_bytes(head[at : at + 4], "big"), _handler(file, inside)
    track = Track(track_id=number, handler=handler, samples=0)
    for kinds in _ONE_OF_EACH:
        if sum(count[kind] for kind in kinds) != 1:
            raise Flaw(f"a track has not one {kinds[0].decode()}")
    track.clock, declared = _clock(_body(file, boxes[b"mdhd"]))
    sizes = _sizes(file, boxes, track)
    durations = _rows(_body(file, boxes[b"stts"]), 2)
    if sum(durations[::2]) != track.samples:
        raise Flaw(f"times for {sum(durations[::2])} of {track.samples} samples")
    if track.samples > 1 and not any(durations[1::2]):
        raise Flaw("all samples are at the same time")
    lasts = sum(count * each for count, each in zip(durations[::2], durations[1::2], strict=True))
    if declared and abs(lasts - declared) > max(_GAP_S * track.clock, declared / 10):
        raise Flaw(f"{lasts / track.clock:.1f} s of samples where {declared / track.clock:.1f} s are declared")
    keys = _rows(_body(file, boxes[b"stss"]), 1) if b"stss" in boxes else ()
    if any(not 1 <= key <= track.samples for key in keys):
        raise Flaw(f"a key frame beyond {track.samples} samples")
    _place_chunks(file, boxes, track, sizes)
    return track


def _clock(body: bytes) -> tuple[int, int]:
    """Units in a second, and how many of them the track lasts; 0: not told, as where it comes in pieces."""
    at, size = (20, 8) if body[:1] == b"\1" else (12, 4)
    clock = int.from_bytes(body[at : at + 4], "big")
    if not clock:
        raise Flaw("a track has no clock")
    declared = body[at + 4 : at + 4 + size]
    return clock, 0 if set(declared) == {0xFF} else int.from_bytes(declared, "big")


def _handler(file: BinaryIO, inside: list[_Box]) -> bytes:
    # QuickTime has a second one, which tells how the data is referred to.
    told = [_body(file, box)[8:12] for box in inside if box.kind == b"hdlr" and box.around[0].kind == b"mdia"]
    if len(told) != 1:
        raise Flaw("a track does not say what it is")
    return told[0]


def _sizes(file: BinaryIO, boxes: dict[bytes, _Box], track: Track) -> array[int] | int:
    """The size of each sample, or the one that all have."""
    if b"stz2" in boxes:
        body = _body(file, boxes[b"stz2"])
        bits, track.samples = body[7] if len(body) > 7 else 0, int.from_bytes(body[8:12], "big")
        if bits not in (4, 8, 16) or len(body) - 12 < track.samples * bits // 8:
            raise Flaw("a table is shorter than it says")
        if bits == 16:
            return _words(body[12:], "H")[: track.samples]
        if bits == 8:
            return array("I", body[12 : 12 + track.samples])
        halves = (half for byte in body[12:] for half in (byte >> 4, byte & 15))
        return array("I", halves)[: track.samples]
    body = _body(file, boxes[b"stsz"])
    if len(body) < 12:
        raise Flaw("a table is shorter than it says")
    size, track.samples = struct.unpack(">II", body[4:12])
    if size:
        track.is_uniform = True
        return int(size)
    return _rows(body, 1, skip=8)


def _place_chunks(file: BinaryIO, boxes: dict[bytes, _Box], track: Track, sizes: array[int] | int) -> None:
    is_long = b"co64" in boxes
    table = _body(file, boxes[b"co64" if is_long else b"stco"])
    count = int.from_bytes(table[4:8], "big")
    offsets = _words(table[8 : 8 + count * (8 if is_long else 4)], "Q" if is_long else "I")
    if len(offsets) < count:
        raise Flaw("a table is shorter than it says")
    runs = _rows(_body(file, boxes[b"stsc"]), 3)
    firsts = [*runs[::3], count + 1]
    if track.samples and (firsts[0] != 1 or any(later <= one for one, later in pairwise(firsts))):
        raise Flaw("the chunks of a track are not in order")
    taken = 0
    for run, per_chunk in enumerate(runs[1::3]):
        for chunk in range(firsts[run] - 1, firsts[run + 1] - 1):
            last = min(taken + per_chunk, track.samples)
            length = sizes * (last - taken) if isinstance(sizes, int) else sum(sizes[taken:last])
            track.chunks.append((offsets[chunk], offsets[chunk] + length))
            taken += per_chunk
    if taken != track.samples:
        raise Flaw(f"places for {taken} of {track.samples} samples")


def _add_fragment(
    file: BinaryIO, piece: _Box, inside: list[_Box], tracks: list[Track], usual: list[array[int]]
) -> None:
    """What comes in pieces behind the list of contents: each must go on where the one before ended."""
    heads = [box for box in inside if box.kind == b"tfhd"]
    if len(heads) != 1:
        raise Flaw("a fragment does not say what it is")
    head = _words(_body(file, heads[0]))
    track = next((track for track in tracks if head[1:2] == array("I", [track.track_id])), None)
    usually = next((words for words in usual if len(words) > 5 and words[1:2] == head[1:2]), None)
    if track is None or usually is None:
        raise Flaw("a fragment of no track")
    told = iter(head[2 + 2 * (head[0] & 1) + (head[0] >> 1 & 1) :])
    duration = next(told, 0) if head[0] & 0x8 else usually[3]
    size = next(told, 0) if head[0] & 0x10 else usually[4]
    for box in inside:
        if box.kind == b"tfdt":
            body = _body(file, box)
            starts = int.from_bytes(body[4 : 12 if body[:1] == b"\1" else 8], "big")
            # Programs leave small gaps themselves.
            if track.ends is not None and abs(starts - track.ends) > _GAP_S * track.clock:
                raise Flaw(f"a fragment of track {track.track_id} is missing or out of place")
            track.ends = starts
        elif box.kind == b"trun":
            samples, lasts, length = _run(_body(file, box), duration, size)
            track.samples += samples
            track.ends = (track.ends or 0) + lasts
            track.chunks.append((piece.start, piece.start + length))


def _run(body: bytes, duration: int, size: int) -> tuple[int, int, int]:
    """How many samples a run has, how long they last, and how many bytes they are."""
    words = _words(body)
    if len(words) < 2:
        raise Flaw("a table is shorter than it says")
    flags, count = words[0] & 0xFFFFFF, words[1]
    fields = [bit for bit in (_DURATION, _SIZE, _FLAGS, _OFFSET) if flags & bit]
    first = 2 + (flags & 1) + (flags >> 2 & 1)
    if len(words) != first + count * len(fields):
        raise Flaw("a table is shorter than it says")
    columns = {bit: words[first + place :: len(fields)] for place, bit in enumerate(fields)}
    lasts = sum(columns[_DURATION]) if _DURATION in columns else count * duration
    length = sum(columns[_SIZE]) if _SIZE in columns else count * size
    return count, lasts, length
