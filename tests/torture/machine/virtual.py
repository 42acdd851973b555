"""An event loop whose clock stands still while anything can be done, and jumps to the next timer when nothing can.

A day of waiting passes in a second, everything that waits by asyncio included, and in the same order each time.
Threads are run at once, in the loop's own. Sockets on this computer work: what they were sent is there at once.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

SETTLE_S = 0.002
"""How long, in real seconds, an open socket is waited for before time jumps."""


class Stuck(Exception):
    """Everything waits for something that no timer will bring."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """`loop.time()` counts virtual seconds."""

    def __init__(self) -> None:
        self.clock_s = 0.0
        self._selecting = _JumpingSelector(self)
        super().__init__(self._selecting)
        self.set_default_executor(_AtOnce())

    def time(self) -> float:
        return self.clock_s

    def run(self, work: Awaitable[T]) -> T:
        """Run until it has ended."""
        return self.run_until_complete(work)

    def pass_time(self, seconds: float) -> None:
        """Let everybody work for so long."""
        self.run_until_complete(asyncio.sleep(seconds))

    def is_busy(self) -> bool:
        """Whether anybody could take a step before time passes."""
        return bool(self._ready)  # type: ignore[attr-defined]

    def turn(self, rounds: int) -> None:
        """Let everybody who is ready take so many steps. No time passes."""

        async def rest() -> None:
            for _ in range(rounds):
                await asyncio.sleep(0)

        self.run_until_complete(rest())


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        # One is the loop's own.
        if len(self.get_map()) > 1 and (ready := super().select(SETTLE_S)):
            return ready
        if timeout is None:
            raise Stuck
        # A little more, so that no rounding asks for the rest of it.
        self._loop.clock_s += timeout + 1e-6
        return []


class _AtOnce(ThreadPoolExecutor):
    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
            future.set_exception(error)
        return future


class WallClock:
    """The time of day, which anybody may set to whatever they like; the loop's own clock never goes back."""

    def __init__(self, loop: VirtualLoop, began: datetime) -> None:
        self._loop = loop
        self._began = began
        self.wrong_by = timedelta(0)

    def __call__(self) -> datetime:
        return self._began + timedelta(seconds=self._loop.time()) + self.wrong_by
