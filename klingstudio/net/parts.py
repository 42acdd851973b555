"""A large file sent in parts, a few at a time: one that fails is repeated alone, those that arrived are not sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a file."""

    number: int
    """Counted from 1."""
    start: int
    length: int


def parts_of(size_bytes: int, part_bytes: int) -> tuple[Part, ...]:
    """Pieces of `part_bytes`, the last one shorter."""
    starts = range(0, size_bytes, part_bytes)
    return tuple(Part(n, start, min(part_bytes, size_bytes - start)) for n, start in enumerate(starts, 1))


async def send_parts(parts: Iterable[Part], send: Callable[[Part], Awaitable[None]], *, at_once: int) -> None:
    """Hand each part to `send`, which repeats what can be repeated.

    Raises:
        Exception: what the first part that failed for good raised; the others are stopped.
    """
    waiting = iter(parts)

    async def send_some() -> None:
        for part in waiting:
            await send(part)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(send_some())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


class Tally:
    """Adds up what the parts say of themselves."""

    def __init__(self, total: int, on_bytes: Callable[[int, int], None]) -> None:
        self._total = total
        self._on_bytes = on_bytes
        self._sent: dict[int, int] = {}

    def of(self, part: Part) -> Callable[[int, int], None]:
        """What is to be told about this part; a repeat begins it anew."""

        def count(sent: int, _length: int) -> None:
            self._sent[part.number] = sent
            self._on_bytes(sum(self._sent.values()), self._total)

        return count

    def has_arrived(self, part: Part) -> None:
        """A part that was sent before this began."""
        self._sent[part.number] = part.length
