"""Keeps the seal true while the journal is in use."""

from __future__ import annotations

import logging
import os
import sqlite3
from dataclasses import replace
from io import FileIO
from pathlib import Path

from klingstudio.store.seal import Seal, digest_of, read_seal, write_seal

COMMITS_BETWEEN = 500
"""After so many the log is moved into the main file: some megabytes."""

log = logging.getLogger(__name__)


class Keeper:
    """Counts commits, and has the log moved into the main file by nobody but itself."""

    def __init__(self, journal: Path, connection: sqlite3.Connection, main: FileIO) -> None:
        """Take a journal into use that has passed `examine`.

        Raises:
            sqlite3.Error, OSError: it cannot be written.
        """
        self._journal = journal
        self._connection = connection
        self._main = main
        self._has_log = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        seal = read_seal(journal)
        rows = connection.execute("SELECT commits FROM tally").fetchall()
        if seal is None or not rows:
            # The seal first: a journal that has counted is not believed without one.
            write_seal(journal, Seal(), synced=True)
            connection.execute("INSERT OR IGNORE INTO tally VALUES (1, 0)")
            seal, rows = Seal(), connection.execute("SELECT commits FROM tally").fetchall()
        self._seal = replace(seal, commits=rows[0][0], is_closed=False)
        self._since = 0
        if not self._has_log:
            # Every commit changes the main file.
            self._seal = replace(self._seal, digest="")
            write_seal(journal, self._seal, synced=True)
        elif self._seal.digest:
            write_seal(journal, self._seal, synced=False)
        else:
            self._empty_log()

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
        self._write(synced=True)
        self._connection.close()
        try:
            self._seal = replace(self._seal, digest=digest_of(self._main), is_closed=True)
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
