"""All jobs: takes requests in, carries each unfinished one on, and tells observers what changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Protocol

from klingstudio.domain.errors import InputRefused, Kind, Problem, SpendingRefused, StudioError
from klingstudio.domain.job import (
    ATTENTION,
    UNSENT,
    Approval,
    Attempt,
    AttemptState,
    CancelAnswer,
    Event,
    Job,
    Progress,
    State,
)
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request
from klingstudio.engine import afterwards, copies, runner
from klingstudio.engine.course import Course, Surroundings
from klingstudio.engine.finish import is_take
from klingstudio.engine.listen import Listener
from klingstudio.engine.preflight import check_text
from klingstudio.engine.tasks import TaskOwner
from klingstudio.logs import about_job
from klingstudio.store.jobs import is_readable

log = logging.getLogger(__name__)

PROGRESS_EVERY_S = 0.1
SUBMIT_GRACE_S = 9.0
"""How long quitting waits for the answer to a request that is out; with the rest of it no more than ten seconds."""

_CANCELLABLE = frozenset({State.SUBMITTING, State.UNCONFIRMED, State.REMOTE, State.REMOTE_MISSING})


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
        self._begun: list[str] = []
        """What was under way when the journal was read, until somebody works on it."""
        self._observers: list[JobObserver] = []
        self._told: dict[str, tuple[float, State]] = {}
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._listener = Listener(surroundings.accounts, surroundings.pause, heard=self._heard, on_bug=on_bug)

    # ------------------------------------------------------------------------------------------------------- life

    def open(self, *, goes_on: bool = True) -> None:
        """Read the journal, apply what an ended program means, and go on with everything that was sent.

        What was not sent yet waits for the person: nothing is ordered because a program was started.

        Args:
            goes_on: False leaves everything as it is until `go_on`.
        """
        now = self._around.now()
        in_question = self._around.store.unanswered_since(now - afterwards.LOST_FOR)
        begun = []
        for job in reversed(self._around.store.recover(now)):
            self._adopt(job)
            if not is_readable(job):
                continue
            course = self._courses[job.id]
            if job.state in UNSENT and job.state is not State.DRAFT and not job.paused:
                course.amend(paused=True, problem=job.problem or Problem(kind=Kind.INTERRUPTED))
            elif job.state is State.DRAFT and job.problem is None:
                course.amend(problem=Problem(kind=Kind.INTERRUPTED))
            elif job.paused and job.state not in UNSENT:
                # What stopped it may be mended by now (a key, a full disk); asking again is free.
                course.amend(paused=False)
            if course.job.is_active or job.id in in_question or afterwards.is_late(job, now):
                begun.append(course.job)
        # What will be gone soonest goes first.
        begun.sort(key=lambda job: job.result_expires_at or datetime.max.replace(tzinfo=UTC))
        self._begun = [job.id for job in begun]
        if goes_on:
            self.go_on()

    def go_on(self) -> None:
        """Carry on what the journal held; once, and the sooner the better."""
        begun, self._begun = self._begun, []
        for job_id in begun:
            self._start(job_id)
            self._listen(self._courses[job_id].job.request.provider)

    async def aclose(self) -> None:
        """Wait a little for an answer that is on its way, then end every task; the journal keeps all of it."""
        await self._listener.aclose()
        for course in self._courses.values():
            if course.answered.is_set():
                # Nothing new may go out while the last answers come in.
                self._tasks.cancel(course.job.id)
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
        """Record one job per paid request, on disk before this returns, and begin.

        A provider may make several takes of one request: then all but the first become jobs when it is accepted.
        From here on the most that all of them may cost is reserved of the person's limits.

        Args:
            request: one take's; its cap is for one take.
            estimate: for one take.

        Raises:
            InputRefused: a name or the prompt holds bytes that are no text.
            SpendingRefused: a limit has no room for all of them; nothing was recorded.
            StudioError: the journal cannot be written; nothing was recorded.
        """
        check_text(request)
        shares = _shares(takes, self._around.accounts.info(request.provider).takes_per_order)
        jobs = tuple(self._share(request, count, estimate) for count in shares)
        # No wait between the look into the budget and the record: two presses never see the same room.
        self._around.budget.admit(*jobs)
        self._around.store.create(*jobs)
        for job in jobs:
            self._adopt(job)
        for job in jobs:
            self._announce(job)
            self._prepare(job.id)
        return tuple(self._courses[job.id].job for job in jobs)

    def _share(self, request: Request, takes: int, estimate: Money | None) -> Job:
        now = self._around.now()
        cap = None if request.max_cost is None else request.max_cost * takes
        return Job(
            id=self._around.new_id(),
            state=State.DRAFT,
            request=replace(request, takes=takes, max_cost=cap),
            created_at=now,
            updated_at=now,
            estimate=None if estimate is None else estimate * takes,
        )

    def cancel(self, job_id: str) -> None:
        """Stop before sending, or ask the provider to stop; the outcome is the provider's.

        Where the provider cannot be asked, nothing is sent, and the job says so in its `cancel_answer`. What was
        interrupted before it was sent is given up, and with it what it reserves.
        """
        course = self._course(job_id)
        job, now = course.job, self._around.now()
        if job.state is State.DRAFT:
            if job.problem is not None and job.problem.kind is Kind.INTERRUPTED:
                course.amend(problem=Problem(kind=Kind.STOPPED))
            return
        if job.state in UNSENT:
            problem = course.with_older_requests(Problem(kind=Kind.STOPPED))
            self._replace(self._around.store.move(job, Event.STOP, now, problem=problem, paused=False))
        elif job.state in _CANCELLABLE:
            if job.cancel_requested_at is None:
                course.amend(cancel_requested_at=now)
            if job.state is not State.SUBMITTING and not course.info.can_cancel:
                course.amend(cancel_answer=CancelAnswer.IMPOSSIBLE)
            course.nudge()

    def carry_on(self, job_id: str) -> None:
        """Let a paused or stopped job go on, and look again at once for one that waits.

        One that ended for good stays as it is, and so does one that a limit has no room for; it says why.
        """
        course = self._course(job_id)
        if not self._tasks.running(course.job.id):
            # Whatever it was doing, nobody does it any more.
            course.unwind()
        if course.job.state in UNSENT and not course.job.is_active and not self._has_room(course):
            return
        if course.job.state is State.DRAFT:
            self._prepare(course.job.id)
            return
        if course.job.paused:
            course.amend(paused=False)
        course.nudge()
        if course.job.is_active:
            self._start(course.job.id)

    def _has_room(self, course: Course) -> bool:
        try:
            self._around.budget.admit(course.job)
        except SpendingRefused as error:
            course.note(error.problem)
            return False
        return True

    def look_again(self, job_id: str) -> None:
        """Read the provider's list, or ask for a fresh link, now."""
        if self._course(job_id).job.state is not State.DRAFT:
            self.carry_on(job_id)

    def send_again(self, job_id: str) -> None:
        """The person's approval of one further paid request for an unconfirmed job. It may charge again.

        Asked once more where the price has gone above what was approved before anything was sent.

        Raises:
            InputRefused: this job does not wait for that answer.
            SpendingRefused: a limit has no room for one more request; nothing was approved.
        """
        job = self._waiting(job_id, frozenset({State.UNCONFIRMED, State.READY}))
        self._around.budget.admit(job)
        store, now = self._around.store, self._around.now()
        cap = job.estimate.amount if job.estimate else job.request.max_cost or Decimal(0)
        cents = int((cap * 100).to_integral_value(ROUND_CEILING))
        if job.state is State.UNCONFIRMED:
            approval = Approval(id=self._around.new_id(), job_id=job.id, cap_cents=cents, at=now)
            self._replace(store.approve(job, approval, self._unknown(job).id, now))
            return
        unspent = store.unspent_approval(job.id)
        if unspent is None or job.problem is None or job.problem.kind is not Kind.OVER_APPROVAL:
            raise InputRefused(Kind.JOB_NOT_WAITING, job.state)
        self._replace(store.approve_more(job, replace(unspent, cap_cents=cents, at=now), now))

    def drop(self, job_id: str) -> None:
        """Give up on a job whose outcome or take cannot be had. Should it show up later, it is taken up again.

        Raises:
            InputRefused: this job does not wait for that answer.
        """
        job = self._waiting(job_id, ATTENTION)
        store, now = self._around.store, self._around.now()
        if job.state is State.UNCONFIRMED:
            attempt = self._unknown(job)
            self._replace(store.settle(job, attempt.id, AttemptState.WAIVED, Event.USER_ABANDON, now, paused=False))
        else:
            self._replace(store.move(job, Event.USER_ABANDON, now, paused=False))

    def found(self, job_id: str, remote_id: str) -> None:
        """The person read the provider's id of a lost job on its own page.

        Raises:
            InputRefused: this job does not wait for that answer, or the id belongs to another job.
        """
        job = self._waiting(job_id, frozenset({State.UNCONFIRMED}))
        attempt, remote_id = self._unknown(job), remote_id.strip()
        if not remote_id.isprintable() or not remote_id or remote_id in self._known_ids(attempt):
            raise InputRefused(Kind.JOB_UNKNOWN, remote_id or "no id")
        course = self._course(job_id)
        course.accept(attempt, Event.FOUND, [remote_id], problem=None, paused=False)
        self._replace(course.job)

    async def delete_copies(self, job_id: str) -> int:
        """Remove what was uploaded for a job from where it lies; how many files that were.

        Raises:
            InputRefused: they are still needed, or the provider keeps what it has.
            StudioError: the provider did not do it; what was removed before that is recorded.
        """
        job = self.job(job_id)
        with about_job(job.id):
            return await copies.delete(job, self._courses.values(), self._around)

    async def relink(self, job_id: str, place: Path) -> None:
        """The take of a finished job lies there now.

        Raises:
            InputRefused: that is another file.
            DiskProblem: it cannot be read.
        """
        course = self._course(job_id)
        with about_job(course.job.id):
            if not await is_take(course.job, place):
                raise InputRefused(Kind.TAKE_ANOTHER, place.name)
            course.amend(take=str(place), problem=None)

    # ----------------------------------------------------------------------------------------------------------- inside

    def _course(self, job_id: str) -> Course:
        return self._courses[self.job(job_id).id]

    def _waiting(self, job_id: str, states: frozenset[State]) -> Job:
        job = self.job(job_id)
        if job.state not in states:
            raise InputRefused(Kind.JOB_NOT_WAITING, job.state)
        return job

    def _unknown(self, job: Job) -> Attempt:
        return next(a for a in self._around.store.attempts(job.id) if a.state is AttemptState.UNKNOWN)

    def _known_ids(self, attempt: Attempt) -> frozenset[str]:
        return self._around.store.attached_ids(attempt.provider)

    def _adopt(self, job: Job) -> None:
        self._around.budget.note(job)
        self._courses[job.id] = Course(
            job, self._around, announce=self._announce, welcome=self._welcome, report=self._report
        )
        if job.id not in self._order:
            self._order.append(job.id)

    def take_up(self, job: Job) -> None:
        """Carry on a job that came into the journal by another way than `enqueue`."""
        self._welcome(job)

    def _welcome(self, job: Job) -> None:
        """A job that another one's paid request turned out to be as well; the journal has it already."""
        self._adopt(job)
        self._announce(job)
        self._start(job.id)

    def _replace(self, job: Job) -> None:
        """A new course for a job that the person moved; the old one's task is on its way out."""
        self._courses[job.id].retire()
        self._tasks.cancel(job.id)
        self._adopt(job)
        self._announce(job)
        self._start(job.id)

    def _prepare(self, job_id: str) -> None:
        course = self._courses[job_id]
        course.move(Event.PREPARE, problem=None, paused=False, cancel_requested_at=None, cancel_answer=None)
        # Somebody may be looking for an older request of it.
        course.nudge()
        self._start(job_id)

    def _start(self, job_id: str) -> None:
        """See to it that somebody works on the job: the present course's task, if it has one, else a new one."""
        self._tasks.start(job_id, self._run(self._courses[job_id]), on_error=self._on_bug)

    async def _run(self, course: Course) -> None:
        with about_job(course.job.id):
            # A job that rests may be found after all, and then goes on.
            while True:
                await self._run_to_rest(course)
                await afterwards.attend(course)
                if not course.job.is_active:
                    return

    async def _run_to_rest(self, course: Course) -> None:
        try:
            slots = self._slots_of(course.job.request.provider)
        except StudioError as error:
            course.pause(error.problem)
            return
        # Only local work and uploads queue up: what is already at the provider is always looked after.
        while course.job.is_active and course.job.state in UNSENT:
            async with slots:
                await runner.run_until_sent(course)
        await runner.run(course)

    def _slots_of(self, provider_id: str) -> asyncio.Semaphore:
        if provider_id not in self._slots:
            self._slots[provider_id] = asyncio.Semaphore(self._around.accounts.info(provider_id).parallel_jobs)
        return self._slots[provider_id]

    def _listen(self, provider_id: str) -> None:
        """Hear what the provider tells by itself, as long as it is at work for us."""
        if any(
            course.job.state is State.REMOTE and course.job.is_active and course.job.request.provider == provider_id
            for course in self._courses.values()
        ):
            self._listener.listen(provider_id)
        else:
            self._listener.stop(provider_id)

    def _heard(self, provider_id: str, remote_id: str) -> None:
        for course in self._courses.values():
            is_meant = course.job.remote_id == remote_id and course.job.request.provider == provider_id
            if is_meant and not course.is_told_of:
                # Once, so that a stream that repeats itself does not make us ask without end.
                course.is_told_of = True
                course.nudge()

    def _announce(self, job: Job) -> None:
        self._around.budget.note(job)
        self._listen(job.request.provider)
        self._tell(lambda observer: observer.job_changed(job))

    def _report(self, progress: Progress) -> None:
        now = time.monotonic()
        at, phase = self._told.get(progress.job_id, (0.0, None))
        is_last = progress.fraction is not None and progress.fraction >= 1
        if phase is progress.phase and now - at < PROGRESS_EVERY_S and not is_last:
            return
        self._told[progress.job_id] = (now, progress.phase)
        self._tell(lambda observer: observer.job_progress(progress))

    def _tell(self, what: Callable[[JobObserver], None]) -> None:
        for observer in tuple(self._observers):
            try:
                what(observer)
            except Exception as error:  # noqa: BLE001 - who listens badly must not stop a paid job
                self._on_bug(error)


def _shares(takes: int, most: int) -> Iterator[int]:
    """How many takes each paid request makes."""
    while takes > 0:
        yield min(takes, most)
        takes -= most
