"""Jobs, their attempts and approvals. Each method is one transaction; when it returns, its effect is on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from klingstudio.domain.job import (
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
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO job(id, seq, state, provider, created_at, doc)"
                " VALUES (?, (SELECT coalesce(max(seq), 0) + 1 FROM job), ?, ?, ?, ?)",
                (job.id, job.state, job.request.provider, job.created_at.isoformat(), _doc(job)),
            )

    def move(self, job: Job, event: Event, at: datetime, **changes: Any) -> Job:
        """Take one step of the table and store what is now known.

        Raises:
            IllegalMove: the table does not list it, or the job moved meanwhile; nothing changed.
        """
        with self._database.transaction() as sql:
            return _move(sql, job, event, at, changes)

    def amend(self, job: Job, at: datetime, **changes: Any) -> Job:
        """Store changed circumstances without moving the job."""
        changed = replace(job, updated_at=at, **changes)
        with self._database.transaction() as sql:
            sql.execute("UPDATE job SET doc = ? WHERE id = ?", (_doc(changed), job.id))
        return changed

    def intend(self, job: Job, attempt: Attempt, at: datetime) -> Job:
        """Record that a POST is about to leave: attempt and INTENT event, or neither.

        Raises:
            IllegalMove: an attempt is open, was accepted, or needs an approval it does not have.
        """
        with self._database.transaction() as sql:
            try:
                sql.execute(
                    "INSERT INTO attempt(id, job_id, provider, account_fp, state, asset_url, body_sha256, intent_at,"
                    " approval_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        attempt.id,
                        attempt.job_id,
                        attempt.provider,
                        attempt.account,
                        attempt.state,
                        attempt.asset_url,
                        attempt.body_sha256,
                        attempt.intent_at.isoformat(),
                        attempt.approval_id,
                    ),
                )
            except sqlite3.IntegrityError as error:
                raise IllegalMove(str(error)) from error
            return _move(sql, job, Event.INTENT, at, {"problem": None, "paused": False})

    def settle(self, job: Job, attempt_id: str, state: AttemptState, event: Event, at: datetime, **changes: Any) -> Job:
        """Record what became of a POST, on the attempt and on the job at once.

        `remote_id` in `changes` is stored with the attempt too.
        """
        with self._database.transaction() as sql:
            try:
                sql.execute(
                    "UPDATE attempt SET state = ?, remote_id = coalesce(?, remote_id) WHERE id = ?",
                    (state, changes.get("remote_id"), attempt_id),
                )
            except sqlite3.IntegrityError as error:
                raise IllegalMove(str(error)) from error
            return _move(sql, job, event, at, changes)

    def approve(self, job: Job, approval: Approval, attempt_id: str, at: datetime) -> Job:
        """The person's "send again": the open attempt is waived, one new attempt is allowed, the job is READY."""
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO approval(id, job_id, cap_cents, at) VALUES (?, ?, ?, ?)",
                (approval.id, approval.job_id, approval.cap_cents, approval.at.isoformat()),
            )
            try:
                sql.execute("UPDATE attempt SET state = 'WAIVED' WHERE id = ?", (attempt_id,))
            except sqlite3.IntegrityError as error:
                raise IllegalMove(str(error)) from error
            return _move(sql, job, Event.USER_RESUBMIT, at, {"problem": None, "paused": False, "looks": 0})

    def attempts(self, job_id: str) -> tuple[Attempt, ...]:
        """Every POST of a job, oldest first."""
        rows = self._database.read("SELECT * FROM attempt WHERE job_id = ? ORDER BY intent_at, rowid", job_id)
        return tuple(_attempt(row) for row in rows)

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
            match job.state:
                case State.SUBMITTING:
                    attempt = _open_attempt(self.attempts(job.id))
                    self.settle(job, attempt.id, AttemptState.UNKNOWN, Event.CRASH, at)
                case State.PREPARING | State.UPLOADING | State.DOWNLOADING | State.VERIFYING:
                    self.move(job, Event.CRASH, at)
                case _:
                    pass
        return self.all()


def _open_attempt(attempts: Iterable[Attempt]) -> Attempt:
    return next(a for a in attempts if a.state in (AttemptState.INTENT, AttemptState.UNKNOWN))


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
