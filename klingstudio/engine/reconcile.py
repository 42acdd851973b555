"""Finding a job whose answer was lost in the provider's own list. Pure rules; the runner does the reading.

The address of the uploaded clip is unique per attempt, so equality is proof; an address of the person's own proves
nothing by itself. Absence is proof of nothing: lists lag.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from klingstudio.domain.job import Attempt, AttemptState
from klingstudio.providers.base import RemoteJob

SCHEDULE_S = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
"""Pauses before the first, second, … look; the last one repeats."""

CLOCK_SLACK = timedelta(minutes=10)
"""The local clock may be wrong by this much when the list is read from the moment of sending."""
SENT_WITHIN = timedelta(minutes=2)
"""A request that was answered at all was answered within this time."""


def pause_before_look(looks: int) -> float:
    """Seconds to wait before look number `looks` + 1."""
    return SCHEDULE_S[min(looks, len(SCHEDULE_S) - 1)]


def unanswered(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Attempts that a list may still explain, the open one first."""
    known = [a for a in attempts if a.state in (AttemptState.UNKNOWN, AttemptState.WAIVED)]
    return tuple(sorted(known, key=lambda a: a.state is not AttemptState.UNKNOWN))


def look_from(attempt: Attempt) -> datetime:
    """From when on the provider's list has to be read, UTC."""
    return attempt.intent_at - CLOCK_SLACK


def matches(attempt: Attempt, listed: Iterable[RemoteJob], attached: frozenset[str]) -> tuple[str, ...]:
    """Ids of listed jobs that came from this attempt and belong to no other, in the list's order."""
    return tuple(
        job.remote_id for job in listed if may_find(attempt, job, is_own=False) and job.remote_id not in attached
    )


def matches_at_own_address(
    attempt: Attempt, listed: Iterable[RemoteJob], users: Iterable[Attempt], takes: int
) -> tuple[str, ...]:
    """Ids of listed jobs that can only have come from this attempt, whose clip is at an address of the person's own.

    Other requests may name the same address. So a job counts only if it was made when this attempt was sent, if no
    other attempt of that time is unexplained, and if there are no more of them than were ordered. Where that is not so
    only the person can tell.

    Args:
        users: every attempt with this address at this provider, whatever its account: a renewed key may look like one.
    """
    users = tuple(users)
    attached = {user.remote_id for user in users}
    span = 2 * CLOCK_SLACK + SENT_WITHIN
    rivals = [
        user
        for user in users
        if user.id != attempt.id and user.state in _UNEXPLAINED and abs(user.intent_at - attempt.intent_at) <= span
    ]
    ids = tuple(
        job.remote_id for job in listed if may_find(attempt, job, is_own=True) and job.remote_id not in attached
    )
    return ids if not rivals and len(ids) <= takes else ()


def may_find(attempt: Attempt, job: RemoteJob, *, is_own: bool) -> bool:
    """True when a look for this request may take the listed job for the one that it made.

    Args:
        is_own: the address of the clip is the person's own.
    """
    if job.input_video != attempt.asset_url:
        return False
    if not is_own:
        return True
    begin, end = attempt.intent_at - CLOCK_SLACK, attempt.intent_at + SENT_WITHIN + CLOCK_SLACK
    return job.created_at is not None and begin <= job.created_at <= end


_UNEXPLAINED = frozenset({AttemptState.INTENT, AttemptState.UNKNOWN, AttemptState.WAIVED})
