"""Undo and redo over values that never change: going back is showing an older one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

MERGE_S = 1.0
"""Changes of one kind that follow each other faster are one step: a drag, a word."""
STEPS_MOST = 300


class History(Generic[T]):
    """The present value and the way to it."""

    def __init__(self, first: T, clock: Callable[[], float]) -> None:
        """`clock`: seconds that only grow."""
        self._clock = clock
        self._now = first
        self._past: list[tuple[T, str]] = []
        self._future: list[tuple[T, str]] = []
        self._merge = ""
        self._changed_at = 0.0

    @property
    def now(self) -> T:
        return self._now

    @property
    def undo_label(self) -> str:
        """What `undo` takes back; empty where there is nothing."""
        return self._past[-1][1] if self._past else ""

    @property
    def redo_label(self) -> str:
        """What `redo` does again; empty where there is nothing."""
        return self._future[-1][1] if self._future else ""

    def push(self, value: T, label: str, merge: str = "") -> None:
        """A change. One that follows another of the same `merge` at once belongs to the same step."""
        if value == self._now:
            return
        at = self._clock()
        is_same_step = bool(merge) and merge == self._merge and at - self._changed_at <= MERGE_S
        if not is_same_step:
            self._past.append((self._now, label))
            del self._past[:-STEPS_MOST]
        self._future.clear()
        self._now, self._merge, self._changed_at = value, merge, at

    def amend(self, value: T) -> None:
        """Another present value that is no step of its own."""
        self._now = value

    def undo(self) -> bool:
        """Go one step back; False where there is none."""
        return self._go(self._past, self._future)

    def redo(self) -> bool:
        """Go one step forth again; False where there is none."""
        return self._go(self._future, self._past)

    def _go(self, there: list[tuple[T, str]], back: list[tuple[T, str]]) -> bool:
        if not there:
            return False
        value, label = there.pop()
        back.append((self._now, label))
        self._now, self._merge = value, ""
        return True
