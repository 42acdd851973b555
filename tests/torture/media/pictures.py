"""Picture files that are made to hurt: small on the disk and vast in memory, endless to decode, or something else."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache

from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_VAST = (
    (30_000, 30_000), (65_535, 65_535), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1), (1, 2**31 - 1), (64_000_001, 1),
    (8_001, 8_000), (100_000, 700),
)  # fmt: skip


def bombs() -> Iterator[tuple[str, bytes]]:
    """Fifty files, by name, every one of which must be refused at once."""
    for width, height in _VAST:
        yield f"header-{width}x{height}.png", png(width, height, b"\0" * 64)
    for depth, colour in ((1, 0), (8, 0), (8, 2), (8, 3), (8, 6), (16, 6)):
        yield f"filled-{depth}-{colour}.png", png(30_000, 30_000, _zeros(), depth=depth, colour=colour)
    for width, height in ((9_000, 9_000), (20_000, 4_000), (65_500, 65_500)):
        yield f"interlaced-{width}x{height}.png", png(width, height, _zeros(), interlaced=1)
    for name in (b"zTXt", b"iTXt", b"iCCP"):
        for millions in (20, 200):
            yield f"{name.decode()}-{millions}.png", png(16, 16, b"", extra=_inflating(name, millions * 1_000_000))
    yield "texts.png", png(16, 16, b"", extra=_inflating(b"zTXt", 900_000) * 100)
    for width, height in ((65_535, 65_535), (65_500, 1_000), (8_001, 8_000)):
        yield f"header-{width}x{height}.jpg", _resized_jpeg(width, height, progressive=False)
        yield f"progressive-{width}x{height}.jpg", _resized_jpeg(width, height, progressive=True)
    for scans in (200, 2_000, 20_000):
        yield f"scans-{scans}.jpg", scans_jpeg(scans)
    for form, width, height in (
        ("VP8X", 2**24, 2**24), ("VP8X", 2**24, 1), ("VP8X", 8_001, 8_000), ("VP8L", 16_384, 16_384), ("VP8L", 16_384, 4_000),
        ("VP8 ", 16_383, 16_383), ("VP8 ", 8_001, 8_000),
    ):  # fmt: skip
        yield f"{form.strip()}-{width}x{height}.webp", webp(form, width, height)
    for ending in ("gif", "bmp", "tiff", "ico", "ppm"):
        yield f"really-{ending}.png", _other(ending)
    yield "laughs.png", _LAUGHS
    yield "page.png", b"<!doctype html><img src=http://127.0.0.1/x>" * 9
    yield "frames.gif.png", _many_frames("GIF")
    yield "vast.gif.png", b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + _other("gif")[10:]
    yield "script.jpg", b"%!PS-Adobe-3.0\n(w) run"


def oddities() -> Iterator[tuple[str, bytes]]:
    """Strange, and perhaps even a picture: they may be taken or refused, but not take long, or more memory than a picture."""
    yield "frames.webp", _many_frames("WEBP")
    yield "frames.png", _many_frames("PNG")
    yield "declared.png", png(16, 16, b"", extra=chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)))
    yield "chunks.png", png(16, 16, b"", extra=chunk(b"tEXt", b"a\0b") * 100_000)
    yield "segments.jpg", _jpeg()[:2] + (b"\xff\xed" + struct.pack(">H", 65_535) + b"\0" * 65_533) * 40 + _jpeg()[2:]
    for name, exif in (
        ("loop", _exif_loop()),
        ("counts", _exif_counts()),
        ("noise", b"Exif\0\0" + bytes(range(256)) * 99),
    ):
        yield f"exif-{name}.jpg", _jpeg()[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + _jpeg()[2:]
    for width, height in ((0, 0), (0, 16), (16, 0)):
        yield f"nothing-{width}x{height}.png", png(width, height, b"")
    yield "endless.jpg", _jpeg()[:-2] + b"\xff\xd0" * 2_000_000
    yield "restarts.jpg", _jpeg()[:-2] + bytes(2_000_000)


def png(
    width: int, height: int, data: bytes, *, depth: int = 8, colour: int = 0, interlaced: int = 0, extra: bytes = b""
) -> bytes:
    """A PNG that says this of itself; `data` is compressed already, or nothing."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    palette = chunk(b"PLTE", b"\0\0\0") if colour == 3 else b""
    body = data or zlib.compress(b"\0" * (height * (width * depth // 8 + 1)))
    return _PNG + chunk(b"IHDR", head) + extra + palette + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@lru_cache(maxsize=1)
def _zeros() -> bytes:
    """What becomes 60 MB when it is unpacked, and is enough for any decoder to begin with."""
    return zlib.compress(bytes(60_000_000), 9)


def _inflating(kind: bytes, size: int) -> bytes:
    packed = zlib.compress(bytes(size), 9)
    between = b"\1\0\0\0" if kind == b"iTXt" else b"\0"
    return chunk(kind, b"name\0" + between + packed)


@lru_cache(maxsize=4)
def _jpeg(*, progressive: bool = False) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "JPEG", progressive=progressive)
    return file.getvalue()


def _resized_jpeg(width: int, height: int, *, progressive: bool) -> bytes:
    whole = _jpeg(progressive=progressive)
    at = whole.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    return whole[:at] + struct.pack(">HH", height, width) + whole[at + 4 :]


def scans_jpeg(scans: int) -> bytes:
    """A progressive JPEG of seven thousand pixels square that goes over all of them again and again."""
    whole = _resized_jpeg(7_000, 7_000, progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * scans + whole[-2:]


def webp(form: str, width: int, height: int) -> bytes:
    """A WebP that says this of itself, and has nothing to show."""
    match form:
        case "VP8X":
            body = b"\0\0\0\0" + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
        case "VP8L":
            body = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(16)
        case _:
            body = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(16)
    inner = form.encode() + struct.pack("<I", len(body)) + body
    if form == "VP8X":
        inner += b"VP8L" + struct.pack("<I", 20) + b"\x2f" + struct.pack("<I", 0x3FFF | 0x3FFF << 14) + bytes(15)
    return b"RIFF" + struct.pack("<I", len(inner) + 4) + b"WEBP" + inner


def _other(ending: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (9, 9, 9)).save(file, {"tiff": "TIFF"}.get(ending, ending.upper()))
    return file.getvalue()


def _many_frames(form: str) -> bytes:
    file = io.BytesIO()
    pictures = [Image.new("RGB", (32, 32), (n % 256, 0, n // 256)) for n in range(600)]
    pictures[0].save(file, form, save_all=True, append_images=pictures[1:])
    return file.getvalue()


def _exif_loop() -> bytes:
    """A directory whose next one is itself."""
    entry = struct.pack(">HHII", 0x8769, 4, 1, 8)
    return b"Exif\0\0MM\0\x2a" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 8)


def _exif_counts() -> bytes:
    """Entries of four thousand million values each."""
    entries = b"".join(struct.pack(">HHII", 0x0100 + n, 12, 0xFFFFFFFF, 8) for n in range(200))
    return b"Exif\0\0MM\0\x2a" + struct.pack(">IH", 8, 200) + entries + struct.pack(">I", 0)


_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a0 "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b']><svg xmlns="http://www.w3.org/2000/svg"><text>&a9;</text></svg>'
)
