"""Opening a video as what its bytes say it is, never as what its name says.

FFmpeg tries every demuxer it has, also those that read playlists and then open other files and addresses. Here the
first bytes choose one of a few demuxers and nothing else is tried, so a list that is called `clip.mp4` opens nothing.
Files are handed over as file objects: no name can be misread as an option or an address, and there is no protocol by
which anything else could be opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.media.mp4_tables import Flaw, refuse_impossible

THREADS = max(1, min(os.cpu_count() or 1, 8))
"""Threads per decoder or encoder: more than eight gain little on 4K and cost memory."""

MAX_FRAME_PIXELS = 8192 * 4608
"""A frame that decodes to more is refused: it could not be held in memory a few times over."""

CODEC_LIMITS = {"max_pixels": str(MAX_FRAME_PIXELS)}
"""For every decoder: a stream may tell another size than its header, and change it half-way."""
TAGS_ERRORS = "replace"
"""Titles and names in a file are in any encoding, or none; nobody needs them to read the pictures."""

_TS_PACKET, _M2TS_PACKET = 188, 192
_QUICKTIME_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_ONLY_PLAYED = {
    b"FLV\x01": "flv",
    b"OggS": "ogg",
    b"\x00\x00\x01\xba": "mpeg",
    b"\x30\x26\xb2\x75": "asf",
    b"\x06\x0e\x2b\x34": "mxf",
}
_CONTAINER_NAMES = {
    "mov": "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska": "matroska,webm",
    "avi": "avi",
    "mpegts": "mpegts",
}


class Box(NamedTuple):
    """A top-level part of an mp4 file."""

    kind: bytes
    end: int
    """Offset behind its last byte, as declared; beyond the file's end where the file was cut."""


def sniff(head: bytes) -> str | None:
    """The demuxer for a file that begins with `head` (600 bytes are enough), or None: not a video we know."""
    if head[4:8] == b"ftyp" or head[4:8] in _QUICKTIME_BOXES:
        return "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    for offset, step in ((0, _TS_PACKET), (4, _M2TS_PACKET)):
        if len(head) > offset + 2 * step and {head[offset + n * step] for n in range(3)} == {0x47}:
            return "mpegts"
    return None


def sniff_played(head: bytes) -> str | None:
    """The same for a file that is only looked at: some more, none of which can name another file."""
    return sniff(head) or _ONLY_PLAYED.get(head[:4])


def boxes(file: BinaryIO) -> list[Box]:
    """The top-level boxes of an mp4 file, read from their headers alone. Stops at the first that makes no sense."""
    size = file.seek(0, os.SEEK_END)
    found: list[Box] = []
    at = 0
    while at < size:
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            found.append(Box(b"", at + 8))
            break
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - at
        if length < 8:
            break
        at += length
        found.append(Box(header[4:8], at))
    file.seek(0)
    return found


def only(demuxer: str, *protocols: str) -> dict[str, str]:
    """The options by which FFmpeg opens nothing but this, and whatever that names by these protocols alone."""
    return {"format_whitelist": demuxer, "protocol_whitelist": ",".join(protocols) or "none"}


class OpenClip(NamedTuple):
    """An open video file with the streams that are used."""

    container: InputContainer
    video: VideoStream
    audio: AudioStream | None
    container_name: str


@contextmanager
def open_clip(path: Path, options: dict[str, str] | None = None) -> Iterator[OpenClip]:
    """Open a video file for reading.

    Raises:
        InputRefused: not a video, cut off, or without a moving picture.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        demuxer = sniff(file.read(600))
        if demuxer is None:
            raise InputRefused(Kind.SOURCE_NOT_VIDEO, path.name, subject="source")
        if demuxer == "mov":
            _refuse_cut_off(file, path.name)
        refuse_bomb(file, demuxer, path.name)
        file.seek(0)
        try:
            container = av.open(
                file,
                "r",
                format=demuxer,
                options={**CODEC_LIMITS, **only(demuxer), **(options or {})},
                metadata_errors=TAGS_ERRORS,
            )
        except av.MemoryError:
            raise
        except av.FFmpegError as error:
            raise InputRefused(Kind.SOURCE_DAMAGED, path.name, subject="source") from error
        with container:
            yield OpenClip(container, _picture(container, path.name), _sound(container), _CONTAINER_NAMES[demuxer])


def refuse_bomb(file: BinaryIO, demuxer: str, name: str) -> None:
    """Refuse what would take the memory or the time of the machine only by being opened.

    Raises:
        InputRefused: it would.
    """
    try:
        if demuxer == "mov":
            refuse_impossible(file)
    except Flaw as flaw:
        raise InputRefused(Kind.SOURCE_DAMAGED, f"{name}: {flaw}", subject="source") from flaw


def _refuse_cut_off(file: BinaryIO, name: str) -> None:
    size = file.seek(0, os.SEEK_END)
    parts = boxes(file)
    # Only the parts that carry the video count: some cameras leave rubbish behind the last one.
    cut = any(part.end > size and part.kind in (b"moov", b"mdat", b"moof") for part in parts)
    if cut or not any(part.kind == b"moov" for part in parts):
        raise InputRefused(Kind.SOURCE_DAMAGED, name, subject="source")


def _picture(container: InputContainer, name: str) -> VideoStream:
    if not len(container.streams):
        raise InputRefused(Kind.SOURCE_DAMAGED, name, subject="source")
    # A song's cover is stored as a video stream of one still picture.
    moving = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not moving:
        raise InputRefused(Kind.SOURCE_NO_PICTURE, name, subject="source")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in moving else moving[0]
    if not has_decoder(stream):
        raise InputRefused(Kind.SOURCE_NO_PICTURE, f"{name}: unknown codec", subject="source")
    context = stream.codec_context
    if context.width * context.height > MAX_FRAME_PIXELS:
        raise InputRefused(Kind.SOURCE_UNFITTABLE, f"{context.width}×{context.height} px", subject="source")
    context.thread_count = THREADS
    context.thread_type = "FRAME"
    context.options = CODEC_LIMITS
    return stream


def has_decoder(stream: VideoStream | AudioStream) -> bool:
    """False for a stream in a format that FFmpeg knows only by its number."""
    return getattr(stream, "codec_context", None) is not None


def _sound(container: InputContainer) -> AudioStream | None:
    stream = container.streams.best("audio")
    return stream if isinstance(stream, AudioStream) else None
