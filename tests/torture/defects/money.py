"""Defects that cost money: a request too many, one too early, one that is forgotten.

Where the journal's triggers would refuse what a defect wants, so that no harm can come of it, it takes them away too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from klingstudio.domain.errors import SubmitUnconfirmed
from klingstudio.domain.job import Approval, Attempt, AttemptState, Event, Job, Order, State
from klingstudio.engine import follow, runner, submit
from klingstudio.engine.course import Course
from klingstudio.engine.queue import JobQueue
from klingstudio.net.api import Api
from klingstudio.net.errors import SendingWatch
from klingstudio.net.reply import Reply
from klingstudio.providers.base import Provider, Receipt
from klingstudio.store import database, schema
from klingstudio.store.jobs import JobStore
from klingstudio.store.ledger import Ledger


def without(*names: str) -> None:
    """Take triggers and indexes out of the journal."""
    migrate = schema.migrate

    def weakened(connection: sqlite3.Connection) -> None:
        migrate(connection)
        for name in names:
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
            connection.execute(f"DROP INDEX IF EXISTS {name}")

    database.migrate = weakened  # type: ignore[attr-defined]


def send_before_intent() -> None:
    """The request leaves first, and is written down when it was answered."""
    intend, send = JobStore.intend, submit._send
    late: dict[str, Callable[[], Job]] = {}

    def promised(store: JobStore, job: Job, attempt: Attempt, at: datetime) -> Job:
        late[attempt.id] = lambda: intend(store, job, attempt, at)
        return replace(job, state=State.SUBMITTING, problem=None, paused=False)

    async def sent(course: Course, provider: Provider, attempt: Attempt, order: Order) -> None:
        class Early:
            async def submit(self, order: Order) -> Receipt:
                try:
                    return await provider.submit(order)
                finally:
                    late.pop(attempt.id)()

        await send(course, Early(), attempt, order)  # type: ignore[arg-type]

    JobStore.intend = promised  # type: ignore[assignment, method-assign]
    submit._send = sent


def retry_on_timeout() -> None:
    """What every client library does with a request that was not answered."""
    order = Api.order

    async def tried(self: Api, *args: Any, **kwargs: Any) -> Reply:
        for _ in range(2):
            try:
                return await order(self, *args, **kwargs)
            except SubmitUnconfirmed:
                continue
        return await order(self, *args, **kwargs)

    Api.order = tried  # type: ignore[method-assign]


def timeout_is_not_sent() -> None:
    """A lost answer is taken for a request that never left."""

    async def deaf(self: SendingWatch, name: str, info: object) -> None:
        del name, info

    SendingWatch.__call__ = deaf  # type: ignore[method-assign]


def restart_to_ready() -> None:
    """A start takes what was out for what was not sent."""
    unwind = JobStore.unwind

    def hopeful(self: JobStore, job: Job, at: datetime) -> Job:
        if job.state is not State.SUBMITTING:
            return unwind(self, job, at)
        attempt = next(one for one in self.attempts(job.id) if one.state is AttemptState.INTENT)
        return self.settle(job, attempt.id, AttemptState.NOT_SENT, Event.NOT_SENT, at)

    JobStore.unwind = hopeful  # type: ignore[method-assign]


def resubmit_on_empty_list() -> None:
    """What the list does not show is ordered again, with an approval of the program's own."""
    look = follow.look

    async def looked(course: Course) -> None:
        await look(course)
        unknown = next((one for one in course.attempts() if one.state is AttemptState.UNKNOWN), None)
        if course.job.state is State.UNCONFIRMED and unknown is not None:
            now = course.around.now()
            approval = Approval(id=course.around.new_id(), job_id=course.job.id, cap_cents=10_000, at=now)
            course.replace(course.around.store.approve(course.job, approval, unknown.id, now))

    runner.look = looked  # type: ignore[attr-defined]


def resubmit_after_404() -> None:
    """A job that the provider denies is ordered once more."""
    move = Course.move

    def moved(self: Course, event: Event, **changes: Any) -> None:
        move(self, event, **changes)
        if event is Event.REMOTE_MISSING:
            store, now = self.around.store, self.around.now()
            draft = Job(
                id=self.around.new_id(), state=State.DRAFT, request=self.job.request, created_at=now, updated_at=now
            )
            store.create(draft)
            self._welcome(store.move(draft, Event.PREPARE, now))

    Course.move = moved  # type: ignore[method-assign]
    follow.MISSING_FOR_S = 0.0


def approval_not_spent() -> None:
    """A "send again" stays good for ever."""
    without("approval_spent")


def double_enqueue() -> None:
    """One click, two orders."""
    enqueue = JobQueue.enqueue

    def twice(self: JobQueue, *args: Any, **kwargs: Any) -> tuple[Job, ...]:
        enqueue(self, *args, **kwargs)
        return enqueue(self, *args, **kwargs)

    JobQueue.enqueue = twice  # type: ignore[method-assign]


def call_it_failed() -> None:
    """An outcome that nobody knows is called a refusal."""

    def rejected(course: Course, attempt: Attempt, why: Any) -> None:
        course.settle(attempt, AttemptState.REJECTED, Event.REJECTED, problem=why)

    submit._unknown = rejected


def swallow_the_second_id() -> None:
    """Of several ids in one answer the first is kept, and nobody looks for the others."""
    accept = Course.accept

    def first_only(self: Course, attempt: Attempt, event: Event, remote_ids: Any, **changes: Any) -> None:
        accept(self, attempt, event, remote_ids[:1], **changes)

    async def blind(course: Course, provider: object) -> None:
        del course, provider

    Course.accept = first_only  # type: ignore[method-assign]
    follow.gather = blind


def attach_twice() -> None:
    """An id that belongs to a job already is attached to another one; the journal would not have it."""

    def none_at_all(self: JobStore, provider: str) -> frozenset[str]:
        del self, provider
        return frozenset()

    JobStore.attached_ids = none_at_all  # type: ignore[method-assign]
    without("one_remote")


def forget_the_charge() -> None:
    """What the provider tells of the price gets lost."""

    def forgotten(self: Ledger, *args: Any) -> None:
        del self, args

    Ledger.record = forgotten  # type: ignore[assignment, method-assign]


def two_tasks_for_one_job() -> None:
    """Two at once go on with each job. The journal knows where it stands, and lets one of them move it."""
    start = JobQueue._start

    def twice(self: JobQueue, job_id: str) -> None:
        start(self, job_id)
        self._tasks.start(f"{job_id} again", self._run(self._courses[job_id]), on_error=lambda error: None)

    JobQueue._start = twice  # type: ignore[method-assign]
