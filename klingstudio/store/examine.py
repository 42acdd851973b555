"""Is the journal what it was when it was left? Asked before anything is written, so that the answer changes nothing."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from io import FileIO
from pathlib import Path

from klingstudio.domain.errors import DiskProblem, Kind, StudioError
from klingstudio.store.backups import backups_of
from klingstudio.store.connection import beside, connect_for_reading, copied_to_memory, has_log, translated
from klingstudio.store.schema import APPLICATION_ID, scripts, version_of
from klingstudio.store.seal import Seal, digest_of, read_seal

_WITHOUT_SEAL = "what it was like when it was left is not known: the file beside it that says so is missing"
_CHANGED = "it is not what it was when it was left"


def is_there(path: Path) -> bool:
    """True where there is a file with something in it.

    Raises:
        DiskProblem: nobody can say.
    """
    try:
        return path.exists() and path.stat().st_size > 0
    except OSError as error:
        kind = Kind.DISK_FULL if error.errno == errno.ENOSPC else Kind.DISK_UNWRITABLE
        raise DiskProblem(kind, f"{path}: {error.strerror}") from error


def examine_gap(path: Path) -> None:
    """Look for traces of a journal where none is.

    Raises:
        StudioError: `DATABASE_GONE`: there was one.
    """
    traces = [one.name for one in beside(path) if one.exists() and not _is_of_first_write(one)]
    if backups_of(path):
        traces.append("backups")
    if traces:
        raise StudioError(
            Kind.DATABASE_GONE, f"{path.name} is missing or empty; what is still there: {', '.join(traces)}"
        )


def _is_of_first_write(beside: Path) -> bool:
    """True for a rollback journal that leads back to an empty file: the very first start was killed while it began one."""
    if not beside.name.endswith("-journal"):
        return False
    with beside.open("rb") as file:
        # Bytes 16 to 19: how many pages the file had before.
        return not any(file.read(20)[16:])


def examine(path: Path, main: FileIO) -> None:
    """Look at everything that can be wrong with a journal.

    Args:
        main: its main file, opened before and closed after every connection to it.

    Raises:
        StudioError: `DATABASE_TOO_NEW`; `DATABASE_DAMAGED` where it cannot be read; `DATABASE_ALTERED` where it can,
            and is not what it was.
    """
    seal, is_logged = read_seal(path), has_log(path)
    is_known = seal is not None and bool(seal.digest)
    is_same = seal is not None and is_known and digest_of(main) == seal.digest
    try:
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(contextlib.closing(connect_for_reading(path)))
            if is_known and not is_same:
                _check_header(connection)
            else:
                _check_kind(connection, path)
            if not is_same:
                # What nobody vouches for gets the long check, which sees an index that has lost a row. In memory, because
                # a connection that only reads does not check the rules of the tables.
                connection = stack.enter_context(contextlib.closing(copied_to_memory(connection)))
            verdict = connection.execute(f"PRAGMA {'quick_check' if is_same else 'integrity_check'}(1)").fetchone()[0]
            if verdict != "ok":
                raise StudioError(Kind.DATABASE_DAMAGED, str(verdict))
            commits = _commits(connection)
    except sqlite3.Error as error:
        raise translated(error) or StudioError(Kind.DATABASE_DAMAGED, str(error)) from error
    if seal is None:
        if commits is not None:
            raise StudioError(Kind.DATABASE_ALTERED, _WITHOUT_SEAL)
        return
    _check_commits(seal, commits)
    # Another program that reads a journal after a kill moves the log into the main file.
    if is_known and not is_same and (seal.is_closed or is_logged):
        raise StudioError(Kind.DATABASE_ALTERED, _CHANGED)


def _check_kind(connection: sqlite3.Connection, path: Path) -> None:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    if application_id not in (0, APPLICATION_ID):
        raise StudioError(Kind.DATABASE_DAMAGED, f"{path.name} belongs to another program")
    version, known = version_of(connection), len(scripts())
    if version > known:
        raise StudioError(Kind.DATABASE_TOO_NEW, f"version {version}; this program knows {known}")


def _check_header(connection: sqlite3.Connection) -> None:
    """In a file that is not what it was these may be anything, so that they say nothing about another program."""
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    if application_id != APPLICATION_ID or not 0 < version_of(connection) <= len(scripts()):
        raise StudioError(Kind.DATABASE_DAMAGED, "its beginning is damaged")


def _commits(connection: sqlite3.Connection) -> int | None:
    """How many commits the journal has counted; None for one that was never sealed."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'tally'").fetchall():
        return None
    rows = connection.execute("SELECT commits FROM tally").fetchall()
    return int(rows[0][0]) if rows else None


def _check_commits(seal: Seal, commits: int | None) -> None:
    missing = seal.commits - (commits or 0)
    if missing > 0:
        changes = "change is" if missing == 1 else f"{missing} changes are"
        raise StudioError(Kind.DATABASE_ALTERED, f"its last {changes} missing")
