"""A byte-exact HTTP server on loopback: what frameworks hide (resets, cut bodies, drips) is what is wanted here."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


Handler = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


class Wire:
    """Answers each request with the next handler; the last one stays. `asked` keeps all requests in order."""

    def __init__(self, *handlers: Handler) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._handlers = list(handlers)
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
    def url(self) -> str:
        """Scheme, host and port."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
        try:
            while (asked := await _read(reader)) is not None:
                self.asked.append(asked)
                handler = self._handlers.pop(0) if len(self._handlers) > 1 else self._handlers[0]
                await handler(asked, writer)
                if writer.transport.is_closing():
                    return
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    method, path, _ = first.split(" ", 2)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, body)


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> Handler:
    """A whole answer. Header names are given with underscores."""

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        lines = {"Content-Length": str(len(body))} | {k.replace("_", "-"): v for k, v in headers.items()}
        head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
        writer.write(head.encode() + (b"" if asked.method == "HEAD" else body))

    return handler


def raw(data: bytes) -> Handler:
    """Exactly these bytes, then the connection closes."""

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return handler


async def reset(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """A TCP reset after the request was read."""
    held: socket.socket = writer.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def close(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """A polite end without an answer."""
    writer.close()


def closed_port() -> str:
    """An address on this computer where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}"
