"""Finding a job whose answer was lost in the provider's own list. Pure rules; the runner does the reading.

The address of the uploaded clip is unique per attempt, so equality is proof. Absence is proof of nothing: lists lag.
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
        job.remote_id for job in listed if job.input_video == attempt.asset_url and job.remote_id not in attached
    )
