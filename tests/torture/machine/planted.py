"""Defects that somebody might well make, planted from outside, so that both machines show that they can fail."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from unittest.mock import patch

from klingstudio.domain.job import TRANSITIONS, Approval, Attempt, AttemptState, Event, Job, State
from klingstudio.engine import fetch, follow, submit
from klingstudio.engine.course import Course
from klingstudio.store.jobs import JobStore
from tests.torture.machine import table
from tests.torture.machine.table import TableMachine

Plant = Callable[[], AbstractContextManager[None]]


# ----------------------------------------------------------------------------------------------------------- the table


@contextlib.contextmanager
def habit(name: str, value: bool) -> Iterator[None]:
    """The small engine breaks one of its rules."""
    broken = type("Broken", (table.Habits,), {name: value})
    with patch.object(TableMachine, "habits", broken):
        yield


@contextlib.contextmanager
def row(state: State, event: Event, dst: State) -> Iterator[None]:
    """The table lists one move that it must not."""
    with patch.dict(TRANSITIONS, {(state, event): dst}):
        yield


@contextlib.contextmanager
def restart_to_ready() -> Iterator[None]:
    """What was being sent when the program died is taken for not sent."""

    def unwind(store: JobStore, job: Job, at: datetime) -> Job:
        if (job.state, Event.CRASH) not in TRANSITIONS:
            return job
        if job.state is not State.SUBMITTING:
            return store.move(job, Event.CRASH, at)
        attempt = next(a for a in store.attempts(job.id) if a.state is AttemptState.INTENT)
        return store.settle(job, attempt.id, AttemptState.NOT_SENT, Event.NOT_SENT, at)

    with patch.object(JobStore, "unwind", unwind):
        yield


IN_THE_TABLE: dict[str, Plant] = {
    "the intent is recorded after sending": lambda: habit("intent_before_send", False),
    "what got lost is sent again": lambda: habit("sends_again_when_lost", True),
    "what is not listed is sent again": lambda: habit("sends_again_when_not_listed", True),
    "the final name is given before the check": lambda: habit("verifies_before_name", False),
    "a restart makes it ready": restart_to_ready,
    "a completed job may change": lambda: row(State.COMPLETED, Event.REMOTE_OK, State.SUCCEEDED),
}


# ---------------------------------------------------------------------------------------------------------- the engine


@contextlib.contextmanager
def intent_after_send() -> Iterator[None]:
    """The journal hears of a request when its answer is there."""
    intend, settle = JobStore.intend, JobStore.settle
    late: dict[str, tuple[Job, Attempt, datetime]] = {}

    def remember(store: JobStore, job: Job, attempt: Attempt, at: datetime) -> Job:
        late[job.id] = (job, attempt, at)
        return job

    def settle_late(store: JobStore, job: Job, *rest: Any, **changes: Any) -> Job:
        if job.id in late:
            job = intend(store, *late.pop(job.id))
        return settle(store, job, *rest, **changes)

    with patch.object(JobStore, "intend", remember), patch.object(JobStore, "settle", settle_late):
        yield


@contextlib.contextmanager
def retry_on_timeout() -> Iterator[None]:
    """An answer that did not come is taken for a request that did not leave."""

    def not_sent(course: Course, attempt: Attempt, why: object) -> None:
        course.settle(attempt, AttemptState.NOT_SENT, Event.NOT_SENT)

    with patch.object(submit, "_unknown", not_sent):
        yield


@contextlib.contextmanager
def name_before_check() -> Iterator[None]:
    """A result is given its final name as soon as it has come."""

    async def keep_first(course: Course, finish: Any) -> None:
        take = await fetch._keep(course, finish)
        course.move(Event.GOOD, take=str(take), problem=None)

    with patch.object(fetch, "_verify_and_keep", keep_first):
        yield


@contextlib.contextmanager
def resubmit_when_not_listed() -> Iterator[None]:
    """A list without the job is taken for proof that it was never made."""
    find = follow.find

    async def find_or_send(course: Course) -> bool:
        if await find(course):
            return True
        if course.job.state is State.UNCONFIRMED:
            store, now = course.around.store, course.around.now()
            unknown = next(a for a in course.attempts() if a.state is AttemptState.UNKNOWN)
            approval = Approval(id=course.around.new_id(), job_id=course.job.id, cap_cents=0, at=now)
            course.replace(store.approve(course.job, approval, unknown.id, now))
            return True
        return False

    with patch.object(follow, "find", find_or_send), patch.object(submit, "find", find_or_send):
        yield


@contextlib.contextmanager
def forget_the_second_take() -> Iterator[None]:
    """Of two jobs that the provider made, one is kept."""
    accept = Course.accept

    def first_only(course: Course, attempt: Attempt, event: Event, ids: Any, **changes: Any) -> None:
        accept(course, attempt, event, ids[:1], **changes)

    with patch.object(Course, "accept", first_only):
        yield


@contextlib.contextmanager
def give_up_looking() -> Iterator[None]:
    """A lost request is not looked for after a restart."""
    recover = JobStore.recover

    def drop(store: JobStore, at: datetime) -> tuple[Job, ...]:
        for job in recover(store, at):
            if job.state is State.UNCONFIRMED:
                unknown = next(a for a in store.attempts(job.id) if a.state is AttemptState.UNKNOWN)
                store.settle(job, unknown.id, AttemptState.REJECTED, Event.USER_ABANDON, at)
        return store.all()

    with patch.object(JobStore, "recover", drop):
        yield


IN_THE_ENGINE: dict[str, Plant] = {
    "the intent is recorded after sending": intent_after_send,
    "what got lost is sent again": retry_on_timeout,
    "what is not listed is sent again": resubmit_when_not_listed,
    "the final name is given before the check": name_before_check,
    "a restart makes it ready": restart_to_ready,
    "the second take is forgotten": forget_the_second_take,
    "a lost request is given up at the restart": give_up_looking,
}
