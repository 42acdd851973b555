"""Jobs, their attempts and approvals. Each method is one transaction; when it returns, its effect is on disk."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

import msgspec

from klingstudio.domain.errors import Charged, InputRefused, Kind, Problem
from klingstudio.domain.job import (
    TRANSITIONS,
    Approval,
    Attempt,
    AttemptState,
    Event,
    IllegalMove,
    Job,
    State,
    Wait,
    next_state,
)
from klingstudio.domain.request import Request, Tier
from klingstudio.store.database import Database

log = logging.getLogger(__name__)

WAITS_MOST = 30
"""How many edits the usual wait is taken from: services get faster and slower within weeks."""


Sibling = tuple[Job, Attempt]
"""A take that another job's POST made, as a job of its own: what is known of it as a draft, and its share of the POST."""

_TO_READY = (Event.PREPARE, Event.PREPARED, Event.UPLOAD, Event.UPLOADED)


class JobStore:
    """The journal. Callers hand in the time; nothing here reads a clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[Job, ...]:
        """Every job, newest first. One that cannot be read is there as a stand-in that says so, and cannot be changed."""
        return tuple(_job(row) for row in self._database.read("SELECT * FROM job ORDER BY seq DESC"))

    def create(self, *jobs: Job) -> None:
        """Record new drafts, all or none."""

        def work(sql: sqlite3.Connection) -> None:
            for job in jobs:
                _create(sql, job)

        self._database.write(work)

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
        return self._database.write(lambda sql: _intend(sql, job, attempt, at))

    def settle(
        self,
        job: Job,
        attempt_id: str,
        state: AttemptState,
        event: Event,
        at: datetime,
        siblings: Sequence[Sibling] = (),
        **changes: Any,
    ) -> Job:
        """Record what became of a POST, on the attempt and on the job at once, and every further take that it made.

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
            moved = _move(sql, job, event, at, changes)
            _bear(sql, siblings, at)
            return moved

        return self._database.write(work)

    def attach(self, attempt_id: str, siblings: Sequence[Sibling], at: datetime) -> None:
        """Record what became of an older POST of a job that has gone on without it: its takes are jobs of their own."""

        def work(sql: sqlite3.Connection) -> None:
            _set_attempt(sql, attempt_id, AttemptState.ACCEPTED, None)
            _bear(sql, siblings, at)

        self._database.write(work)

    def add(self, siblings: Sequence[Sibling], at: datetime) -> None:
        """Record further takes of a POST that was accepted before."""
        self._database.write(lambda sql: _bear(sql, siblings, at))

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
            changes = {"problem": None, "paused": False, "looks": 0, "cancel_requested_at": None, "cancel_answer": None}
            return _move(sql, job, Event.USER_RESUBMIT, at, changes)

        return self._database.write(work)

    def approve_more(self, job: Job, approval: Approval, at: datetime) -> Job:
        """The person's answer to a price above the approval that is not spent yet: it is worth more now, and still one.

        Raises:
            IllegalMove: there is none.
        """

        def work(sql: sqlite3.Connection) -> Job:
            raised = sql.execute(
                "UPDATE approval SET cap_cents = ?, at = ? WHERE id = ? AND spent_by IS NULL",
                (approval.cap_cents, approval.at.isoformat(), approval.id),
            )
            if raised.rowcount != 1:
                raise IllegalMove(f"{approval.id} is spent")
            return _amend(sql, job, at, {"problem": None, "paused": False})

        return self._database.write(work)

    def attempts(self, job_id: str) -> tuple[Attempt, ...]:
        """Every POST of a job, oldest first."""
        rows = self._database.read("SELECT * FROM attempt WHERE job_id = ? ORDER BY intent_at, rowid", job_id)
        return tuple(_attempt(row) for row in rows)

    def attempts_since(self, since: datetime) -> tuple[Attempt, ...]:
        """Every POST at or after `since` (UTC), of whichever job, oldest first."""
        rows = self._database.read(
            "SELECT * FROM attempt WHERE intent_at >= ? ORDER BY intent_at, rowid", since.isoformat()
        )
        return tuple(_attempt(row) for row in rows)

    def unanswered_since(self, since: datetime) -> frozenset[str]:
        """Ids of jobs with a POST at or after `since` of which nobody knows what became."""
        rows = self._database.read(
            "SELECT DISTINCT job_id FROM attempt WHERE state IN ('UNKNOWN', 'WAIVED') AND intent_at >= ?",
            since.isoformat(),
        )
        return frozenset(row["job_id"] for row in rows)

    def unspent_approval(self, job_id: str) -> Approval | None:
        """The approval that the next attempt may spend."""
        rows = self._database.read(
            "SELECT * FROM approval WHERE job_id = ? AND spent_by IS NULL ORDER BY at LIMIT 1", job_id
        )
        for row in rows:
            at = datetime.fromisoformat(row["at"])
            return Approval(id=row["id"], job_id=row["job_id"], cap_cents=row["cap_cents"], at=at)
        return None

    def attempts_at(self, provider: str, asset_url: str) -> tuple[Attempt, ...]:
        """Every POST to a provider with this address of the clip, of whichever job and account."""
        rows = self._database.read(
            "SELECT * FROM attempt WHERE provider = ? AND asset_url = ? ORDER BY intent_at, rowid", provider, asset_url
        )
        return tuple(_attempt(row) for row in rows)

    def attached_ids(self, provider: str) -> frozenset[str]:
        """Remote ids that already belong to an attempt at this provider: a renewed key may look like another account."""
        rows = self._database.read(
            "SELECT remote_id FROM attempt WHERE provider = ? AND remote_id IS NOT NULL", provider
        )
        return frozenset(row["remote_id"] for row in rows)

    def usual_wait(self, provider: str, tier: Tier) -> Wait | None:
        """How long the newest completed edits of this kind took there; None where there was none."""
        rows = self._database.read(
            "SELECT max(attempt.intent_at) AS sent, min(event.at) AS done"
            " FROM job"
            " JOIN attempt ON attempt.job_id = job.id AND attempt.state = 'ACCEPTED'"
            " JOIN event ON event.job_id = job.id AND event.ev = 'remote_ok'"
            " WHERE job.state = 'completed' AND attempt.provider = ? AND json_extract(job.doc, '$.request.tier') = ?"
            " GROUP BY job.id ORDER BY job.seq DESC LIMIT ?",
            provider,
            tier,
            WAITS_MOST,
        )
        spans = [datetime.fromisoformat(row["done"]) - datetime.fromisoformat(row["sent"]) for row in rows]
        if not spans:
            return None
        return Wait(usual_s=max(0.0, median(span.total_seconds() for span in spans)), jobs=len(spans))

    def history(self, job_id: str) -> tuple[tuple[State, Event, State], ...]:
        """The job's moves, oldest first."""
        rows = self._database.read("SELECT frm, ev, dst FROM event WHERE job_id = ? ORDER BY seq", job_id)
        return tuple((State(row["frm"]), Event(row["ev"]), State(row["dst"])) for row in rows)

    def recover(self, at: datetime) -> tuple[Job, ...]:
        """Apply what an ended program means to every job, before anything else happens. Returns all jobs."""
        return tuple(self.unwind(job, at) if is_readable(job) else job for job in self.all())

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


def is_readable(job: Job) -> bool:
    """False for the stand-in of one whose stored form cannot be read: of a newer program perhaps, or damaged."""
    return job.problem is None or job.problem.kind is not Kind.JOB_UNREADABLE


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


def _create(sql: sqlite3.Connection, job: Job) -> None:
    sql.execute(
        "INSERT INTO job(id, seq, state, provider, created_at, doc)"
        " SELECT ?, coalesce(max(seq), 0) + 1, ?, ?, ?, ? FROM job",
        (job.id, job.state, job.request.provider, job.created_at.isoformat(), _doc(job)),
    )


def _intend(sql: sqlite3.Connection, job: Job, attempt: Attempt, at: datetime) -> Job:
    _attempting(
        sql,
        "INSERT INTO attempt(id, job_id, provider, account_fp, state, asset_url, body_sha256, intent_at,"
        " approval_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
    return _move(sql, job, Event.INTENT, at, {"problem": None, "paused": False})


def _bear(sql: sqlite3.Connection, siblings: Sequence[Sibling], at: datetime) -> None:
    """Every triggered rule holds for a sibling too, so it goes all the way that its order went."""
    for born, attempt in siblings:
        _create(sql, born)
        job = born
        for event in _TO_READY:
            job = _move(sql, job, event, at, {})
        job = _intend(sql, job, attempt, at)
        _set_attempt(sql, attempt.id, AttemptState.ACCEPTED, attempt.remote_id)
        _move(sql, job, Event.ACCEPTED, at, {"remote_id": attempt.remote_id})


def _amend(sql: sqlite3.Connection, job: Job, at: datetime, changes: dict[str, Any]) -> Job:
    _must_be_readable(job)
    changed = replace(job, updated_at=at, **changes)
    done = sql.execute("UPDATE job SET doc = ? WHERE id = ? AND state = ?", (_doc(changed), job.id, job.state))
    if done.rowcount != 1:
        raise IllegalMove(f"{job.id} is not {job.state} any more")
    return changed


def _move(sql: sqlite3.Connection, job: Job, event: Event, at: datetime, changes: dict[str, Any]) -> Job:
    _must_be_readable(job)
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


def _must_be_readable(job: Job) -> None:
    if not is_readable(job):
        # The stand-in would take the place of what a program that can read it still needs.
        raise InputRefused(Kind.JOB_UNREADABLE, job.id)


def _job(row: sqlite3.Row) -> Job:
    try:
        job, state = msgspec.json.decode(row["doc"], type=Job), State(row["state"])
        # Ten thousand copies at each start would be felt.
        return job if (job.id, job.state) == (row["id"], state) else replace(job, id=row["id"], state=state)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        log.warning("job %s cannot be read: %s", row["id"], error)
        return _stand_in(row)


def _stand_in(row: sqlite3.Row) -> Job:
    known = frozenset(State)
    problem = Problem(kind=Kind.JOB_UNREADABLE, detail=row["id"], charged=Charged.MAYBE)
    try:
        created_at = datetime.fromisoformat(row["created_at"])
    except ValueError:
        created_at = datetime.fromtimestamp(0, UTC)
    return Job(
        id=row["id"],
        # A state that nobody knows could be one in which money is at risk.
        state=State(row["state"]) if row["state"] in known else State.UNCONFIRMED,
        request=Request(source="", prompt="", provider=row["provider"]),
        created_at=created_at,
        updated_at=created_at,
        problem=problem,
        paused=True,
    )


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
