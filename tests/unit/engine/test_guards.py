"""What no job is in when it is carried on stops the program's own mistake before it costs anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from klingstudio.domain.errors import DiskProblem, InputRefused, Kind, Problem, StudioError
from klingstudio.domain.job import ENDED, Asset, Event, IllegalMove, Job, State
from klingstudio.domain.request import Request
from klingstudio.engine.course import Course
from klingstudio.engine.runner import _step
from klingstudio.engine.submit import _check_free_space
from klingstudio.media.digest import sha256_of
from klingstudio.paths import paths
from klingstudio.store.database import open_database
from klingstudio.store.jobs import JobStore
from klingstudio.store.ledger import Ledger
from klingstudio.studio import Studio
from tests.fakes.journals import an_attempt, grow
from tests.fakes.studio_run import hurried

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
AT_WORK_OR_AT_REST = set(State) - {
    *(State.PREPARING, State.PREPARED, State.UPLOADING, State.READY, State.UNCONFIRMED, State.REMOTE_MISSING),
    *(State.REMOTE, State.SUCCEEDED, State.RESULT_UNAVAILABLE),
}


@pytest.fixture
async def studio(home: Path) -> AsyncIterator[Studio]:
    """One without any key."""
    environ = {"KLINGSTUDIO_HOME": str(home)}
    studio = await Studio.open(paths(environ), environ, pause=hurried)
    yield studio
    await studio.aclose()


def a_job(state: State = State.DRAFT, provider: str = "oxen") -> Job:
    request = Request(source="/clip.mp4", prompt="snow", provider=provider)
    return Job(id="one", state=state, request=request, created_at=NOW, updated_at=NOW)


def a_course(studio: Studio, job: Job) -> Course:
    return Course(
        job,
        studio.queue._around,
        announce=lambda job: None,
        welcome=lambda job: None,
        report=lambda progress: None,
    )


async def test_a_job_that_rests_or_belongs_to_another_run_is_not_carried_on(studio: Studio) -> None:
    for state in AT_WORK_OR_AT_REST:
        with pytest.raises(IllegalMove):
            await _step(a_course(studio, a_job(state)))


async def test_nothing_is_asked_about_what_a_job_does_not_have(studio: Studio) -> None:
    course = a_course(studio, a_job())

    with pytest.raises(IllegalMove, match="no clip"):
        _ = course.clip
    with pytest.raises(IllegalMove, match="no remote id"):
        _ = course.remote
    with pytest.raises(IllegalMove, match="never sent"):
        course.ordered_by()


async def test_a_run_that_was_replaced_changes_nothing_any_more(studio: Studio) -> None:
    job = a_job()
    studio.queue._around.store.create(job)
    course = a_course(studio, job)
    course.retire()

    with pytest.raises(asyncio.CancelledError):
        course.amend(paused=True)
    with pytest.raises(asyncio.CancelledError):
        course.unwind()
    with pytest.raises(asyncio.CancelledError):
        course.accept(an_attempt(job, "a", "https://hub.example/a.mp4", NOW), Event.ACCEPTED, ["remote"])

    assert studio.queue._around.store.all() == (job,)


@pytest.mark.parametrize("state", sorted(ENDED))
async def test_what_goes_wrong_after_a_job_has_ended_does_not_hide_its_end(studio: Studio, state: State) -> None:
    course = a_course(studio, ended := a_job(state))

    course.pause(Problem(kind=Kind.INTERRUPTED))

    assert course.job == ended


async def test_an_error_that_quotes_a_key_is_stored_without_it(studio: Studio) -> None:
    key = "canary-5ecret-quoted"
    await studio.accounts.set_key("oxen", key)
    job = a_job()
    studio.queue._around.store.create(job)
    course = a_course(studio, job)

    course.pause(Problem(kind=Kind.INTERRUPTED, detail=f"Illegal header value b'Bearer {key}'", raw=f"{{{key}}}"))

    for problem in (course.job.problem, studio.queue._around.store.all()[0].problem):
        assert problem is not None
        assert problem.detail.startswith("Illegal header value")
        assert key not in problem.detail + problem.raw


async def test_more_than_the_disk_has_is_refused_before_anything_is_paid(tmp_path: Path) -> None:
    _check_free_space(tmp_path / "not" / "made yet", 1)

    with pytest.raises(DiskProblem) as full:
        _check_free_space(tmp_path / "not" / "made yet", 1 << 62)

    assert full.value.problem.kind is Kind.DISK_FULL
    assert str(tmp_path) in full.value.problem.detail


async def test_a_job_of_a_provider_that_is_no_more_rests_and_says_so(home: Path) -> None:
    environ = {"KLINGSTUDIO_HOME": str(home)}
    journal = paths(environ).database
    database = open_database(journal)
    JobStore(database).create(replace(a_job(provider="gone"), paused=True))
    database.close()
    studio = await Studio.open(paths(environ), environ, pause=hurried)
    try:
        (job,) = studio.queue.jobs()
        studio.queue._start(job.id)
        await asyncio.sleep(0.05)
        job = studio.queue.job(job.id)
    finally:
        await studio.aclose()

    assert job.paused
    assert job.problem is not None
    assert job.problem.kind is Kind.SETTING_INVALID
    assert "gone" in job.problem.detail


async def test_a_take_of_a_provider_that_is_no_more_stays_a_take(home: Path) -> None:
    environ = {"KLINGSTUDIO_HOME": str(home)}
    database = open_database(paths(environ).database)
    # Its charge was never told, so the program would like to ask for it.
    job = grow(JobStore(database), Ledger(database), "one", "completed", datetime.now(UTC))
    with database.transaction() as sql:
        changes = ("$.request.provider", "gone", "$.charge", job.id)
        sql.execute("UPDATE job SET doc = json_remove(json_set(doc, ?, ?), ?) WHERE id = ?", changes)
    database.close()
    studio = await Studio.open(paths(environ), environ, pause=hurried)
    try:
        await asyncio.sleep(0.05)
        (job,) = studio.queue.jobs()
    finally:
        await studio.aclose()

    assert (job.state, job.paused, job.problem) == (State.COMPLETED, False, None)


async def test_a_take_that_was_moved_is_known_again_and_another_file_is_not_taken_for_it(
    home: Path, tmp_path: Path
) -> None:
    environ = {"KLINGSTUDIO_HOME": str(home)}
    moved, other = tmp_path / "moved.mp4", tmp_path / "other.mp4"
    moved.write_bytes(b"a take")
    other.write_bytes(b"a tale")
    database = open_database(paths(environ).database)
    store = JobStore(database)
    job = grow(store, Ledger(database), "one", "completed", NOW)
    with database.transaction() as sql:
        sql.execute("UPDATE job SET doc = json_set(doc, '$.take_sha256', ?) WHERE id = ?", (sha256_of(moved), job.id))
    database.close()
    studio = await Studio.open(paths(environ), environ, pause=hurried)
    try:
        with pytest.raises(InputRefused) as refused:
            await studio.queue.relink(job.id, other)
        with pytest.raises(DiskProblem):
            await studio.queue.relink(job.id, tmp_path / "gone.mp4")
        assert studio.queue.job(job.id).take == job.take
        await studio.queue.relink(job.id, moved)
        job = studio.queue.job(job.id)
    finally:
        await studio.aclose()

    assert refused.value.problem.kind is Kind.TAKE_ANOTHER
    assert (job.take, job.problem) == (str(moved), None)


async def test_copies_at_one_that_keeps_them_are_not_said_to_be_removed(studio: Studio) -> None:
    keeper = next(info for info in studio.accounts.hosts() if not info.can_delete)
    asset = Asset(subject="source", url="https://cdn.example/a.mp4", place="/a.mp4", host=keeper.id, uploaded_at=NOW)
    job = replace(a_job(State.DRAFT, keeper.id), assets=(asset,))
    studio.queue._around.store.create(job)
    studio.queue._adopt(job)

    with pytest.raises(StudioError) as refused:
        await studio.queue.delete_copies(job.id)

    assert refused.value.problem.kind is Kind.NOT_SUPPORTED
    assert keeper.title in refused.value.problem.detail
    assert not studio.queue.job(job.id).assets[0].is_deleted
