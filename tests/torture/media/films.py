"""Video files that are made to hurt: frames that fill the memory, samples without end, lengths that are lies."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

import av

from tests.torture.media.mp4 import Box, all_of, first, full, packed, unpacked
from tests.torture.media.pictures import png

MANY = 2**31 - 1


def bombs(originals: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Twenty files, by name, every one of which must be refused before it hurts."""
    quiet, plain, pieces = originals["silent.mp4"], originals["plain.mp4"], originals["fragmented.mp4"]
    yield "frames-8k.mp4", _large_frames()
    yield "inner-frames.mov", inner_frames_bomb()
    yield from table_bombs(originals)
    yield "fragment-uniform.mp4", changed(pieces, run_of(60_000_000))
    yield "fragment-most.mp4", changed(pieces, run_of(0xFFFFFFF0))
    yield "fragments-many.mp4", _many_runs(pieces)
    yield "deep.mp4", plain[:32] + _deep(60_000)
    yield "zeros.mp4", plain[:32] + bytes(3_000_000)
    yield "frame-of-none.mp4", changed(quiet, _frame(0, 0))
    yield "frame-of-65535.mp4", changed(quiet, _frame(65_535, 65_535))


def table_bombs(originals: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Those of them that only declare what they have not."""
    plain, quiet = originals["plain.mp4"], originals["silent.mp4"]
    yield "samples-uniform.mp4", changed(quiet, _uniform(1, 50_000_000))
    yield "samples-most.mp4", changed(quiet, _uniform(1, MANY))
    yield "samples-empty.mp4", changed(quiet, _sized(MANY))
    yield "places-most.mp4", changed(plain, _table(b"stco", MANY))
    yield "places-beyond.mp4", changed(plain, beyond)
    yield "places-same.mp4", _same_place(quiet)
    yield "length-for-ever.mp4", changed(quiet, _lasts(2**63 - 1))
    yield "length-a-day.mp4", changed(quiet, _table(b"stts", 1, 16, 24 * 3600 * 12_800 // 16))
    yield "packed.mov", _compressed_moov(1_000_000_000)
    yield "packed-more.mov", _compressed_moov(4_000_000_000)
    yield "tracks-many.mp4", _many_tracks(quiet, 900)


def lies(originals: Mapping[str, bytes]) -> Iterator[tuple[str, bytes, float]]:
    """Files whose head tells another length than they have, by name, with the length in seconds that is true."""
    quiet = originals["silent.mp4"]
    ticks = 12_800
    minute = changed(quiet, _table(b"stts", 1, 16, 60 * ticks // 16))
    yield "says-5-is-60.mp4", changed(minute, _says(5)), 60.0
    yield "says-60-is-less.mp4", changed(quiet, _says(60)), 0.64
    yield "says-nothing.mp4", changed(quiet, _says(0)), 0.64


def oddities(originals: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Strange, and perhaps even a video: they may be taken or refused, but not take long, or the memory of the machine."""
    quiet, mkv, avi, ts = (originals[name] for name in ("silent.mp4", "h264.mkv", "mpeg4.avi", "h264.ts"))
    yield "tracks.mp4", _many_tracks(quiet, 60)
    yield "times-most.mp4", changed(quiet, _table(b"stts", 1, MANY, 1))
    yield "sizes-change.ts", _sizes_change()
    yield "unknown-sizes.mkv", mkv.replace(b"\x18\x53\x80\x67", b"\x18\x53\x80\x67\x01" + b"\xff" * 7, 1)
    yield "huge-block.mkv", mkv + b"\xa3\x08\xff\xff\xff\xff\xff\xff" + bytes(99)
    yield "nested.mkv", mkv[:40] + b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff" * 20_000
    yield "index.avi", avi + b"idx1" + struct.pack("<I", 0xFFFFFFF0) + bytes(4096)
    yield "lists.avi", avi[:12] + b"LIST\xff\xff\xff\x7fhdrl" * 50_000
    yield "programs.ts", _many_programs(80) + ts
    yield "sync.ts", b"\x47" * 2_000_000
    yield "zeros.mkv", mkv[:200] + bytes(3_000_000)
    yield "tags.mp4", changed(quiet, lambda boxes: _add_tag(boxes, b"\xff\xfe caf\xe9 \xbf" * 9))


def changed(whole: bytes, change: Callable[[list[Box]], None]) -> bytes:
    """The file with its boxes changed."""
    boxes = unpacked(whole)
    change(boxes)
    return packed(boxes)


def _uniform(size: int, count: int) -> Callable[[list[Box]], None]:
    def change(boxes: list[Box]) -> None:
        first(boxes, b"stsz").body = struct.pack(">III", 0, size, count)
        first(boxes, b"stts").body = struct.pack(">IIII", 0, 1, count, 1)
        first(boxes, b"stsc").body = struct.pack(">IIIII", 0, 1, 1, count, 1)

    return change


def _sized(count: int) -> Callable[[list[Box]], None]:
    def change(boxes: list[Box]) -> None:
        box = first(boxes, b"stsz")
        box.body = struct.pack(">III", 0, 0, count) + box.body[12:]

    return change


def _table(kind: bytes, *words: int) -> Callable[[list[Box]], None]:
    def change(boxes: list[Box]) -> None:
        for box in all_of(boxes):
            if box.kind == kind:
                box.body = full(kind, *words).body

    return change


def beyond(boxes: list[Box]) -> None:
    for box in all_of(boxes):
        if box.kind == b"stco":
            count = struct.unpack_from(">I", box.body, 4)[0]
            box.body = box.body[:8] + struct.pack(">I", 0xFFFFFF00) * count


def run_of(count: int) -> Callable[[list[Box]], None]:
    def change(boxes: list[Box]) -> None:
        for box in all_of(boxes):
            if box.kind == b"trun":
                box.body = struct.pack(">II", 0, count)

    return change


def _many_runs(pieces: bytes) -> bytes:
    boxes = unpacked(pieces)
    fragment = first(boxes, b"traf")
    fragment.inside += [full(b"trun", 900_000) for _ in range(400)]
    return packed(boxes)


def _lasts(units: int) -> Callable[[list[Box]], None]:
    def change(boxes: list[Box]) -> None:
        clock = first(boxes, b"mdhd")
        clock.body = struct.pack(">IQQIQI", 1 << 24, 0, 0, 1, units, 0)
        first(boxes, b"stts").body = struct.pack(">IIII", 0, 1, 16, 0x7FFFFFFF)

    return change


def _says(seconds: int) -> Callable[[list[Box]], None]:
    def change(boxes: list[Box]) -> None:
        for kind, at in ((b"mvhd", 12), (b"mdhd", 12)):
            box = first(boxes, kind)
            scale = struct.unpack_from(">I", box.body, at)[0]
            box.body = box.body[: at + 4] + struct.pack(">I", seconds * scale) + box.body[at + 8 :]
        for track in boxes:
            for place in track.walk():
                # Without an edit list, which would tell the length, too.
                place.inside = [box for box in place.inside if box.kind != b"edts"]

    return change


def _frame(width: int, height: int) -> Callable[[list[Box]], None]:
    def change(boxes: list[Box]) -> None:
        box = first(boxes, b"stsd")
        box.body = box.body[:40] + struct.pack(">HH", width, height) + _without_sps(box.body[44:])

    return change


def _without_sps(rest: bytes) -> bytes:
    # Else the stream would tell the true size and be right.
    return rest.replace(b"avcC", b"free")


def _deep(depth: int) -> bytes:
    headers = [struct.pack(">I4s", 8 * (depth - n), (b"moov", b"trak", b"mdia")[n % 3]) for n in range(depth)]
    return b"".join(headers)


def _compressed_moov(claims: int) -> bytes:
    """QuickTime's old way to store the contents packed, here a thousand times smaller than unpacked."""
    data = zlib.compress(bytes(40_000_000), 9)
    inner = full(b"dcom").packed()[:8] + b"zlib"
    inner += struct.pack(">I4sI", len(data) + 12, b"cmvd", claims) + data
    cmov = struct.pack(">I4s", len(inner) + 8, b"cmov") + inner
    moov = struct.pack(">I4s", len(cmov) + 8, b"moov") + cmov
    return struct.pack(">I4s4sI4s", 20, b"ftyp", b"qt  ", 0, b"qt  ") + moov + struct.pack(">I4s", 8, b"mdat")


def _same_place(quiet: bytes) -> bytes:
    """Every sample is the same megabyte of the file, over and over: gigabytes to read from a small file."""
    boxes = unpacked(quiet)
    count = 200_000
    first(boxes, b"stsz").body = struct.pack(">III", 0, 0, count) + struct.pack(">I", 1_000_000) * count
    first(boxes, b"stts").body = struct.pack(">IIII", 0, 1, count, 1)
    first(boxes, b"stsc").body = struct.pack(">IIIII", 0, 1, 1, 1, 1)
    first(boxes, b"stco").body = struct.pack(">II", 0, count) + struct.pack(">I", 0) * count
    return packed(boxes) + Box(kind=b"mdat", body=bytes(1_000_000)).packed()


def _many_tracks(quiet: bytes, count: int) -> bytes:
    boxes = unpacked(quiet)
    contents = first(boxes, b"moov")
    contents.inside += [box for box in contents.inside if box.kind == b"trak"] * count
    return packed(boxes)


def _add_tag(boxes: list[Box], words: bytes) -> None:
    data = struct.pack(">I4sII", len(words) + 16, b"data", 1, 0) + words
    name = struct.pack(">I4s", len(data) + 8, b"\xa9nam") + data
    listed = struct.pack(">I4s", len(name) + 8, b"ilst") + name
    handler = full(b"hdlr", 0, int.from_bytes(b"mdir", "big"), 0, 0, 0).packed() + b""
    meta = Box(kind=b"meta", body=bytes(4) + handler + listed)
    contents = first(boxes, b"moov")
    contents.inside = [box for box in contents.inside if box.kind != b"udta"] + [Box(kind=b"udta", inside=[meta])]


def _large_frames() -> bytes:
    """Really encoded, and of one colour: a few kilobytes a frame, 100 MB in memory."""
    return _encoded([(8_704, 8_192)] * 2, "libx264", "mp4", {"preset": "ultrafast", "x264-params": "threads=1"})


def _sizes_change() -> bytes:
    """A stream that changes its size half-way, as a broadcast may."""
    return b"".join(
        _encoded([size] * 4, "libx264", "mpegts", {"preset": "ultrafast"})
        for size in ((96, 64), (640, 360), (1920, 1080))
    )


def inner_frames_bomb() -> bytes:
    """A head that tells 64 pixels, and pictures of 40,000 inside."""
    return _inner_frames(png(40_000, 40_000, zlib.compress(bytes(10_000_000), 9)), "png")


def _inner_frames(picture: bytes, codec: str) -> bytes:
    """A head that tells 64 pixels, and pictures inside that tell many."""
    whole = _encoded([(64, 64)] * 3, codec, "mov", {})
    boxes = unpacked(whole)
    offset = whole.index(b"mdat") + 4
    first(boxes, b"mdat").body = picture * 3
    first(boxes, b"stsz").body = struct.pack(">IIIIII", 0, 0, 3, *(len(picture),) * 3)
    first(boxes, b"stsc").body = struct.pack(">IIIII", 0, 1, 1, 3, 1)
    first(boxes, b"stco").body = struct.pack(">III", 0, 1, offset)
    return packed(boxes)


def _encoded(sizes: list[tuple[int, int]], codec: str, form: str, options: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=form) as out:
        video = out.add_stream(codec, rate=25, options=options)
        assert isinstance(video, av.VideoStream)
        video.width, video.height = sizes[0]
        video.pix_fmt = "rgb24" if codec == "png" else "yuv420p"
        for number, size in enumerate(sizes):
            frame = av.VideoFrame(*size, video.pix_fmt)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return file.getvalue()


def _many_programs(count: int) -> bytes:
    """A broadcast that announces hundreds of programmes, packet after packet."""
    packets = []
    for number in range(count):
        body = b"".join(struct.pack(">HH", number * 40 + n + 1, 0xE000 | 0x20 + n) for n in range(40))
        section = struct.pack(">BHHBBB", 0, 0xB000 | len(body) + 9, 1, 0xC1, number % 200, 199) + body + bytes(4)
        packets.append((b"\x47\x40\x00\x10\x00" + section).ljust(188, b"\xff")[:188])
    return b"".join(packets)
