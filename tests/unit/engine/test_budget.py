"""What each job takes of the person's limits, and that nothing gets past them on its way to the provider."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.budget import Cap, Period
from klingstudio.domain.errors import Charged, Kind, Problem, SpendingRefused
from klingstudio.domain.job import Attempt, AttemptState, Job, State
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request
from klingstudio.engine.budget import Budget, LocalZone
from klingstudio.providers.registry import ENTRIES
from klingstudio.studio import Studio
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)
INFOS = {entry.info.id: entry.info for entry in ENTRIES}


class Books:
    """A journal and a ledger in memory."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.charges: dict[str, Money] = {}

    def attempts_since(self, since: datetime) -> Sequence[Attempt]:
        return [attempt for attempt in self.attempts if attempt.intent_at >= since]

    def charges_since(self, _start: datetime) -> dict[str, Money]:
        return self.charges


class Desk:
    """A budget with limits and whatever a test tells it of."""

    def __init__(self, *caps: Cap) -> None:
        self.caps = caps
        self.books = Books()
        self.budget = Budget(self.books, self.books, info=INFOS.get, caps=lambda: self.caps, now=lambda: NOW, zone=UTC)

    def tell(self, job: Job, *states: AttemptState, at: datetime = NOW) -> Job:
        """The job, with a request in each of these states."""
        for number, state in enumerate(states):
            self.books.attempts.append(
                Attempt(
                    id=f"{job.id} {number}",
                    job_id=job.id,
                    provider=job.request.provider,
                    account="",
                    state=state,
                    asset_url="",
                    body_sha256="",
                    intent_at=at,
                    remote_id=job.remote_id if state is AttemptState.ACCEPTED else None,
                )
            )
        self.budget.note(job)
        return job

    def today(self, currency: str = "USD") -> tuple[str, str]:
        """What is booked today, and the reserved part of it."""
        for one in self.budget.balances():
            if one.period is Period.DAY and one.booked.currency == currency:
                return str(one.booked), str(one.reserved)
        return "nothing", "nothing"


def a_job(name: str = "one", *, takes: int = 1, cap: str | None = "1.10", **changes: Any) -> Job:
    request = Request(
        source="/clip.mp4",
        prompt="snow",
        provider=changes.pop("provider", "oxen"),
        takes=takes,
        max_cost=None if cap is None else Decimal(cap),
        accepts_unknown_price=changes.pop("agreed", False),
    )
    usual = Job(
        id=name,
        state=State.PREPARING,
        request=request,
        created_at=NOW,
        updated_at=NOW,
        estimate=Money(Decimal("1.01"), "USD"),
    )
    return replace(usual, **changes)


def ended(state: State, charged: Charged) -> Job:
    return a_job(state=state, remote_id="r", problem=Problem(kind=Kind.EDIT_FAILED, charged=charged))


def limited(day: str | None = None, month: str | None = None, currency: str = "USD") -> Cap:
    return Cap(currency=currency, day=Decimal(day) if day else None, month=Decimal(month) if month else None)


A = AttemptState
RESERVED, SETTLED, NOTHING = ("$1.10", "$1.10"), ("$1.01", "$0.00"), ("nothing", "nothing")


@pytest.mark.parametrize(
    ("job", "states", "expected"),
    [
        pytest.param(a_job(), (), RESERVED, id="not sent yet"),
        pytest.param(a_job(state=State.READY), (A.NOT_SENT,), RESERVED, id="did not leave, is tried again"),
        pytest.param(
            a_job(state=State.READY, paused=True, problem=Problem(kind=Kind.NETWORK_DOWN)),
            (),
            RESERVED,
            id="waits for the person",
        ),
        pytest.param(
            a_job(state=State.DRAFT, problem=Problem(kind=Kind.INTERRUPTED)), (), RESERVED, id="killed while fitting"
        ),
        pytest.param(
            a_job(state=State.READY, paused=True, problem=Problem(kind=Kind.OVER_BUDGET)),
            (),
            NOTHING,
            id="refused for money",
        ),
        pytest.param(a_job(state=State.DRAFT, problem=Problem(kind=Kind.STOPPED)), (), NOTHING, id="stopped unsent"),
        pytest.param(a_job(state=State.SUBMITTING), (A.INTENT,), RESERVED, id="out"),
        pytest.param(a_job(state=State.REJECTED), (A.REJECTED,), NOTHING, id="rejected"),
        pytest.param(a_job(state=State.UNCONFIRMED), (A.UNKNOWN,), RESERVED, id="unconfirmed"),
        pytest.param(a_job(state=State.ABANDONED), (A.WAIVED,), RESERVED, id="dropped, nobody knows"),
        pytest.param(a_job(state=State.READY), (A.WAIVED,), ("$2.20", "$2.20"), id="sent again: both may be charged"),
        pytest.param(a_job(state=State.REMOTE, remote_id="r"), (A.ACCEPTED,), RESERVED, id="accepted"),
        pytest.param(a_job(state=State.COMPLETED, remote_id="r"), (A.ACCEPTED,), SETTLED, id="done, charge not told"),
        pytest.param(ended(State.REMOTE_FAILED, Charged.NO), (A.ACCEPTED,), NOTHING, id="failed and not charged"),
        pytest.param(ended(State.REMOTE_FAILED, Charged.MAYBE), (A.ACCEPTED,), RESERVED, id="failed, nobody knows"),
        pytest.param(a_job(provider="sandbox"), (), NOTHING, id="the free sandbox"),
        pytest.param(a_job(cap=None), (), ("$1.01", "$1.01"), id="without a cap the estimate"),
        pytest.param(a_job(takes=3, cap="3.30"), (), ("$3.30", "$3.30"), id="three takes of one request"),
    ],
)
def test_what_a_job_takes_of_the_day(job: Job, states: tuple[AttemptState, ...], expected: tuple[str, str]) -> None:
    desk = Desk()

    desk.tell(job, *states)

    assert desk.today() == expected


def test_a_charge_replaces_what_was_reserved() -> None:
    desk = Desk()
    desk.tell(a_job(state=State.REMOTE, remote_id="r"), A.ACCEPTED)
    before = desk.today()

    desk.books.charges["one"] = Money(Decimal("0.84"), "USD")

    assert (before, desk.today()) == (RESERVED, ("$0.84", "$0.00"))


def test_takes_that_an_order_has_not_shown_yet_stay_reserved() -> None:
    desk = Desk()
    desk.tell(a_job(takes=3, cap="3.30", state=State.REMOTE, remote_id="r"), A.ACCEPTED)
    one_shown = desk.today()
    for name in ("two", "three"):
        desk.tell(a_job(name, takes=3, cap="3.30", state=State.REMOTE, remote_id=name, ordered_with="one"), A.ACCEPTED)

    assert (one_shown, desk.today()) == (("$3.30", "$3.30"), ("$3.30", "$3.30"))


def an_order(name: str, *, ordered_with: str | None = None, **changes: Any) -> Job:
    """One of three takes of one accepted request."""
    share = Money(Decimal("1.01"), "USD")
    usual: dict[str, Any] = {"takes": 3, "cap": "3.30", "estimate": share, "state": State.REMOTE, "remote_id": name}
    return a_job(name, ordered_with=ordered_with, **(usual | changes))


def test_takes_that_are_not_shown_stay_reserved_while_the_order_waits_for_the_person() -> None:
    desk = Desk()

    desk.tell(an_order("one", paused=True, problem=Problem(kind=Kind.KEY_MISSING)), A.ACCEPTED)

    assert desk.today() == ("$3.30", "$3.30")


def test_a_lost_request_for_three_takes_stays_reserved_as_three_after_another_one_was_accepted() -> None:
    desk = Desk()
    desk.tell(an_order("one"), A.WAIVED, at=NOW - timedelta(minutes=5))
    desk.tell(an_order("one"), A.ACCEPTED)

    assert desk.today() == ("$6.60", "$6.60")


def test_takes_of_a_lost_request_that_turn_up_are_not_taken_for_those_of_the_next_one() -> None:
    desk = Desk()
    before = NOW - timedelta(minutes=5)
    lost = an_order("new")
    for name in ("old 1", "old 2", "old 3"):
        desk.tell(an_order(name, ordered_with="new"), A.ACCEPTED, at=before)
    desk.tell(replace(lost, remote_id=None), A.ACCEPTED, at=before)
    desk.tell(lost, A.ACCEPTED)

    assert desk.today() == ("$6.60", "$6.60")


def test_what_was_sent_yesterday_is_of_yesterday_and_what_is_still_to_be_sent_is_of_today() -> None:
    desk = Desk()
    desk.tell(a_job("sent", state=State.REMOTE, remote_id="r"), A.ACCEPTED, at=YESTERDAY)
    desk.tell(a_job("waits", state=State.READY, paused=True, updated_at=YESTERDAY))
    desk.tell(a_job("goes", created_at=YESTERDAY, updated_at=YESTERDAY))
    month = next(one for one in desk.budget.balances() if one.period is Period.MONTH)

    assert desk.today() == RESERVED
    assert str(month.booked) == "$3.30"


def test_what_is_admitted_is_not_counted_against_itself() -> None:
    desk = Desk(limited(day="1.10"))
    job = desk.tell(a_job())

    desk.budget.admit(job)

    with pytest.raises(SpendingRefused) as refused:
        desk.budget.admit(a_job("two"))
    assert refused.value.problem.kind is Kind.OVER_BUDGET
    assert refused.value.problem.charged is Charged.NO
    assert refused.value.problem.detail == (
        "today $1.10 of $1.10 is booked, $1.10 of it reserved until it is known what was charged, and this may cost"
        " $1.10; the next day begins at midnight"
    )


def test_all_of_one_press_fit_or_none() -> None:
    desk = Desk(limited(month="3"))

    desk.budget.admit(a_job("one"), a_job("two"))
    with pytest.raises(SpendingRefused, match="more than the whole limit"):
        desk.budget.admit(a_job("one"), a_job("two"), a_job("three"))


def test_a_month_that_is_full_says_when_the_next_one_begins() -> None:
    desk = Desk(limited(month="2"))
    desk.tell(a_job("done", state=State.COMPLETED, charge=Money(Decimal("1.01"), "USD"), remote_id="r"), A.ACCEPTED)

    with pytest.raises(SpendingRefused) as refused:
        desk.budget.admit(a_job("two"))

    assert refused.value.problem.detail == (
        "this month $1.01 of $2.00 is booked, and this may cost $1.10; the next month begins on 1 December"
    )


@pytest.mark.parametrize("cap", [limited(day="5"), limited(month="5")], ids=["day", "month"])
def test_a_limit_on_a_price_that_nobody_knows_asks_for_agreement(cap: Cap) -> None:
    desk = Desk(cap)
    unknown = a_job(cap=None, estimate=None)

    with pytest.raises(SpendingRefused) as refused:
        desk.budget.admit(unknown)
    desk.budget.admit(replace(unknown, request=replace(unknown.request, accepts_unknown_price=True)))

    assert refused.value.problem.kind is Kind.PRICE_UNKNOWN
    assert refused.value.problem.detail == "your limit cannot hold it back"
    assert desk.budget.is_limited("oxen")


def test_agreement_does_not_help_once_the_limit_is_used_up() -> None:
    desk = Desk(limited(day="1.10"))
    desk.tell(a_job())

    with pytest.raises(SpendingRefused) as refused:
        desk.budget.admit(a_job("two", cap=None, estimate=None, agreed=True))

    assert refused.value.problem.kind is Kind.OVER_BUDGET
    assert refused.value.problem.detail is not None
    assert "and this has no known price; the next day" in refused.value.problem.detail


def test_dollars_do_not_limit_credits_and_the_sandbox_is_never_limited() -> None:
    desk = Desk(limited(day="0.01", month="0.01"))
    price = Money(Decimal(40), "credits")

    desk.budget.admit(a_job(provider="pixeldojo", cap="40", estimate=price))
    desk.budget.admit(a_job(provider="sandbox", cap="1000"))

    assert not desk.budget.is_limited("pixeldojo")
    assert not desk.budget.is_limited("sandbox")


def test_the_zone_of_this_computer_knows_its_own_days() -> None:
    zone = LocalZone()

    for at in (NOW, NOW + timedelta(days=200)):
        assert at.astimezone(zone).replace(tzinfo=None) == at.astimezone().replace(tzinfo=None)
        assert at.astimezone(zone).astimezone(UTC) == at
        assert at.astimezone(zone).tzname() == at.astimezone().tzname()
        assert at.astimezone(zone).dst() is None


# ------------------------------------------------------------------------------------ on a real studio and a real server


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


def rests(job: Job) -> bool:
    return not job.is_active


def posts(sandbox: Sandbox) -> int:
    return len(sandbox.requests("POST", "/api/ai/queue"))


def limit(studio: Studio, day: str) -> None:
    studio.settings.update(caps=(limited(day=day),))


async def test_twenty_presses_at_once_never_pass_the_limit(home: Path, sandbox: Sandbox, clip: Path) -> None:
    made: list[Job] = []
    refused: list[Kind] = []

    async def press(studio: Studio) -> None:
        await asyncio.sleep(0)
        try:
            made.extend(studio.queue.enqueue(a_request(clip, max_cost=Decimal("1.10"))))
        except SpendingRefused as error:
            refused.append(error.problem.kind)

    async with a_studio(home, sandbox) as studio:
        limit(studio, "2.30")
        watch = Watch(studio)
        await asyncio.gather(*(press(studio) for _ in range(20)))
        jobs = [await watch.until(job.id, rests) for job in made]

        assert [job.state for job in jobs] == [State.COMPLETED] * 2
        assert refused == [Kind.OVER_BUDGET] * 18
        assert len(studio.queue.jobs()) == 2
        day = studio.budget.balances()[0]
        assert (str(day.booked), str(day.reserved)) == ("$2.02", "$0.00")
    assert posts(sandbox) == 2


async def test_a_price_that_was_raised_is_refused_before_the_request_leaves_and_goes_on_with_more_room(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        limit(studio, "0.50")
        watch = Watch(studio)
        # Recorded when it was thought to cost a dime.
        (job,) = studio.queue.enqueue(a_request(clip), estimate=Money(Decimal("0.10"), "USD"))
        job = await watch.until(job.id, rests)
        assert (job.state, job.paused, job.problem and job.problem.kind) == (State.READY, True, Kind.OVER_BUDGET)
        assert job.estimate == Money(Decimal("1.01"), "USD")

        studio.queue.carry_on(job.id)
        still = studio.queue.job(job.id)
        assert (still.paused, still.problem and still.problem.kind) == (True, Kind.OVER_BUDGET)
        assert posts(sandbox) == 0

        limit(studio, "2")
        studio.queue.carry_on(job.id)
        job = await watch.until(job.id, rests)
        assert job.state is State.COMPLETED
    assert posts(sandbox) == 1


async def test_sending_again_needs_room_for_both_requests(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "reset_before"}])
    async with a_studio(home, sandbox) as studio:
        limit(studio, "2")
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip, max_cost=Decimal("1.10")))
        await watch.until(job.id, lambda job: job.looks >= 1)

        with pytest.raises(SpendingRefused):
            studio.queue.send_again(job.id)
        assert studio.queue.job(job.id).state is State.UNCONFIRMED
        assert posts(sandbox) == 1

        limit(studio, "2.20")
        studio.queue.send_again(job.id)
        job = await watch.until(job.id, rests)
        assert job.state is State.COMPLETED
        # Of the first request nobody knows; it stays reserved.
        day = studio.budget.balances()[0]
        assert (str(day.booked), str(day.reserved)) == ("$2.11", "$1.10")


async def test_what_was_interrupted_before_it_was_sent_can_be_given_up_and_makes_room(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        limit(studio, "1.10")
        (job,) = studio.queue.enqueue(a_request(clip, max_cost=Decimal("1.10")))
    async with a_studio(home, sandbox) as studio:
        left = studio.queue.job(job.id)
        assert left.problem is not None
        assert left.problem.kind is Kind.INTERRUPTED
        with pytest.raises(SpendingRefused):
            studio.queue.enqueue(a_request(clip, max_cost=Decimal("1.10")))

        studio.queue.cancel(job.id)

        given_up = studio.queue.job(job.id)
        assert given_up.problem is not None
        assert (given_up.problem.kind, given_up.problem.charged) == (Kind.STOPPED, Charged.NO)
        assert studio.budget.balances()[0].booked == Money(Decimal(0), "USD")
    assert posts(sandbox) == 0
