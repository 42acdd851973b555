"""What a file is, told from its first bytes. Loads nothing heavy and never trusts a name."""

from __future__ import annotations

import re
from enum import StrEnum

from klingstudio.media.image_file import sniff_image

HEAD_BYTES = 256 * 1024
"""The size of a JPEG stands behind its colour profile and the small picture of the camera."""
_STILL_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1"})
_VIDEO_STARTS = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",
    b"FLV\x01",
    b"OggS",
    b"\x30\x26\xb2\x75",  # Windows Media
    b"\x06\x0e\x2b\x34",  # MXF
)
_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
"""What an old QuickTime film begins with."""
_PICTURE_STARTS = (b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"\x00\x00\x01\x00", b"8BPS", b"\x76\x2f\x31\x01")
_DOCUMENT_STARTS = (b"%PDF", b"PK\x03\x04", b"\x7fELF", b"MZ", b"\xd0\xcf\x11\xe0", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")
_MARKUP = re.compile(rb"\s*(<!doctype|<html|<\?xml|<head|<svg|<error|<body|\{|\[)", re.IGNORECASE)


class Content(StrEnum):
    """What a file turns out to be."""

    PICTURE = "picture"
    """JPEG, PNG or WebP."""
    OTHER_PICTURE = "other_picture"
    VIDEO = "video"
    PAGE = "page"
    """Of the web, or the answer of a server."""
    DOCUMENT = "document"
    """A document, archive or program."""
    UNKNOWN = "unknown"


def content_of(head: bytes) -> Content:
    """What begins like this."""
    if sniff_image(head) is not None:
        return Content.PICTURE
    if head[4:8] == b"ftyp":
        return Content.OTHER_PICTURE if head[8:12] in _STILL_BRANDS else Content.VIDEO
    if head.startswith(_VIDEO_STARTS) or (head[:4] == b"RIFF" and head[8:12] == b"AVI ") or head[4:8] in _BOXES:
        return Content.VIDEO
    if _is_transport_stream(head):
        return Content.VIDEO
    if head.startswith(_PICTURE_STARTS):
        return Content.OTHER_PICTURE
    if head.startswith(_DOCUMENT_STARTS):
        return Content.DOCUMENT
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")[:512]):
        return Content.PAGE
    return Content.UNKNOWN


def _is_transport_stream(head: bytes) -> bool:
    # Packets of 188 bytes that begin with this one; those of cameras have a time stamp of 4 bytes before it.
    return any(len(head) > at + step and head[at] == head[at + step] == 0x47 for at, step in ((0, 188), (4, 192)))


def picture_size(head: bytes) -> tuple[int, int] | None:
    """Width and height that a picture says it has, in pixels; None where its beginning does not tell."""
    match sniff_image(head):
        case "png" if head[12:16] == b"IHDR" and len(head) >= 24:
            return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
        case "webp":
            return _webp_size(head)
        case "jpeg":
            return _jpeg_size(head)
        case _:
            return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    # Source: RFC 9649, sections 2.5 to 2.7.
    if len(head) < 30:
        return None
    match head[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
        case _:
            return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(head[at + 7 : at + 9], "big"), int.from_bytes(head[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None
