"""Downloads over a line that breaks: at any byte, from servers of every kind, until the take is verified."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random

from klingstudio.domain.errors import Kind, NetworkProblem, StudioError, UnexpectedReply
from klingstudio.media.worker import MediaWorker
from klingstudio.net.download import HEAD_BYTES, Download
from tests.fakes.services import plain_tls
from tests.fakes.toxic import BadLine, LimitData, ResetPeer, Toxic, Way
from tests.fakes.wire import Asked, Handler, Wire
from tests.unit.media.made_clips import make_clip

TRIES = 6
HEADS_BYTES = 1000
"""What may come beside films."""

Answer = Callable[[Asked, bytes], tuple[str, bytes]]
"""Head and body of what a server says to a request for this film; the first time it is asked, and later."""


def _etag(film: bytes) -> str:
    return f'"{sha256(film).hexdigest()[:16]}"'


def _start(asked: Asked) -> int:
    return int(asked.headers["range"].removeprefix("bytes=").removesuffix("-"))


def _whole(film: bytes, *more: str) -> tuple[str, bytes]:
    return "\r\n".join(["HTTP/1.1 200 OK", f"ETag: {_etag(film)}", *more]), film


def ranges(asked: Asked, film: bytes) -> tuple[str, bytes]:
    """As a good server does it: length, ranges, If-Range."""
    if "range" not in asked.headers or asked.headers.get("if-range") != _etag(film):
        return _whole(film, f"Content-Length: {len(film)}")
    if (start := _start(asked)) >= len(film):
        return f"HTTP/1.1 416 X\r\nContent-Range: bytes */{len(film)}\r\nContent-Length: 0", b""
    told = f"Content-Range: bytes {start}-{len(film) - 1}/{len(film)}\r\nContent-Length: {len(film) - start}"
    return f"HTTP/1.1 206 X\r\nETag: {_etag(film)}\r\n{told}", film[start:]


def no_ranges(asked: Asked, film: bytes) -> tuple[str, bytes]:
    return _whole(film, f"Content-Length: {len(film)}")


def no_length(asked: Asked, film: bytes) -> tuple[str, bytes]:
    return _whole(film, "Connection: close")


def chunked(asked: Asked, film: bytes) -> tuple[str, bytes]:
    step = 10_000
    pieces = [film[at : at + step] for at in range(0, len(film), step)]
    body = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
    return _whole(film, "Transfer-Encoding: chunked")[0], body


def deaf_to_if_range(asked: Asked, film: bytes) -> tuple[str, bytes]:
    """It sends the rest of whatever it has now."""
    if "range" not in asked.headers:
        return _whole(film, f"Content-Length: {len(film)}")
    return ranges(Asked(asked.method, asked.path, asked.headers | {"if-range": _etag(film)}, b""), film)


def wrong_range(asked: Asked, film: bytes) -> tuple[str, bytes]:
    """It begins elsewhere than it was asked to, and says so."""
    if "range" not in asked.headers:
        return _whole(film, f"Content-Length: {len(film)}")
    start = max(1, _start(asked) - 7)
    told = f"Content-Range: bytes {start}-{len(film) - 1}/{len(film)}\r\nContent-Length: {len(film) - start}"
    return f"HTTP/1.1 206 X\r\nETag: {_etag(film)}\r\n{told}", film[start:]


@dataclass(frozen=True, slots=True)
class Server:
    """One kind of server."""

    answer: Answer
    resumes: bool = False
    changes: bool = False
    """After the first request another film lies there."""

    @property
    def name(self) -> str:
        return self.answer.__name__ + (", changed" if self.changes else "")


SERVERS = (
    Server(ranges, resumes=True),
    Server(ranges, changes=True),
    Server(no_ranges),
    Server(no_length),
    Server(chunked),
    Server(deaf_to_if_range, changes=True),
    Server(wrong_range),
)


@dataclass(slots=True)
class Tally:
    """What came of the downloads from one kind of server."""

    cuts: int = 0
    right: int = 0
    refused: int = 0
    """Files that seemed whole and were not, which the check of the film refused."""
    most_extra: float = 0.0
    """The most that came beside one copy, as a share of the film."""
    wrong: list[str] = field(default_factory=list)


def films(folder: Path) -> tuple[bytes, bytes]:
    """Two real films."""
    lossless = {"qp": "0", "preset": "ultrafast"}
    clips = [make_clip(folder / f"film{n}.mp4", count=n, size=(320, 240), options=lossless) for n in (24, 20)]
    return clips[0].read_bytes(), clips[1].read_bytes()


async def cut_downloads(
    server: Server,
    films: tuple[bytes, bytes],
    folder: Path,
    *,
    cuts: int,
    seed: int,
    media: MediaWorker,
    is_over: Callable[[], bool] = lambda: False,
) -> Tally:
    """So many downloads, each over a line that breaks once. `films`: what lies there first, and what after a change."""
    random = Random(f"{server.name} {seed}")
    tally = Tally()
    for number in range(cuts):
        if is_over():
            break
        at = random.randrange(1, len(films[0]) + 150)
        toxic: Toxic = LimitData(at) if number % 2 else ResetPeer(at)
        place = f"{server.name}, {toxic}, seed {seed}"
        tally.cuts += 1
        part = folder / f"{number}.part"
        try:
            passed = await _one(server, films, part, toxic, media, tally)
        except StudioError as error:
            tally.wrong.append(f"{place}: {error!r}")
            continue
        wanted = films[1 if server.changes and passed[1] > 1 else 0]
        if part.read_bytes() != wanted:
            tally.wrong.append(f"{place}: another film is called good")
            continue
        tally.right += 1
        extra = passed[0] - len(wanted)
        tally.most_extra = max(tally.most_extra, extra / len(films[0]))
        # What broke off sooner than a film can be told from a page begins anew.
        granted = max(0.1 * len(films[0]), HEAD_BYTES) if server.resumes else len(films[0])
        if extra > granted + HEADS_BYTES:
            tally.wrong.append(f"{place}: {extra} bytes came beside one copy")
        Download.discard(part)
    return tally


async def _one(
    server: Server, films: tuple[bytes, bytes], part: Path, toxic: Toxic, media: MediaWorker, tally: Tally
) -> tuple[int, int]:
    """Fetch until the film is good, as a job does. Bytes that came, and how often the server was asked."""
    async with Wire(_serving(server, films)) as wire, BadLine(wire.url) as line:
        line.spoil(Way.DOWN, toxic, connections=1)
        for _ in range(TRIES):
            download = Download(part, tls=plain_tls(), allow_loopback=True)
            try:
                await download.fetch(f"{line.url}/film.mp4", lambda done, total: None)
            except (NetworkProblem, UnexpectedReply):
                # An answer that is cut before its first bytes is no film, and may be one at the next try.
                continue
            try:
                await media.verify(part, lambda fraction: None)
            except StudioError as error:
                if error.problem.kind is not Kind.RESULT_DAMAGED:
                    raise
                tally.refused += 1
                Download.discard(part)
                continue
            return line.passed[Way.DOWN], len(wire.asked)
    raise NetworkProblem(Kind.NETWORK_DOWN, f"not whole after {TRIES} tries")


def _serving(server: Server, films: tuple[bytes, bytes]) -> Handler:
    asked_before = False

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal asked_before
        film = films[1 if server.changes and asked_before else 0]
        asked_before = True
        head, body = server.answer(asked, film)
        writer.write(f"{head}\r\nContent-Type: video/mp4\r\n\r\n".encode() + body)
        await writer.drain()
        if "Connection: close" in head:
            writer.close()

    return handler
