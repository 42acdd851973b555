"""Another journal in the place of one that cannot be used. At every moment the place holds the old one or the new one.

The old files are set aside in a folder with the date, never deleted. What takes their place says since when it knows
nothing (`restoration`), so that the engine looks at the providers before anything is sent.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from klingstudio.disk import sync_folder
from klingstudio.domain.errors import DiskProblem, Kind, StudioError
from klingstudio.store.backups import copy_whole, read_backup
from klingstudio.store.connection import beside, connect, translated
from klingstudio.store.schema import migrate
from klingstudio.store.seal import seal_of

LOOK_BACK = timedelta(days=30)
"""How far back the providers are asked where nothing at all is known."""
_PART = "restoring-"


def restore(journal: Path, backup: Path, at: datetime) -> Path:
    """Put a backup in the place of the journal. Returns the folder with what was there.

    Raises:
        StudioError: the backup is damaged, or a file cannot be written; the journal is as it was.
    """
    known = read_backup(backup)
    if known is None:
        raise StudioError(Kind.DATABASE_DAMAGED, f"the backup {backup.name} is damaged, too")
    with _translating(journal), _part_of(journal) as part:
        copy_whole(backup, part)
        _prepare(part, known.made_at, at)
        return _put_in_place(journal, part, at)


def keep_as_it_is(journal: Path, at: datetime) -> Path:
    """Go on with a journal that can be read but is not as it was left. Returns the folder with what was there.

    Raises:
        StudioError: it cannot be read, or a file cannot be written; it is as it was.
    """
    with _translating(journal), _part_of(journal) as part:
        copy_whole(journal, part)
        with contextlib.closing(connect(part)) as connection:
            last = connection.execute("SELECT max(at) FROM event").fetchone()[0]
        since = datetime.fromisoformat(last) if last else at - LOOK_BACK
        _prepare(part, min(since, at), at)
        return _put_in_place(journal, part, at)


def begin_empty(journal: Path, at: datetime) -> Path:
    """An empty journal in the place of one that is lost. Returns the folder with what was there.

    Raises:
        StudioError: a file cannot be written; what was there still is.
    """
    with _translating(journal), _part_of(journal) as part:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _prepare(part, at - LOOK_BACK, at)
        return _put_in_place(journal, part, at)


def _prepare(part: Path, since: datetime, at: datetime) -> None:
    with contextlib.closing(connect(part)) as connection:
        migrate(connection)
        connection.execute("BEGIN IMMEDIATE")
        # Never sealed: the first opening begins to count.
        connection.execute("DELETE FROM tally")
        connection.execute(
            "INSERT OR REPLACE INTO restoration(at, since) VALUES (?, ?)",
            (at.astimezone(UTC).isoformat(), since.astimezone(UTC).isoformat()),
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    with part.open("rb+") as file:
        os.fsync(file.fileno())


def _put_in_place(journal: Path, part: Path, at: datetime) -> Path:
    aside = _set_aside(journal, at)
    # The seal goes first: from here on the old journal is known to be no longer whole, and is not opened.
    for one in (seal_of(journal), *beside(journal)):
        one.unlink(missing_ok=True)
    sync_folder(journal.parent)
    # Not earlier: SQLite would apply the log of the old one to the new one.
    part.replace(journal)
    sync_folder(journal.parent)
    return aside


def _set_aside(journal: Path, at: datetime) -> Path:
    number, stem = 1, f"set-aside-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    folder = journal.with_name(stem)
    while folder.exists():
        number += 1
        folder = journal.with_name(f"{stem}-{number}")
    folder.mkdir(mode=0o700)
    for one in (journal, *beside(journal)):
        if one.exists():
            _link_or_copy(one, folder / one.name)
    sync_folder(folder)
    sync_folder(journal.parent)
    return folder


def _link_or_copy(original: Path, copy: Path) -> None:
    try:
        os.link(original, copy)
    except OSError:
        # A file system without hard links.
        shutil.copy2(original, copy)
        with copy.open("rb+") as file:
            os.fsync(file.fileno())


@contextlib.contextmanager
def _part_of(journal: Path) -> Iterator[Path]:
    journal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in journal.parent.glob(f"{_PART}*"):
        left.unlink(missing_ok=True)
    part = journal.with_name(f"{_PART}{secrets.token_hex(4)}")
    try:
        yield part
    finally:
        for one in (part, *beside(part)):
            one.unlink(missing_ok=True)


@contextlib.contextmanager
def _translating(journal: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error) or StudioError(Kind.DATABASE_DAMAGED, str(error)) from error
    except OSError as error:
        kind = Kind.DISK_FULL if error.errno == errno.ENOSPC else Kind.DISK_UNWRITABLE
        raise DiskProblem(kind, f"{journal.parent}: {error.strerror}") from error
