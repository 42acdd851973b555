from __future__ import annotations

import pytest

from klingstudio.ui.player.clock import Clock


class FakeTime:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at

    def pass_s(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def clock(time: FakeTime) -> Clock:
    made = Clock(time)
    made.set_length(4.0)
    return made


def test_a_paused_clock_stands_still(clock: Clock, time: FakeTime) -> None:
    time.pass_s(3)

    assert clock.time_s() == 0.0
    assert not clock.is_running


def test_a_running_clock_follows_its_time_source(clock: Clock, time: FakeTime) -> None:
    clock.play()
    time.pass_s(1.5)

    assert clock.time_s() == pytest.approx(1.5)


def test_pausing_and_playing_again_loses_nothing(clock: Clock, time: FakeTime) -> None:
    clock.play()
    time.pass_s(1)
    clock.pause()
    time.pass_s(50)
    clock.play()
    time.pass_s(1)

    assert clock.time_s() == pytest.approx(2)


def test_a_looping_clock_begins_again_as_often_as_needed(clock: Clock, time: FakeTime) -> None:
    clock.play()
    time.pass_s(4 * 3 + 0.5)

    assert clock.time_s() == pytest.approx(0.5)
    assert clock.is_running


def test_without_a_loop_it_stops_at_the_end(clock: Clock, time: FakeTime) -> None:
    clock.is_looping = False
    clock.play()
    time.pass_s(9)

    assert clock.time_s() == 4.0
    assert not clock.is_running


def test_playing_from_the_end_starts_over(clock: Clock, time: FakeTime) -> None:
    clock.is_looping = False
    clock.seek(4)
    clock.play()
    time.pass_s(0.25)

    assert clock.time_s() == pytest.approx(0.25)


def test_a_seek_while_running_runs_on_from_there(clock: Clock, time: FakeTime) -> None:
    clock.play()
    time.pass_s(1)
    clock.seek(3)
    time.pass_s(0.5)

    assert clock.time_s() == pytest.approx(3.5)


@pytest.mark.parametrize(("wished", "got"), [(-1, 0), (99, 4)])
def test_a_seek_stays_inside(wished: float, got: float, clock: Clock) -> None:
    clock.seek(wished)

    assert clock.time_s() == got


def test_a_shorter_length_takes_the_time_back_to_its_end(clock: Clock) -> None:
    clock.seek(3)
    clock.set_length(2)

    assert clock.time_s() == 2


def test_a_clock_without_length_does_not_run(time: FakeTime) -> None:
    clock = Clock(time)
    clock.play()
    time.pass_s(1)

    assert not clock.is_running
    assert clock.time_s() == 0.0
