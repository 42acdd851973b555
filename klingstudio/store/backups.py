"""Copies of the journal, made by SQLite while it is in use, checked before they count, and thinned as they age.

A backup that cannot be made is no reason not to start: it is said in the log and tried again at the next start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from klingstudio.disk import sync_folder
from klingstudio.store.connection import connect, connect_for_reading
from klingstudio.store.schema import APPLICATION_ID, scripts, version_of

EVERY = timedelta(hours=24)
NEWEST_KEPT, WEEKS_KEPT, MONTHS_KEPT = 3, 4, 6

_NAME = re.compile(r"studio-(\d{8}T\d{6})Z(?:-\d+)?\.sqlite3")
_TIME = "%Y%m%dT%H%M%S"
_PART = "part-"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One that can be put back."""

    path: Path
    made_at: datetime
    """UTC."""
    jobs: int
    """How many edits are in it."""


def backups_of(journal: Path) -> tuple[Path, ...]:
    """The files, newest first. Not opened: they may be damaged."""
    folder = _folder(journal)
    with contextlib.suppress(OSError):
        return tuple(sorted((one for one in folder.iterdir() if _NAME.fullmatch(one.name)), reverse=True, key=_order))
    return ()


def list_backups(journal: Path) -> tuple[Backup, ...]:
    """Those that are whole and that this program can read, newest first."""
    return tuple(backup for path in backups_of(journal) if (backup := read_backup(path)) is not None)


def read_backup(path: Path) -> Backup | None:
    """One backup; None where it is damaged or of a newer program."""
    try:
        with contextlib.closing(connect(path, "mode=ro&immutable=1")) as connection:
            jobs = _check(connection)
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        log.info("%s cannot be used: %s", path.name, error)
        return None
    return Backup(path=path, made_at=_made_at(path), jobs=jobs)


def is_due(journal: Path, now: datetime) -> bool:
    """True when the newest backup is a day old, or there is none. One from the future counts as old: clocks are set back."""
    newest = next(iter(backups_of(journal)), None)
    return newest is None or not timedelta(0) <= now - _made_at(newest) < EVERY


def back_up(journal: Path) -> Path | None:
    """Copy the journal beside whoever uses it, and thin what is there; None where that cannot be done."""
    folder = _folder(journal)
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        _sweep(folder)
        made = _new_name(folder, datetime.now(UTC))
        part = folder / f"{_PART}{secrets.token_hex(4)}"
        try:
            copy_whole(journal, part)
            part.replace(made)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync_folder(folder)
        for old in thinned(backups_of(journal)):
            old.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        log.info("no backup could be made: %s", error)
        return None
    log.info("backed up as %s", made.name)
    return made


def copy_whole(journal: Path, copy: Path) -> None:
    """Make a copy that has everything in one file, whole and on the disk when this returns.

    Raises:
        OSError, sqlite3.Error: it could not be made; what there is of it is worth nothing.
    """
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        contextlib.closing(connect_for_reading(journal)) as source,
        contextlib.closing(connect(copy)) as target,
    ):
        source.backup(target)
        # A file of its own: without the log that the original has.
        target.execute("PRAGMA journal_mode = DELETE").fetchall()
        _check(target)
    with copy.open("rb+") as file:
        os.fsync(file.fileno())


def thinned(backups: Iterable[Path]) -> tuple[Path, ...]:
    """Those that are not kept: not among the newest, nor the newest of one of the last weeks or months."""
    newest_first = sorted(backups, key=_order, reverse=True)
    kept = set(newest_first[:NEWEST_KEPT])
    older = newest_first[NEWEST_KEPT:]
    kept |= _newest_of_each(older, WEEKS_KEPT, lambda path: _made_at(path).isocalendar()[:2])
    kept |= _newest_of_each(older, MONTHS_KEPT, lambda path: (_made_at(path).year, _made_at(path).month))
    return tuple(path for path in newest_first if path not in kept)


def _newest_of_each(newest_first: Iterable[Path], count: int, span: Callable[[Path], Hashable]) -> set[Path]:
    found: dict[Hashable, Path] = {}
    for path in newest_first:
        found.setdefault(span(path), path)
    return set(list(found.values())[:count])


def _check(connection: sqlite3.Connection) -> int:
    """How many edits are in a sound copy.

    Raises:
        sqlite3.Error: it is not sound, or not ours.
    """
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    is_ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    if not is_ours or not 0 < version_of(connection) <= len(scripts()):
        raise sqlite3.DatabaseError("not a journal of this program")
    return int(connection.execute("SELECT count(*) FROM job").fetchone()[0])


def _folder(journal: Path) -> Path:
    return journal.with_name("backups")


def _new_name(folder: Path, now: datetime) -> Path:
    number, stem = 1, f"studio-{now:{_TIME}}Z"
    place = folder / f"{stem}.sqlite3"
    while place.exists():
        number += 1
        place = folder / f"{stem}-{number}.sqlite3"
    return place


def _order(path: Path) -> tuple[datetime, int, str]:
    return _made_at(path), len(path.name), path.name


def _made_at(path: Path) -> datetime:
    named = _NAME.fullmatch(path.name)
    return datetime.strptime(named[1], _TIME).replace(tzinfo=UTC) if named else datetime.fromtimestamp(0, UTC)


def _sweep(folder: Path) -> None:
    """Remove what a program that was ended while it copied has left."""
    for left in folder.glob(f"{_PART}*"):
        left.unlink(missing_ok=True)
