"""A whole edit at every service, through the real engine: the take arrives, is paid once, and nothing bad that happens
on the way makes it be paid twice, be called free when it was not, or be forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.errors import Charged, Kind, StudioError
from klingstudio.domain.job import UNSENT, Job, State
from klingstudio.media.probe import probe
from klingstudio.net.api import Deadlines
from klingstudio.providers.registry import SERVICES, Entry
from klingstudio.studio import Studio
from tests.fakes.sandbox import Sandbox, run_quick_sandbox, run_sandbox
from tests.fakes.services import charges, each_service, key_of, strangers_with, tokens_astray
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio

HOST = next(entry.info.id for entry in SERVICES if entry.info.hosts_files)
"""Hosts the inputs for a service that does not."""


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory, edits: Path) -> Iterator[Sandbox]:
    """Edits at once."""
    with run_quick_sandbox(tmp_path_factory.mktemp("working"), "--queue-delay", "0.05", edits=edits) as running:
        yield running


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Takes orders and never begins with them."""
    with run_sandbox(tmp_path_factory.mktemp("waiting"), "--queue-delay", "99999") as running:
        yield running


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def account(request: pytest.FixtureRequest) -> str:
    """A name that no other test has."""
    _names.append(request.node.name)
    return f"e{len(_names)}"


@pytest.fixture(autouse=True)
def _nothing_goes_wrong_any_more(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for name in {"working", "waiting"} & set(request.fixturenames):
        request.getfixturevalue(name).faults([])


_names: list[str] = []
_bugs: list[Exception] = []


@pytest.fixture(autouse=True)
def _no_bugs() -> Iterator[None]:
    _bugs.clear()
    yield
    assert _bugs == []


def studio_on(home: Path, sandbox: Sandbox, key: Any, **options: Any) -> Any:
    return a_studio(home, sandbox, key=key, on_bug=_bugs.append, **options)


def begin(studio: Studio, entry: Entry, clip: Path, **changes: Any) -> Job:
    via = {} if entry.info.hosts_files else {"inputs_via": HOST}
    changes = {"provider": entry.info.id, "accepts_unknown_price": True} | via | changes
    (job,) = studio.queue.enqueue(a_request(clip, **changes))
    return job


def posts(sandbox: Sandbox, entry: Entry, account: str) -> int:
    """Paid requests that arrived with this account's key."""
    return len(
        [
            one
            for one in sandbox.requests()
            if (one["dialect"], one["call"]) == (entry.info.id, "submit") and key_of(account) in str(one["headers"])
        ]
    )


def ended(job: Job) -> bool:
    return not job.is_active


# --- the way it should be ---------------------------------------------------------------------------------------------


@each_service
async def test_a_take_arrives_and_is_paid_once(
    entry: Entry, working: Sandbox, home: Path, clip: Path, account: str
) -> None:
    working.forget_requests()
    async with studio_on(home, working, key_of(account)) as studio:
        job = begin(studio, entry, clip)
        done = await Watch(studio).until(job.id, ended)

        assert (done.state, done.problem) == (State.COMPLETED, None)
        assert probe(Path(str(done.take))).frame_count == probe(clip).frame_count
        assert posts(working, entry, account) == 1
        (charge,) = charges(working, entry, account)
        assert not charge["refunded"]
        if done.charge is not None:
            assert done.charge.currency == entry.info.currency
            assert done.charge.amount > 0
            assert studio.ledger.spent_since(job.created_at) == (done.charge,)
        # Its own API, its own files, and nobody else hears of the key.
        log = working.requests()
        others = [] if entry.info.hosts_files else [one for one in log if one["dialect"] == HOST]
        assert strangers_with(key_of(account), entry, [one for one in log if one not in others]) == []
        assert tokens_astray(entry, log) == []


@each_service
async def test_every_key_stays_at_its_own_service(
    entry: Entry, waiting: Sandbox, home: Path, clip: Path, account: str
) -> None:
    keys = {other.info.id: f"{other.info.id}-{key_of(account)}" for other in SERVICES}
    waiting.forget_requests()
    async with studio_on(home, waiting, keys) as studio:
        job = begin(studio, entry, clip)
        await Watch(studio).until(job.id, lambda job: job.state is State.REMOTE and job.remote_status != "")

        log = waiting.forget_requests()
    for other in SERVICES:
        assert strangers_with(keys[other.info.id], other, log) == []
    written = [path for path in home.rglob("*") if path.is_file()]
    assert written
    for path in written:
        content = path.read_bytes()
        assert [key for key in keys.values() if key.encode() in content] == [], path


# --- a paid request ---------------------------------------------------------------------------------------------------

SUBMITS: dict[str, dict[str, Any]] = {
    "reset_after": {"kind": "reset_after"},
    "drop_after": {"kind": "drop_after"},
    "hang": {"kind": "hang"},
    "hang after work": {"kind": "hang", "effect": True},
    "html after work": {"kind": "html", "effect": True},
    "truncated": {"kind": "truncated"},
    "redirect": {"kind": "redirect", "code": 307},
    "no_id": {"kind": "no_id"},
    "listed late": {"kind": "list_lag", "seconds": 0.3},
    "status 500": {"kind": "status", "code": 500},
    "status 500 after work": {"kind": "status", "code": 500, "effect": True},
    "status 429": {"kind": "status", "code": 429},
    "status 401": {"kind": "status", "code": 401},
    "status 422": {"kind": "status", "code": 422},
}
"""The rest of the kinds is tried on the adapters alone."""
LATER = {"status 429": 2}
"""What is sent once more by itself, because the service said that it took nothing."""


@pytest.mark.parametrize("fault", SUBMITS)
@each_service
async def test_whatever_befalls_the_paid_request_it_is_paid_once_and_known(
    entry: Entry, fault: str, waiting: Sandbox, home: Path, clip: Path, account: str
) -> None:
    waiting.forget_requests()
    waiting.faults([{"call": "submit"} | SUBMITS[fault]])
    deadlines = Deadlines(order_s=0.5) if fault.startswith("hang") else Deadlines()

    async with studio_on(home, waiting, key_of(account), deadlines=deadlines) as studio:
        job = begin(studio, entry, clip)
        seen = await Watch(studio).until(
            job.id, lambda job: ended(job) or job.state is State.REMOTE or (job.looks > 3 and job.state not in UNSENT)
        )

    charged = charges(waiting, entry, account)
    assert len(charged) <= 1
    assert posts(waiting, entry, account) == LATER.get(fault, 1)
    if charged:
        assert seen.state is State.REMOTE, "paid, and in the list"
    elif seen.state is State.REJECTED:
        assert seen.problem is not None
        assert seen.problem.charged is Charged.NO
        assert fault.startswith("status 4")
    else:
        assert seen.state is State.UNCONFIRMED, "nobody can know"
        assert seen.problem is not None
        assert (seen.problem.kind, seen.problem.charged) == (Kind.SUBMIT_UNCONFIRMED, Charged.MAYBE)


# --- an edit that is under way ----------------------------------------------------------------------------------------

TROUBLE: tuple[dict[str, Any], ...] = (
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "html"},
    {"kind": "not_json"},
    {"kind": "truncated"},
    {"kind": "redirect"},
    *({"kind": "status", "code": code} for code in (400, 404, 409, 418, 422, 429, 500, 502, 503)),
)
POLLS = ("poll", "record")
"""Where services tell how a job stands."""


@each_service
async def test_whatever_befalls_the_polls_the_take_arrives(
    entry: Entry, working: Sandbox, home: Path, clip: Path, account: str
) -> None:
    plan = [{"call": call} | trouble for call in POLLS for trouble in TROUBLE]
    plan.append({"call": "poll", "kind": "unknown_status"})
    working.faults(plan)

    async with studio_on(home, working, key_of(account)) as studio:
        watch = Watch(studio)
        job = begin(studio, entry, clip)
        done = await watch.until(job.id, ended, 60)

    assert done.state is State.COMPLETED
    assert len(charges(working, entry, account)) == 1


@each_service
async def test_whatever_befalls_the_download_the_take_arrives(
    entry: Entry, working: Sandbox, home: Path, clip: Path, account: str
) -> None:
    # What means that the link is dead: only the last of all, so that a fresh one is worth something.
    plan = [{"call": "result"} | trouble for trouble in TROUBLE if trouble.get("code", 500) >= 429]
    working.faults([*plan, {"call": "result", "kind": "wrong_file"}, {"call": "result", "kind": "expired_link"}])
    working.forget_requests()

    async with studio_on(home, working, key_of(account)) as studio:
        job = begin(studio, entry, clip)
        done = await Watch(studio).until(job.id, ended, 60)

    assert done.state is State.COMPLETED
    assert probe(Path(str(done.take))).frame_count == probe(clip).frame_count
    assert len(charges(working, entry, account)) == 1
    if entry.info.hosts_files:
        assert strangers_with(key_of(account), entry, working.requests()) == []


@each_service
async def test_an_edit_that_failed_says_why_and_whether_it_was_charged(
    entry: Entry, working: Sandbox, home: Path, clip: Path, account: str
) -> None:
    working.faults([{"call": "submit", "kind": "fail_job", "message": "the model saw nothing it could edit"}])

    async with studio_on(home, working, key_of(account)) as studio:
        job = begin(studio, entry, clip)
        done = await Watch(studio).until(job.id, ended)

    assert done.state is State.REMOTE_FAILED
    assert done.problem is not None
    assert "nothing it could edit" in done.problem.detail
    (charge,) = charges(working, entry, account)
    assert charge["refunded"]
    assert done.problem.charged is not Charged.YES


# --- stopping ---------------------------------------------------------------------------------------------------------


class Canceller:
    """Cancels a job the moment it is first seen in a state."""

    def __init__(self, studio: Studio, state: State) -> None:
        self._studio, self._state = studio, state
        self.has_cancelled = False
        studio.queue.subscribe(self)

    def job_changed(self, job: Job) -> None:
        if job.state is self._state and not self.has_cancelled:
            self.has_cancelled = True
            self._studio.queue.cancel(job.id)

    def job_progress(self, progress: Any) -> None:
        pass


@pytest.mark.parametrize("state", [State.PREPARING, State.PREPARED, State.UPLOADING, State.READY])
@each_service
async def test_stopping_before_it_was_sent_costs_nothing(
    entry: Entry, state: State, waiting: Sandbox, home: Path, clip: Path, account: str
) -> None:
    async with studio_on(home, waiting, key_of(account)) as studio:
        canceller = Canceller(studio, state)
        job = begin(studio, entry, clip)
        stopped = await Watch(studio).until(job.id, lambda job: job.state is State.DRAFT and canceller.has_cancelled)

    assert stopped.problem is not None
    assert (stopped.problem.kind, stopped.problem.charged) == (Kind.STOPPED, Charged.NO)
    assert posts(waiting, entry, account) == 0
    assert charges(waiting, entry, account) == []


@pytest.mark.parametrize("state", [State.SUBMITTING, State.UNCONFIRMED, State.REMOTE])
@each_service
async def test_a_cancel_after_it_was_sent_is_the_services_to_answer(
    entry: Entry, state: State, waiting: Sandbox, home: Path, clip: Path, account: str
) -> None:
    waiting.forget_requests()
    if state is State.UNCONFIRMED:
        waiting.faults([{"call": "submit", "kind": "drop_after"}])

    async with studio_on(home, waiting, key_of(account)) as studio:
        canceller = Canceller(studio, state)
        watch = Watch(studio)
        job = begin(studio, entry, clip)
        if entry.info.can_cancel:
            done = await watch.until(job.id, ended)
            assert done.state is State.REMOTE_CANCELLED
            assert done.cancel_answer is not None
            assert charges(waiting, entry, account)[0]["refunded"]
        else:
            # A later state than the one it was cancelled in, and a few polls more.
            await watch.until(job.id, lambda job: job.state is State.REMOTE)
            waiting.forget_requests()
            await _polls(waiting, 3)
            assert studio.queue.job(job.id).state is State.REMOTE
        assert canceller.has_cancelled

    asked = [one for one in waiting.requests() if one["call"] == "cancel" or one["method"] == "DELETE"]
    assert bool(asked) == entry.info.can_cancel
    assert len(charges(waiting, entry, account)) == 1


async def _polls(sandbox: Sandbox, count: int) -> None:
    async with asyncio.timeout(20):
        while len([one for one in sandbox.requests() if one["call"] == "poll"]) < count:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.DOWNLOADING, State.COMPLETED])
@each_service
async def test_a_cancel_of_what_is_finished_changes_nothing(
    entry: Entry, state: State, working: Sandbox, home: Path, clip: Path, account: str
) -> None:
    async with studio_on(home, working, key_of(account)) as studio:
        canceller = Canceller(studio, state)
        job = begin(studio, entry, clip)
        done = await Watch(studio).until(job.id, lambda job: ended(job) and canceller.has_cancelled)

    assert done.state is State.COMPLETED
    assert len(charges(working, entry, account)) == 1


# --- accounts ---------------------------------------------------------------------------------------------------------


@each_service
async def test_a_refused_key_is_named_before_anything_is_uploaded(
    entry: Entry, waiting: Sandbox, home: Path, clip: Path, account: str
) -> None:
    waiting.forget_requests()
    async with studio_on(home, waiting, key_of(account, mood="refused")) as studio:
        with pytest.raises(StudioError) as refused:
            await studio.accounts.test(entry.info.id)
        job = begin(studio, entry, clip)
        paused = await Watch(studio).until(job.id, ended)

    assert refused.value.problem.kind is Kind.KEY_REFUSED
    assert paused.state in UNSENT
    assert paused.problem is not None
    assert paused.problem.kind is Kind.KEY_REFUSED
    assert [one for one in waiting.requests() if one["call"] in {"upload", "submit"}] == []


@each_service
async def test_an_empty_account_is_told_from_a_wrong_key(
    entry: Entry, waiting: Sandbox, home: Path, clip: Path, account: str
) -> None:
    keys = {other.info.id: key_of(account) for other in SERVICES}
    keys[entry.info.id] = key_of(account, mood="broke")
    async with studio_on(home, waiting, keys) as studio:
        job = begin(studio, entry, clip)
        seen = await Watch(studio).until(job.id, ended)

    assert seen.problem is not None
    assert (seen.problem.kind, seen.problem.charged) == (Kind.NO_CREDIT, Charged.NO)
    assert charges(waiting, entry, account) == []


@each_service
async def test_a_job_waits_for_the_account_that_ordered_it(
    entry: Entry, waiting: Sandbox, home: Path, clip: Path, account: str
) -> None:
    async with studio_on(home, waiting, key_of(account)) as studio:
        job = begin(studio, entry, clip)
        await Watch(studio).until(job.id, lambda job: job.state is State.REMOTE)
    waiting.forget_requests()

    async with studio_on(home, waiting, key_of(f"{account}x")) as studio:
        paused = await Watch(studio).until(job.id, ended)
        assert paused.state is State.REMOTE
        assert paused.problem is not None
        assert paused.problem.kind is Kind.OTHER_ACCOUNT
        # Where nobody tells whose key it is, a look shows whether the job is there.
        is_of_key = (await studio.accounts.test(entry.info.id)).is_of_key
        wrong = {"cancel", "submit"} if is_of_key else {"poll", "cancel", "submit"}
        assert [one for one in waiting.forget_requests() if one["call"] in wrong] == []

    async with studio_on(home, waiting, key_of(account)) as studio:
        again = await Watch(studio).until(job.id, lambda job: job.problem is None and job.remote_status != "")
        assert again.state is State.REMOTE
