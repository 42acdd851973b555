"""A backup was put back: nothing that may have been sent since is sent again, and what was ordered since is found."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from klingstudio.domain.errors import TRIED_AS_IT_IS, Charged, Kind, Problem, StudioError
from klingstudio.domain.job import UNSENT, Asset, Attempt, AttemptState, Event, Job, Order, Progress, State
from klingstudio.engine.restored import Found, doubt, is_awaited
from klingstudio.paths import Paths, paths
from klingstudio.providers.base import RemoteJob
from klingstudio.providers.registry import SERVICES
from klingstudio.store.backups import back_up, list_backups
from klingstudio.store.database import Database, open_database
from klingstudio.store.jobs import JobStore
from klingstudio.store.ledger import Ledger
from klingstudio.store.rescue import Way
from klingstudio.store.restorations import RestorationStore
from klingstudio.studio import Studio, check, put_back
from tests.fakes.journals import BEGUN, grow
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio

OWN = "https://own.example/clip.mp4"
PROVIDERS = [entry.info.id for entry in SERVICES if entry.info.hosts_files]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return a_clip(tmp_path / "street.mp4")


def folders(home: Path) -> Paths:
    return paths({"KLINGSTUDIO_HOME": str(home)})


def harm(home: Path) -> Problem:
    """Damage the journal; the problem of the next start."""
    journal = folders(home).database
    journal.write_bytes(journal.read_bytes()[:-4096])
    problem = check(folders(home))
    assert problem is not None
    return problem


def restore_newest(home: Path) -> None:
    problem = harm(home)
    newest = list_backups(folders(home).database)[0]
    put_back(folders(home), problem, Way.BACKUP, newest.path)


class CatchReady:
    """Makes a backup between the upload and the paid request."""

    def __init__(self, studio: Studio, journal: Path) -> None:
        self._journal = journal
        self.made: Path | None = None
        studio.queue.subscribe(self)

    def job_changed(self, job: Job) -> None:
        if job.state is State.READY:
            self.made = back_up(self._journal)

    def job_progress(self, progress: Progress) -> None:
        """Nothing."""


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_job_that_was_ready_in_the_backup_and_sent_since_is_found_and_not_sent_again(
    home: Path, sandbox: Sandbox, clip: Path, provider: str
) -> None:
    async with a_studio(home, sandbox) as studio:
        catch = CatchReady(studio, folders(home).database)
        (job,) = studio.queue.enqueue(a_request(clip, provider=provider))
        await Watch(studio).until(job.id, lambda job: job.state is State.COMPLETED)
        assert catch.made is not None
    restore_newest(home)

    async with a_studio(home, sandbox) as studio:
        assert studio.queue.job(job.id).state is State.UNCONFIRMED
        assert studio.queue.job(job.id).problem.charged is Charged.MAYBE  # type: ignore[union-attr]
        again = await Watch(studio).until(job.id, lambda job: job.state is State.COMPLETED)
        assert len(studio.queue.jobs()) == 1

    assert again.take is not None
    assert len(sandbox.ledger()) == 1


async def test_a_job_of_the_backup_whose_upload_nobody_knows_says_that_it_may_have_been_sent(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        assert back_up(folders(home).database) is not None
        await Watch(studio).until(job.id, lambda job: job.state is State.COMPLETED)
    restore_newest(home)

    async with a_studio(home, sandbox) as studio:
        restored = studio.queue.job(job.id)
        found = await a_stranger(studio, {job.id})
        await asyncio.sleep(0.2)
        assert studio.queue.job(job.id).state is State.DRAFT

    assert restored.state is State.DRAFT
    assert (restored.problem.kind, restored.problem.charged) == (Kind.MAY_BE_SENT, Charged.MAYBE)  # type: ignore[union-attr]
    assert found.state is State.COMPLETED
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_edit_that_was_ordered_after_the_backup_is_found_and_its_take_fetched(
    home: Path, sandbox: Sandbox, clip: Path, provider: str
) -> None:
    async with a_studio(home, sandbox) as studio:
        assert back_up(folders(home).database) is not None
        (job,) = studio.queue.enqueue(a_request(clip, provider=provider))
        first = await Watch(studio).until(job.id, lambda job: job.state is State.COMPLETED)
    restore_newest(home)
    told: list[Found] = []

    async with a_studio(home, sandbox) as studio:
        studio.recovery.hear(told.append)
        found = await a_stranger(studio, set())

    assert (found.state, found.remote_id) == (State.COMPLETED, first.remote_id)
    assert found.take is not None
    assert Path(found.take).read_bytes() == Path(first.take or "").read_bytes()
    assert {one.provider.id: one.jobs for one in told if one.jobs} == {provider: 1}
    assert len(sandbox.ledger()) == 1


async def test_each_list_is_read_once_and_nothing_is_taken_up_twice(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox) as studio:
        assert back_up(folders(home).database) is not None
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, lambda job: job.state is State.COMPLETED)
    restore_newest(home)
    async with a_studio(home, sandbox) as studio:
        await asyncio.gather(studio.recovery.look(), studio.recovery.look())
        found = await a_stranger(studio, set())
        assert not studio.recovery.is_wanted()

    async with a_studio(home, sandbox) as studio:
        assert not studio.recovery.is_wanted()
        assert [job.id for job in studio.queue.jobs()] == [found.id]


async def test_a_list_that_cannot_be_read_is_told_and_read_later(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox) as studio:
        assert back_up(folders(home).database) is not None
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, lambda job: job.state is State.COMPLETED)
    restore_newest(home)
    told: list[Found] = []
    async with a_studio(home, sandbox, key="refused-key", goes_on=False) as studio:
        studio.recovery.hear(told.append)
        await studio.recovery.look()

        assert {one.problem.kind for one in told if one.problem} >= {Kind.KEY_REFUSED}
        assert studio.recovery.is_wanted()
        assert studio.queue.jobs() == ()

    async with a_studio(home, sandbox) as studio:
        assert (await a_stranger(studio, set())).state is State.COMPLETED


async def test_without_any_backup_an_empty_list_still_finds_the_edits_of_the_last_weeks(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, lambda job: job.state is State.COMPLETED)
    put_back(folders(home), harm(home), Way.EMPTY)

    async with a_studio(home, sandbox) as studio:
        assert (await a_stranger(studio, set())).state is State.COMPLETED
    assert len(sandbox.ledger()) == 1


async def test_what_is_enqueued_after_the_restore_is_sent_as_ever(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox):
        assert back_up(folders(home).database) is not None
    restore_newest(home)

    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, lambda job: job.state is State.COMPLETED)
        assert len(studio.queue.jobs()) == 1
    assert len(sandbox.ledger()) == 1


def test_a_job_at_an_address_of_the_person_s_own_is_not_left_to_a_list_that_proves_nothing(tmp_path: Path) -> None:
    """Its own look takes nothing that was made later than the backup, so nobody would take up what was ordered then."""
    database = open_database(tmp_path / "studio.sqlite3")
    store = JobStore(database)
    job = grow(store, Ledger(database), "one", "prepared", BEGUN)
    own = Asset(subject="source", url=OWN, place=OWN)
    job = store.amend(job, BEGUN, request=replace(job.request, source_url=OWN), paused=False)
    job = store.move(job, Event.UPLOAD, BEGUN)
    store.move(job, Event.UPLOADED, BEGUN, assets=(own,), order=Order(path="/run", body="{}"))

    (doubted,) = doubted_in(database)

    assert doubted.state is State.DRAFT
    assert doubted.problem is not None
    assert (doubted.problem.kind, doubted.problem.charged) == (Kind.MAY_BE_SENT, Charged.MAYBE)
    assert store.attempts(job.id) == ()
    database.close()


def test_no_draft_that_one_press_sends_is_taken_for_unsent(tmp_path: Path) -> None:
    database = open_database(tmp_path / "studio.sqlite3")
    store = JobStore(database)
    for kind in (*TRIED_AS_IT_IS, Kind.STOPPED, Kind.REQUEST_REJECTED):
        job = grow(store, Ledger(database), kind, "draft", BEGUN)
        store.amend(job, BEGUN, problem=Problem(kind=kind))

    after = {job.id: job.problem.kind for job in doubted_in(database) if job.problem}

    rested = {Kind.STOPPED: Kind.STOPPED, Kind.REQUEST_REJECTED: Kind.REQUEST_REJECTED}
    assert after == dict.fromkeys(TRIED_AS_IT_IS, Kind.MAY_BE_SENT) | rested
    database.close()


def doubted_in(database: Database) -> tuple[Job, ...]:
    """The jobs after a backup was put back."""
    since = (BEGUN.isoformat(), BEGUN.isoformat())
    database.write(lambda sql: sql.execute("INSERT INTO restoration(at, since) VALUES (?, ?)", since))
    doubt(JobStore(database), RestorationStore(database), BEGUN, lambda: "new")
    return JobStore(database).all()


@pytest.mark.parametrize(
    ("state", "age", "minutes", "is_own", "taken_up"),
    [
        (AttemptState.UNKNOWN, timedelta(hours=1), 60, False, False),
        (AttemptState.UNKNOWN, timedelta(days=80), 60, False, False),
        (AttemptState.UNKNOWN, timedelta(hours=1), 1, True, False),
        # Of the same file on the web, but ordered later: that look is not for this one.
        (AttemptState.UNKNOWN, timedelta(hours=1), 60, True, True),
        (AttemptState.WAIVED, timedelta(days=29), 1, False, False),
        # Nobody looks for it any more.
        (AttemptState.WAIVED, timedelta(days=31), 1, False, True),
        (AttemptState.ACCEPTED, timedelta(hours=1), 1, False, True),
    ],
)
def test_what_no_job_of_the_journal_will_find_is_taken_up(
    state: AttemptState, age: timedelta, minutes: int, is_own: bool, taken_up: bool
) -> None:
    sent = BEGUN - age
    attempt = Attempt(
        id="one-1",
        job_id="one",
        provider="oxen",
        account="a",
        state=state,
        asset_url=OWN,
        body_sha256="",
        intent_at=sent,
    )
    listed = RemoteJob(remote_id="r", input_video=OWN, created_at=sent + timedelta(minutes=minutes))

    assert is_awaited(listed, [attempt], BEGUN, is_own=is_own) is not taken_up


def test_a_journal_that_is_in_order_is_not_replaced(home: Path) -> None:
    assert check(folders(home)) is None

    with pytest.raises(StudioError):
        put_back(folders(home), Problem(kind=Kind.STUDIO_BUSY), Way.EMPTY)


async def a_stranger(studio: Studio, known: set[str], limit_s: float = 20) -> Job:
    """The first job that is none of these, when it rests."""
    async with asyncio.timeout(limit_s):
        while True:
            for job in studio.queue.jobs():
                if job.id not in known and not job.is_active and job.state not in UNSENT:
                    return job
            await asyncio.sleep(0.01)
