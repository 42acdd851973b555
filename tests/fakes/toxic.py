"""A bad line: a TCP proxy on loopback that does to each direction what Toxiproxy's toxics do, under the same names.

::

    async with BadLine(sandbox.url) as line:
        line.spoil(Way.UP, LimitData(1000), connections=1)      # the first connection ends after 1,000 bytes sent
        line.spoil(Way.DOWN, Bandwidth(100_000), Latency(0.2))  # every connection is slow on the way back
        … line.url …

It works below TLS and HTTP, so it spoils both alike. Bytes that passed are counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

_PIECE_BYTES = 64 * 1024
_BUFFER_BYTES = 64 * 1024
"""Of the sockets that face the client: a slow line must not look quick because the system swallows megabytes."""

Pieces = AsyncIterator[bytes]


class Way(StrEnum):
    """A direction, by Toxiproxy's names."""

    UP = "upstream"
    """From the client to the server."""
    DOWN = "downstream"


class Toxic(Protocol):
    """What befalls the bytes of one direction of one connection."""

    def through(self, pieces: Pieces, link: Link) -> Pieces:
        """What comes out where `pieces` goes in."""
        ...


@dataclass(frozen=True, slots=True)
class Latency:
    """Every piece comes `seconds` late, give or take `jitter`."""

    seconds: float
    jitter: float = 0.0
    seed: int = 0

    async def through(self, pieces: Pieces, link: Link) -> Pieces:
        chance = Random(self.seed)
        async for piece in pieces:
            await asyncio.sleep(max(0.0, self.seconds + chance.uniform(-self.jitter, self.jitter)))
            yield piece


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """No more than `rate` bytes a second."""

    rate: float

    async def through(self, pieces: Pieces, link: Link) -> Pieces:
        step = max(1, min(_PIECE_BYTES, int(self.rate / 20)))
        async for piece in pieces:
            for start in range(0, len(piece), step):
                part = piece[start : start + step]
                await asyncio.sleep(len(part) / self.rate)
                yield part


@dataclass(frozen=True, slots=True)
class SlowClose:
    """The end comes `seconds` late."""

    seconds: float

    async def through(self, pieces: Pieces, link: Link) -> Pieces:
        async for piece in pieces:
            yield piece
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Timeout:
    """After `after_bytes` everything is swallowed; the connection ends `seconds` later, never where that is None."""

    seconds: float | None = None
    after_bytes: int = 0

    async def through(self, pieces: Pieces, link: Link) -> Pieces:
        async for piece in _at_most(self.after_bytes, pieces):
            yield piece
        if self.seconds is None:
            async for _ in pieces:
                pass
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.seconds):
                async for _ in pieces:
                    pass
        link.close()


@dataclass(frozen=True, slots=True)
class Stall:
    """After `after_bytes` nothing is read any more, so that the sender cannot go on. Toxiproxy has no such thing."""

    after_bytes: int = 0

    async def through(self, pieces: Pieces, link: Link) -> Pieces:
        async for piece in _at_most(self.after_bytes, pieces):
            yield piece
        await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class ResetPeer:
    """After `after_bytes` both ends are told that the connection broke (RST)."""

    after_bytes: int = 0

    async def through(self, pieces: Pieces, link: Link) -> Pieces:
        async for piece in _at_most(self.after_bytes, pieces):
            yield piece
        link.reset()


@dataclass(frozen=True, slots=True)
class LimitData:
    """After `after_bytes` the connection is closed politely."""

    after_bytes: int

    async def through(self, pieces: Pieces, link: Link) -> Pieces:
        async for piece in _at_most(self.after_bytes, pieces):
            yield piece
        link.close()


@dataclass(frozen=True, slots=True)
class Slicer:
    """The bytes come in slices of about `size`, each `seconds` after the one before."""

    size: int
    vary: int = 0
    seconds: float = 0.0
    seed: int = 0

    async def through(self, pieces: Pieces, link: Link) -> Pieces:
        chance = Random(self.seed)
        async for piece in pieces:
            at = 0
            while at < len(piece):
                step = max(1, self.size + chance.randint(-self.vary, self.vary))
                yield piece[at : at + step]
                at += step
                await asyncio.sleep(self.seconds)


async def _at_most(count: int, pieces: Pieces) -> Pieces:
    """The first so many bytes; it ends as soon as they have passed, whatever is still to come."""
    left = count
    while left > 0:
        try:
            piece = await anext(pieces)
        except StopAsyncIteration:
            return
        yield piece[:left]
        left -= len(piece)
    if count == 0:
        # A connection that nobody uses is left alone.
        with contextlib.suppress(StopAsyncIteration):
            await anext(pieces)


class Link:
    """One connection through the line."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._ends = (client, server)

    def close(self) -> None:
        """End both halves politely."""
        for end in self._ends:
            end.close()

    def reset(self) -> None:
        """Break both halves."""
        for end in self._ends:
            held: socket.socket = end.get_extra_info("socket")
            with contextlib.suppress(OSError):
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()


@dataclass(slots=True)
class _Rule:
    way: Way
    toxics: tuple[Toxic, ...]
    connections: int | None
    after: int


class BadLine:
    """Stands before `upstream`, an address with host and port. `passed` counts the bytes that came out at each side."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._scheme, self._host, self._port = parts.scheme, str(parts.hostname), parts.port or 443
        self._rules: list[_Rule] = []
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[object]] = set()
        self.connections = 0
        self.passed = dict.fromkeys(Way, 0)

    async def __aenter__(self) -> Self:
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        self._server = await asyncio.start_server(self._serve, sock=held, limit=_BUFFER_BYTES)
        self._at = held.getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self.down()

    @property
    def url(self) -> str:
        """Where the line begins; the scheme is that of its end."""
        return f"{self._scheme}://127.0.0.1:{self._at}"

    def spoil(self, way: Way, *toxics: Toxic, connections: int | None = None, after: int = 0) -> None:
        """From now on, in this order; for the next `connections` only where that is given, `after` so many."""
        self._rules.append(_Rule(way, toxics, connections, after))

    def heal(self) -> None:
        """New connections are good ones again."""
        self._rules.clear()

    async def down(self) -> None:
        """Nobody listens any more, and every connection ends. Toxiproxy's `down`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _toxics(self) -> dict[Way, list[Toxic]]:
        found: dict[Way, list[Toxic]] = {way: [] for way in Way}
        for rule in self._rules:
            if rule.after:
                rule.after -= 1
            elif rule.connections is None or rule.connections > 0:
                found[rule.way] += rule.toxics
                if rule.connections is not None:
                    rule.connections -= 1
        return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        toxics = self._toxics()
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, far_writer)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(Way.UP, reader, far_writer, toxics[Way.UP], link))
                group.create_task(self._pass(Way.DOWN, far_reader, writer, toxics[Way.DOWN], link))
        except* ConnectionError:
            pass
        except* asyncio.CancelledError:
            # The end of the line itself; asyncio's streams would complain of a task that was cancelled.
            pass
        finally:
            for end in (writer, far_writer):
                end.transport.abort()
            self._serving.discard(task)

    async def _pass(
        self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, toxics: list[Toxic], link: Link
    ) -> None:
        pieces = _read(reader)
        for toxic in toxics:
            pieces = toxic.through(pieces, link)
        async for piece in pieces:
            self.passed[way] += len(piece)
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()


async def _read(reader: asyncio.StreamReader) -> Pieces:
    while piece := await reader.read(_PIECE_BYTES):
        yield piece
