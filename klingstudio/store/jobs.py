"""Jobs, their attempts and approvals. Each method is one transaction; when it returns, its effect is on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from klingstudio.domain.errors import Charged, Kind, Problem
from klingstudio.domain.job import (
    TRANSITIONS,
    Approval,
    Attempt,
    AttemptState,
    Event,
    IllegalMove,
    Job,
    State,
    next_state,
)
from klingstudio.store.database import Database


class JobStore:
    """The journal. Callers hand in the time; nothing here reads a clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[Job, ...]:
        """Every job, newest first."""
        return tuple(_job(row) for row in self._database.read("SELECT state, doc FROM job ORDER BY seq DESC"))

    def create(self, job: Job) -> None:
        """Record a new draft."""
        row = (job.id, job.state, job.request.provider, job.created_at.isoformat(), _doc(job))
        self._database.write(
            lambda sql: sql.execute(
                "INSERT INTO job(id, seq, state, provider, created_at, doc)"
                " SELECT ?, coalesce(max(seq), 0) + 1, ?, ?, ?, ? FROM job",
                row,
            )
        )

    def move(self, job: Job, event: Event, at: datetime, **changes: Any) -> Job:
        """Take one step of the table and store what is now known.

        Raises:
            IllegalMove: the table does not list it, or the job moved meanwhile; nothing changed.
        """
        return self._database.write(lambda sql: _move(sql, job, event, at, changes))

    def amend(self, job: Job, at: datetime, **changes: Any) -> Job:
        """Store changed circumstances without moving the job.

        Raises:
            IllegalMove: the job moved meanwhile; nothing changed.
        """
        return self._database.write(lambda sql: _amend(sql, job, at, changes))

    def intend(self, job: Job, attempt: Attempt, at: datetime) -> Job:
        """Record that a POST is about to leave: attempt and INTENT event, or neither.

        Raises:
            IllegalMove: an attempt is open, was accepted, or needs an approval it does not have.
        """
        row = (
            attempt.id,
            attempt.job_id,
            attempt.provider,
            attempt.account,
            attempt.state,
            attempt.asset_url,
            attempt.body_sha256,
            attempt.intent_at.isoformat(),
            attempt.approval_id,
        )

        def work(sql: sqlite3.Connection) -> Job:
            _attempting(
                sql,
                "INSERT INTO attempt(id, job_id, provider, account_fp, state, asset_url, body_sha256, intent_at,"
                " approval_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *row,
            )
            return _move(sql, job, Event.INTENT, at, {"problem": None, "paused": False})

        return self._database.write(work)

    def settle(self, job: Job, attempt_id: str, state: AttemptState, event: Event, at: datetime, **changes: Any) -> Job:
        """Record what became of a POST, on the attempt and on the job at once.

        `remote_id` in `changes` is stored with the attempt too. The approval of a POST that never left is renewed.
        """

        def work(sql: sqlite3.Connection) -> Job:
            _set_attempt(sql, attempt_id, state, changes.get("remote_id"))
            if state is AttemptState.NOT_SENT:
                sql.execute(
                    "INSERT INTO approval(id, job_id, cap_cents, at)"
                    " SELECT ?, job_id, cap_cents, at FROM approval WHERE spent_by = ?",
                    (attempt_id, attempt_id),
                )
            return _move(sql, job, event, at, changes)

        return self._database.write(work)

    def attach(self, job: Job, attempt_id: str, remote_ids: Sequence[str], at: datetime) -> Job:
        """Record what became of an older POST of a job that has gone on without it; the job stays where it is."""

        def work(sql: sqlite3.Connection) -> Job:
            _set_attempt(sql, attempt_id, AttemptState.ACCEPTED, remote_ids[0])
            return _amend(sql, job, at, {"extra_remote_ids": (*job.extra_remote_ids, *remote_ids)})

        return self._database.write(work)

    def correct(self, job: Job, wrong_id: str, remote_id: str, at: datetime, **changes: Any) -> Job:
        """The provider denies the id that was known, and lists the job under another."""

        def work(sql: sqlite3.Connection) -> Job:
            _attempting(
                sql, "UPDATE attempt SET remote_id = ? WHERE job_id = ? AND remote_id = ?", remote_id, job.id, wrong_id
            )
            return _move(sql, job, Event.FOUND, at, {"remote_id": remote_id} | changes)

        return self._database.write(work)

    def approve(self, job: Job, approval: Approval, attempt_id: str, at: datetime) -> Job:
        """The person's "send again": the open attempt is waived, one new attempt is allowed, the job is READY."""

        def work(sql: sqlite3.Connection) -> Job:
            sql.execute(
                "INSERT INTO approval(id, job_id, cap_cents, at) VALUES (?, ?, ?, ?)",
                (approval.id, approval.job_id, approval.cap_cents, approval.at.isoformat()),
            )
            _set_attempt(sql, attempt_id, AttemptState.WAIVED, None)
            # An older wish to cancel was about the lost request, not about the one that is wanted now.
            changes = {"problem": None, "paused": False, "looks": 0, "cancel_requested_at": None}
            return _move(sql, job, Event.USER_RESUBMIT, at, changes)

        return self._database.write(work)

    def attempts(self, job_id: str) -> tuple[Attempt, ...]:
        """Every POST of a job, oldest first."""
        rows = self._database.read("SELECT * FROM attempt WHERE job_id = ? ORDER BY intent_at, rowid", job_id)
        return tuple(_attempt(row) for row in rows)

    def unanswered_since(self, since: datetime) -> frozenset[str]:
        """Ids of jobs with a POST at or after `since` of which nobody knows what became."""
        rows = self._database.read(
            "SELECT DISTINCT job_id FROM attempt WHERE state IN ('UNKNOWN', 'WAIVED') AND intent_at >= ?",
            since.isoformat(),
        )
        return frozenset(row["job_id"] for row in rows)

    def unspent_approval(self, job_id: str) -> str | None:
        """Id of the approval that the next attempt may spend."""
        rows = self._database.read(
            "SELECT id FROM approval WHERE job_id = ? AND spent_by IS NULL ORDER BY at LIMIT 1", job_id
        )
        return str(rows[0]["id"]) if rows else None

    def attached_ids(self, provider: str, account: str) -> frozenset[str]:
        """Remote ids that already belong to an attempt of this account."""
        rows = self._database.read(
            "SELECT remote_id FROM attempt WHERE provider = ? AND account_fp = ? AND remote_id IS NOT NULL",
            provider,
            account,
        )
        return frozenset(row["remote_id"] for row in rows)

    def history(self, job_id: str) -> tuple[tuple[State, Event, State], ...]:
        """The job's moves, oldest first."""
        rows = self._database.read("SELECT frm, ev, dst FROM event WHERE job_id = ? ORDER BY seq", job_id)
        return tuple((State(row["frm"]), Event(row["ev"]), State(row["dst"])) for row in rows)

    def recover(self, at: datetime) -> tuple[Job, ...]:
        """Apply what an ended program means to every job, before anything else happens. Returns all jobs."""
        for job in self.all():
            self.unwind(job, at)
        return self.all()

    def unwind(self, job: Job, at: datetime) -> Job:
        """The job as it stands when nobody works on it any more.

        A request that may be out is unconfirmed, local work that was cut starts over.
        """
        if (job.state, Event.CRASH) not in TRANSITIONS:
            return job
        if job.state is not State.SUBMITTING:
            return self.move(job, Event.CRASH, at)
        attempt = _open_attempt(self.attempts(job.id))
        problem = Problem(kind=Kind.SUBMIT_UNCONFIRMED, charged=Charged.MAYBE)
        return self.settle(job, attempt.id, AttemptState.UNKNOWN, Event.CRASH, at, problem=problem, looks=0)


def _open_attempt(attempts: Iterable[Attempt]) -> Attempt:
    return next(a for a in attempts if a.state in (AttemptState.INTENT, AttemptState.UNKNOWN))


def _attempting(sql: sqlite3.Connection, statement: str, *values: object) -> None:
    try:
        sql.execute(statement, values)
    except sqlite3.IntegrityError as error:
        raise IllegalMove(str(error)) from error


def _set_attempt(sql: sqlite3.Connection, attempt_id: str, state: AttemptState, remote_id: str | None) -> None:
    statement = "UPDATE attempt SET state = ?, remote_id = coalesce(?, remote_id) WHERE id = ?"
    _attempting(sql, statement, state, remote_id, attempt_id)


def _amend(sql: sqlite3.Connection, job: Job, at: datetime, changes: dict[str, Any]) -> Job:
    changed = replace(job, updated_at=at, **changes)
    done = sql.execute("UPDATE job SET doc = ? WHERE id = ? AND state = ?", (_doc(changed), job.id, job.state))
    if done.rowcount != 1:
        raise IllegalMove(f"{job.id} is not {job.state} any more")
    return changed


def _move(sql: sqlite3.Connection, job: Job, event: Event, at: datetime, changes: dict[str, Any]) -> Job:
    moved = replace(job, state=next_state(job.state, event), updated_at=at, **changes)
    try:
        sql.execute(
            "INSERT INTO event(job_id, frm, ev, dst, at, take_sha256) VALUES (?, ?, ?, ?, ?, ?)",
            (
                job.id,
                job.state,
                event,
                moved.state,
                at.isoformat(),
                moved.take_sha256 if event is Event.GOOD else None,
            ),
        )
    except sqlite3.IntegrityError as error:
        raise IllegalMove(f"{event} in {job.state}: {error}") from error
    sql.execute("UPDATE job SET doc = ? WHERE id = ?", (_doc(moved), job.id))
    return moved


def _doc(job: Job) -> str:
    return msgspec.json.encode(job).decode()


def _job(row: sqlite3.Row) -> Job:
    return replace(msgspec.json.decode(row["doc"], type=Job), state=State(row["state"]))


def _attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(
        id=row["id"],
        job_id=row["job_id"],
        provider=row["provider"],
        account=row["account_fp"],
        state=AttemptState(row["state"]),
        asset_url=row["asset_url"],
        body_sha256=row["body_sha256"],
        intent_at=datetime.fromisoformat(row["intent_at"]),
        approval_id=row["approval_id"],
        remote_id=row["remote_id"],
    )
