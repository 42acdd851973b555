"""One SQLite file, opened safely: examined, sealed, migrated, synced in full, and refused when it is newer than the program."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import TypeVar

from klingstudio.domain.errors import DiskProblem, Kind, StudioError
from klingstudio.store.backups import back_up
from klingstudio.store.connection import connect, connect_for_reading, translated
from klingstudio.store.examine import examine, examine_gap, is_there
from klingstudio.store.keeper import Keeper
from klingstudio.store.network_drive import is_on_network
from klingstudio.store.schema import APPLICATION_ID, migrate, scripts, version_of
from klingstudio.store.seal import break_seal

T = TypeVar("T")

RESERVE_BYTES = 4 * 1024 * 1024
"""Kept beside the database and given back when the disk is full, so that a paid job's id can still be stored."""


class Database:
    """The program's one connection. Not shared between threads; every change is one transaction."""

    def __init__(
        self, connection: sqlite3.Connection, keeper: Keeper | None = None, reserve: Path | None = None
    ) -> None:
        """`keeper`: None for a journal that is only read."""
        self._connection = connection
        self._keeper = keeper
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
            try:
                # Inside, for a transaction may have begun although its beginning was interrupted.
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                number = self._keeper.count() if self._keeper is not None else 0
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            if (problem := translated(error)) is None:
                raise
            raise problem from error
        if self._keeper is not None:
            self._keeper.committed(number)

    def read(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Every row of a SELECT.

        Raises:
            StudioError: the journal cannot be read.
        """
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            if (problem := translated(error)) is None:
                raise
            raise problem from error

    def close(self) -> None:
        """Checkpoint and close."""
        if self._keeper is not None:
            self._keeper.close()
        else:
            self._connection.close()


def open_database(path: Path) -> Database:
    """Open, examine and migrate the journal, creating it where there never was one.

    Raises:
        StudioError: `DATABASE_TOO_NEW`, `DATABASE_DAMAGED`, `DATABASE_ALTERED` or `DATABASE_GONE`; the file is left as
            it was.
        DiskProblem: the folder cannot be written.
    """
    reserve = path.with_name("reserve")
    try:
        return _open(path, reserve)
    except DiskProblem as error:
        if error.problem.kind is not Kind.DISK_FULL or not reserve.exists():
            raise
        # The jobs that were paid for are looked after also when there is no room for anything else.
        reserve.unlink()
        return _open(path, reserve)


def _open(path: Path, reserve: Path) -> Database:
    with contextlib.ExitStack() as undo:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if is_there(path):
                # Closed last of all, here and everywhere: POSIX takes the locks of the connections away with it.
                main = FileIO(path)
                undo.callback(main.close)
                examine(path, main)
                break_seal(path)
                connection = undo.enter_context(contextlib.closing(connect(path)))
            else:
                examine_gap(path)
                connection = undo.enter_context(contextlib.closing(connect(path)))
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                main = FileIO(path)
                undo.callback(main.close)
            path.chmod(0o600)
            _configure(connection, path)
            if 0 < version_of(connection) < len(scripts()):
                back_up(path)
            migrate(connection)
            keeper = Keeper(path, connection, main)
            opened = Database(connection, keeper, _keep_reserve(reserve))
        except sqlite3.Error as error:
            raise translated(error) or error from error
        except OSError as error:
            kind = Kind.DISK_FULL if error.errno == errno.ENOSPC else Kind.DISK_UNWRITABLE
            raise DiskProblem(kind, f"{path}: {error.strerror}") from error
        undo.pop_all()
        return opened


def _configure(connection: sqlite3.Connection, path: Path) -> None:
    wanted = "DELETE" if is_on_network(path) else "WAL"
    has_log = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0] == "wal"
    # Only FULL puts the intent on the disk before the paid request leaves; NORMAL syncs nothing at commit. Without the
    # log, which needs memory that two programs share, EXTRA does the same.
    connection.execute(f"PRAGMA synchronous = {'FULL' if has_log else 'EXTRA'}")
    connection.execute("PRAGMA fullfsync = 1")
    connection.execute("PRAGMA checkpoint_fullfsync = 1")
    connection.execute("PRAGMA foreign_keys = ON")


def open_for_reading(path: Path) -> Database | None:
    """The journal as it stands, beside a running studio; None when there is nothing in it yet.

    Raises:
        StudioError: `DATABASE_TOO_NEW` or `DATABASE_DAMAGED`.
    """
    if not is_there(path):
        return None
    try:
        with contextlib.ExitStack() as undo:
            connection = undo.enter_context(contextlib.closing(connect_for_reading(path)))
            version = version_of(connection)
            if version > len(scripts()):
                words = f"version {version}; this program knows {len(scripts())}"
                raise StudioError(Kind.DATABASE_TOO_NEW, words)
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise StudioError(Kind.DATABASE_DAMAGED, str(verdict))
            if version == 0:
                # The very first start ended between making the file and filling it.
                return None
            undo.pop_all()
            return Database(connection)
    except sqlite3.Error as error:
        raise translated(error) or error from error


def _keep_reserve(path: Path) -> Path:
    try:
        if not path.exists() or path.stat().st_size != RESERVE_BYTES:
            path.write_bytes(b"\0" * RESERVE_BYTES)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise DiskProblem(Kind.DISK_UNWRITABLE, f"{path}: {error.strerror}") from error
        # Half of one would only take the last room from the journal.
        path.unlink(missing_ok=True)
    return path
