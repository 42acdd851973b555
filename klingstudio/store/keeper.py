"""Keeps the seal true while the journal is in use."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from io import FileIO
from pathlib import Path

from klingstudio.disk import sync_folder
from klingstudio.store.connection import connect, has_log
from klingstudio.store.seal import Seal, digest_of, read_seal, write_seal

COMMITS_BETWEEN = 500
"""After so many the log is moved into the main file: some megabytes."""

log = logging.getLogger(__name__)


class Keeper:
    """Counts commits, and has the log moved into the main file by nobody but itself."""

    def __init__(self, journal: Path, connection: sqlite3.Connection, main: FileIO) -> None:
        """Take a journal into use that has passed `examine` and whose seal is broken.

        Raises:
            sqlite3.Error, OSError: it cannot be written.
        """
        self._journal = journal
        self._connection = connection
        self._main = main
        self._has_log = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        rows = connection.execute("SELECT commits FROM tally").fetchall()
        if read_seal(journal) is None or not rows:
            # The seal first: a journal that has counted is not believed without one.
            write_seal(journal, Seal(), synced=True)
            sync_folder(journal.parent)
            connection.execute("INSERT OR IGNORE INTO tally VALUES (1, 0)")
            rows = connection.execute("SELECT commits FROM tally").fetchall()
        self._seal = Seal(commits=rows[0][0])
        self._since = 0
        if self._has_log:
            self._empty_log()
        # Without a log every commit changes the main file, which has no digest until it is closed.

    def count(self) -> int:
        """Inside a transaction, before its commit: the number of that commit."""
        row = self._connection.execute("UPDATE tally SET commits = commits + 1 RETURNING commits").fetchone()
        return int(row[0])

    def committed(self, number: int) -> None:
        """After the commit. Nothing is raised: what is committed stays so, whatever becomes of the seal."""
        self._seal = replace(self._seal, commits=number)
        self._write(synced=False)
        self._since += 1
        if self._has_log and self._since >= COMMITS_BETWEEN:
            self._empty_log()

    def close(self) -> None:
        """Close the connection, which empties the log, and seal what is left."""
        self._seal = replace(self._seal, digest="")
        with contextlib.ExitStack() as stack:
            if not self._write(synced=True):
                # The old digest still stands there, so the file has to be the old one: beside a reader the log stays.
                stack.enter_context(_reading(self._journal))
            self._connection.close()
        try:
            # Whoever looks at it now empties the log when he goes: that is no damage.
            is_closed = not has_log(self._journal)
            self._seal = replace(self._seal, digest=digest_of(self._main), is_closed=is_closed)
        except OSError as error:
            log.info("the journal could not be sealed: %s", error)
        self._write(synced=True)
        self._main.close()

    def _empty_log(self) -> None:
        self._since = 0
        self._seal = replace(self._seal, digest="")
        # Without one on the disk first, a power cut could leave a digest of what is no more.
        if not self._write(synced=True):
            return
        try:
            # Passive: it waits for nobody. What somebody still reads stays in the log until the next time.
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            if os.name != "nt":
                os.fsync(self._main.fileno())
            self._seal = replace(self._seal, digest=digest_of(self._main))
        except (sqlite3.Error, OSError) as error:
            log.info("the log of the journal was not emptied: %s", error)
        self._write(synced=False)

    def _write(self, *, synced: bool) -> bool:
        try:
            write_seal(self._journal, self._seal, synced=synced)
        except OSError as error:
            log.info("the seal could not be written: %s", error)
            return False
        return True


@contextlib.contextmanager
def _reading(journal: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(sqlite3.Error):
            reader = stack.enter_context(contextlib.closing(connect(journal, "mode=ro")))
            reader.execute("PRAGMA schema_version").fetchone()
        yield
