"""Puts a trap under Python's own file operations: `os`, `io.open` and whatever is built on them (pathlib, shutil, tempfile)."""

from __future__ import annotations

import builtins
import io
import os
import socket
import stat
from collections.abc import Callable
from typing import Any

from tests.torture.files.trap import Trap

_BY_PATH = {
    "mkdir": "mkdir",
    "rmdir": "rmdir",
    "chmod": "chmod",
    "utime": "utime",
    "stat": "look",
    "lstat": "look",
    "scandir": "look",
    "listdir": "look",
    "statvfs": "look",
    "readlink": "look",
}
_BY_TWO_PATHS = {"rename": "rename", "replace": "rename", "link": "link", "symlink": "link"}
_BY_HANDLE = {"fsync": "sync", "fdatasync": "sync", "ftruncate": "truncate", "fstat": "look", "fchmod": "chmod"}


def spread(trap: Trap) -> None:
    """Put the trap under this process, for the rest of its life."""
    handles: dict[int, str] = {}
    """Descriptors that were opened below the folder."""
    _spread_paths(trap, handles)
    _spread_handles(trap, handles)
    _spread_sendfile(trap)
    _spread_open(trap, handles)


def _spread_paths(trap: Trap, handles: dict[int, str]) -> None:
    def of_one(name: str, what: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            place = handles.get(path) if isinstance(path, int) else path
            if trap.is_below(place):
                trap.check(what, place)
            return real(path, *args, **kwargs)

        return call

    def of_two(name: str, what: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(src: Any, dst: Any, *args: Any, **kwargs: Any) -> Any:
            if trap.is_below(dst):
                trap.check(what, dst)
            return real(src, dst, *args, **kwargs)

        return call

    for name, what in _BY_PATH.items():
        _put(os, name, of_one(name, what))
    for name, what in _BY_TWO_PATHS.items():
        _put(os, name, of_two(name, what))
    real_access = os.access

    def access(path: Any, mode: int, **kwargs: Any) -> bool:
        # It says no instead of raising.
        if trap.is_below(path) and trap.passes("look", path):
            return False
        return real_access(path, mode, **kwargs)

    _put(os, "access", access)
    real_unlink, real_lstat = os.unlink, os.lstat

    def unlink(path: Any, *args: Any, **kwargs: Any) -> None:
        if trap.is_below(path):
            gives = 0
            with trap.unheard():
                try:
                    found = real_lstat(path)
                    gives = found.st_size if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 else 0
                except OSError:
                    gives = 0
            trap.check("unlink", path, gives=gives)
        real_unlink(path, *args, **kwargs)

    os.unlink = unlink
    os.remove = unlink


def _spread_handles(trap: Trap, handles: dict[int, str]) -> None:
    def of_handle(name: str, what: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(handle: Any, *args: Any) -> Any:
            if handle in handles:
                trap.check(what, handles[handle])
            return real(handle, *args)

        return call

    for name, what in _BY_HANDLE.items():
        if hasattr(os, name):
            _put(os, name, of_handle(name, what))
    real_open, real_close, real_write, real_read = os.open, os.close, os.write, os.read

    def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if not trap.is_below(path):
            return real_open(path, flags, mode, dir_fd=dir_fd)
        trap.check("create" if flags & os.O_CREAT else "open", path)
        handle = real_open(path, flags, mode, dir_fd=dir_fd)
        handles[handle] = os.fsdecode(path)
        return handle

    def close(handle: int) -> None:
        handles.pop(handle, None)
        real_close(handle)

    def write(handle: int, data: Any) -> int:
        if handle in handles:
            trap.check("write", handles[handle], takes=len(data))
        return real_write(handle, data)

    def read(handle: int, most: int) -> bytes:
        if handle in handles:
            trap.check("read", handles[handle])
        return real_read(handle, most)

    _put(os, "open", open_)
    _put(os, "close", close)
    _put(os, "write", write)
    _put(os, "read", read)


def _spread_sendfile(trap: Trap) -> None:
    if not hasattr(os, "sendfile"):
        return
    real_sendfile = os.sendfile

    def sendfile(out: int, in_: int, offset: Any, count: int, *args: Any) -> int:
        place = _Watched.places.get(out)
        if place is not None:
            trap.check("sendfile", place)
        return real_sendfile(out, in_, offset, count, *args)

    _put(os, "sendfile", sendfile)


def hear_sends(trap: Trap) -> None:
    """Hear of the first line of each request as well, in one order with what happens to files."""
    real = socket.socket.send

    def send(self: socket.socket, data: Any, *flags: int) -> int:
        head = bytes(data[:200]).partition(b" HTTP/1.1\r\n")[0]
        if head.startswith((b"POST /", b"GET /", b"PUT /")):
            trap.hear(f"send {head.decode(errors='replace')}")
        return real(self, data, *flags)

    setattr(socket.socket, "send", send)  # noqa: B010 - for a checker of types it cannot be replaced


class _Watched(io.FileIO):
    """A file whose reads, writes and cuts can fail."""

    places: dict[int, str] = {}  # noqa: RUF012 - one table for the whole process

    def __init__(self, trap: Trap, place: str, file: Any, mode: str, **options: Any) -> None:
        self._trap = trap
        self._place = place
        super().__init__(file, mode, **options)
        self.places[self.fileno()] = place

    def write(self, data: Any) -> int:
        self._trap.check("write", self._place, takes=len(data))
        return super().write(data) or 0

    def readinto(self, buffer: Any) -> int:
        self._trap.check("read", self._place)
        return super().readinto(buffer) or 0

    def readall(self) -> bytes:
        self._trap.check("read", self._place)
        return super().readall() or b""

    def truncate(self, size: int | None = None) -> int:
        self._trap.check("truncate", self._place)
        return super().truncate(size)

    def close(self) -> None:
        if not self.closed:
            self.places.pop(self.fileno(), None)
        super().close()


def _spread_open(trap: Trap, handles: dict[int, str]) -> None:
    real = io.open

    def open_(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        place = handles.get(file) if isinstance(file, int) else file
        if not trap.is_below(place):
            return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
        assert isinstance(place, str | bytes | os.PathLike)
        if not isinstance(file, int):
            trap.check("create" if set(mode) & set("wxa") else "open", place)
        bare = mode.replace("b", "").replace("t", "")
        with trap.unheard():
            raw = _Watched(trap, os.fsdecode(place), file, bare, closefd=closefd, opener=opener)
        if buffering == 0:
            return raw
        size = io.DEFAULT_BUFFER_SIZE if buffering in (-1, 1) else buffering
        whole: Any
        if "+" in bare:
            whole = io.BufferedRandom(raw, size)
        elif set(bare) & set("wxa"):
            whole = io.BufferedWriter(raw, size)
        else:
            whole = io.BufferedReader(raw, size)
        if "b" in mode:
            return whole
        return io.TextIOWrapper(whole, encoding, errors, newline, line_buffering=buffering == 1)

    io.open = open_
    builtins.open = open_
    # A descriptor of such a file goes through `os.fsync` as well.
    for name, what in (("fsync", "sync"), ("fdatasync", "sync"), ("fstat", "look")):
        if hasattr(os, name):
            _put(os, name, _of_file(trap, getattr(os, name), what))


def _of_file(trap: Trap, real: Callable[..., Any], what: str) -> Callable[..., Any]:
    def call(handle: Any, *args: Any) -> Any:
        if handle in _Watched.places:
            trap.check(what, _Watched.places[handle])
        return real(handle, *args)

    return call


def _put(module: Any, name: str, call: Callable[..., Any]) -> None:
    call.__name__ = name
    setattr(module, name, call)
