"""Stands before one service of the sandbox, byte for byte: every request goes through, and the answer to each paid one
comes back as the plan says.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.fakes.mirror import Answer
from tests.fakes.spoil import Spoil
from tests.fakes.wire import Asked, Wire


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one paid request."""

    name: str
    spoil: Spoil | None
    """Of its answer; None: it comes back as it was."""
    is_done: bool = True
    """Whether the service hears of the request at all."""
    rule: Mapping[str, object] | None = None
    """A rule of the sandbox that holds for this request alone."""


@dataclass(frozen=True, slots=True)
class Paid:
    """A paid request as it arrived."""

    body: str
    fate: Fate

    def names(self, address: str) -> bool:
        """Whether it is about the clip at this address."""
        return json.dumps(address)[1:-1] in self.body or address in self.body


UNHEARD = Answer(200, (("content-type", "application/json"),), b'{"status": "ok", "id": null}')
"""What a spoiler has to work with when the service was not asked."""


class Gate(Wire):
    """`is_paid` tells paid requests from others; `fate` is asked for each, and `arrived` told of it, before anything is
    done with it. Streams that do not end are refused.
    """

    def __init__(
        self,
        behind: str,
        *,
        is_paid: Callable[[Asked], bool],
        fate: Callable[[Asked], Fate],
        order: Callable[[Mapping[str, object]], Awaitable[None]],
        is_stream: Callable[[Asked], bool] = lambda asked: asked.path.partition("?")[0].endswith("/events"),
    ) -> None:
        """`order`: gives the sandbox the rule of a fate."""
        super().__init__(self._answer)
        self._behind = urlsplit(behind)
        self._is_paid, self._fate, self._order, self._is_stream = is_paid, fate, order, is_stream
        self._one_by_one = asyncio.Lock()
        self.paid: list[Paid] = []

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.asked.clear()
        if self._is_stream(asked):
            writer.write(Answer(404, (), b"").wire(asked.method))
            return
        if not self._is_paid(asked):
            await self._pass(asked, writer)
            return
        fate = self._fate(asked)
        self.paid.append(Paid(asked.body.decode(), fate))
        answer = UNHEARD
        if fate.is_done:
            # A rule of the sandbox is for the next such request, whosever it is.
            async with self._one_by_one:
                if fate.rule is not None:
                    await self._order(fate.rule)
                answer = await self._ask(asked)
        if fate.spoil is None:
            writer.write(answer.wire(asked.method))
        else:
            await fate.spoil(answer, asked, writer)

    async def _pass(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write((await self._ask(asked)).wire(asked.method))

    async def _ask(self, asked: Asked) -> Answer:
        reader, out = await asyncio.open_connection(self._behind.hostname, self._behind.port)
        try:
            # With the caller's own Host, so that the sandbox makes addresses that lead here.
            headers = asked.headers | {"connection": "close"}
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            out.write(f"{asked.method} {asked.path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + asked.body)
            whole = await reader.read()
        finally:
            out.close()
        return _read(whole, asked.method)


def _read(whole: bytes, method: str) -> Answer:
    head, _, body = whole.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    told = dict(pairs)
    if told.get("transfer-encoding") == "chunked":
        body = _whole(body)
    kept = tuple((name, value) for name, value in pairs if name not in _HOP)
    length = int(told["content-length"]) if method == "HEAD" and "content-length" in told else None
    return Answer(int(first.split(" ")[1]), kept, body, length)


_HOP = frozenset({"content-length", "transfer-encoding", "connection", "date"})


def _whole(chunks: bytes) -> bytes:
    body = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)
        body, chunks = body + rest[:length], rest[length + 2 :] if length else b""
    return body
