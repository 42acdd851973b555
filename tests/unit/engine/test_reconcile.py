"""What a list may explain of a lost request, and how often it is read for that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from klingstudio.domain.job import Attempt, AttemptState
from klingstudio.engine.reconcile import (
    CLOCK_SLACK,
    SCHEDULE_S,
    SENT_WITHIN,
    look_from,
    matches,
    matches_at_own_address,
    pause_before_look,
)
from klingstudio.providers.base import RemoteJob

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HERE = "https://there/clip.mp4"


def an_attempt(name: str = "lost", state: AttemptState = AttemptState.UNKNOWN, late_s: float = 0.0) -> Attempt:
    return Attempt(
        id=name,
        job_id=name,
        provider="somewhere",
        account="me",
        state=state,
        asset_url=HERE,
        body_sha256="00",
        intent_at=NOW + timedelta(seconds=late_s),
        remote_id=name if state is AttemptState.ACCEPTED else None,
    )


def listed(name: str, late: timedelta | None = timedelta(0), url: str = HERE) -> RemoteJob:
    return RemoteJob(remote_id=name, input_video=url, created_at=None if late is None else NOW + late)


def test_looks_come_ever_more_rarely_and_never_end() -> None:
    pauses = [pause_before_look(looks) for looks in range(100)]

    assert all(earlier <= later for earlier, later in pairwise(pauses))
    assert pauses[: len(SCHEDULE_S)] == list(SCHEDULE_S)
    assert set(pauses[len(SCHEDULE_S) :]) == {SCHEDULE_S[-1]}


def test_an_address_that_was_made_for_one_request_tells_its_job_whatever_the_clocks_say() -> None:
    rows = [listed("a", timedelta(days=-400)), listed("b", None), listed("c", url="https://there/other.mp4")]

    assert matches(an_attempt(), rows, frozenset()) == ("a", "b")
    assert matches(an_attempt(), rows, frozenset({"a"})) == ("b",)


MOST_EARLY, MOST_LATE = -CLOCK_SLACK, SENT_WITHIN + CLOCK_SLACK
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("late", "is_found"),
    [
        (timedelta(0), True),
        (MOST_EARLY, True),
        (MOST_LATE, True),
        (MOST_EARLY - INSTANT, False),
        (MOST_LATE + INSTANT, False),
        (None, False),
    ],
)
def test_at_an_address_of_the_persons_own_only_what_was_made_at_that_time_counts(
    late: timedelta | None, is_found: bool
) -> None:
    lost = an_attempt()

    assert matches_at_own_address(lost, [listed("a", late)], [lost], 1) == (("a",) if is_found else ())
    assert matches_at_own_address(lost, [listed("a", late, "https://there/other.mp4")], [lost], 1) == ()
    assert look_from(lost) == NOW + MOST_EARLY


def test_what_another_request_at_the_same_address_has_is_not_taken_from_it() -> None:
    lost, other = an_attempt(), an_attempt("other", AttemptState.ACCEPTED)

    assert matches_at_own_address(lost, [listed("other"), listed("a")], [lost, other], 1) == ("a",)


@pytest.mark.parametrize("state", [AttemptState.INTENT, AttemptState.UNKNOWN, AttemptState.WAIVED])
def test_two_lost_requests_of_one_time_at_one_address_are_for_the_person_to_tell_apart(state: AttemptState) -> None:
    span_s = (2 * CLOCK_SLACK + SENT_WITHIN).total_seconds()
    lost = an_attempt()

    for late_s in (-span_s, 0.0, span_s):
        assert matches_at_own_address(lost, [listed("a")], [lost, an_attempt("rival", state, late_s)], 1) == ()
    for late_s in (-span_s - 1, span_s + 1):
        assert matches_at_own_address(lost, [listed("a")], [lost, an_attempt("rival", state, late_s)], 1) == ("a",)


def test_more_jobs_than_were_ordered_are_for_the_person_to_tell_apart() -> None:
    lost, rows = an_attempt(), [listed("a"), listed("b")]

    assert matches_at_own_address(lost, rows, [lost], 2) == ("a", "b")
    assert matches_at_own_address(lost, rows, [lost], 1) == ()
