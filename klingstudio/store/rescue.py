"""What can be done about a journal that cannot be opened, and what can still be seen of it."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from klingstudio.domain.errors import InputRefused, Kind, Problem, StudioError
from klingstudio.domain.job import Job
from klingstudio.store.backups import Backup, list_backups
from klingstudio.store.connection import connect_for_reading
from klingstudio.store.database import Database
from klingstudio.store.examine import is_there
from klingstudio.store.jobs import JobStore
from klingstudio.store.restore import begin_empty, keep_as_it_is, restore

_LOST = frozenset({Kind.DATABASE_DAMAGED, Kind.DATABASE_ALTERED, Kind.DATABASE_GONE})
_STILL_SEEN = _LOST | {Kind.DATABASE_TOO_NEW, Kind.DISK_FULL, Kind.DISK_UNWRITABLE}


class Way(StrEnum):
    """How to go on."""

    BACKUP = "backup"
    KEEP = "as-it-is"
    """With the journal as it is, though something may be missing in it."""
    EMPTY = "empty"
    """Without anything that was known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """What is offered."""

    ways: tuple[Way, ...] = ()
    """The best first."""
    backups: tuple[Backup, ...] = ()
    """Whole ones, newest first."""
    jobs: tuple[Job, ...] = ()
    """What can be read of the journal that cannot be used, newest first."""


def rescue_of(journal: Path, problem: Problem) -> Rescue:
    """What can be done about this problem of opening the journal. Changes nothing."""
    jobs = _still_read(journal) if problem.kind in _STILL_SEEN else ()
    if problem.kind not in _LOST:
        return Rescue(jobs=jobs)
    backups = list_backups(journal)
    ways = [Way.BACKUP] if backups else []
    if problem.kind is Kind.DATABASE_ALTERED:
        # The first is taken for the better one: that is the journal, unless the backup knows as much.
        is_newer = not backups or any(job.updated_at > backups[0].made_at for job in jobs)
        ways.insert(0 if is_newer else len(ways), Way.KEEP)
    elif not backups:
        # Only where there is nothing better, and never by itself.
        ways.append(Way.EMPTY)
    return Rescue(ways=tuple(ways), backups=backups, jobs=jobs)


def put_back(journal: Path, problem: Problem, way: Way, backup: Path | None, at: datetime) -> Path:
    """Go this way. Returns the folder in which the old files are now.

    Args:
        backup: which one, for `Way.BACKUP`.

    Raises:
        InputRefused: this way is not offered for the problem.
        StudioError: it could not be done; the journal is as it was.
    """
    offered = rescue_of(journal, problem)
    if way not in offered.ways or (way is Way.BACKUP and backup not in [one.path for one in offered.backups]):
        raise InputRefused(Kind.SETTING_INVALID, f"this is not offered: {backup.name if backup else way}")
    match way, backup:
        case Way.BACKUP, Path():
            return restore(journal, backup, at)
        case Way.KEEP, _:
            return keep_as_it_is(journal, at)
        case _:
            return begin_empty(journal, at)


def _still_read(journal: Path) -> tuple[Job, ...]:
    if not is_there(journal):
        # SQLite would remove the log of an empty file.
        return ()
    try:
        with contextlib.closing(connect_for_reading(journal)) as connection:
            return JobStore(Database(connection)).all()
    except (sqlite3.Error, StudioError, OSError, ValueError, LookupError):
        # Nothing can be seen of it, and nobody has to.
        return ()
