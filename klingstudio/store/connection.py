"""Connections to the journal's file, what their errors mean, and the files that belong to it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from pathlib import Path

from klingstudio.domain.errors import DiskProblem, Kind, StudioError

BUSY_S = 5.0
_CLOSED_TO_US = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def connect(path: Path, options: str = "") -> sqlite3.Connection:
    """A connection without transactions of its own making. `options`: of the address, such as `mode=ro`."""
    address = f"file:{_quoted(path)}" + (f"?{options}" if options else "")
    # Opened on a thread and used by the loop afterwards, never by both.
    return _set_up(sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_S, check_same_thread=False))


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, also where nothing may be written beside the file.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = connect(path, "mode=ro")
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        connection.close()
        if kind_of(error) not in _CLOSED_TO_US and not _finds_no_room(error):
            raise
        return _connect_from_afar(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_from_afar(path: Path) -> sqlite3.Connection:
    """SQLite has to make files beside a journal in use; in a folder that is closed to us they cannot be made."""
    if not has_log(path):
        return connect(path, "mode=ro&immutable=1")
    with tempfile.TemporaryDirectory(prefix="klingstudio-") as folder:
        copy = Path(folder) / path.name
        for original in (path, wal_of(path)):
            shutil.copyfile(original, copy.with_name(original.name))
        with contextlib.closing(connect(copy)) as elsewhere:
            return copied_to_memory(elsewhere)


def copied_to_memory(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The same database, out of the reach of everybody else.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    memory = _set_up(sqlite3.connect(":memory:", isolation_level=None))
    try:
        connection.backup(memory)
    except BaseException:
        memory.close()
        raise
    return memory


def kind_of(error: sqlite3.Error) -> int:
    """The low byte of an error's code; the rest says where it happened: SQLITE_IOERR_WRITE, _FSYNC, …"""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _finds_no_room(error: sqlite3.Error) -> bool:
    """True where the files beside the journal cannot grow: SQLite does not call that a full disk."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_SHMSIZE


def translated(error: sqlite3.Error) -> StudioError | None:
    """What an error of the database means for the person; None for one that is a bug."""
    if _finds_no_room(error):
        return DiskProblem(Kind.DISK_FULL, "the journal could not be written")
    match kind_of(error):
        case sqlite3.SQLITE_FULL:
            return DiskProblem(Kind.DISK_FULL, "the journal could not be written")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_IOERR:
            return DiskProblem(Kind.DISK_UNWRITABLE, str(error))
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return StudioError(Kind.DATABASE_DAMAGED, str(error))
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StudioError(Kind.STUDIO_BUSY, str(error))
        case _:
            return None


def wal_of(path: Path) -> Path:
    """Where SQLite keeps what is committed and not yet in the main file."""
    return path.with_name(f"{path.name}-wal")


def has_log(path: Path) -> bool:
    """True while something may be committed and not yet in the main file."""
    return wal_of(path).exists() and wal_of(path).stat().st_size > 0


def beside(path: Path) -> tuple[Path, ...]:
    """Everything that is one journal together with its main file: of no use with another one, and harmful to it."""
    return tuple(path.with_name(f"{path.name}-{part}") for part in ("wal", "shm", "journal", "seal"))


def _set_up(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.row_factory = sqlite3.Row
    # A text with a damaged letter is found where it is read, as one; it does not take the whole table with it.
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


def _quoted(path: Path) -> str:
    return path.as_posix().replace("%", "%25").replace("?", "%3f").replace("#", "%23")
