"""Lets the k-th file operation of a program fail, or every one from the k-th on, as a disk does that is full or dying.

The count is shared with the processes that the program forks: a fitted clip is written by one of those.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

_HEAD = struct.Struct("<qq")
"""Operations so far; the room that deleted files have given back."""
_TEXT_BYTES = 400

GROWS = frozenset({"write", "create", "mkdir", "link", "truncate", "sendfile"})
"""What needs room on the disk."""
CHANGES = GROWS | {"rename", "unlink", "rmdir", "chmod", "utime", "sync"}
"""What a disk refuses that has become read-only."""


class Lasting(StrEnum):
    """How long it goes on."""

    ONCE = "once"
    FROM_THERE_ON = "from there on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One operation, by its number from 1 on, and what happens to it."""

    number: int
    error: int
    lasting: Lasting = Lasting.ONCE

    def __str__(self) -> str:
        return f"{errno.errorcode[self.error]} at {self.number}" + ("" if self.lasting is Lasting.ONCE else " and on")


class Trap:
    """Hears of every file operation below one folder and says which of them fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = os.fspath(folder.resolve())
        self._shared = mmap.mmap(-1, _HEAD.size + _TEXT_BYTES)
        self._fault: Fault | None = None
        self._deed: tuple[str, Callable[[], None]] | None = None
        self._lock = threading.Lock()
        self._here = threading.local()
        self.witness: Callable[[str], None] | None = None
        """Called with the words of each operation right before it happens."""
        self.heard: list[str] | None = None
        """Every operation in order, where somebody wants to know."""

    def arm(self, fault: Fault | None) -> None:
        """Count from the beginning, and wait for this one."""
        self._shared[:] = bytes(len(self._shared))
        self._fault = fault

    def lay(self, words: str, deed: Callable[[], None]) -> None:
        """Do this right before the first operation whose words match."""
        self._deed = (words, deed)

    @property
    def count(self) -> int:
        """How many operations there were."""
        count: int = _HEAD.unpack_from(self._shared)[0]
        return count

    @property
    def sprung(self) -> str:
        """The first operation that failed, in words; empty while none did."""
        return self._shared[_HEAD.size :].rstrip(b"\0").decode()

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Around operations of our own in this thread."""
        before = self._is_deaf()
        self._here.deaf = True
        try:
            yield
        finally:
            self._here.deaf = before

    def _is_deaf(self) -> bool:
        return getattr(self._here, "deaf", False)

    def is_below(self, path: object) -> bool:
        """True for a path inside the folder."""
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        # Not `Path.resolve`, which asks the disk and would be counted.
        place = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
        return place == self.folder or place.startswith(self.folder + os.sep)

    def passes(self, what: str, path: object, *, takes: int = 0, gives: int = 0) -> int:
        """The number of the error that this operation ends with, or 0.

        Args:
            takes: bytes that it needs.
            gives: bytes that it frees.
        """
        if self._is_deaf():
            return 0
        with self._lock:
            count, room = _HEAD.unpack_from(self._shared)
            count += 1
            error = self._error(count, what, room, takes)
            if not error:
                room = max(0, room + gives - takes) if self._has_begun(count) else 0
            _HEAD.pack_into(self._shared, 0, count, room)
            words = f"{what} {self._name(path)}"
            if self.heard is not None:
                self.heard.append(words)
            if error and not self.sprung:
                self._note(words)
        self._do_deed(words)
        return error

    def hear(self, words: str) -> None:
        """Something that is no operation on a file."""
        if self.heard is not None:
            self.heard.append(words)
        self._do_deed(words)

    def _note(self, words: str) -> None:
        self._shared[_HEAD.size :] = words.encode()[: _TEXT_BYTES - 1].ljust(_TEXT_BYTES, b"\0")

    def _do_deed(self, words: str) -> None:
        if self.witness is not None:
            with self.unheard():
                self.witness(words)
        if self._deed is None or not fnmatchcase(words, self._deed[0]):
            return
        with self._lock:
            if self.sprung:
                return
            self._note(words)
        with self.unheard():
            self._deed[1]()

    def check(self, what: str, path: object, *, takes: int = 0, gives: int = 0) -> None:
        """As `passes`, but raises."""
        if error := self.passes(what, path, takes=takes, gives=gives):
            raise OSError(error, os.strerror(error), os.fspath(path) if isinstance(path, str | os.PathLike) else None)

    def _has_begun(self, count: int) -> bool:
        return self._fault is not None and count >= self._fault.number

    def _error(self, count: int, what: str, room: int, takes: int) -> int:
        fault = self._fault
        if fault is None or count < fault.number:
            return 0
        if fault.lasting is Lasting.ONCE:
            return fault.error if count == fault.number else 0
        match fault.error:
            case errno.ENOSPC:
                return fault.error if what in GROWS and room < max(1, takes) else 0
            case errno.EACCES:
                return fault.error if what in CHANGES else 0
            case _:
                return fault.error

    def _name(self, path: object) -> str:
        place = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
        return place.removeprefix(self.folder).lstrip(os.sep) or "."
