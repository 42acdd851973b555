"""Journals with something of everything in them, made by the stores themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from klingstudio.domain.draft import Draft
from klingstudio.domain.element import LibraryElement
from klingstudio.domain.errors import Charged, Kind, Problem
from klingstudio.domain.job import (
    TRANSITIONS,
    Approval,
    Asset,
    Attempt,
    AttemptState,
    Clip,
    Event,
    Job,
    Order,
    SourceMark,
    State,
)
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request
from klingstudio.store import schema
from klingstudio.store.connection import connect
from klingstudio.store.database import Database, open_database
from klingstudio.store.drafts import DraftStore
from klingstudio.store.jobs import JobStore
from klingstudio.store.ledger import Ledger
from klingstudio.store.library import LibraryStore
from klingstudio.store.settings import Settings

BEGUN = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
TO_READY = (Event.PREPARE, Event.PREPARED, Event.UPLOAD, Event.UPLOADED)
TO_TAKE = (Event.REMOTE_OK, Event.DOWNLOAD, Event.BYTES_DONE, Event.GOOD)
TABLES = ("job", "event", "attempt", "approval", "charge", "setting", "draft", "element", "restoration")
Content = dict[str, list[tuple[Any, ...]]]
ENDS = (
    "completed",
    "completed",
    "completed",
    "draft",
    "prepared",
    "ready",
    "submitting",
    "unconfirmed",
    "again",
    "remote",
)
"""How far a job has come; most are done, as in life."""


def a_job(name: str, at: datetime, **changes: Any) -> Job:
    """A job as it is enqueued, its stored form as long as those of life are."""
    request = Request(source=f"/clips/{name}.mp4", prompt=f"Make {name} snow, " * 20, provider="oxen")
    job = Job(id=name, state=State.DRAFT, request=request, created_at=at, updated_at=at)
    return replace(job, estimate=Money(Decimal("1.68"), "USD"), **changes)


def grow(store: JobStore, ledger: Ledger, name: str, end: str, at: datetime) -> Job:
    """One more job in the journal, carried to this end."""
    job = a_job(name, at)
    store.create(job)
    if end == "draft":
        return store.amend(job, at, problem=Problem(kind=Kind.INTERRUPTED))
    clip = Clip(
        path=f"/work/{name}.mp4",
        sha256="c" * 64,
        size_bytes=9_000_000,
        duration_s=5.0,
        width_px=1280,
        height_px=720,
        frame_count=120,
        is_source=False,
    )
    job = store.move(job, Event.PREPARE, at)
    mark = SourceMark(sha256="d" * 64, size_bytes=9_000_000, modified_ns=17)
    job = store.move(job, Event.PREPARED, at, clip=clip, source_mark=mark)
    if end == "prepared":
        return store.amend(job, at, paused=True)
    job = store.move(job, Event.UPLOAD, at)
    asset = Asset(subject="source", url=f"https://hub.example/{name}.mp4", place=clip.path, host="oxen", uploaded_at=at)
    order = Order(path="/queue", body='{"prompt": "' + "snow " * 300 + '"}')
    job = store.move(job, Event.UPLOADED, at, assets=(asset,), order=order)
    if end == "ready":
        return store.amend(job, at, paused=True)
    attempt = an_attempt(job, f"{name}-1", asset.url, at)
    job = store.intend(job, attempt, at)
    if end == "submitting":
        return job
    if end in ("unconfirmed", "again"):
        lost = Problem(kind=Kind.SUBMIT_UNCONFIRMED, charged=Charged.MAYBE)
        job = store.settle(job, attempt.id, AttemptState.UNKNOWN, Event.AMBIGUOUS, at, problem=lost)
        if end == "unconfirmed":
            return job
        return store.approve(job, Approval(id=f"{name}-yes", job_id=name, cap_cents=168, at=at), attempt.id, at)
    job = store.settle(job, attempt.id, AttemptState.ACCEPTED, Event.ACCEPTED, at, remote_id=f"remote-{name}")
    if end == "remote":
        return job
    for event in TO_TAKE:
        job = store.move(job, event, at, take_sha256="e" * 64, take=f"/takes/{name}.mp4")
    ledger.record(name, "oxen", Money(Decimal("1.68"), "USD"), at)
    return job


def an_attempt(job: Job, name: str, asset_url: str, at: datetime) -> Attempt:
    """The paid request of a job that is ready."""
    return Attempt(
        id=name,
        job_id=job.id,
        provider=job.request.provider,
        account="me",
        state=AttemptState.INTENT,
        asset_url=asset_url,
        body_sha256="b" * 64,
        intent_at=at,
    )


def fill(database: Database, count: int, *, seed: int = 0, first: int = 0) -> None:
    """So many jobs of all ends, and some of everything else."""
    random, store, ledger = Random(seed), JobStore(database), Ledger(database)
    for number in range(first, first + count):
        at = BEGUN + timedelta(minutes=number)
        grow(store, ledger, f"job-{number}", random.choice(ENDS), at)
    Settings(database).update(theme="dark", takes=2 + first % 2, upload_consent=frozenset({"oxen"}))
    drafts, library = DraftStore(database), LibraryStore(database)
    for number in range(first, first + 3):
        drafts.save(Draft(id=f"draft-{number}", prompt=("Make it snow",)), position=number, is_open=True, at=BEGUN)
        library.put(an_element(f"element-{number}"))


def an_element(name: str) -> LibraryElement:
    """One of the library."""
    return LibraryElement(id=name, name=name, frontal=f"/library/{name}.png", created_at=BEGUN, changed_at=BEGUN)


def content(database: Database) -> Content:
    """Every row of every table that holds something of the person's, as far as this version has the table."""
    there = {row["name"] for row in database.read("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return {
        name: sorted((tuple(row) for row in database.read(f"SELECT * FROM {name}")), key=repr)
        for name in TABLES
        if name in there
    }


def content_of(journal: Path) -> Content:
    """The same of a journal that can be opened."""
    database = open_database(journal)
    try:
        return content(database)
    finally:
        database.close()


_LIFE = """
import os, signal, sys
from pathlib import Path
from klingstudio.store.database import open_database
from tests.fakes.journals import fill
database = open_database(Path(sys.argv[1]))
for first, count in zip(sys.argv[2::2], sys.argv[3::2]):
    fill(database, int(count), seed=int(first), first=int(first))
os.kill(os.getpid(), signal.SIGKILL)
"""


def fill_and_be_killed(journal: Path, *spans: tuple[int, int]) -> None:
    """The same in a process that is killed afterwards: its last changes are in SQLite's log. Spans: (first, count)."""
    words: Sequence[str] = [str(number) for span in spans for number in span]
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", _LIFE, str(journal), *words],
        cwd=root,
        env=os.environ | {"PYTHONPATH": root},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.returncode


def released(journal: Path, version: int, *, jobs: int) -> Content:
    """A journal as the program of that schema left it, with rows in every table; what is in it."""
    scripts = schema.scripts()[:version]
    with closing(connect(journal)) as sql:
        sql.execute("PRAGMA journal_mode = WAL")
        for number, script in enumerate(scripts, 1):
            sql.executescript(
                f"{script} PRAGMA application_id = {schema.APPLICATION_ID}; PRAGMA user_version = {number};"
            )
        sql.executemany("INSERT INTO transition VALUES (?, ?, ?)", [(*key, dst) for key, dst in TRANSITIONS.items()])
        database = Database(sql)
        store, ledger = JobStore(database), Ledger(database)
        for number in range(jobs):
            grow(store, ledger, f"job-{number}", ENDS[number % len(ENDS)], BEGUN + timedelta(minutes=number))
        Settings(database).update(theme="dark")
        if version >= 2:
            DraftStore(database).save(Draft(id="a", prompt=("Make it snow",)), position=0, is_open=True, at=BEGUN)
            LibraryStore(database).put(an_element("a"))
        return content(database)
