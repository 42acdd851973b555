"""What a paid job bears: impatient people, bad listeners, bugs, a journal that cannot be written, late news."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.errors import Charged, InputRefused, Kind
from klingstudio.domain.job import AttemptState, Event, Job, Order, Progress, State
from klingstudio.media.digest import sha256_of
from klingstudio.paths import paths
from klingstudio.providers.base import Receipt
from klingstudio.providers.oxen import Oxen
from klingstudio.store.database import open_database
from klingstudio.store.jobs import JobStore
from klingstudio.store.ledger import Ledger
from klingstudio.studio import Studio
from tests.fakes.journals import BEGUN, grow
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio, hurried


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


def rests(job: Job) -> bool:
    return not job.is_active


def is_in(state: State) -> Any:
    return lambda job: job.state is state


def posts(sandbox: Sandbox) -> int:
    return len(sandbox.requests("POST", "/api/ai/queue"))


def attempts(studio: Studio, job: Job) -> list[AttemptState]:
    return [attempt.state for attempt in studio.queue._around.store.attempts(job.id)]


# ------------------------------------------------------------------------------------------------- impatient people


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        (State.PREPARING, {"call": "upload", "kind": "slow", "seconds": 0}),
        (State.UPLOADING, {"call": "upload", "kind": "slow", "seconds": 0.5}),
        (State.SUBMITTING, {"call": "submit", "kind": "slow", "seconds": 0.5}),
        (State.DOWNLOADING, {"call": "result", "kind": "slow", "seconds": 0.5}),
    ],
)
async def test_pressing_every_button_at_work_disturbs_nothing(
    home: Path, sandbox: Sandbox, clip: Path, state: State, fault: dict[str, Any]
) -> None:
    sandbox.faults([fault])
    seen: list[State] = []
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, is_in(state))
        for _ in range(3):
            studio.queue.carry_on(job.id)
            studio.queue.look_again(job.id)
            await asyncio.sleep(0.02)
        job = await watch.until(job.id, rests)
        seen = [dst for _, _, dst in studio.queue._around.store.history(job.id)]

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 1
    assert State.UNCONFIRMED not in seen
    assert len(seen) == len(set(seen)), "each state once"


async def test_a_stopped_job_that_goes_on_at_once_is_not_disturbed_by_its_former_run(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await asyncio.sleep(0.05)
        for _ in range(5):
            studio.queue.cancel(job.id)
            studio.queue.carry_on(job.id)
            await asyncio.sleep(0.01)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 1


async def test_a_job_that_was_cancelled_while_its_request_was_refused_is_not_sent_again(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    busy = {"call": "submit", "kind": "status", "code": 429}
    sandbox.faults([{"call": "submit", "kind": "slow", "seconds": 0.5}, {**busy, "times": 9}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        sandbox.faults([{**busy, "times": 9}])
        await watch.until(job.id, is_in(State.SUBMITTING))
        studio.queue.cancel(job.id)
        job = await watch.until(job.id, rests)

    assert (job.state, job.problem and job.problem.kind) == (State.DRAFT, Kind.STOPPED)
    assert posts(sandbox) == 1


async def test_sending_again_survives_a_busy_provider_and_an_older_wish_to_cancel(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "reset_before"}, {"call": "submit", "kind": "status", "code": 429}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, is_in(State.UNCONFIRMED))
        studio.queue.cancel(job.id)
        studio.queue.send_again(job.id)
        job = await watch.until(job.id, rests)

        assert attempts(studio, job) == [AttemptState.WAIVED, AttemptState.NOT_SENT, AttemptState.ACCEPTED]
    assert job.state is State.COMPLETED
    assert len(sandbox.ledger()) == 1


async def test_a_key_can_be_tested_while_jobs_run(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        while studio.queue.job(job.id).is_active:
            assert (await studio.accounts.test("oxen")).name
            await asyncio.sleep(0.05)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED


async def test_names_that_are_no_text_are_refused_before_there_is_a_job(home: Path, sandbox: Sandbox) -> None:
    async with a_studio(home, sandbox) as studio:
        for request in (
            a_request(Path("/clips/\udcff.mp4")),
            a_request(Path("/clip.mp4"), prompt="snow \udcff"),
            a_request(Path("/clip.mp4"), out="/takes/\udcff"),
        ):
            with pytest.raises(InputRefused):
                studio.queue.enqueue(request)

        assert studio.queue.jobs() == ()


# ------------------------------------------------------------------------------------------------- faults of our own


class Locking:
    """Makes the journal read-only the moment a job reaches a state."""

    def __init__(self, studio: Studio, state: State) -> None:
        self._database = studio.queue._around.store._database
        self._state = state
        studio.queue.subscribe(self)

    def job_changed(self, job: Job) -> None:
        if job.state is self._state and not job.paused:
            self._database.read("PRAGMA query_only = ON")

    def job_progress(self, progress: Progress) -> None:
        pass

    def unlock(self) -> None:
        self._state = State.ABANDONED
        self._database.read("PRAGMA query_only = OFF")


class BadListener:
    def job_changed(self, job: Job) -> None:
        raise BrokenPipeError("nobody reads this")

    def job_progress(self, progress: Progress) -> None:
        raise RuntimeError("a slot with a bug")


async def test_a_listener_that_fails_does_not_disturb_the_job(home: Path, sandbox: Sandbox, clip: Path) -> None:
    heard: list[Exception] = []
    async with a_studio(home, sandbox) as studio:
        studio.queue._on_bug = heard.append
        studio.queue.subscribe(BadListener())
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 1
    assert {type(error) for error in heard} == {BrokenPipeError, RuntimeError}


@pytest.mark.log_ok
async def test_a_bug_leaves_the_job_in_sight_and_ready_to_go_on(home: Path, sandbox: Sandbox, clip: Path) -> None:
    bugs = ["one"]
    heard: list[Exception] = []

    async def clumsy(seconds: float, until: asyncio.Event) -> None:
        if bugs and seconds > 0.5 and sandbox.requests("GET", "/api/ai/queue/"):
            raise ZeroDivisionError(bugs.pop())
        await hurried(seconds, until)

    async with a_studio(home, sandbox, pause=clumsy, on_bug=heard.append) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await watch.until(job.id, rests)
        assert (job.state, job.paused) == (State.REMOTE, True)
        assert job.problem is not None
        assert (job.problem.kind, job.problem.detail) == (
            Kind.INTERRUPTED,
            "an error of the program (ZeroDivisionError)",
        )
        assert job.problem.charged is Charged.MAYBE

        studio.queue.carry_on(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert [type(error) for error in heard] == [ZeroDivisionError]
    assert posts(sandbox) == 1


async def test_a_journal_that_cannot_be_written_after_paying_loses_nothing(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "slow", "seconds": 0.5}])
    async with a_studio(home, sandbox) as studio:
        watch, journal = Watch(studio), Locking(studio, State.SUBMITTING)
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await watch.until(job.id, rests)
        assert job.paused
        assert job.problem is not None
        assert (job.problem.kind, job.problem.charged) == (Kind.DISK_UNWRITABLE, Charged.MAYBE)

        journal.unlock()
        studio.queue.carry_on(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 1


async def test_an_intent_that_cannot_be_recorded_is_not_sent(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox) as studio:
        watch, journal = Watch(studio), Locking(studio, State.READY)
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await watch.until(job.id, rests)
        assert (job.state, job.paused) == (State.READY, True)
        assert posts(sandbox) == 0

        journal.unlock()
        studio.queue.carry_on(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 1


async def test_a_take_whose_folder_vanishes_goes_into_the_programs_own_and_says_so(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    folder = home.parent / "not a folder"
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip, out=str(folder)))
        await watch.until(job.id, is_in(State.REMOTE))
        folder.write_text("in the way")
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert job.take is not None
    assert Path(job.take).parent == home / "takes"
    assert Path(job.take).is_file()
    assert job.problem is not None
    assert (job.problem.kind, job.problem.charged) == (Kind.TAKE_ELSEWHERE, Charged.YES)
    assert str(folder) in job.problem.detail


async def test_takes_that_no_folder_can_hold_wait_for_the_person(home: Path, sandbox: Sandbox, clip: Path) -> None:
    places = (home.parent / "not a folder", home / "takes", home / "data" / "takes")
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip, out=str(places[0])))
        await watch.until(job.id, is_in(State.REMOTE))
        for place in places:
            place.write_text("in the way")
        job = await watch.until(job.id, rests)
        assert (job.state, job.paused) == (State.SUCCEEDED, True)
        assert job.problem is not None
        assert (job.problem.kind, job.problem.charged) == (Kind.DISK_UNWRITABLE, Charged.YES)

        for place in places:
            place.unlink()
        studio.queue.carry_on(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert job.take is not None
    assert Path(job.take).parent == places[0]
    assert job.problem is None


class Pulling:
    """Pulls the stick out the moment the first take on it is checked."""

    def __init__(self, studio: Studio, stick: Path) -> None:
        self._stick = stick
        self.pulled_out = 0
        studio.queue.subscribe(self)

    def job_changed(self, job: Job) -> None:
        if job.state is State.VERIFYING and not self.pulled_out:
            self.pulled_out += 1
            self._stick.rename(self._stick.with_name("in a pocket"))
            self._stick.write_text("no folder any more")

    def job_progress(self, progress: Progress) -> None:
        pass


async def test_a_stick_that_is_pulled_out_while_the_take_is_checked_costs_nothing(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    stick = home.parent / "stick"
    async with a_studio(home, sandbox) as studio:
        watch, pulling = Watch(studio), Pulling(studio, stick)
        (job,) = studio.queue.enqueue(a_request(clip, out=str(stick)))
        job = await watch.until(job.id, rests)

    assert pulling.pulled_out == 1
    assert job.state is State.COMPLETED
    assert job.take is not None
    assert Path(job.take).parent == home / "takes"
    assert job.problem is not None
    assert job.problem.kind is Kind.TAKE_ELSEWHERE
    assert posts(sandbox) == 1


@pytest.mark.log_ok
async def test_a_bug_between_the_request_and_its_id_does_not_look_like_not_sent(
    home: Path, sandbox: Sandbox, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Exception] = []
    submit = Oxen.submit

    async def forgetful(self: Oxen, order: Order) -> Receipt:
        await submit(self, order)
        raise ZeroDivisionError

    monkeypatch.setattr(Oxen, "submit", forgetful)
    async with a_studio(home, sandbox, on_bug=heard.append) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await watch.until(job.id, is_in(State.UNCONFIRMED))
        assert job.problem is not None
        assert job.problem.charged is Charged.MAYBE
        job = await watch.until(job.id, rests)
        assert job.problem is not None
        assert job.problem.kind is Kind.SUBMIT_UNCONFIRMED
        studio.queue.carry_on(job.id)
        job = await watch.until(job.id, is_in(State.COMPLETED))

    assert [type(error) for error in heard] == [ZeroDivisionError]
    assert posts(sandbox) == 1


async def test_a_take_that_has_its_name_already_is_not_fetched_again(home: Path, tmp_path: Path) -> None:
    """The program had ended between the rename and its commit; the link may be dead by now, and there is no key."""
    take = tmp_path / "snow.mp4"
    take.write_bytes(b"a take")
    environ = {"KLINGSTUDIO_HOME": str(home)}
    database = open_database(paths(environ).database)
    store = JobStore(database)
    job = grow(store, Ledger(database), "one", "remote", BEGUN)
    planned = {"planned_take": str(take), "take_sha256": sha256_of(take), "result_url": "https://gone.invalid/x.mp4"}
    store.move(job, Event.REMOTE_OK, BEGUN, **planned)
    database.close()

    studio = await Studio.open(paths(environ), environ, pause=hurried)
    try:
        job = await Watch(studio).until("one", rests)
    finally:
        await studio.aclose()

    assert (job.state, job.take) == (State.COMPLETED, str(take))
    assert take.read_bytes() == b"a take"


# ------------------------------------------------------------------------------------------------------- late news


async def test_a_dropped_job_that_shows_up_later_is_taken_up_again(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "drop_after"}, {"call": "list", "kind": "list_empty", "times": 999}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, lambda job: job.looks >= 1)
        studio.queue.drop(job.id)
        await watch.until(job.id, is_in(State.ABANDONED))

    sandbox.faults([])
    async with a_studio(home, sandbox) as studio:
        job = await Watch(studio).until(job.id, is_in(State.COMPLETED))

        assert attempts(studio, job) == [AttemptState.ACCEPTED]
    assert posts(sandbox) == 1


async def test_a_replaced_request_that_shows_up_later_is_kept_beside_the_new_one(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "drop_after"}, {"call": "list", "kind": "list_empty", "times": 999}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, lambda job: job.looks >= 1)
        studio.queue.send_again(job.id)
        await watch.until(job.id, is_in(State.COMPLETED))
        sandbox.faults([])
        await watch.until(job.id, lambda job: len(studio.queue.jobs()) == 2)
        other = await watch.until(studio.queue.jobs()[0].id, rests)
        job = studio.queue.job(job.id)

        assert attempts(studio, job) == [AttemptState.ACCEPTED] * 2
    assert [job.state, other.state] == [State.COMPLETED] * 2
    assert other.ordered_with == job.id
    assert {row["generation_id"] for row in sandbox.ledger()} == {job.remote_id, other.remote_id}
    assert posts(sandbox) == 2


async def test_a_lost_job_is_looked_for_anew_at_each_start(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "drop_after"}, {"call": "list", "kind": "list_empty", "times": 999}])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, lambda job: job.looks >= 5)

    sandbox.faults([])
    waits: list[float] = []

    async def patient(seconds: float, until: asyncio.Event) -> None:
        waits.append(seconds)
        await hurried(seconds, until)

    async with a_studio(home, sandbox, pause=patient) as studio:
        job = await Watch(studio).until(job.id, lambda job: job.remote_id is not None)

    assert max(waits) < 10


async def test_a_job_the_provider_denies_is_looked_up_in_its_list(home: Path, sandbox: Sandbox, clip: Path) -> None:
    unknown = {"call": "poll", "kind": "status", "code": 404, "body": {"status": "error"}, "times": 999}
    sandbox.faults([unknown])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await watch.until(job.id, is_in(State.REMOTE_MISSING))
        assert job.problem is not None
        assert (job.problem.kind, job.problem.charged) == (Kind.JOB_NOT_KNOWN, Charged.MAYBE)
        sandbox.faults([])
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 1


async def test_a_wrong_id_from_the_person_is_put_right_by_the_list(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "drop_after"}, {"call": "list", "kind": "list_empty", "times": 2}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, is_in(State.UNCONFIRMED))
        studio.queue.found(job.id, "not-the-one")
        job = await watch.until(job.id, is_in(State.COMPLETED))

    (row,) = sandbox.ledger()
    assert job.remote_id == row["generation_id"]
    assert posts(sandbox) == 1


async def test_a_late_charge_is_learned(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "charge", "kind": "status", "code": 404, "times": 2}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await watch.until(job.id, is_in(State.COMPLETED))
        assert job.charge is None
        job = await watch.until(job.id, lambda job: job.charge is not None)

        assert job.charge is not None
        assert job.charge.amount == Decimal("1.01")
        assert studio.ledger.spent_since(job.created_at) == (job.charge,)


async def test_a_link_whose_host_stays_silent_is_asked_for_anew(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "result", "kind": "reset_before", "times": 4}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, is_in(State.DOWNLOADING))
        polls = len(sandbox.requests("GET", "/api/ai/queue/"))
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert len(sandbox.requests("GET", "/api/ai/queue/")) > polls


async def test_with_a_foreign_key_nobody_is_told_that_nothing_was_charged(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, is_in(State.REMOTE))

    async with a_studio(home, sandbox, key="key-of-somebody") as studio:
        job = await Watch(studio).until(job.id, lambda job: job.paused)

    assert job.problem is not None
    assert (job.problem.kind, job.problem.charged) == (Kind.OTHER_ACCOUNT, Charged.MAYBE)


async def test_a_host_that_gives_an_older_address_again_is_not_uploaded_to_for_ever(
    sandbox: Sandbox, home: Path, clip: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "drop_after"}, {"call": "list", "kind": "list_empty", "times": 0}])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip, provider="segmind"))
        watch = Watch(studio)
        lost = await watch.until(job.id, lambda job: job.state is State.UNCONFIRMED)

        older = {"file_urls": [lost.assets[0].url]}
        sandbox.faults(
            [
                {"call": "upload", "kind": "status", "code": 200, "body": older, "times": 0},
                {"call": "list", "kind": "list_empty", "times": 0},
            ]
        )
        studio.queue.send_again(job.id)
        stopped = await watch.until(job.id, lambda job: job.paused)

    assert (stopped.state, stopped.problem and stopped.problem.kind) == (State.PREPARED, Kind.UNEXPECTED_REPLY)
    assert len(sandbox.requests("POST", "/upload-asset")) == 2
    assert len(sandbox.requests("POST", "/v2/")) == 1
