"""A server on loopback that first stands before the sandbox and remembers its answers, then gives what it is told to."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.fakes.wire import Asked, Wire


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    told_length: int | None = None
    """What the answer to HEAD tells."""

    def wire(self, method: str) -> bytes:
        """The bytes of it, its length told."""
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in self.headers)]
        length = len(self.body) if self.told_length is None else self.told_length
        head = "\r\n".join([*lines, f"content-length: {length}", "", ""]).encode("latin-1", "replace")
        return head if method == "HEAD" or self.status in {204, 304} else head + self.body


class Mirror(Wire):
    """Answers of `behind` are kept in `seen`; after `play`, the given ones come in turn, the last for ever."""

    def __init__(self, behind: str) -> None:
        super().__init__(self._answer)
        self._behind = urlsplit(behind)
        self._script: list[Answer] = []
        self.seen: list[Answer] = []

    def play(self, script: Sequence[Answer]) -> None:
        """From now on give these."""
        self._script = list(script)
        self.seen = []
        self.asked.clear()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        if self._script:
            answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        else:
            answer = await asyncio.to_thread(self._ask, asked)
        self.seen.append(answer)
        writer.write(answer.wire(asked.method))

    def _ask(self, asked: Asked) -> Answer:
        # With the caller's own Host, so that the sandbox makes addresses that lead here.
        connection = http.client.HTTPConnection(str(self._behind.hostname), self._behind.port, timeout=20)
        try:
            connection.request(asked.method, asked.path, asked.body or None, asked.headers)
            reply = connection.getresponse()
            kept = tuple(
                (name, value)
                for name, value in reply.getheaders()
                if name.lower() not in {"content-length", "transfer-encoding", "connection", "date"}
            )
            length = reply.getheader("content-length") if asked.method == "HEAD" else None
            return Answer(reply.status, kept, reply.read(), None if length is None else int(length))
        finally:
            connection.close()
