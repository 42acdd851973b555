"""A journal of ten thousand edits: opened, examined, read and backed up."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from klingstudio.store.backups import back_up
from klingstudio.store.connection import connect_for_reading
from klingstudio.store.database import Database, open_database
from klingstudio.store.jobs import JobStore
from klingstudio.store.ledger import Ledger
from tests.bench.table import Figure
from tests.fakes.journals import BEGUN, grow

JOBS = 10_000
RUNS = 7


class InOneTransaction(Database):
    """Ten thousand edits make a hundred thousand commits; here they make one."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        super().__init__(sql)
        self._sql = sql

    def write(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        return work(self._sql)


def measure(folder: Path, runs: int | None) -> Iterator[Figure]:
    """Each several times, medians; the file is in memory already, as after a start of the day."""
    journal = folder / "studio.sqlite3"
    _build(journal)
    size = f"{journal.stat().st_size / 1e6:.0f} MB"
    for name, act, goal, must in (
        ("10,000 edits: quick_check", _quick_check, 100, 200),
        ("10,000 edits: examined and opened", _open, 200, 300),
        ("10,000 edits: all of them read", _read, 200, 300),
        ("10,000 edits: backed up, on a thread", back_up, 300, 1000),
    ):
        times = [_timed(act, journal) for _ in range(runs or RUNS)]
        yield Figure(name=name, ours=median(times), peer=None, unit="ms", goal=goal, must=must, note=size)


def _build(journal: Path) -> None:
    database = open_database(journal)
    with database.transaction() as sql:
        bulk = InOneTransaction(sql)
        store, ledger = JobStore(bulk), Ledger(bulk)
        for number in range(JOBS):
            grow(store, ledger, f"job-{number}", "completed", BEGUN + timedelta(minutes=number))
    database.close()


def _timed(act: Callable[[Path], object], journal: Path) -> float:
    began_at = time.perf_counter()
    act(journal)
    return (time.perf_counter() - began_at) * 1000


def _quick_check(journal: Path) -> None:
    with closing(connect_for_reading(journal)) as sql:
        assert sql.execute("PRAGMA quick_check").fetchone()[0] == "ok"


def _open(journal: Path) -> None:
    open_database(journal).close()


def _read(journal: Path) -> None:
    with closing(connect_for_reading(journal)) as sql:
        assert len(JobStore(Database(sql)).all()) == JOBS
