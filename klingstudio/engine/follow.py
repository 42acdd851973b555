"""A job at the provider: finding it again after a lost answer, polling it, cancelling it, learning its charge."""

from __future__ import annotations

import asyncio
import logging
from typing import assert_never

from klingstudio.domain.errors import (
    Charged,
    KeyProblem,
    Kind,
    NetworkProblem,
    Problem,
    ProviderRefused,
    StudioError,
    UnexpectedReply,
)
from klingstudio.domain.job import TRANSITIONS, UNSENT, Attempt, CancelAnswer, Event, State
from klingstudio.domain.price import Money
from klingstudio.engine import reconcile
from klingstudio.engine.course import Course
from klingstudio.engine.doubt import Doubtful
from klingstudio.providers.base import Cancelled, Failed, Finished, Following, Missing, RemoteStatus, Waiting

log = logging.getLogger(__name__)

POLL_FIRST_S = 1.0
"""Providers find a bad parameter only when they run the job, so the first polls come soon and then ever later."""
POLL_LONGEST_S = 60.0
MISSING_MOST = 3
MISSING_FOR_S = 300.0
"""Counted in seconds waited: the clock of the wall may jump."""
CANCEL_TRIES = 3
LINK_WITHIN_S = 600.0
"""How long an edit that is done may stay without a link, in seconds waited."""
CHARGE_WITHIN_S = 10.0
"""A finished take waits no longer than this for its charge; its link may die."""


async def look(course: Course) -> None:
    """Look for a lost job at the provider, once. Its absence changes nothing."""
    await course.rest(reconcile.pause_before_look(course.looks))
    course.looks += 1
    is_missing = course.job.state is State.REMOTE_MISSING
    kind = Kind.JOB_NOT_KNOWN if is_missing else Kind.SUBMIT_UNCONFIRMED
    try:
        async with course.around.pace.look(course):
            if await (_is_known_again(course) if is_missing else find(course)):
                return
    except KeyProblem:
        raise
    except (NetworkProblem, UnexpectedReply) as error:
        # Nobody was there to be asked: the schedule goes on when somebody is.
        log.info("could not look: %s", error.problem.kind)
        course.looks -= 1
        return
    except ProviderRefused as error:
        # It will not get better by itself, so the person has to know why nobody finds it.
        course.note(Problem(kind=kind, detail=error.problem.detail, charged=Charged.MAYBE, raw=error.problem.raw))
        return
    except StudioError as error:
        log.info("could not look: %s", error.problem.kind)
        return
    problem = course.job.problem
    if problem is None or problem.kind is not kind:
        problem = Problem(kind=kind, charged=Charged.MAYBE)
    course.amend(looks=course.job.looks + 1, looked_at=course.around.now(), problem=problem)


async def _is_known_again(course: Course) -> bool:
    provider = await course.ordering_provider()
    if not isinstance(await provider.poll(course.remote), Missing):
        course.move(Event.FOUND, problem=None)
        return True
    attempt = course.ordered_by()
    if ids := await _listed(course, provider, attempt):
        course.correct(ids[0])
    return bool(ids)


async def find(course: Course) -> bool:
    """Read the provider's list for every request of which nobody knows what became; True when one was found.

    Raises:
        KeyProblem: there is no key, or the list that such a request is in cannot be seen with it.
        StudioError: the list could not be read.
    """
    found = False
    unseen: StudioError | None = None
    for number, attempt in enumerate(reconcile.unanswered(course.attempts())):
        try:
            ids = await _seen(course, attempt)
        except (KeyProblem, ProviderRefused) as error:
            # An older request of this job may be of the present key's account; the first is the one that is waited for.
            unseen = error if number == 0 else unseen
            continue
        if not ids:
            continue
        log.info("found as %s", ", ".join(ids))
        if (course.job.state, Event.FOUND) in TRANSITIONS:
            course.accept(attempt, Event.FOUND, ids, problem=None, paused=False)
        elif course.job.state in UNSENT:
            # On its way to another request: that one is stopped at its door, where this is looked for again.
            continue
        else:
            course.attach(attempt, ids)
        found = True
    if unseen is not None and not found:
        raise unseen
    return found


async def _seen(course: Course, attempt: Attempt) -> tuple[str, ...]:
    """Ids of a lost request in the list that its account has.

    Raises:
        StudioError: that list could not be read, or may be another one.
    """
    provider = await course.following(attempt)
    ids = await _listed(course, provider, attempt)
    if not ids and isinstance(provider, Doubtful):
        raise provider.doubt
    return ids


async def _listed(course: Course, provider: Following, attempt: Attempt) -> tuple[str, ...]:
    listed = await provider.find(reconcile.look_from(attempt))
    if attempt.asset_url == course.job.request.source_url:
        if isinstance(provider, Doubtful):
            # In the list of another account the person's own address proves nothing.
            return ()
        users = course.around.store.attempts_at(attempt.provider, attempt.asset_url)
        return reconcile.matches_at_own_address(attempt, listed, users, course.job.request.takes)
    attached = course.around.store.attached_ids(attempt.provider)
    return reconcile.matches(attempt, listed, attached)


async def gather(course: Course, provider: Following) -> None:
    """Look once for takes of the same request that the answer, or the list at that time, did not show yet.

    Also when all that were ordered are known: an answer with room for one id does not tell of a second job, which is
    paid for as well.
    """
    attempt = course.ordered_by()
    try:
        async with asyncio.timeout(CHARGE_WITHIN_S):
            ids = await _listed(course, provider, attempt)
    except (StudioError, TimeoutError) as error:
        log.info("could not look for further takes: %s", error)
        return
    if ids:
        course.add(attempt, ids)


async def poll(course: Course) -> None:
    """Ask until the provider says that the job has ended."""
    every_s = course.info.poll_every_s
    sent_at = max((attempt.intent_at for attempt in course.attempts()), default=course.job.created_at)
    wait_s, next_s = 0.0, POLL_FIRST_S
    missing, missing_s, linkless_s, cancels = 0, 0.0, 0.0, 0
    while course.job.state is State.REMOTE:
        course.tell(State.REMOTE, None, max(0.0, (course.around.now() - sent_at).total_seconds()))
        await course.rest(wait_s)
        try:
            async with course.around.pace.look(course):
                provider = await course.ordering_provider()
                is_open = course.job.cancel_answer is not CancelAnswer.STOPPED
                if course.job.cancel_requested_at is not None and is_open and cancels < CANCEL_TRIES:
                    cancels += await _ask_to_stop(course, provider)
                status = await provider.poll(course.remote)
        except (NetworkProblem, UnexpectedReply, ProviderRefused) as error:
            # A poll that fails says nothing about the job: wait longer, never give up, never call it failed.
            course.note(error.problem)
            wait_s = min(POLL_LONGEST_S, max(every_s, wait_s * 1.5))
            continue
        course.note(None)
        linkless_s = linkless_s + wait_s if isinstance(status, Waiting) and status.is_done else 0.0
        if linkless_s >= LINK_WITHIN_S:
            await gather(course, provider)
            # The edit is done and charged: what is missing is a link, and that is asked for from now on.
            course.move(Event.REMOTE_OK, charge=await charge_of(course, provider))
        elif isinstance(status, Missing):
            # The first of them begins the time.
            missing, missing_s = missing + 1, missing_s + (wait_s if missing else 0.0)
            if missing >= MISSING_MOST and missing_s >= MISSING_FOR_S:
                if course.job.cancel_answer is CancelAnswer.STOPPED:
                    # It was taken out of the queue, as was asked: there is nothing left to be known.
                    await _end_cancelled(course, provider)
                    return
                problem = Problem(kind=Kind.JOB_NOT_KNOWN, charged=Charged.MAYBE)
                course.move(Event.REMOTE_MISSING, problem=problem, looks=0)
        else:
            missing, missing_s = 0, 0.0
            await _take_in(course, provider, status)
        wait_s, next_s = min(every_s, next_s), next_s * 2


async def _ask_to_stop(course: Course, provider: Following) -> bool:
    """Ask, where the provider can be asked; False when it did not hear."""
    if not course.info.can_cancel:
        answer = CancelAnswer.IMPOSSIBLE
    else:
        try:
            answer = await provider.cancel(course.remote)
        except (NetworkProblem, UnexpectedReply, ProviderRefused) as error:
            log.info("the cancel did not arrive: %s", error.problem.kind)
            return False
    before = course.job.cancel_answer
    # Once it was told to stop, an end that comes before the next look is no "too late".
    if answer is not before and (before is None or answer is not CancelAnswer.TOO_LATE):
        course.amend(cancel_answer=answer)
    return True


async def _take_in(course: Course, provider: Following, status: RemoteStatus) -> None:
    if not isinstance(status, Waiting):
        await gather(course, provider)
    match status:
        case Waiting():
            words = words_of(status)
            if words != course.job.remote_status:
                course.amend(remote_status=words)
        case Finished(url=url, expires_at=expires_at):
            charge = await charge_of(course, provider)
            expires_at = expires_at or course.job.result_expires_at
            course.move(Event.REMOTE_OK, result_url=url, result_expires_at=expires_at, charge=charge, problem=None)
        case Failed(reason=reason, kind=kind, raw=raw):
            charge = await final_charge_of(course, provider)
            problem = Problem(kind=kind, detail=reason, charged=charged(charge), raw=raw)
            course.move(Event.REMOTE_FAILED, charge=charge, problem=problem)
        case Cancelled():
            await _end_cancelled(course, provider)
        case Missing():
            raise AssertionError("counted by the caller")
        case other:
            assert_never(other)


async def _end_cancelled(course: Course, provider: Following) -> None:
    charge = await final_charge_of(course, provider)
    was_begun = course.job.cancel_answer is not CancelAnswer.STOPPED
    problem = Problem(
        kind=Kind.EDIT_CANCELLED, charged=charged(charge) if was_begun or charge is not None else Charged.NO
    )
    course.move(Event.REMOTE_CANCELLED, charge=charge, problem=problem)


def words_of(status: Waiting) -> str:
    """The provider's own word, with the place in its queue or the newest line of its log where it tells one."""
    place = "" if status.position is None else "next" if status.position == 0 else f"{status.position} before it"
    return " · ".join(part for part in (status.word, place, status.line) if part)


async def charge_of(course: Course, provider: Following) -> Money | None:
    """The real charge, if the provider tells it now; the take must not wait for it."""
    charge = await final_charge_of(course, provider)
    return course.job.charge if charge is None else charge


async def final_charge_of(course: Course, provider: Following) -> Money | None:
    """The real charge of what came to nothing. What was taken with the order may have been given back since."""
    try:
        async with asyncio.timeout(CHARGE_WITHIN_S):
            charge = await provider.charge(course.remote)
    except (StudioError, TimeoutError) as error:
        log.info("the charge is not told: %s", error)
        return None
    if charge is not None:
        course.around.ledger.record(course.job.id, course.job.request.provider, charge, course.around.now())
    return charge


def charged(charge: Money | None) -> Charged:
    """What a job that came to nothing means for the bill."""
    if charge is None:
        return Charged.MAYBE
    return Charged.YES if charge.amount > 0 else Charged.NO
