"""All jobs: takes requests in, carries each unfinished one on, and tells observers what changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from klingstudio.domain.errors import InputRefused, Kind, Problem
from klingstudio.domain.job import (
    UNSENT,
    Approval,
    AttemptState,
    Event,
    Job,
    Progress,
    State,
)
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request
from klingstudio.engine import runner
from klingstudio.engine.course import Course, Surroundings
from klingstudio.engine.tasks import TaskOwner
from klingstudio.logs import about_job

log = logging.getLogger(__name__)

PROGRESS_EVERY_S = 0.1
SUBMIT_GRACE_S = 10.0
"""How long quitting waits for the answer to a request that is out."""

_ANSWERABLE = frozenset({State.UNCONFIRMED, State.REMOTE_MISSING, State.RESULT_UNAVAILABLE})


class JobObserver(Protocol):
    """Somebody who wants to know. Both calls come on the engine's loop and must be quick."""

    def job_changed(self, job: Job) -> None:
        """A stored change."""

    def job_progress(self, progress: Progress) -> None:
        """At most ten a second per job."""


class JobQueue:
    """The engine's face. Every method returns at once; what comes of it reaches the observers."""

    def __init__(self, surroundings: Surroundings, *, on_bug: Callable[[Exception], None]) -> None:
        self._around = surroundings
        self._on_bug = on_bug
        self._tasks = TaskOwner()
        self._courses: dict[str, Course] = {}
        self._order: list[str] = []
        self._observers: list[JobObserver] = []
        self._told: dict[str, tuple[float, State]] = {}
        self._slots: dict[str, asyncio.Semaphore] = {}

    # ------------------------------------------------------------------------------------------------------- life

    def open(self) -> None:
        """Read the journal, apply what an ended program means, and go on with everything that was sent.

        What was not sent yet waits for the person: nothing is ordered because a program was started.
        """
        for job in reversed(self._around.store.recover(self._around.now())):
            self._adopt(job)
            course = self._courses[job.id]
            if job.state in UNSENT and job.state is not State.DRAFT and not job.paused:
                course.amend(paused=True, problem=job.problem or Problem(kind=Kind.INTERRUPTED))
            elif job.state is State.DRAFT and job.problem is None:
                course.amend(problem=Problem(kind=Kind.INTERRUPTED))
            elif job.paused and job.state not in UNSENT:
                # What stopped it may be mended by now (a key, a full disk); asking again is free.
                course.amend(paused=False)
            self._start(job.id)

    async def aclose(self) -> None:
        """Wait a little for an answer that is on its way, then end every task; the journal keeps all of it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SUBMIT_GRACE_S):
                for course in self._courses.values():
                    await course.answered.wait()
        await self._tasks.aclose()

    # -------------------------------------------------------------------------------------------------------- reading

    def jobs(self) -> tuple[Job, ...]:
        """Every job, newest first."""
        return tuple(self._courses[job_id].job for job_id in reversed(self._order))

    def job(self, job_id: str) -> Job:
        """One job, by its id or the unambiguous beginning of it.

        Raises:
            InputRefused: there is none, or there are several.
        """
        found = [known for known in self._order if known.startswith(job_id)] if job_id else []
        if len(found) != 1:
            raise InputRefused(Kind.JOB_UNKNOWN, job_id)
        return self._courses[found[0]].job

    def subscribe(self, observer: JobObserver) -> Callable[[], None]:
        """Hear of changes; the answer ends it."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    # -------------------------------------------------------------------------------------------------- the person's wishes

    def enqueue(self, request: Request, *, takes: int = 1, estimate: Money | None = None) -> tuple[Job, ...]:
        """Record one job per take, on disk before this returns, and begin."""
        made = []
        for _ in range(takes):
            now = self._around.now()
            job = Job(
                id=self._around.new_id(),
                state=State.DRAFT,
                request=request,
                created_at=now,
                updated_at=now,
                estimate=estimate,
            )
            self._around.store.create(job)
            self._adopt(job)
            self._announce(job)
            self._go(job.id)
            made.append(self._courses[job.id].job)
        return tuple(made)

    def cancel(self, job_id: str) -> None:
        """Stop before sending, or ask the provider to stop; the outcome is the provider's."""
        course = self._courses[self.job(job_id).id]
        job = course.job
        if job.state in UNSENT:
            if job.state is State.DRAFT:
                return
            self._tasks.cancel(job.id)
            course.move(Event.STOP, problem=Problem(kind=Kind.STOPPED), paused=False)
        elif job.state in (State.SUBMITTING, State.UNCONFIRMED, State.REMOTE, State.REMOTE_MISSING):
            if job.cancel_requested_at is None:
                course.amend(cancel_requested_at=self._around.now())
            course.nudge()

    def carry_on(self, job_id: str) -> None:
        """Let a paused or stopped job go on. One that ended for good stays as it is."""
        course = self._courses[self.job(job_id).id]
        if course.job.state is State.DRAFT:
            self._go(course.job.id)
        elif course.job.paused:
            course.amend(paused=False)
            self._start(course.job.id)
        else:
            course.nudge()
            self._start(course.job.id)

    def look_again(self, job_id: str) -> None:
        """Read the provider's list, or ask for a fresh link, now."""
        course = self._courses[self.job(job_id).id]
        if course.job.paused:
            course.amend(paused=False)
        course.nudge()
        self._start(course.job.id)

    def send_again(self, job_id: str) -> None:
        """The person's approval of one further paid request for an unconfirmed job. It may charge again.

        Raises:
            InputRefused: this job does not wait for that answer.
        """
        course = self._waiting(job_id, frozenset({State.UNCONFIRMED}))
        self._tasks.cancel(course.job.id)
        attempt = next(a for a in self._around.store.attempts(course.job.id) if a.state is AttemptState.UNKNOWN)
        now = self._around.now()
        estimate = course.job.estimate
        cap = estimate.amount if estimate else course.job.request.max_cost or Decimal(0)
        approval = Approval(id=self._around.new_id(), job_id=course.job.id, cap_cents=int(cap * 100), at=now)
        job = self._around.store.approve(course.job, approval, attempt.id, now)
        self._replace(job)

    def drop(self, job_id: str) -> None:
        """Give up on a job whose outcome or take cannot be had.

        Raises:
            InputRefused: this job does not wait for that answer.
        """
        course = self._waiting(job_id, _ANSWERABLE)
        self._tasks.cancel(course.job.id)
        now = self._around.now()
        unknown = [a for a in self._around.store.attempts(course.job.id) if a.state is AttemptState.UNKNOWN]
        if unknown:
            job = self._around.store.settle(
                course.job, unknown[0].id, AttemptState.WAIVED, Event.USER_ABANDON, now, paused=False
            )
        else:
            job = self._around.store.move(course.job, Event.USER_ABANDON, now, paused=False)
        self._replace(job)

    def found(self, job_id: str, remote_id: str) -> None:
        """The person read the provider's id of a lost job on its own page.

        Raises:
            InputRefused: this job does not wait for that answer, or the id belongs to another job.
        """
        course = self._waiting(job_id, frozenset({State.UNCONFIRMED}))
        remote_id = remote_id.strip()
        attempt = next(a for a in self._around.store.attempts(course.job.id) if a.state is AttemptState.UNKNOWN)
        if not remote_id or remote_id in self._around.store.attached_ids(attempt.provider, attempt.account):
            raise InputRefused(Kind.JOB_UNKNOWN, remote_id or "no id")
        self._tasks.cancel(course.job.id)
        job = self._around.store.settle(
            course.job,
            attempt.id,
            AttemptState.ACCEPTED,
            Event.FOUND,
            self._around.now(),
            remote_id=remote_id,
            problem=None,
            paused=False,
        )
        self._replace(job)

    # ----------------------------------------------------------------------------------------------------------- inside

    def _waiting(self, job_id: str, states: frozenset[State]) -> Course:
        course = self._courses[self.job(job_id).id]
        if course.job.state not in states:
            raise InputRefused(Kind.JOB_NOT_WAITING, course.job.state)
        return course

    def _adopt(self, job: Job) -> None:
        self._courses[job.id] = Course(job, self._around, announce=self._announce, report=self._report)
        if job.id not in self._order:
            self._order.append(job.id)

    def _replace(self, job: Job) -> None:
        """A new course for a job that the person moved; the old one's task is on its way out."""
        self._adopt(job)
        self._announce(job)
        self._start(job.id)

    def _go(self, job_id: str) -> None:
        self._courses[job_id].move(Event.PREPARE, problem=None, paused=False, cancel_requested_at=None)
        self._start(job_id)

    def _start(self, job_id: str) -> None:
        course = self._courses[job_id]
        if course.job.is_active:
            self._tasks.restart(job_id, self._run(course), on_error=self._on_bug)

    async def _run(self, course: Course) -> None:
        provider = course.job.request.provider
        if provider not in self._slots:
            self._slots[provider] = asyncio.Semaphore(self._around.accounts.info(provider).parallel_jobs)
        with about_job(course.job.id):
            # Only local work and uploads queue up: what is already at the provider is always looked after.
            while course.job.is_active and course.job.state in UNSENT:
                async with self._slots[provider]:
                    await runner.run_until_sent(course)
            await runner.run(course)

    def _announce(self, job: Job) -> None:
        for observer in tuple(self._observers):
            observer.job_changed(job)

    def _report(self, progress: Progress) -> None:
        now = time.monotonic()
        at, phase = self._told.get(progress.job_id, (0.0, None))
        is_last = progress.fraction is not None and progress.fraction >= 1
        if phase is progress.phase and now - at < PROGRESS_EVERY_S and not is_last:
            return
        self._told[progress.job_id] = (now, progress.phase)
        for observer in tuple(self._observers):
            observer.job_progress(progress)
