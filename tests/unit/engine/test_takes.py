"""Several takes of one paid request: one upload, one POST, and a job for everything that it made."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.job import AttemptState, Job, State
from klingstudio.domain.price import Money
from klingstudio.studio import Studio
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio

HIDDEN = {"call": "list", "kind": "list_empty", "times": 999}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


def rests(job: Job) -> bool:
    return not job.is_active


def posts(sandbox: Sandbox) -> int:
    return len(sandbox.requests("POST", "/api/ai/queue"))


async def all_of(studio: Studio, watch: Watch, job: Job, count: int) -> list[Job]:
    """Every job of one order, oldest first, once there are that many and they have ended."""
    await watch.until(job.id, lambda _: len(studio.queue.jobs()) >= count)
    ended = [await watch.until(each.id, rests) for each in reversed(studio.queue.jobs())]
    return [studio.queue.job(each.id) for each in ended]


def assert_each_charge_has_its_job(sandbox: Sandbox, jobs: list[Job]) -> None:
    assert sorted(row["generation_id"] for row in sandbox.ledger()) == sorted(str(job.remote_id) for job in jobs)


async def test_three_takes_are_one_upload_and_one_request_and_three_jobs(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        request = a_request(clip, max_cost=Decimal("1.10"))
        (job,) = studio.queue.enqueue(request, takes=3, estimate=Money(Decimal("1.01"), "USD"))
        assert job.estimate == Money(Decimal("3.03"), "USD")
        jobs = await all_of(studio, watch, job, 3)

        assert [each.state for each in jobs] == [State.COMPLETED] * 3
        assert [each.ordered_with for each in jobs] == [None, job.id, job.id]
        assert [each.estimate for each in jobs] == [Money(Decimal("1.01"), "USD")] * 3
        assert [each.charge for each in jobs] == [Money(Decimal("1.01"), "USD")] * 3
        assert len({each.take for each in jobs}) == 3
        assert studio.ledger.spent_since(job.created_at) == (Money(Decimal("3.03"), "USD"),)
    assert (posts(sandbox), len(sandbox.requests("PUT", "/api/repos"))) == (1, 1)
    assert job.order is None
    assert jobs[0].order is not None
    assert json.loads(jobs[0].order.body)["num_generations"] == 3
    assert_each_charge_has_its_job(sandbox, jobs)


async def test_more_takes_than_one_request_can_make_are_several_requests(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        jobs = studio.queue.enqueue(a_request(clip), takes=6)

        assert [job.request.takes for job in jobs] == [4, 2]


async def test_the_cap_of_one_take_is_held_over_all_of_them(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip, max_cost=Decimal("1.00")), takes=2)
        job = await Watch(studio).until(job.id, rests)

    assert (job.state, job.problem and job.problem.kind) == (State.DRAFT, Kind.OVER_MAX_COST)
    assert job.problem is not None
    assert job.problem.detail == "$2.02; the cap is $2.00"
    assert posts(sandbox) == 0


async def test_more_jobs_than_were_ordered_are_followed_too(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "two_ids"}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        jobs = await all_of(studio, watch, job, 2)

    assert [each.state for each in jobs] == [State.COMPLETED] * 2
    assert_each_charge_has_its_job(sandbox, jobs)


@pytest.mark.parametrize("fault", ["drop_after", "not_json"])
async def test_takes_whose_answer_is_lost_are_all_found(home: Path, sandbox: Sandbox, clip: Path, fault: str) -> None:
    sandbox.faults([{"call": "submit", "kind": fault}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip), takes=3)
        jobs = await all_of(studio, watch, job, 3)

    assert [each.state for each in jobs] == [State.COMPLETED] * 3
    assert posts(sandbox) == 1
    assert_each_charge_has_its_job(sandbox, jobs)


async def test_takes_that_the_answer_does_not_show_are_looked_for_in_the_list(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "fewer_ids"}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip), takes=2)
        jobs = await all_of(studio, watch, job, 2)

    assert [each.state for each in jobs] == [State.COMPLETED] * 2
    assert posts(sandbox) == 1
    assert_each_charge_has_its_job(sandbox, jobs)


async def test_one_take_can_be_cancelled_alone(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip), takes=2)
        await watch.until(job.id, lambda _: len(studio.queue.jobs()) == 2)
        other = studio.queue.jobs()[0]
        studio.queue.cancel(other.id)
        jobs = await all_of(studio, watch, job, 2)

    assert [each.state for each in jobs] == [State.COMPLETED, State.REMOTE_CANCELLED]


async def test_who_stops_the_order_while_it_is_out_stops_every_take(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "slow", "seconds": 0.5}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip), takes=2)
        await watch.until(job.id, lambda job: job.state is State.SUBMITTING)
        studio.queue.cancel(job.id)
        jobs = await all_of(studio, watch, job, 2)

    assert [each.state for each in jobs] == [State.REMOTE_CANCELLED] * 2


async def test_every_take_survives_a_restart(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip), takes=2)
        await Watch(studio).until(job.id, lambda job: job.state is State.REMOTE)

    async with a_studio(home, sandbox) as studio:
        jobs = await all_of(studio, Watch(studio), job, 2)

    assert [each.state for each in jobs] == [State.COMPLETED] * 2
    assert posts(sandbox) == 1


# ------------------------------------------------------------------------------------------- an older request turns up


async def lost(studio: Studio, clip: Path) -> Job:
    (job,) = studio.queue.enqueue(a_request(clip))
    return await Watch(studio).until(job.id, lambda job: job.looks >= 1)


async def test_a_request_that_turns_up_at_the_last_moment_is_not_sent_again(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "drop_after"}, HIDDEN])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        job = await lost(studio, clip)
        sandbox.faults([])
        studio.queue.send_again(job.id)
        job = await watch.until(job.id, rests)

        moves = studio.queue._around.store.history(job.id)
        assert [attempt.state for attempt in studio.queue._around.store.attempts(job.id)] == [AttemptState.ACCEPTED]
    assert job.state is State.COMPLETED
    assert "found" in [event for _, event, _ in moves if event != "intent"]
    assert (posts(sandbox), len(sandbox.ledger())) == (1, 1)


async def test_a_request_that_turns_up_after_the_second_one_was_stopped_is_taken_up(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults(
        [{"call": "submit", "kind": "drop_after"}, HIDDEN, {"call": "upload", "kind": "slow", "after": 1, "seconds": 5}]
    )
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        job = await lost(studio, clip)
        studio.queue.send_again(job.id)
        await watch.until(job.id, lambda job: job.state is State.UPLOADING)
        studio.queue.cancel(job.id)
        assert studio.queue.job(job.id).state is State.DRAFT
        sandbox.faults([])
        job = await watch.until(job.id, lambda job: job.state is State.COMPLETED)

    assert (posts(sandbox), len(sandbox.ledger())) == (1, 1)


async def test_sending_again_costs_no_more_than_was_approved(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "reset_before"}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        job = await lost(studio, clip)
        course = studio.queue._courses[job.id]
        course.amend(estimate=Money(Decimal("0.50"), "USD"))
        studio.queue.send_again(job.id)
        job = await watch.until(job.id, rests)

    assert (job.state, job.paused) == (State.READY, True)
    assert job.problem is not None
    assert (job.problem.kind, job.problem.detail) == (Kind.OVER_APPROVAL, "$1.01; what was approved is $0.50")
    assert posts(sandbox) == 1


# ---------------------------------------------------------------------------------------------------- uploaded copies


async def test_uploaded_copies_are_removed_for_every_job_that_used_them(
    home: Path, sandbox: Sandbox, clip: Path, tmp_path: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip), takes=2)
        await watch.until(job.id, lambda job: job.state is State.REMOTE)
        with pytest.raises(InputRefused) as refused:
            await studio.queue.delete_copies(job.id)
        jobs = await all_of(studio, watch, job, 2)

        assert await studio.queue.delete_copies(job.id) == 1
        assert await studio.queue.delete_copies(jobs[1].id) == 0
        gone = [asset for each in studio.queue.jobs() for asset in each.assets]

    assert refused.value.problem.kind is Kind.COPIES_NEEDED
    assert [asset.is_deleted for asset in gone] == [True, True]
    (deleted,) = sandbox.requests("DELETE", "/api/repos")
    assert gone[0].url.endswith(deleted["path"])


async def test_a_copy_that_is_gone_already_is_no_error_and_one_that_stays_is_told(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, rests)
        refusal: dict[str, Any] = {"call": "delete", "kind": "status", "code": 400}
        sandbox.faults([refusal | {"body": {"error": "the branch is protected"}}])
        with pytest.raises(Exception, match="the branch is protected"):
            await studio.queue.delete_copies(job.id)
        assert not studio.queue.job(job.id).assets[0].is_deleted

        sandbox.faults([refusal | {"code": 404}])
        assert await studio.queue.delete_copies(job.id) == 1
        await asyncio.sleep(0)
        assert studio.queue.job(job.id).assets[0].is_deleted


async def test_a_second_job_that_the_answer_has_no_room_for_is_found_in_the_list(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "two_ids"}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip, provider="pixeldojo", accepts_unknown_price=True))
        jobs = await all_of(studio, watch, job, 2)

    assert [each.state for each in jobs] == [State.COMPLETED] * 2
    assert [each.ordered_with for each in jobs] == [None, job.id]
    assert_each_charge_has_its_job(sandbox, jobs)
