"""Some twenty-five kills through all four services; `dev.py torture kills` does a thousand. And each invariant can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random

import pytest

from klingstudio.domain.job import Event, Job, State
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request
from klingstudio.paths import paths
from klingstudio.providers.registry import Entry
from tests.fakes.services import each_service
from tests.torture.kills import invariants, product
from tests.torture.kills.disk import Disk, File, Move, Permit, Try, read_disk
from tests.torture.kills.harness import Ending, by_chance, run_once
from tests.torture.kills.part import PROVIDERS, windows
from tests.torture.kills.points import POINTS
from tests.torture.kills.truth import Charge, Post, Seen, Truth
from tests.torture.kills.ward import Ward, a_ward

UNHURRIED = pytest.mark.timeout(300)
"""A run has many lives, each of which starts the program."""
SEED = 20261121
LIVES = 4


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    with a_ward(tmp_path_factory.mktemp("kills")) as made:
        yield made


# ---------------------------------------------------------------------------------------------------------------- kills


@UNHURRIED
@each_service
def test_whatever_kills_the_engine_nothing_is_lost_and_nothing_paid_twice(entry: Entry, ward: Ward) -> None:
    endings = list(by_chance(Random(f"{SEED} {entry.info.id}"), lives=LIVES))

    run = run_once(SEED, provider=entry.info.id, ward=ward, endings=endings)

    assert run.violations == []
    assert (run.lives, run.posts) >= (LIVES + 1, 1)
    assert run.kills >= LIVES - 2, "few lives were closed, or had nothing left to do"


@UNHURRIED
def test_a_kill_around_the_paid_request_costs_one_take_at_most(ward: Ward) -> None:
    steps = [point for point in product.AIMED if point.startswith("post:")]
    endings = [Ending(point=point, fresh=1, wish="wait") for point in steps]

    run = run_once(SEED, provider=PROVIDERS[0], ward=ward, endings=endings, lag=(), clip=0)

    assert run.violations == []
    assert sorted(run.killed_at) == sorted(steps), "each of them was reached"


@UNHURRIED
def test_a_window_that_is_killed_leaves_the_same_promises(ward: Ward) -> None:
    run = run_once(SEED, provider=PROVIDERS[0], ward=ward, endings=windows(SEED, 1), lag=())

    assert run.violations == []
    assert run.kills == 1


def test_the_product_is_whole() -> None:
    cases = list(product.cases(PROVIDERS))
    aimed = [(case.name, ending.point) for case in cases for ending in case.endings if case.name in product.FAULTS]

    assert len(set(aimed)) == len(aimed) == 40 * 12
    assert {ending.point for case in cases for ending in case.endings} >= set(POINTS)
    assert {case.provider for case in cases} == set(PROVIDERS)


# ----------------------------------------------------------------------------------------------------------- invariants

NOW = datetime(2026, 9, 1, 14, 31, tzinfo=UTC)
TAKE = File(sha256="beef", size_bytes=4, modified_ns=1)
WAY = ("prepare", "prepared", "upload", "uploaded", "intent", "accepted", "remote_ok", "download", "bytes_done", "good")
STATES = (
    "draft", "preparing", "prepared", "uploading", "ready", "submitting", "remote", "succeeded", "downloading",
    "verifying", "completed",
)  # fmt: skip


def a_job(**changes: object) -> Job:
    job = Job(
        id="j",
        state=State.COMPLETED,
        request=Request(source="/clips/street.mp4", prompt="snow", provider="oxen"),
        created_at=NOW,
        updated_at=NOW,
        estimate=Money(Decimal("1.68"), "USD"),
        remote_id="r1",
        take="/takes/a.mp4",
        planned_take="/takes/a.mp4",
        take_sha256="beef",
    )
    return replace(job, **changes)  # type: ignore[arg-type]


def a_try(**changes: object) -> Try:
    made = Try(
        id="a1", job_id="j", state="ACCEPTED", account="fp", asset_url="https://x/1.mp4", body_sha256="b1",
        intent_at="2026-09-01T14:31:00", provider="oxen", remote_id="r1",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def the_moves() -> tuple[Move, ...]:
    return tuple(
        Move(seq=n, job_id="j", frm=frm, event=event, dst=dst, take_sha256="beef" if event == Event.GOOD else None)
        for n, (frm, event, dst) in enumerate(zip(STATES, WAY, STATES[1:], strict=False), 1)
    )


DISK = Disk(
    jobs=(a_job(),),
    moves=the_moves(),
    tries=(a_try(),),
    takes={"/takes/a.mp4": TAKE},
    source=TAKE,
    booked=Decimal("1.68"),
)
CHARGE = Charge(remote_id="r1", asset_url="https://x/1.mp4", account="me", amount=Decimal("1.68"))
POST = Post(body="{}", sha256="b1", intents=("b1",))
POLL = Seen(call="poll", dialect="oxen", path="/api/ai/queue/r1?", account="me", at=1.0)
TRUTH = Truth(charges=(CHARGE,), posts=(POST,), requests=(POLL,))
SECOND = a_try(id="a2", state="UNKNOWN", asset_url="https://x/2.mp4", body_sha256="b2", remote_id=None,
               intent_at="2026-09-01T14:32:00")  # fmt: skip


CHECKS: tuple[Callable[[Disk, Truth], Iterator[str]], ...] = (
    *invariants.ALWAYS,
    partial(invariants.source_untouched, source=TAKE),
    partial(invariants.stable_ends, before=DISK),
    partial(invariants.account_binding, accounts={"r1": "me"}),
    invariants.honest_money,
    partial(invariants.bounded_traffic, most=3),
    invariants.swept,
)


def complaints(disk: Disk, truth: Truth) -> set[str]:
    return {line.split()[0] for check in CHECKS for line in check(disk, truth)}


def test_a_run_without_a_fault_breaks_nothing() -> None:
    assert complaints(DISK, TRUTH) == set()


@pytest.mark.parametrize(
    ("broken", "disk", "truth"),
    [
        (
            "I1",
            replace(DISK, tries=(a_try(), SECOND)),
            replace(TRUTH, charges=(CHARGE, replace(CHARGE, remote_id="r2", asset_url="https://x/2.mp4"))),
        ),
        ("I2", replace(DISK, tries=()), TRUTH),
        ("I3", DISK, replace(TRUTH, posts=(POST, POST))),
        ("I4", DISK, replace(TRUTH, posts=(replace(POST, intents=("another",)),))),
        ("I4", DISK, replace(TRUTH, posts=(Post(body=None, sha256=None, intents=()),))),
        ("I5", replace(DISK, moves=tuple(m for m in DISK.moves if m.seq != 3)), TRUTH),
        ("I5", replace(DISK, moves=(replace(DISK.moves[0], dst="ready"), *DISK.moves[1:])), TRUTH),
        ("I5", replace(DISK, jobs=(a_job(state=State.REMOTE),)), TRUTH),
        (
            "I6",
            replace(DISK, moves=(*DISK.moves, Move(seq=11, job_id="j", frm="completed", event="prepare", dst="draft"))),
            TRUTH,
        ),
        ("I6", replace(DISK, takes={}), TRUTH),
        ("I6", replace(DISK, jobs=(a_job(take="/takes/b.mp4"),)), TRUTH),
        ("I7", replace(DISK, takes=dict(DISK.takes) | {"/takes/b.mp4": replace(TAKE, sha256="half")}), TRUTH),
        ("I8", replace(DISK, source=replace(TAKE, modified_ns=2)), TRUTH),
        ("I8", replace(DISK, source=None), TRUTH),
        ("I9", DISK, replace(TRUTH, requests=(POLL, replace(POLL, call="put", path="/signed/1")))),
        ("I10", replace(DISK, tries=(a_try(), a_try(id="a2", job_id="j"))), TRUTH),
        ("I13", replace(DISK, tries=(a_try(), SECOND)), TRUTH),
        (
            "I13",
            replace(
                DISK,
                tries=(a_try(state="WAIVED"), replace(SECOND, approval_id="p"), replace(SECOND, approval_id="p")),
                permits=(Permit(id="p", job_id="j", spent_by="a2"),),
            ),
            TRUTH,
        ),
        (
            "I13",
            replace(
                DISK,
                tries=(a_try(state="WAIVED"), replace(SECOND, approval_id="p")),
                permits=(Permit(id="p", job_id="j", spent_by=None),),
            ),
            TRUTH,
        ),
        ("I14", replace(DISK, complaints=("row 3 missing from index",)), TRUTH),
        ("I15", DISK, replace(TRUTH, requests=(replace(POLL, account="somebody"),))),
        ("I16", replace(DISK, tries=(a_try(), SECOND)), TRUTH),
        ("I16", DISK, replace(TRUTH, charges=(CHARGE, replace(CHARGE, amount=Decimal(9))))),
        ("I17", replace(DISK, work=("left.mp4",)), TRUTH),
        ("I17", replace(DISK, takes=dict(DISK.takes) | {"/takes/j.part": TAKE}), TRUTH),
        ("I18", DISK, replace(TRUTH, requests=(POLL,) * 4)),
    ],
)
def test_each_broken_promise_is_noticed(broken: str, disk: Disk, truth: Truth) -> None:
    assert broken in complaints(disk, truth)


def test_a_job_that_nobody_can_do_anything_about_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = replace(DISK, jobs=(a_job(state=State.UNCONFIRMED),))
    assert list(invariants.attention_has_an_answer(disk, TRUTH)) == []

    monkeypatch.setattr("klingstudio.ui.takes.words._attention_acts", lambda _state: ())
    assert [line[:3] for line in invariants.attention_has_an_answer(disk, TRUTH)] == ["I12"]


def test_jobs_that_are_stuck_and_processes_that_are_left_are_noticed() -> None:
    assert list(invariants.nothing_stuck([("j", "completed", False, ""), ("k", "unconfirmed", True, "")])) == []
    assert len(list(invariants.nothing_stuck([("j", "remote", False, ""), ("k", "ready", True, "no_credit")]))) == 2
    assert len(list(invariants.no_leftovers(["python -m klingstudio.media.child"]))) == 1


def test_a_journal_that_was_never_begun_is_an_empty_one(tmp_path: Path) -> None:
    assert read_disk(paths({"KLINGSTUDIO_HOME": str(tmp_path)}), tmp_path / "none.mp4") == Disk()
