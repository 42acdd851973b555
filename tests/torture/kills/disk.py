"""What a dead life left: the journal, read from a copy so that looking changes nothing, and the files of the home."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from klingstudio.domain.budget import Period
from klingstudio.domain.job import Job
from klingstudio.paths import Paths
from klingstudio.store.database import open_for_reading
from klingstudio.store.jobs import JobStore
from klingstudio.studio import read_balances


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A row of the history."""

    seq: int
    job_id: str
    frm: str
    event: str
    dst: str
    take_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A row of the paid requests."""

    id: str
    job_id: str
    state: str
    account: str
    asset_url: str
    body_sha256: str
    intent_at: str
    provider: str = ""
    approval_id: str | None = None
    remote_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """A row of the person's approvals."""

    id: str
    job_id: str
    spent_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of the home, by what it holds."""

    sha256: str
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The home between two lives."""

    jobs: tuple[Job, ...] = ()
    moves: tuple[Move, ...] = ()
    tries: tuple[Try, ...] = ()
    permits: tuple[Permit, ...] = ()
    charges: Mapping[str, Decimal] = field(default_factory=dict)
    """What each job cost, by the ledger."""
    takes: Mapping[str, File] = field(default_factory=dict)
    """By path: everything in the folder of finished takes."""
    work: tuple[str, ...] = ()
    """Names in the folder for clips on their way."""
    source: File | None = None
    booked: Decimal = Decimal(0)
    """What the program says of this month, in whatever currency: charged and reserved together."""
    reserved: Decimal = Decimal(0)
    """The part of it that may not be charged."""
    complaints: tuple[str, ...] = ()
    """What the database says against itself."""

    def job(self, job_id: str) -> Job:
        """One job."""
        return next(job for job in self.jobs if job.id == job_id)

    def history(self, job_id: str) -> tuple[Move, ...]:
        """The moves of one job, oldest first."""
        return tuple(move for move in self.moves if move.job_id == job_id)


def read_disk(paths: Paths, source: Path) -> Disk:
    """The home as it lies there. Nobody may be at work on it."""
    with tempfile.TemporaryDirectory(prefix="klingstudio-kills-") as folder:
        journal = _copied(paths.database, Path(folder))
        tables = _tables(journal) if journal is not None else {}
        tables |= _money(replace(paths, data=Path(folder))) if "jobs" in tables else {}
    return Disk(
        **tables,
        takes={str(path): file_of(path) for path in _files(paths.takes)},
        work=tuple(path.name for path in _files(paths.work)),
        source=file_of(source) if source.exists() else None,
    )


def file_of(path: Path) -> File:
    """What a file holds now."""
    stat = path.stat()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return File(sha256=digest, size_bytes=stat.st_size, modified_ns=stat.st_mtime_ns)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _copied(journal: Path, folder: Path) -> Path | None:
    if not journal.exists() or not journal.stat().st_size:
        return None
    for name in (journal.name, f"{journal.name}-wal"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(journal.with_name(name), folder / name)
    return folder / journal.name


def _money(paths: Paths) -> dict[str, Decimal]:
    month = [one for one in read_balances(paths) if one.period is Period.MONTH]
    return {
        "booked": sum((one.booked.amount for one in month), Decimal(0)),
        "reserved": sum((one.reserved.amount for one in month), Decimal(0)),
    }


def _tables(journal: Path) -> dict[str, Any]:
    # Opened for writing, so that the copy is recovered just as the next start would do it.
    with closing(sqlite3.connect(journal)) as sql:
        sql.row_factory = sqlite3.Row
        complaints = [row[0] for row in sql.execute("PRAGMA integrity_check") if row[0] != "ok"]
        complaints += [f"foreign key of {row[0]}" for row in sql.execute("PRAGMA foreign_key_check")]
        if not sql.execute("PRAGMA user_version").fetchone()[0]:
            return {"complaints": tuple(complaints)}
        moves = sql.execute("SELECT seq, job_id, frm, ev AS event, dst, take_sha256 FROM event ORDER BY seq")
        tries = sql.execute(
            "SELECT id, job_id, state, account_fp AS account, asset_url, body_sha256, intent_at, provider, approval_id,"
            " remote_id FROM attempt ORDER BY intent_at, rowid"
        )
        permits = sql.execute("SELECT id, job_id, spent_by FROM approval ORDER BY at")
        charges = sql.execute("SELECT job_id, amount FROM charge")
        tables: dict[str, Any] = {
            "charges": {row["job_id"]: Decimal(row["amount"]) for row in charges},
            "moves": tuple(Move(**row) for row in moves),
            "tries": tuple(Try(**row) for row in tries),
            "permits": tuple(Permit(**row) for row in permits),
        }
    database = open_for_reading(journal)
    if database is None:
        return tables
    try:
        jobs = JobStore(database).all()
    finally:
        database.close()
    return tables | {"jobs": jobs, "complaints": tuple(complaints)}
