"""Files that are called like a video and are something else, most of them a list of what else to open.

Beside them lies a bait: a real clip, a pipe that would hold whoever opens it for ever, and the address of a listener that
counts who comes.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.torture.media.mp4 import Box, all_of, packed, unpacked

CLIP, PIPE = "bait.mp4", "bait-pipe.mp4"


class Listener:
    """A place on this machine that nobody may call."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/bait.mp4"
        self.calls = 0
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            caller.close()

    def close(self) -> None:
        """Listen no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@contextmanager
def baited(folder: Path, clip: bytes) -> Iterator[Listener]:
    """A folder with the bait in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CLIP).write_bytes(clip)
    os.mkfifo(folder / PIPE)
    listener = Listener()
    try:
        yield listener
    finally:
        listener.close()
        (folder / PIPE).unlink()


def disguised(folder: Path, url: str, originals: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Files, by name, none of which is a video or may become one by opening another."""
    for target in (CLIP, PIPE, url, f"file:{folder / CLIP}"):
        kind = "pipe" if target is PIPE else "clip" if target is CLIP else "url" if target is url else "path"
        yield f"m3u8-{kind}.mp4", f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n".encode()
        yield f"ffconcat-{kind}.mp4", f"ffconcat version 1.0\nfile '{target}'\n".encode()
        yield f"mpd-{kind}.mp4", _MPD.format(target).encode()
        yield f"gab2-{kind}.avi", _gab2(originals["mpeg4.avi"], f"#EXTM3U\n#EXTINF:1,\n{target}\n".encode())
    yield (
        "sdp.mp4",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    )
    yield (
        "ism.mp4",
        b'<?xml version="1.0"?><SmoothStreamingMedia MajorVersion="2"><StreamIndex Type="video"/></SmoothStreamingMedia>',
    )
    yield "asx.mp4", f'<asx version="3.0"><entry><ref href="{url}"/></entry></asx>'.encode()
    yield "pls.mp4", f"[playlist]\nFile1={url}\nNumberOfEntries=1\n".encode()
    yield "rtsp.mov", f"rtsptext\nrtsp://{url.removeprefix('http://')}\n".encode()
    yield "page.mp4", b"<!doctype html><title>Sign in</title>" * 40
    yield "paper.mp4", b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n" * 20
    yield "drawing.mp4", f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>'.encode()
    yield "archive.mp4", _zip(folder)
    yield "script.mp4", b"#!/bin/sh\ntouch owned\n"
    yield "lavfi.mp4", b"testsrc=duration=5"
    yield "image2.mp4", b"P6 64 64 255\n" + bytes(64 * 64 * 3)
    yield "tty.mp4", b"\x1b[31m text \x1b[0m" * 100


def referring(folder: Path, url: str, originals: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Films that say that their pictures lie in another file. What is in them may be shown; the other one is not opened."""
    for number, target in enumerate((CLIP, PIPE, url, f"file://{folder / PIPE}")):
        for kind in (b"url ", b"alis", b"rsrc"):
            for boxes in (unpacked(originals["plain.mp4"]),):
                for box in all_of(boxes):
                    if box.kind == b"dref":
                        box.body = struct.pack(">II", 0, 1) + _reference(kind, target).packed()
                yield f"dref-{kind.decode().strip()}-{number}.mov", packed(boxes)


def named(clip: bytes) -> Iterator[tuple[str, bytes]]:
    """A whole clip under names that mean something to some program."""
    names = (
        "-i.mp4", "concat:bait.mp4|bait.mp4", "http:", "%03d.mp4", "pipe:0", "a\nb.mp4", "'\"`$(id).mp4", "🎬 é.mp4", "fd:3",
        "crypto:x.mp4", "subfile,,start,0,end,0,,:bait.mp4", "lavfi", "..mp4", "a:b:c.mp4", "*?.mp4", "n" * 251 + ".mp4", "x.m3u8",
        "x.ffconcat", "tcp:127.0.0.1", "data:video,x.mp4", "\u202e4pm.mp4", "file:bait.mp4", " .mp4", "con.mp4",
    )  # fmt: skip
    for name in names:
        yield name, clip


_MPD = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">
<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL></Representation>
</AdaptationSet></Period></MPD>"""


def _reference(kind: bytes, target: str) -> Box:
    if kind == b"url ":
        return Box(kind=kind, body=bytes(4) + target.encode() + b"\0")
    # An alias of the Mac: a record of 150 bytes, then the path as type 2 and the absolute one as type 18.
    name = target.encode()[:60]
    record = (
        bytes(4) + bytes(6) + struct.pack(">H", 150) + bytes(10) + bytes([len(name[:27])]) + name[:27].ljust(27, b"\0")
    )
    record = record.ljust(158, b"\0")
    paths = b"".join(
        struct.pack(">HH", form, len(name)) + name + b"\0" * (len(name) % 2) for form in (2, 18)
    ) + struct.pack(">HH", 0xFFFF, 0)
    return Box(kind=kind, body=record + paths)


def _gab2(avi: bytes, text: bytes) -> bytes:
    """An AVI whose subtitle is a playlist; FFmpeg once opened what that named."""
    body = b"GAB2\0\2\0" + struct.pack("<I", 0) + b"\4\0" + struct.pack("<I", len(text)) + text
    at = avi.index(b"movi") + 4
    return avi[:at] + b"02tx" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) + avi[at:]


def _zip(folder: Path) -> bytes:
    path = folder / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / CLIP, "clip.mp4")
    data = path.read_bytes()
    path.unlink()
    return data
