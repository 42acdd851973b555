"""Puts a trap under SQLite's own file operations, in the very library that the `sqlite3` module uses.

SQLite reaches the disk through a table of functions (its VFS). The entry for opening a file is replaced by one that
opens it and then replaces the table of that file's operations; each asks the trap and then calls the real one. What the
errors become is what SQLite's own unix layer makes of them.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p, cast
from typing import Any

from tests.torture.files.trap import Trap

_OK = 0
_FULL = 13
_CANTOPEN = 14
_IOERR = 10
_READ, _WRITE, _FSYNC, _TRUNCATE, _FSTAT, _DELETE, _ACCESS, _SHMMAP = (
    _IOERR | n << 8 for n in (1, 3, 4, 6, 7, 10, 13, 21)
)
_CREATE = 0x4


class _File(Structure):
    _fields_ = (("methods", c_void_p),)


# A name is passed on as the address it came from: SQLite keeps it, and reads on behind its end.
_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, POINTER(_File), c_int, POINTER(c_int))
_DELETES = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_LOOKS = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, POINTER(c_int))
_CLOSES = CFUNCTYPE(c_int, POINTER(_File))
_MOVES = CFUNCTYPE(c_int, POINTER(_File), c_void_p, c_int, c_int64)
_CUTS = CFUNCTYPE(c_int, POINTER(_File), c_int64)
_SYNCS = CFUNCTYPE(c_int, POINTER(_File), c_int)
_MEASURES = CFUNCTYPE(c_int, POINTER(_File), POINTER(c_int64))
_MAPS = CFUNCTYPE(c_int, POINTER(_File), c_int, c_int, c_int, POINTER(c_void_p))


class _Methods(Structure):
    """`sqlite3_io_methods`: what can be done with an open file. Unnamed entries are passed on as they are."""

    _fields_ = (
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", c_void_p),
        ("truncate", c_void_p),
        ("sync", c_void_p),
        ("size", c_void_p),
        ("rest", c_void_p * 6),
        ("map", c_void_p),
        ("more", c_void_p * 5),
    )


class _Vfs(Structure):
    """`sqlite3_vfs`, as far as it is needed."""

    _fields_ = (
        ("version", c_int),
        ("file_bytes", c_int),
        ("path_bytes", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", c_void_p),
        ("delete", c_void_p),
        ("access", c_void_p),
    )


_kept: list[Any] = []
"""SQLite calls these as long as the process lives."""


def library() -> ctypes.CDLL | None:
    """The library behind the `sqlite3` module; None where its functions cannot be reached."""
    import _sqlite3

    places = [getattr(_sqlite3, "__file__", None), None, "libsqlite3.so.0"]
    for place in places:
        try:
            found = ctypes.CDLL(place)
            found.sqlite3_vfs_find.restype = POINTER(_Vfs)
            found.sqlite3_libversion.restype = c_char_p
        except (OSError, AttributeError):
            continue
        import sqlite3

        if found.sqlite3_libversion().decode() == sqlite3.sqlite_version and found.sqlite3_vfs_find(None):
            return found
    return None


def spread(trap: Trap) -> bool:
    """Put the trap under this process, for the rest of its life; False where SQLite cannot be reached."""
    found = library()
    if found is None or os.name == "nt":
        return False
    vfs = found.sqlite3_vfs_find(None).contents
    tables: dict[int, _Methods] = {}
    places: dict[int, str] = {}
    """Of open files, by the address of SQLite's object."""
    real_open, real_delete, real_access = _OPEN(vfs.open), _DELETES(vfs.delete), _LOOKS(vfs.access)

    def open_(vfs_: int, name: int | None, file: Any, flags: int, told: Any) -> int:
        place = _text(name)
        if not trap.is_below(place):
            code: int = real_open(vfs_, name, file, flags, told)
            return code
        if trap.passes("create" if flags & _CREATE else "open", place):
            file.contents.methods = None
            return _CANTOPEN
        code = real_open(vfs_, name, file, flags, told)
        if code == _OK and file.contents.methods:
            address = file.contents.methods
            if address not in tables:
                tables[address] = _trapped(trap, cast(address, POINTER(_Methods)).contents, places)
            places[ctypes.addressof(file.contents)] = place
            file.contents.methods = ctypes.addressof(tables[address])
        return code

    def delete(vfs_: int, name: int, syncs: int) -> int:
        place = _text(name)
        if trap.is_below(place) and trap.passes("unlink", place):
            return _DELETE
        code: int = real_delete(vfs_, name, syncs)
        return code

    def access(vfs_: int, name: int, flags: int, told: Any) -> int:
        place = _text(name)
        if trap.is_below(place) and trap.passes("look", place):
            return _ACCESS
        code: int = real_access(vfs_, name, flags, told)
        return code

    for field, kind, call in (("open", _OPEN, open_), ("delete", _DELETES, delete), ("access", _LOOKS, access)):
        setattr(vfs, field, _pointer(kind, call))
    _kept.extend((vfs, tables, real_open, real_delete, real_access))
    return True


def _trapped(trap: Trap, real: _Methods, places: dict[int, str]) -> _Methods:
    """A copy of the table that asks the trap first."""
    mine = _Methods.from_buffer_copy(real)

    def name(file: Any) -> str:
        return places.get(ctypes.addressof(file.contents), "")

    def close(file: Any) -> int:
        places.pop(ctypes.addressof(file.contents), None)
        code: int = _CLOSES(real.close)(file)
        return code

    def read(file: Any, data: int, size: int, at: int) -> int:
        if trap.passes("read", name(file)):
            return _READ
        code: int = _MOVES(real.read)(file, data, size, at)
        return code

    def write(file: Any, data: int, size: int, at: int) -> int:
        if error := trap.passes("write", name(file), takes=size):
            return _FULL if error == errno.ENOSPC else _WRITE
        code: int = _MOVES(real.write)(file, data, size, at)
        return code

    def truncate(file: Any, size: int) -> int:
        if trap.passes("truncate", name(file)):
            return _TRUNCATE
        code: int = _CUTS(real.truncate)(file, size)
        return code

    def sync(file: Any, flags: int) -> int:
        if trap.passes("sync", name(file)):
            return _FSYNC
        code: int = _SYNCS(real.sync)(file, flags)
        return code

    def size(file: Any, told: Any) -> int:
        if trap.passes("look", name(file)):
            return _FSTAT
        code: int = _MEASURES(real.size)(file, told)
        return code

    mine.close = _pointer(_CLOSES, close)
    mine.read = _pointer(_MOVES, read)
    mine.write = _pointer(_MOVES, write)
    mine.truncate = _pointer(_CUTS, truncate)
    mine.sync = _pointer(_SYNCS, sync)
    mine.size = _pointer(_MEASURES, size)
    if real.map:
        mine.map = _mapping(trap, real, name)
    return mine


def _mapping(trap: Trap, real: _Methods, name: Callable[[Any], str]) -> int | None:
    def map_(file: Any, region: int, size_: int, extends: int, told: Any) -> int:
        # SQLite asks again and again for what it has mapped already; only growing it reaches the disk.
        if extends and trap.passes("write", f"{name(file)}-shm", takes=size_):
            return _SHMMAP
        code: int = _MAPS(real.map)(file, region, size_, extends, told)
        return code

    return _pointer(_MAPS, map_)


def _text(name: int | None) -> str:
    return os.fsdecode(ctypes.string_at(name)) if name else ""


def _pointer(kind: Any, call: Callable[..., int]) -> int | None:
    entry = kind(call)
    _kept.append(entry)
    return cast(entry, c_void_p).value
