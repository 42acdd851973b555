"""An edit at the provider and its result: hints, cancels that cannot be, links that are missing or about to die."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.errors import Charged, Kind
from klingstudio.domain.job import CancelAnswer, Job, State
from klingstudio.providers import registry
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio, hurried

WITHOUT_CANCEL = next(entry.info for entry in registry.SERVICES if not entry.info.can_cancel and entry.info.hosts_files)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


def rests(job: Job) -> bool:
    return not job.is_active


def is_in(state: State) -> Callable[[Job], bool]:
    return lambda job: job.state is state


def calls(sandbox: Sandbox, call: str) -> list[dict[str, Any]]:
    return [one for one in sandbox.requests() if one["call"] == call]


# ---------------------------------------------------------------------------------------------------------------- hints


def impatient_except_with_polls(waited: list[float]) -> Callable[[float, asyncio.Event], Awaitable[None]]:
    """A poll comes only after its whole interval, or a nudge; all else is hurried."""

    async def pause(seconds: float, until: asyncio.Event) -> None:
        started = time.monotonic()
        if seconds < 10:
            await hurried(seconds, until)
            return
        async with asyncio.timeout(20):
            await until.wait()
        waited.append(time.monotonic() - started)

    return pause


async def test_a_told_end_makes_the_next_poll_come_at_once(home: Path, sandbox: Sandbox, clip: Path) -> None:
    waited: list[float] = []
    async with a_studio(home, sandbox, pause=impatient_except_with_polls(waited)) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip), takes=2)
        await watch.until(job.id, lambda _: len(studio.queue.jobs()) == 2)
        ended = [await watch.until(each.id, rests) for each in studio.queue.jobs()]

        assert not studio.queue._listener._tasks._tasks, "nobody listens when nothing is at work"
    assert [each.state for each in ended] == [State.COMPLETED] * 2
    assert waited
    assert len(calls(sandbox, "events")) == 1, "one stream for all jobs"
    assert len(calls(sandbox, "poll")) <= 12


async def test_a_stream_that_repeats_itself_makes_nobody_ask_without_end(
    home: Path, tmp_path: Path, clip: Path
) -> None:
    async def patient(seconds: float, until: asyncio.Event) -> None:
        if seconds < 1:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await until.wait()

    with run_sandbox(tmp_path / "waiting", "--queue-delay", "99999") as sandbox:
        async with a_studio(home, sandbox, pause=patient) as studio:
            (job,) = studio.queue.enqueue(a_request(clip))
            job = await Watch(studio).until(job.id, lambda job: job.state is State.REMOTE and job.remote_status != "")
            for _ in range(100):
                studio.queue._heard("oxen", str(job.remote_id))
                studio.queue._heard("oxen", "somebody else's")
                await asyncio.sleep(0.01)
        polls = len(calls(sandbox, "poll"))

    assert 2 <= polls <= 12


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "code": 503},
        {"kind": "status", "code": 401},
        {"kind": "html"},
        {"kind": "hang"},
        {"kind": "reset_before"},
        {"kind": "truncated"},
    ],
    ids=lambda fault: "_".join(str(value) for value in fault.values()),
)
async def test_a_stream_that_fails_harms_nothing(
    home: Path, sandbox: Sandbox, clip: Path, fault: dict[str, Any]
) -> None:
    sandbox.faults([{"call": "events", "times": 0} | fault])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.COMPLETED
    assert calls(sandbox, "events")
    assert len(sandbox.ledger()) == 1


# -------------------------------------------------------------------------------------------------------------- cancels


async def test_where_nothing_can_be_stopped_nothing_is_sent_and_the_take_still_comes(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip, provider=WITHOUT_CANCEL.id))
        await watch.until(job.id, is_in(State.REMOTE))
        studio.queue.cancel(job.id)
        assert studio.queue.job(job.id).cancel_answer is CancelAnswer.IMPOSSIBLE
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert calls(sandbox, "cancel") == []


async def test_a_cancel_while_the_request_is_out_learns_that_it_is_impossible(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "slow", "seconds": 0.5}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip, provider=WITHOUT_CANCEL.id))
        await watch.until(job.id, is_in(State.SUBMITTING))
        studio.queue.cancel(job.id)
        job = await watch.until(job.id, rests)

    assert (job.state, job.cancel_answer) == (State.COMPLETED, CancelAnswer.IMPOSSIBLE)


async def test_a_cancel_that_did_not_arrive_is_asked_again_and_polls_go_on(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "cancel", "kind": "reset_before", "times": 4}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, is_in(State.REMOTE))
        studio.queue.cancel(job.id)
        job = await watch.until(job.id, rests)

    assert job.state in (State.REMOTE_CANCELLED, State.COMPLETED)
    assert job.cancel_answer is not None or job.state is State.COMPLETED
    assert calls(sandbox, "poll")


# ----------------------------------------------------------------------------------------------------------------- links


async def test_a_video_inside_the_answer_arrives(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "poll", "kind": "other_form", "times": 0}])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.COMPLETED
    assert job.take is not None
    assert Path(job.take).read_bytes()[4:8] == b"ftyp"
    assert calls(sandbox, "result") == []
    fetches = calls(sandbox, "poll")[-2:]
    assert ["authorization" in one["headers"] for one in fetches] == [False, True], "first without the key"


async def test_an_edit_without_a_link_is_waited_for_and_then_looked_for(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "poll", "kind": "no_link", "times": 0}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await watch.until(job.id, is_in(State.RESULT_UNAVAILABLE))
        assert job.problem is not None
        assert (job.problem.kind, job.problem.charged) == (Kind.RESULT_GONE, Charged.YES)

        sandbox.faults([])
        studio.queue.look_again(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED


async def test_a_link_that_is_about_to_die_is_tried_at_a_pace_that_fits(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "result", "kind": "status", "code": 503, "times": 12}])
    waits: list[float] = []

    async def pause(seconds: float, until: asyncio.Event) -> None:
        waits.append(seconds)
        await hurried(seconds, until)

    async with a_studio(home, sandbox, pause=pause) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, is_in(State.DOWNLOADING))
        waits.clear()
        end = datetime.now(UTC) + timedelta(seconds=32)
        studio.queue._courses[job.id].amend(result_expires_at=end)
        await watch.until(job.id, lambda job: job.result_expires_at != end or not job.is_active)
        tried = list(waits)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert max(tried) <= 4.0


async def test_a_link_past_its_end_is_renewed_before_it_is_used(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "result", "kind": "status", "code": 503}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await watch.until(job.id, lambda job: job.state is State.DOWNLOADING and job.problem is not None)
        old = job.result_url
        studio.queue._courses[job.id].amend(result_expires_at=datetime.now(UTC) - timedelta(seconds=1))
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert job.result_url != old
    assert job.result_expires_at is None


@pytest.mark.parametrize("code", [401, 402])
async def test_a_link_that_still_does_needs_neither_key_nor_credit(
    home: Path, sandbox: Sandbox, clip: Path, code: int
) -> None:
    sandbox.faults([{"call": "result", "kind": "status", "code": 503}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, lambda job: job.state is State.DOWNLOADING and job.problem is not None)
        sandbox.faults([{"call": "poll", "kind": "status", "code": code, "body": {"error": "no"}, "times": 0}])
        studio.queue._courses[job.id].amend(result_expires_at=datetime.now(UTC) - timedelta(seconds=1))
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED


async def test_a_link_past_its_end_that_cannot_be_renewed_is_given_up_at_once(
    home: Path, tmp_path: Path, clip: Path
) -> None:
    telling = next(entry.info for entry in registry.SERVICES if not entry.info.hosts_files)
    with run_sandbox(tmp_path / "sandbox", "--link-lifetime", "3") as sandbox:
        sandbox.faults([{"call": "result", "kind": "status", "code": 503, "times": 0}])
        async with a_studio(home, sandbox) as studio:
            watch = Watch(studio)
            (job,) = studio.queue.enqueue(
                a_request(clip, provider=telling.id, inputs_via=registry.OXEN.info.id, accepts_unknown_price=True)
            )
            job = await watch.until(job.id, is_in(State.RESULT_UNAVAILABLE))

    assert job.result_expires_at is not None
    assert timedelta(0) <= job.updated_at - job.result_expires_at < timedelta(seconds=5)
    assert job.problem is not None
    assert (job.problem.kind, job.problem.charged) == (Kind.RESULT_GONE, Charged.YES)
    assert job.problem.detail.startswith("it worked until ")
