"""A job at the provider: finding it again after a lost answer, polling it, cancelling it, learning its charge."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import assert_never

from klingstudio.domain.errors import (
    Charged,
    KeyProblem,
    Kind,
    NetworkProblem,
    Problem,
    StudioError,
    UnexpectedReply,
)
from klingstudio.domain.job import AttemptState, Event, State
from klingstudio.domain.price import Money
from klingstudio.engine import reconcile
from klingstudio.engine.course import Course
from klingstudio.providers.base import Cancelled, Failed, Finished, Missing, Provider, RemoteStatus, Waiting

log = logging.getLogger(__name__)

POLL_FIRST_S = 1.0
"""Providers find a bad parameter only when they run the job, so the first polls come soon and then ever later."""
POLL_LONGEST_S = 60.0
MISSING_MOST = 3
MISSING_FOR = timedelta(minutes=5)
CANCEL_TRIES = 3


async def look(course: Course) -> None:
    """Look for a lost job at the provider, once. Its absence changes nothing."""
    await course.rest(reconcile.pause_before_look(course.job.looks))
    try:
        provider = await course.ordering_provider()
        if course.job.state is State.REMOTE_MISSING:
            if await _is_known_again(course, provider):
                return
        elif await _find(course, provider):
            return
    except KeyProblem:
        raise
    except StudioError as error:
        log.info("could not look: %s", error.problem.kind)
    course.amend(looks=course.job.looks + 1, looked_at=course.around.now())


async def _is_known_again(course: Course, provider: Provider) -> bool:
    known = not isinstance(await provider.poll(course.remote_id), Missing)
    if known:
        course.move(Event.FOUND, problem=None)
    return known


async def _find(course: Course, provider: Provider) -> bool:
    for attempt in reconcile.unanswered(course.attempts()):
        listed = await provider.find(reconcile.look_from(attempt))
        attached = course.around.store.attached_ids(attempt.provider, attempt.account)
        if ids := reconcile.matches(attempt, listed, attached):
            course.settle(
                attempt,
                AttemptState.ACCEPTED,
                Event.FOUND,
                remote_id=ids[0],
                extra_remote_ids=ids[1:],
                problem=None,
            )
            log.info("found as %s", ids[0])
            return True
    return False


async def poll(course: Course) -> None:
    """Ask until the provider says that the job has ended."""
    every_s = course.info.poll_every_s
    sent_at = max((attempt.intent_at for attempt in course.attempts()), default=course.job.created_at)
    wait_s, next_s = 0.0, POLL_FIRST_S
    missing, known_at, cancels = 0, course.around.now(), 0
    while course.job.state is State.REMOTE:
        course.tell(State.REMOTE, None, max(0.0, (course.around.now() - sent_at).total_seconds()))
        await course.rest(wait_s)
        try:
            provider = await course.ordering_provider()
            if course.job.cancel_requested_at is not None and cancels < CANCEL_TRIES:
                cancels += 1
                await provider.cancel(course.remote_id)
            status = await provider.poll(course.remote_id)
        except (NetworkProblem, UnexpectedReply) as error:
            # A poll that fails says nothing about the job: wait longer, never give up, never call it failed.
            course.note(error.problem)
            wait_s = min(POLL_LONGEST_S, max(every_s, wait_s * 1.5))
            continue
        wait_s, next_s = min(every_s, next_s), next_s * 2
        course.note(None)
        if isinstance(status, Missing):
            missing += 1
            if missing >= MISSING_MOST and course.around.now() - known_at >= MISSING_FOR:
                problem = Problem(kind=Kind.JOB_NOT_KNOWN, charged=Charged.MAYBE)
                course.move(Event.REMOTE_MISSING, problem=problem, looks=0)
        else:
            missing, known_at = 0, course.around.now()
            await _take_in(course, provider, status)


async def _take_in(course: Course, provider: Provider, status: RemoteStatus) -> None:
    match status:
        case Waiting(word=word):
            if word != course.job.remote_status:
                course.amend(remote_status=word)
        case Finished(url=url):
            charge = await charge_of(course, provider)
            course.move(Event.REMOTE_OK, result_url=url, charge=charge, problem=None)
        case Failed(reason=reason):
            charge = await charge_of(course, provider)
            problem = Problem(kind=Kind.EDIT_FAILED, detail=reason, charged=_charged(charge))
            course.move(Event.REMOTE_FAILED, charge=charge, problem=problem)
        case Cancelled():
            charge = await charge_of(course, provider)
            problem = Problem(kind=Kind.EDIT_CANCELLED, charged=_charged(charge))
            course.move(Event.REMOTE_CANCELLED, charge=charge, problem=problem)
        case Missing():
            raise AssertionError("counted by the caller")
        case other:
            assert_never(other)


async def charge_of(course: Course, provider: Provider) -> Money | None:
    """The real charge, if the provider tells it now; the take must not wait for it."""
    try:
        charge = await provider.charge(course.remote_id)
    except StudioError as error:
        log.info("the charge is not told: %s", error.problem.kind)
        return course.job.charge
    if charge is None:
        return course.job.charge
    course.around.ledger.record(course.job.id, course.job.request.provider, charge, course.around.now())
    return charge


def _charged(charge: Money | None) -> Charged:
    if charge is None:
        return Charged.MAYBE
    return Charged.YES if charge.amount > 0 else Charged.NO
