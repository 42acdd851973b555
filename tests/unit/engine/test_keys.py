"""Keys that are renewed, revoked, somebody else's or of an empty account: what was paid for is fetched all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.errors import Charged, InputRefused, Kind
from klingstudio.domain.job import AttemptState, CancelAnswer, Event, Job, State
from klingstudio.domain.price import Money
from klingstudio.providers.registry import FAL, OXEN, PIXELDOJO, SEGMIND, SERVICES, Entry
from klingstudio.studio import Studio
from tests.fakes.sandbox import Sandbox, run_quick_sandbox, run_sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio

NAMELESS = pytest.mark.parametrize("entry", [FAL, SEGMIND, PIXELDOJO], ids=lambda entry: entry.info.id)
"""Services that do not tell whose key it is."""
EVERY = pytest.mark.parametrize("entry", SERVICES, ids=lambda entry: entry.info.id)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, edits: Path) -> Iterator[Sandbox]:
    with run_quick_sandbox(tmp_path_factory.mktemp("running"), "--queue-delay", "0.3", edits=edits) as sandbox:
        yield sandbox


@pytest.fixture
def service(running: Sandbox) -> Iterator[Sandbox]:
    running.forget_requests()
    yield running
    running.faults([])


def rests(job: Job) -> bool:
    return not job.is_active


def is_in(state: State) -> Any:
    return lambda job: job.state is state


def answered(wanted: CancelAnswer) -> Any:
    return lambda job: job.cancel_answer is wanted


def begin(studio: Studio, entry: Entry, clip: Path) -> Job:
    via = {} if entry.info.hosts_files else {"inputs_via": OXEN.info.id}
    (job,) = studio.queue.enqueue(a_request(clip, provider=entry.info.id, accepts_unknown_price=True, **via))
    return job


def calls(sandbox: Sandbox, entry: Entry, call: str) -> list[dict[str, Any]]:
    return [one for one in sandbox.requests() if (one["dialect"], one["call"]) == (entry.info.id, call)]


# ------------------------------------------------------------------------------------------------------- renewed keys


@NAMELESS
async def test_a_strangers_key_waits_and_a_renewed_one_of_the_same_account_fetches_what_the_old_one_ordered(
    entry: Entry, service: Sandbox, home: Path, clip: Path
) -> None:
    async with a_studio(home, service, key="first-5ecret-me") as studio:
        job = begin(studio, entry, clip)
        await Watch(studio).until(job.id, is_in(State.REMOTE))

    async with a_studio(home, service, key="other-5ecret-stranger") as studio:
        waiting = await Watch(studio).until(job.id, rests)
        studio.queue.carry_on(job.id)
        again = await Watch(studio).until(job.id, rests)

    async with a_studio(home, service, key="second-5ecret-me") as studio:
        job = await Watch(studio).until(job.id, rests)

    for paused in (waiting, again):
        assert (paused.state, paused.paused) == (State.REMOTE, True)
        assert paused.problem is not None
        assert (paused.problem.kind, paused.problem.charged) == (Kind.OTHER_ACCOUNT, Charged.MAYBE)
    assert (job.state, job.problem) == (State.COMPLETED, None)
    assert len(calls(service, entry, "submit")) == 1


@pytest.mark.parametrize("entry", [FAL, PIXELDOJO], ids=lambda entry: entry.info.id)
async def test_a_lost_request_is_found_with_a_renewed_key_and_never_called_absent_by_a_strangers(
    entry: Entry, service: Sandbox, home: Path, clip: Path
) -> None:
    service.faults([{"call": "submit", "kind": "drop_after"}, {"call": "list", "kind": "list_empty", "times": 999}])
    async with a_studio(home, service, key="first-5ecret-me") as studio:
        job = begin(studio, entry, clip)
        job = await Watch(studio).until(job.id, is_in(State.UNCONFIRMED))
    service.faults([])

    async with a_studio(home, service, key="other-5ecret-stranger") as studio:
        paused = await Watch(studio).until(job.id, rests)

    async with a_studio(home, service, key="second-5ecret-me") as studio:
        job = await Watch(studio).until(job.id, rests)

    assert (paused.state, paused.looks) == (State.UNCONFIRMED, job.looks)
    assert paused.problem is not None
    assert (paused.problem.kind, paused.problem.charged) == (Kind.OTHER_ACCOUNT, Charged.MAYBE)
    assert job.state is State.COMPLETED
    assert len(calls(service, entry, "submit")) == 1


async def test_an_id_of_another_job_is_refused_whichever_key_that_was_ordered_with(
    service: Sandbox, home: Path, clip: Path
) -> None:
    async with a_studio(home, service, key="first-5ecret-me") as studio:
        first = begin(studio, SEGMIND, clip)
        first = await Watch(studio).until(first.id, is_in(State.COMPLETED))

    service.faults([{"call": "submit", "kind": "reset_before"}])
    async with a_studio(home, service, key="second-5ecret-me") as studio:
        job = begin(studio, SEGMIND, clip)
        await Watch(studio).until(job.id, is_in(State.UNCONFIRMED))
        with pytest.raises(InputRefused):
            studio.queue.found(job.id, str(first.remote_id))


# ------------------------------------------------------------------------------------------- empty accounts, bad keys

LOCKED = {
    "oxen": {"call": "authorize", "code": 402, "body": {"error": "insufficient credits"}},
    "fal": {"call": "authorize", "code": 403, "body": {"detail": "User is locked. Reason: Exhausted balance."}},
    "segmind": {"call": "authorize", "code": 406, "body": {"error": "Insufficient credits"}},
    "pixeldojo": {"call": "list", "code": 402, "body": {"error": {"code": "insufficient_credits"}}},
}
"""What the call by which a key is tested answers an empty account."""


@EVERY
async def test_an_account_that_is_empty_by_now_still_gets_what_it_paid_for(
    entry: Entry, service: Sandbox, home: Path, clip: Path
) -> None:
    async with a_studio(home, service) as studio:
        job = begin(studio, entry, clip)
        await Watch(studio).until(job.id, is_in(State.REMOTE))
    service.faults([{"kind": "status", "times": 0} | LOCKED[entry.info.id]])

    async with a_studio(home, service) as studio:
        job = await Watch(studio).until(job.id, rests)
        asked = calls(service, entry, str(LOCKED[entry.info.id]["call"]))

    assert asked
    assert (job.state, job.problem) == (State.COMPLETED, None)
    assert len(calls(service, entry, "submit")) == 1


@EVERY
async def test_a_key_that_is_revoked_while_an_edit_runs_pauses_it_until_there_is_one(
    entry: Entry, service: Sandbox, home: Path, clip: Path
) -> None:
    service.faults([{"call": "poll", "kind": "status", "code": 401, "body": {"error": "no"}, "times": 0}])
    async with a_studio(home, service) as studio:
        watch = Watch(studio)
        job = begin(studio, entry, clip)
        paused = await watch.until(job.id, rests)
        service.faults([])
        studio.queue.carry_on(job.id)
        job = await watch.until(job.id, rests)

    assert (paused.state, paused.paused) == (State.REMOTE, True)
    assert paused.problem is not None
    assert (paused.problem.kind, paused.problem.charged) == (Kind.KEY_REFUSED, Charged.MAYBE)
    assert job.state is State.COMPLETED


# ------------------------------------------------------------------------------------------------- inputs that expire


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "of an old journal"])
async def test_inputs_that_will_be_gone_are_uploaded_again_before_paying(
    service: Sandbox, home: Path, clip: Path, is_known: bool
) -> None:
    service.faults([{"call": "submit", "kind": "status", "code": 429, "times": 3}])
    async with a_studio(home, service) as studio:
        watch = Watch(studio)
        job = begin(studio, FAL, clip)
        job = await watch.until(job.id, rests)
        assert (job.state, job.paused) == (State.READY, True)
        (old,) = job.assets
        assert old.uploaded_at is not None
        then = old.uploaded_at - timedelta(hours=23, minutes=1)
        course = studio.queue._courses[job.id]
        course.amend(assets=(type(old)(**{**_facts(old), "uploaded_at": then if is_known else None}),))
        studio.queue.carry_on(job.id)
        job = await watch.until(job.id, rests)
        (attempt,) = [a for a in course.attempts() if a.state is AttemptState.ACCEPTED]

    assert job.state is State.COMPLETED
    assert (attempt.asset_url != old.url) == is_known
    assert len(calls(service, FAL, "upload")) == (2 if is_known else 1)


def _facts(asset: Any) -> dict[str, Any]:
    return {name: getattr(asset, name) for name in asset.__dataclass_fields__}


# -------------------------------------------------------------------------------------------- what an end means for money


async def test_what_was_taken_out_of_the_queue_was_not_charged(tmp_path: Path, home: Path, clip: Path) -> None:
    with run_sandbox(tmp_path / "waiting", "--queue-delay", "99999") as sandbox:
        async with a_studio(home, sandbox) as studio:
            watch = Watch(studio)
            job, gone = begin(studio, FAL, clip), begin(studio, FAL, clip)
            for each in (job, gone):
                await watch.until(each.id, is_in(State.REMOTE))
            studio.queue.cancel(job.id)
            job = await watch.until(job.id, rests)
            # The queue may forget what was taken out of it.
            sandbox.faults([{"call": "poll", "kind": "status", "code": 404, "body": {"detail": "no"}, "times": 0}])
            studio.queue.cancel(gone.id)
            gone = await watch.until(gone.id, rests)

    for each in (job, gone):
        assert (each.state, each.cancel_answer) == (State.REMOTE_CANCELLED, CancelAnswer.STOPPED)
        assert each.problem is not None
        assert (each.problem.kind, each.problem.charged) == (Kind.EDIT_CANCELLED, Charged.NO)


async def test_what_was_asked_to_stop_while_it_ran_may_have_been_charged(
    service: Sandbox, home: Path, clip: Path
) -> None:
    asked = {"call": "cancel", "kind": "status", "code": 202, "body": {"status": "CANCELLATION_REQUESTED"}}
    ended = {"call": "poll", "kind": "status", "code": 200, "times": 0}
    cancelled = {"status": "COMPLETED", "error": "cancelled", "error_type": "client_cancelled"}
    async with a_studio(home, service) as studio:
        watch = Watch(studio)
        job = begin(studio, FAL, clip)
        await watch.until(job.id, is_in(State.REMOTE))
        service.faults([asked, ended | {"body": {"status": "IN_PROGRESS"}}])
        studio.queue.cancel(job.id)
        await watch.until(job.id, lambda job: job.cancel_answer is not None)
        service.faults([ended | {"body": cancelled}, {"call": "record", "kind": "status", "code": 499}])
        job = await watch.until(job.id, rests)

    assert (job.state, job.cancel_answer) == (State.REMOTE_CANCELLED, CancelAnswer.ASKED)
    assert job.problem is not None
    assert (job.problem.kind, job.problem.charged) == (Kind.EDIT_CANCELLED, Charged.MAYBE)


async def test_credits_that_were_taken_with_the_order_and_given_back_are_no_charge(
    service: Sandbox, home: Path, clip: Path
) -> None:
    service.faults([{"call": "submit", "kind": "fail_job"}])
    async with a_studio(home, service) as studio:
        watch = Watch(studio)
        job = begin(studio, PIXELDOJO, clip)
        taken = await watch.until(job.id, lambda job: job.charge is not None)
        job = await watch.until(job.id, rests)
        spent = studio.ledger.spent_since(job.created_at)

    assert taken.charge is not None
    assert taken.charge.amount > 0
    assert job.state is State.REMOTE_FAILED
    assert job.problem is not None
    assert job.problem.charged is Charged.NO
    assert [money.amount for money in spent] == [0]


async def test_a_higher_price_than_was_approved_can_be_approved_and_is_paid_once(
    service: Sandbox, home: Path, clip: Path
) -> None:
    service.faults([{"call": "submit", "kind": "reset_before"}])
    async with a_studio(home, service) as studio:
        watch = Watch(studio)
        job = begin(studio, OXEN, clip)
        await watch.until(job.id, is_in(State.UNCONFIRMED))
        studio.queue._courses[job.id].amend(estimate=Money(Decimal("0.50"), "USD"))
        studio.queue.send_again(job.id)
        paused = await watch.until(job.id, rests)
        studio.queue.carry_on(job.id)
        still = await watch.until(job.id, rests)
        studio.queue.send_again(job.id)
        job = await watch.until(job.id, rests)
        with pytest.raises(InputRefused):
            studio.queue.send_again(job.id)
        assert studio.queue._around.store.unspent_approval(job.id) is None

    for each in (paused, still):
        assert (each.state, each.problem and each.problem.kind) == (State.READY, Kind.OVER_APPROVAL)
    assert paused.estimate is not None
    assert paused.estimate.amount > Decimal("0.50")
    assert job.state is State.COMPLETED
    assert len(calls(service, OXEN, "submit")) == 2


async def test_a_job_that_waits_for_something_else_is_not_sent_again(service: Sandbox, home: Path, clip: Path) -> None:
    service.faults([{"call": "submit", "kind": "status", "code": 429, "times": 3}])
    async with a_studio(home, service) as studio:
        job = begin(studio, OXEN, clip)
        await Watch(studio).until(job.id, lambda job: job.state is State.READY and job.paused)
        with pytest.raises(InputRefused):
            studio.queue.send_again(job.id)


async def test_who_stops_a_second_request_is_not_told_that_the_first_cost_nothing(
    service: Sandbox, home: Path, clip: Path
) -> None:
    busy = {"call": "submit", "kind": "status", "code": 429, "times": 9}
    hidden = {"call": "list", "kind": "list_empty", "times": 999}
    service.faults([{"call": "submit", "kind": "drop_after"}, busy, hidden])
    async with a_studio(home, service) as studio:
        watch = Watch(studio)
        job = begin(studio, OXEN, clip)
        await watch.until(job.id, is_in(State.UNCONFIRMED))
        studio.queue.send_again(job.id)
        waiting = await watch.until(job.id, rests)
        studio.queue.cancel(job.id)
        stopped = studio.queue.job(job.id)

    assert (waiting.state, stopped.state) == (State.READY, State.DRAFT)
    for each in (waiting, stopped):
        assert each.problem is not None
        assert each.problem.charged is Charged.MAYBE


async def test_a_refusal_of_the_second_request_says_nothing_about_the_first(
    service: Sandbox, home: Path, clip: Path
) -> None:
    refused = {"call": "submit", "kind": "status", "code": 400, "body": {"error": "no"}}
    hidden = {"call": "list", "kind": "list_empty", "times": 999}
    service.faults([{"call": "submit", "kind": "drop_after"}, refused, hidden])
    async with a_studio(home, service) as studio:
        watch = Watch(studio)
        job = begin(studio, OXEN, clip)
        await watch.until(job.id, is_in(State.UNCONFIRMED))
        studio.queue.send_again(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.REJECTED
    assert job.problem is not None
    assert job.problem.charged is Charged.MAYBE


async def test_where_the_key_may_not_list_the_person_is_told_why_nothing_is_found(
    service: Sandbox, home: Path, clip: Path
) -> None:
    no_list = {"call": "list", "kind": "status", "code": 403, "body": {"detail": "admin keys only"}, "times": 0}
    service.faults([{"call": "submit", "kind": "drop_after"}, no_list])
    async with a_studio(home, service) as studio:
        watch = Watch(studio)
        job = begin(studio, FAL, clip)
        job = await watch.until(job.id, lambda job: bool(job.problem and "may not list" in job.problem.detail))
        (charge,) = [row for row in service.ledger() if row["input_video"] == job.assets[0].url]
        studio.queue.found(job.id, charge["generation_id"])
        done = await watch.until(job.id, rests)

    assert (job.state, job.is_active) == (State.UNCONFIRMED, True)
    assert job.problem is not None
    assert (job.problem.kind, job.problem.charged) == (Kind.SUBMIT_UNCONFIRMED, Charged.MAYBE)
    assert done.state is State.COMPLETED


async def test_ids_that_another_job_has_do_not_hide_a_new_one(service: Sandbox, home: Path, clip: Path) -> None:
    async with a_studio(home, service) as studio:
        watch = Watch(studio)
        first = begin(studio, OXEN, clip)
        await watch.until(first.id, lambda job: job.remote_id is not None)
        first = studio.queue.job(first.id)
        service.faults([{"call": "submit", "kind": "reset_before"}])
        job = begin(studio, OXEN, clip)
        await watch.until(job.id, is_in(State.UNCONFIRMED))
        course = studio.queue._courses[job.id]
        course.accept(course.attempts()[0], Event.FOUND, [str(first.remote_id), "new", "new", "newer"], problem=None)
        made = [each for each in studio.queue.jobs() if each.ordered_with == job.id]

        assert course.job.remote_id == "new"
        assert [each.remote_id for each in made] == ["newer"]


async def test_copies_that_a_lost_request_may_be_at_work_with_are_not_removed(
    service: Sandbox, home: Path, clip: Path
) -> None:
    hidden = {"call": "list", "kind": "list_empty", "times": 999}
    service.faults([{"call": "submit", "kind": "drop_after"}, hidden])
    async with a_studio(home, service) as studio:
        watch = Watch(studio)
        job = begin(studio, OXEN, clip)
        await watch.until(job.id, is_in(State.UNCONFIRMED))
        studio.queue.drop(job.id)
        with pytest.raises(InputRefused) as refused:
            await studio.queue.delete_copies(job.id)
        service.faults([])
        job = await watch.until(job.id, is_in(State.COMPLETED))
        assert await studio.queue.delete_copies(job.id) == 1

    assert refused.value.problem.kind is Kind.COPIES_NEEDED


async def test_a_cancel_that_came_too_late_does_not_replace_one_that_was_heard(
    service: Sandbox, home: Path, clip: Path
) -> None:
    answers = [
        {"call": "cancel", "kind": "status", "code": 404, "body": {"status": "NOT_FOUND"}},
        {"call": "cancel", "kind": "status", "code": 202, "body": {"status": "CANCELLATION_REQUESTED"}},
        {"call": "cancel", "kind": "status", "code": 400, "body": {"status": "ALREADY_COMPLETED"}},
    ]
    running = {"call": "poll", "kind": "status", "code": 200, "body": {"status": "IN_PROGRESS"}, "times": 0}
    heard: list[CancelAnswer | None] = []
    async with a_studio(home, service) as studio:
        watch = Watch(studio)
        job = begin(studio, FAL, clip)
        await watch.until(job.id, is_in(State.REMOTE))
        service.faults([*answers, running])
        studio.queue.cancel(job.id)
        for wanted in (CancelAnswer.TOO_LATE, CancelAnswer.ASKED):
            job = await watch.until(job.id, answered(wanted))
            heard.append(job.cancel_answer)
        while len(calls(service, FAL, "cancel")) < 3:
            await asyncio.sleep(0.02)
        service.faults([])
        job = await watch.until(job.id, rests)

    assert heard == [CancelAnswer.TOO_LATE, CancelAnswer.ASKED]
    assert job.cancel_answer is CancelAnswer.ASKED


@pytest.mark.parametrize("account", ["me", "stranger"])
async def test_sending_again_with_another_key_pays_once_where_the_first_is_seen_and_loses_neither(
    service: Sandbox, home: Path, clip: Path, account: str
) -> None:
    hidden = {"call": "list", "kind": "list_empty", "times": 999}
    service.faults([{"call": "submit", "kind": "drop_after"}, hidden])
    async with a_studio(home, service, key="first-5ecret-me") as studio:
        job = begin(studio, SEGMIND, clip)
        await Watch(studio).until(job.id, is_in(State.UNCONFIRMED))

    async with a_studio(home, service, key=f"second-5ecret-{account}") as studio:
        watch = Watch(studio)
        await watch.until(job.id, rests)
        service.faults([])
        studio.queue.send_again(job.id)
        job = await watch.until(job.id, rests)
    assert job.state is State.COMPLETED
    assert len(calls(service, SEGMIND, "submit")) == (1 if account == "me" else 2)

    async with a_studio(home, service, key="first-5ecret-me") as studio:
        if account == "stranger":
            await Watch(studio).until(job.id, lambda _: len(studio.queue.jobs()) == 2)
        ends = [await Watch(studio).until(each.id, rests) for each in studio.queue.jobs()]

    assert {end.state for end in ends} == {State.COMPLETED}
    assert len({end.remote_id for end in ends}) == len(calls(service, SEGMIND, "submit"))
