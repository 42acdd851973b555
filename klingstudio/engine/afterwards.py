"""What may still become known of a job that rests: a lost request that shows up late, a late charge, a late success.

A dropped or replaced request stays in question for a month: if the provider lists it after all, it was paid for.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from klingstudio.domain.errors import StudioError
from klingstudio.domain.job import QUIET, Event, Job, State
from klingstudio.engine import reconcile
from klingstudio.engine.course import Course
from klingstudio.engine.follow import charge_of, charged, find
from klingstudio.providers.base import Finished

log = logging.getLogger(__name__)

LOST_FOR = timedelta(days=30)
LATE_FOR = timedelta(days=1)
CHARGE_MOST = 4
"""How often in one run of the program a charge is asked for: not every provider tells one."""
CORRECTIONS_MOST = 16
"""The same for an end that a provider may take back: seven hours."""

_RESTS = QUIET | {State.PREPARED, State.READY}
"""The last two: while the person lets them wait."""
_CORRECTABLE = frozenset({State.REMOTE_FAILED, State.REMOTE_CANCELLED})


def is_late(job: Job, now: datetime) -> bool:
    """True while the provider may still correct how the job ended, or tell its charge."""
    is_open = job.state in _CORRECTABLE or (job.state is State.COMPLETED and job.charge is None)
    return is_open and abs(now - job.updated_at) < LATE_FOR


async def attend(course: Course) -> None:
    """Ask ever more rarely until nothing is in question, or the job goes on."""
    asked = 0
    while _rests(course):
        now = course.around.now()
        is_lost = _is_lost(course, now)
        most = CORRECTIONS_MOST if course.job.state in _CORRECTABLE else CHARGE_MOST
        late = asked < most and is_late(course.job, now)
        if not (is_lost or late):
            return
        await course.rest(reconcile.pause_before_look(asked))
        asked += 1
        if not _rests(course):
            return
        try:
            async with course.around.pace.look(course):
                if is_lost:
                    await find(course)
                if late:
                    await _ask_late(course)
        except StudioError as error:
            log.info("could not ask afterwards: %s", error.problem.kind)


def _is_lost(course: Course, now: datetime) -> bool:
    try:
        return any(now - a.intent_at < LOST_FOR for a in reconcile.unanswered(course.attempts()))
    except StudioError as error:
        # The journal cannot be read now; the next start asks it again.
        log.info("could not see whether a request is in question: %s", error.problem.kind)
        return False


def _rests(course: Course) -> bool:
    return course.job.state in _RESTS and not course.job.is_active


async def _ask_late(course: Course) -> None:
    provider = await course.ordering_provider()
    if course.job.state in _CORRECTABLE:
        status = await provider.poll(course.remote)
        if isinstance(status, Finished):
            course.move(Event.REMOTE_OK, result_url=status.url, result_expires_at=status.expires_at, problem=None)
    if course.job.charge is None and (charge := await charge_of(course, provider)) is not None:
        problem = course.job.problem
        course.amend(charge=charge, problem=problem and replace(problem, charged=charged(charge)))
