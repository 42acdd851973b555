"""The only place that starts asyncio tasks. Every task has an owner, a key and a listener for its failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakSet

OnError = Callable[[Exception], None]


class TaskOwner:
    """Starts tasks by key, never two of one key, and waits for the end of each."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closed = False
        self._cancelled: WeakSet[asyncio.Task[None]] = WeakSet()

    def start(self, key: str, coroutine: Coroutine[Any, Any, None], *, on_error: OnError) -> bool:
        """Run the coroutine; False, and nothing started, when one with this key is running or the owner is closed."""
        if self._closed or self.running(key):
            coroutine.close()
            return False
        task = asyncio.get_running_loop().create_task(self._run(coroutine, on_error), name=key)
        self._tasks[key] = task
        # In a callback, because a task that is cancelled before its first step never reaches its coroutine.
        task.add_done_callback(lambda ended: self._forget(ended, coroutine))
        return True

    def restart(self, key: str, coroutine: Coroutine[Any, Any, None], *, on_error: OnError) -> None:
        """Run the coroutine in place of a running one with this key: the newest wish wins."""
        self.cancel(key)
        self.start(key, coroutine, on_error=on_error)

    def running(self, key: str) -> bool:
        """True while the task with this key has not ended."""
        task = self._tasks.get(key)
        return task is not None and not task.done()

    def cancel(self, key: str) -> None:
        """Cancel the task with this key. The key is free at once, while the task still cleans up."""
        task = self._tasks.pop(key, None)
        if task is not None and not task.done():
            # Kept under another key until it has ended, so that `aclose` still waits for it.
            self._tasks[f"{key} (cancelled {id(task)})"] = task
            self._cancel_once(task)

    async def aclose(self) -> None:
        """Cancel what runs and wait until all of it has ended."""
        self._closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            self._cancel_once(task)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _cancel_once(self, task: asyncio.Task[None]) -> None:
        """Never twice: a second cancel would cut its clean-up short.

        What `task.cancelling()` says is not enough: a deadline that runs out inside of the task counts there, too.
        """
        if task not in self._cancelled:
            self._cancelled.add(task)
            task.cancel()

    async def _run(self, coroutine: Coroutine[Any, Any, None], on_error: OnError) -> None:
        try:
            await coroutine
        except Exception as error:  # noqa: BLE001 - the one broad catch: a failure always reaches its listener
            on_error(error)

    def _forget(self, ended: asyncio.Task[None], coroutine: Coroutine[Any, Any, None]) -> None:
        coroutine.close()
        self._tasks = {key: task for key, task in self._tasks.items() if task is not ended}
