"""Everything about time, in a few seconds; `dev.py torture hours` takes it all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from klingstudio.domain.job import State
from tests.fakes.command_line import command_line
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import a_clip, environ_of
from tests.torture.hours.asleep import NAPS, sleep_through
from tests.torture.hours.clock import every_jump, jumps
from tests.torture.hours.instances import SECOND_PROGRAM_S, interleave, second_program
from tests.torture.hours.outage import a_day_away
from tests.torture.hours.patience import (
    an_edit_of_hours,
    asked_to_wait,
    fifty_at_once,
    inputs_of_last_week,
    taken_back,
    unknown_for,
)
from tests.torture.hours.service import Away
from tests.torture.machine.cloud import Said

# ------------------------------------------------------------------------------------------------------------- outages


@pytest.mark.parametrize("away", Away)
def test_a_provider_that_is_away_for_a_day_is_hardly_asked_and_everything_goes_on_when_it_is_back(away: Away) -> None:
    day = a_day_away(away)

    assert day.states == {State.COMPLETED}
    assert day.broken == ()
    assert day.per_minute <= 0.2
    assert day.per_minute_max <= 3, "two questions and the stream of events may fall into one minute"
    assert day.log_bytes < 1_000_000
    assert day.back_after_s <= 660


@pytest.mark.parametrize("state", [State.REMOTE, State.UNCONFIRMED])
def test_many_jobs_ask_one_that_is_away_no_more_than_one_does(state: State) -> None:
    day = a_day_away(Away.BUSY, jobs=20, state=state, hours=6)

    assert day.states == {State.COMPLETED}
    assert day.per_minute <= 0.02


def test_a_short_absence_is_noticed_soon() -> None:
    day = a_day_away(Away.RESETS, state=State.UNCONFIRMED, hours=0.2)

    assert day.states == {State.COMPLETED}
    assert day.back_after_s <= 120


def test_fifty_jobs_are_polled_once_a_second_and_none_is_forgotten() -> None:
    per_second, at_once, gap_s = fifty_at_once(minutes=5)

    # Ten may begin at once.
    assert 0.95 < per_second <= 1.05
    assert at_once <= 4
    assert gap_s <= 60


@pytest.mark.parametrize(("value", "waited_s"), [("30", 30), ("1e9", 120), ("-5", 1), ("0", 1)])
def test_a_wait_that_is_asked_for_holds_for_all_jobs_within_reason(value: str, waited_s: float) -> None:
    assert asked_to_wait(value) == pytest.approx(waited_s, abs=0.01)


# ------------------------------------------------------------------------------------------------------------ patience


def test_an_edit_of_many_hours_is_polled_to_its_end() -> None:
    assert an_edit_of_hours(10) == []


def test_an_unknown_id_is_believed_after_five_minutes_and_not_before() -> None:
    assert unknown_for(3)[0] is State.REMOTE
    state, after_s = unknown_for(60)

    assert state is State.REMOTE_MISSING
    assert 300 <= after_s <= 330


@pytest.mark.parametrize("said", [Said.FAILED, Said.CANCELLED])
@pytest.mark.parametrize("after_s", [1.0, 3000.0])
def test_an_end_that_is_taken_back_brings_its_take(said: Said, after_s: float) -> None:
    assert taken_back(said, after_s) == []


@pytest.mark.parametrize("days", [0, -365, 365])
def test_nobody_pays_for_inputs_that_are_gone_whatever_the_clock_says(days: int) -> None:
    assert inputs_of_last_week(timedelta(days=days)) == []


# --------------------------------------------------------------------------------------------------------------- clock


def test_no_setting_of_the_clock_costs_a_take_or_a_second_payment() -> None:
    # Every fifth of them meets each phase, each jump and each circumstance.
    chosen = list(every_jump())[::5]

    assert jumps(chosen) == []
    assert {how.phase for how in chosen} == {how.phase for how in every_jump()}
    assert {how.by for how in chosen} == {how.by for how in every_jump()}


# ----------------------------------------------------------------------------------------------------------- instances


def test_two_programs_on_one_journal_send_one_request() -> None:
    assert [broken for seed in range(40) for broken in interleave(seed)] == []


def test_it_is_the_journal_that_keeps_two_programs_apart() -> None:
    assert any(interleave(seed, guarded=False) for seed in range(10))


@pytest.mark.edits_take(SECOND_PROGRAM_S)
def test_a_second_program_is_refused_while_the_first_lives_even_stopped(home: Path, sandbox: Sandbox) -> None:
    clip = a_clip(home.parent / "clip.mp4")
    with command_line(environ_of(home, sandbox)) as run:
        assert second_program(run, clip) == []


# --------------------------------------------------------------------------------------------------------------- sleep


@pytest.mark.parametrize("name", ["the upload is reset", "the order is not answered", "the link expires"])
def test_a_nap_costs_nothing(home: Path, sandbox: Sandbox, name: str) -> None:
    clip = a_clip(home.parent / "clip.mp4")
    with command_line(environ_of(home, sandbox)) as run:
        assert sleep_through(run, sandbox, clip, NAPS[name], seconds=0.5) == []
