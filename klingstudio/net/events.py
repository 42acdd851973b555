"""Server-sent events, read from the pieces in which they arrive. Bounded: what is too long is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

EVENT_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One message of the stream."""

    name: str
    data: str


class ServerEvents:
    """Give it the stream piece by piece; it gives back the messages that have become whole."""

    def __init__(self) -> None:
        self._tail = b""
        self._line = bytearray()
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[ServerEvent]:
        """The messages that end in this piece. Comments, which only say that the stream lives, are passed over."""
        # A line ends with CR, LF or both, and a piece may end between the two.
        piece = self._tail + piece
        self._tail = b"\r" if piece.endswith(b"\r") else b""
        piece = piece.removesuffix(self._tail)
        for part in piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n").splitlines(keepends=True):
            self._size += len(part)
            if self._size <= EVENT_MAX_BYTES:
                self._line += part.rstrip(b"\n")
            if part.endswith(b"\n"):
                line, self._line = self._line.decode("utf-8", "replace"), bytearray()
                if not line:
                    yield from self._message()
                else:
                    self._field(line)

    def _message(self) -> Iterator[ServerEvent]:
        if self._data and self._size <= EVENT_MAX_BYTES:
            yield ServerEvent(self._name or "message", "\n".join(self._data))
        self._name, self._data, self._size = "", [], 0

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case _:
                pass
