"""A company's proxy on loopback: it opens ways to hosts (CONNECT), or does not, and remembers every byte it could read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from types import TracebackType
from typing import Self


class Proxy:
    """Leads each host and port of `ways` to a port of this computer; to all others the way is closed."""

    def __init__(self, ways: Mapping[str, int], *, refusal: bytes = b"", tells: bytes = b"") -> None:
        """`refusal`: what it answers to every CONNECT. `tells`: what it says before the way is open."""
        self.asked: list[bytes] = []
        """The head of every CONNECT."""
        self.carried = bytearray()
        """What went through its hands towards the hosts."""
        self._ways = ways
        self._refusal = refusal
        self._tells = tells
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[object]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self._server is not None:
            self._server.close()
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def address(self) -> str:
        """Host and port."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head)
            target = head.split(b" ")[1].decode()
            if self._refusal or target not in self._ways:
                writer.write(self._refusal or b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
            else:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._ways[target])
                writer.write(self._tells + b"HTTP/1.1 200 Connection established\r\n\r\n")
                try:
                    await asyncio.gather(self._pass(reader, far_writer, note=True), self._pass(far_reader, writer))
                finally:
                    far_writer.transport.abort()
        writer.transport.abort()
        self._serving.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, note: bool = False) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                if note:
                    self.carried += piece
                writer.write(piece)
                await writer.drain()
        writer.close()
