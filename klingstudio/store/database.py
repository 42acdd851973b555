"""One SQLite file, opened safely: WAL, full sync, checked, migrated, and refused when it is newer than the program."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import TypeVar

from klingstudio.domain.errors import DiskProblem, Kind, StudioError
from klingstudio.domain.job import TRANSITIONS

T = TypeVar("T")

APPLICATION_ID = 0x4B4C4E47
"""`KLNG`: a file with another id is somebody else's and is left alone."""

RESERVE_BYTES = 4 * 1024 * 1024
"""Kept beside the database and given back when the disk is full, so that a paid job's id can still be stored."""


class Database:
    """The program's one connection. Not shared between threads; every change is one transaction."""

    def __init__(self, connection: sqlite3.Connection, reserve: Path | None) -> None:
        self._connection = connection
        self._reserve = reserve

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in a transaction; on a full disk once more, after the reserve was given back.

        Raises:
            StudioError: the journal cannot be written; nothing changed.
        """
        try:
            with self.transaction() as sql:
                return work(sql)
        except DiskProblem as error:
            if error.problem.kind is not Kind.DISK_FULL or self._reserve is None or not self._reserve.exists():
                raise
            # SQLite has rolled everything back by now, so it takes the whole work again and not only its commit.
            self._reserve.unlink()
            with self.transaction() as sql:
                return work(sql)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, on disk when the block ends; one try.

        Raises:
            StudioError: the journal cannot be written; nothing changed.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            if (problem := _translated(error)) is None:
                raise
            raise problem from error

    def read(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Every row of a SELECT.

        Raises:
            StudioError: the journal cannot be read.
        """
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            if (problem := _translated(error)) is None:
                raise
            raise problem from error

    def close(self) -> None:
        """Checkpoint and close."""
        self._connection.close()


def open_database(path: Path) -> Database:
    """Open, check and migrate the journal, creating it when it is not there.

    Raises:
        StudioError: `DATABASE_TOO_NEW` or `DATABASE_DAMAGED`; the file is left as it was.
        DiskProblem: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = _connect(f"file:{_quoted(path)}")
    except OSError as error:
        raise DiskProblem(Kind.DISK_UNWRITABLE, f"{path.parent}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise _translated(error) or error from error
    try:
        _check(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        # Only FULL puts the intent on the disk before the paid request leaves; NORMAL syncs nothing at commit.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = 1")
        connection.execute("PRAGMA checkpoint_fullfsync = 1")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 5000")
        _migrate(connection)
        path.chmod(0o600)
        return Database(connection, _keep_reserve(path.with_name("reserve")))
    except BaseException as error:
        connection.close()
        match error:
            case sqlite3.Error():
                raise _translated(error) or error from error
            case OSError():
                raise DiskProblem(Kind.DISK_UNWRITABLE, f"{path}: {error.strerror}") from error
            case _:
                raise


def open_for_reading(path: Path) -> Database | None:
    """The journal as it stands, beside a running studio; None when there is nothing in it yet.

    Raises:
        StudioError: `DATABASE_TOO_NEW` or `DATABASE_DAMAGED`.
    """
    if not path.exists():
        return None
    try:
        connection = _connect(f"file:{_quoted(path)}?mode=ro")
        try:
            _check(connection, path)
            is_begun = connection.execute("PRAGMA user_version").fetchone()[0] > 0
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise _translated(error) or error from error
    if not is_begun:
        # The very first start ended between making the file and filling it.
        connection.close()
        return None
    return Database(connection, None)


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0)
    connection.row_factory = sqlite3.Row
    return connection


def _quoted(path: Path) -> str:
    return path.as_posix().replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size == 0:
        return
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    if application_id not in (0, APPLICATION_ID):
        raise StudioError(Kind.DATABASE_DAMAGED, f"{path.name} belongs to another program")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_migrations()):
        raise StudioError(Kind.DATABASE_TOO_NEW, f"version {version}; this program knows {len(_migrations())}")
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StudioError(Kind.DATABASE_DAMAGED, str(verdict))


def _migrations() -> list[str]:
    folder = resources.files("klingstudio.store") / "migrations"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name)
    return [entry.read_text("utf-8") for entry in files]


def _migrate(connection: sqlite3.Connection) -> None:
    scripts = _migrations()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, script in enumerate(scripts[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {script} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number}; COMMIT;"
        )
    # The table in code is the one copy; the database refuses by what the running program knows.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM transition")
    connection.executemany("INSERT INTO transition VALUES (?, ?, ?)", [(*key, dst) for key, dst in TRANSITIONS.items()])
    connection.execute("COMMIT")


def _keep_reserve(path: Path) -> Path:
    try:
        if not path.exists() or path.stat().st_size != RESERVE_BYTES:
            path.write_bytes(b"\0" * RESERVE_BYTES)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise DiskProblem(Kind.DISK_UNWRITABLE, f"{path}: {error.strerror}") from error
    return path


def _translated(error: sqlite3.Error) -> StudioError | None:
    """What an error of the database means for the person; None for one that is a bug."""
    # The low byte is the kind of error, the rest says where it happened: SQLITE_IOERR_WRITE, _FSYNC, …
    match (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF:
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
