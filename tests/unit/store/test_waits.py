"""How long edits took at a provider, from the person's own history and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from klingstudio.domain.job import Attempt, AttemptState, Event, Job, State, Wait
from klingstudio.domain.request import Request, Tier
from klingstudio.store.database import open_database
from klingstudio.store.jobs import WAITS_MOST, JobStore

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TO_READY = (Event.PREPARE, Event.PREPARED, Event.UPLOAD, Event.UPLOADED)
TO_TAKE = (Event.DOWNLOAD, Event.BYTES_DONE, Event.GOOD)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    database = open_database(tmp_path / "studio.sqlite3")
    yield JobStore(database)
    database.close()


def edit(
    store: JobStore,
    name: str,
    *seconds: float,
    provider: str = "somewhere",
    tier: Tier = Tier.PRO,
    then: tuple[Event, ...] = TO_TAKE,
) -> None:
    """An edit that is seen to be done this long after its POST; each earlier number is a POST that came to nothing."""
    job = Job(
        id=name,
        state=State.DRAFT,
        request=Request(source="/clip.mp4", prompt="snow", provider=provider, tier=tier),
        created_at=NOW,
        updated_at=NOW,
    )
    store.create(job)
    for event in TO_READY:
        job = store.move(job, event, NOW)
    sent = NOW
    for number, wait_s in enumerate(seconds, 1):
        attempt = Attempt(
            id=f"{name}-{number}",
            job_id=name,
            provider=provider,
            account="me",
            state=AttemptState.INTENT,
            asset_url=f"https://there/{name}.mp4",
            body_sha256="00",
            intent_at=sent,
        )
        job = store.intend(job, attempt, sent)
        if number < len(seconds):
            job = store.settle(job, attempt.id, AttemptState.NOT_SENT, Event.NOT_SENT, sent)
            sent += timedelta(seconds=wait_s)
            continue
        job = store.settle(job, attempt.id, AttemptState.ACCEPTED, Event.ACCEPTED, sent, remote_id=name)
        job = store.move(job, Event.REMOTE_OK, sent + timedelta(seconds=wait_s))
    for event in then:
        # The download is no part of the wait.
        job = store.move(job, event, sent + timedelta(hours=5))


def test_without_history_there_is_no_usual_wait(store: JobStore) -> None:
    assert store.usual_wait("somewhere", Tier.PRO) is None


def test_the_usual_wait_is_the_median_from_order_to_done(store: JobStore) -> None:
    for name, seconds in (("a", 100), ("b", 4000), ("c", 140)):
        edit(store, name, seconds)

    assert store.usual_wait("somewhere", Tier.PRO) == Wait(usual_s=140.0, jobs=3)


def test_an_edit_that_was_done_before_it_was_sent_by_a_clock_that_was_set_took_no_time(store: JobStore) -> None:
    edit(store, "a", -300)

    assert store.usual_wait("somewhere", Tier.PRO) == Wait(usual_s=0.0, jobs=1)


def test_an_even_number_of_edits_lies_between_the_middle_two(store: JobStore) -> None:
    edit(store, "a", 100)
    edit(store, "b", 200)

    assert store.usual_wait("somewhere", Tier.PRO) == Wait(usual_s=150.0, jobs=2)


def test_other_providers_and_tiers_do_not_count(store: JobStore) -> None:
    edit(store, "a", 100)
    edit(store, "b", 900, provider="elsewhere")
    edit(store, "c", 40, tier=Tier.STANDARD)

    assert store.usual_wait("somewhere", Tier.PRO) == Wait(usual_s=100.0, jobs=1)
    assert store.usual_wait("somewhere", Tier.STANDARD) == Wait(usual_s=40.0, jobs=1)
    assert store.usual_wait("elsewhere", Tier.STANDARD) is None


def test_only_the_post_that_was_accepted_counts(store: JobStore) -> None:
    edit(store, "a", 3600, 120)

    assert store.usual_wait("somewhere", Tier.PRO) == Wait(usual_s=120.0, jobs=1)


def test_an_edit_whose_take_never_came_does_not_count(store: JobStore) -> None:
    edit(store, "a", 100, then=())

    assert store.usual_wait("somewhere", Tier.PRO) is None


def test_only_the_newest_edits_count(store: JobStore) -> None:
    for number in range(3):
        edit(store, f"old-{number}", 5000)
    for number in range(WAITS_MOST):
        edit(store, f"new-{number}", 60)

    assert store.usual_wait("somewhere", Tier.PRO) == Wait(usual_s=60.0, jobs=WAITS_MOST)
