from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.ui.player.playback.clock import LEAST_RATE, MOST_RATE, Clock


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


# --- speed and direction ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "at_s"), [(0.5, 1.5), (2.0, 3.0), (-0.5, 0.5), (-1.0, 0.0)])
def test_it_runs_as_fast_as_it_was_told_and_in_that_direction(
    rate: float, at_s: float, clock: Clock, time: FakeTime
) -> None:
    clock.seek(1)
    clock.set_rate(rate)
    clock.is_looping = False
    clock.play()
    time.pass_s(1)

    assert clock.time_s() == pytest.approx(at_s)


@pytest.mark.parametrize(
    ("wished", "got"), [(9, MOST_RATE), (-9, -MOST_RATE), (0.01, LEAST_RATE), (-0.01, -LEAST_RATE)]
)
def test_speeds_have_limits(wished: float, got: float, clock: Clock) -> None:
    clock.set_rate(wished)

    assert clock.rate == got


def test_another_speed_counts_from_now_on(clock: Clock, time: FakeTime) -> None:
    clock.play()
    time.pass_s(1)
    clock.set_rate(2)
    time.pass_s(0.5)
    clock.set_rate(-1)
    time.pass_s(0.25)

    assert clock.time_s() == pytest.approx(1.75)


def test_backwards_it_begins_again_at_the_end(clock: Clock, time: FakeTime) -> None:
    clock.seek(1)
    clock.set_rate(-1)
    clock.play()
    time.pass_s(1.5)

    assert clock.time_s() == pytest.approx(3.5)
    assert clock.rounds == 1


def test_backwards_without_a_loop_it_stops_at_the_start(clock: Clock, time: FakeTime) -> None:
    clock.seek(1)
    clock.set_rate(-2)
    clock.is_looping = False
    clock.play()
    time.pass_s(3)

    assert clock.time_s() == 0.0
    assert not clock.is_running


def test_playing_backwards_from_the_start_begins_at_the_end(clock: Clock, time: FakeTime) -> None:
    clock.set_rate(-1)
    clock.is_looping = False
    clock.play()
    time.pass_s(0.5)

    assert clock.time_s() == pytest.approx(3.5)


# --- a part of it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "start_s", "after_s", "at_s"), [(1, 1.5, 1.0, 1.5), (1, 1.5, 2.75, 1.25), (-1, 1.5, 1.0, 1.5)]
)
def test_a_range_is_gone_through_again_and_again(
    rate: float, start_s: float, after_s: float, at_s: float, clock: Clock, time: FakeTime
) -> None:
    clock.set_range(1, 2)
    clock.seek(start_s)
    clock.set_rate(rate)
    clock.play()
    time.pass_s(after_s)

    assert clock.time_s() == pytest.approx(at_s)


def test_from_before_the_range_it_runs_into_it_and_from_behind_to_the_end(clock: Clock, time: FakeTime) -> None:
    clock.set_range(1, 2)
    clock.play()
    time.pass_s(0.5)
    before_s = clock.time_s()
    time.pass_s(1.75)
    inside_s = clock.time_s()
    clock.seek(3)
    time.pass_s(0.5)
    behind_s = clock.time_s()
    time.pass_s(0.75)

    assert (before_s, inside_s, behind_s) == (0.5, 1.25, 3.5)
    assert clock.time_s() == pytest.approx(1.25)


def test_an_empty_range_is_no_range(clock: Clock) -> None:
    clock.set_range(3, 3)

    assert clock.range_s == (0, 4)


def test_something_else_to_play_has_no_range(clock: Clock) -> None:
    clock.set_range(1, 2)
    clock.set_length(9)

    assert clock.range_s == (0, 9)


# --- steered by what is heard -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("off_s", [0.1, -0.1, 0.004])
def test_it_gets_to_what_is_heard_and_then_runs_on_as_before(off_s: float, clock: Clock, time: FakeTime) -> None:
    clock.set_length(100)
    clock.play()
    time.pass_s(1)
    clock.steer(1 + off_s)
    at_once_s = clock.time_s()
    time.pass_s(20)

    assert at_once_s == pytest.approx(1)
    assert clock.time_s() == pytest.approx(21 + off_s)


def test_it_jumps_when_it_is_far_off(clock: Clock, time: FakeTime) -> None:
    clock.play()
    time.pass_s(1)
    clock.steer(1.5)

    assert clock.time_s() == 1.5


@pytest.mark.parametrize(("at_s", "heard_s"), [(3.99, 0.01), (0.01, 3.99)])
def test_what_has_begun_again_a_little_earlier_or_later_is_near(
    at_s: float, heard_s: float, clock: Clock, time: FakeTime
) -> None:
    clock.seek(at_s)
    clock.play()
    clock.steer(heard_s)

    assert clock.time_s() == at_s


def test_a_clock_that_stands_is_not_steered(clock: Clock) -> None:
    clock.seek(1)
    clock.steer(3)

    assert clock.time_s() == 1


# --- whatever is done with it -----------------------------------------------------------------------------------------

_times = st.floats(-1, 12, allow_nan=False)
_actions = st.one_of(
    st.tuples(st.just("pass"), st.floats(0, 30)),
    st.tuples(st.just("seek"), _times),
    st.tuples(st.just("rate"), st.floats(-5, 5).filter(bool)),
    st.tuples(st.just("steer"), _times),
    st.tuples(st.just("play"), st.none()),
    st.tuples(st.just("pause"), st.none()),
    st.tuples(st.just("loop"), st.booleans()),
    st.tuples(st.just("length"), st.floats(0, 10)),
    st.tuples(st.just("range"), st.tuples(_times, _times)),
)


def act(clock: Clock, time: FakeTime, name: str, value: object) -> None:
    match name, value:
        case "pass", float(seconds):
            time.pass_s(seconds)
        case "seek", float(time_s):
            clock.seek(time_s)
        case "rate", float(rate):
            clock.set_rate(rate)
        case "steer", float(time_s):
            clock.steer(time_s)
        case "play", None:
            clock.play()
        case "pause", None:
            clock.pause()
        case "loop", bool(is_looping):
            clock.is_looping = is_looping
        case "length", float(length_s):
            clock.set_length(length_s)
        case "range", (float(start_s), float(end_s)):
            clock.set_range(start_s, end_s)
        case unknown:
            raise AssertionError(unknown)


@given(st.lists(_actions, max_size=30))
def test_its_time_is_always_inside_and_reading_it_changes_nothing(actions: list[tuple[str, object]]) -> None:
    time = FakeTime()
    clock = Clock(time)
    for name, value in actions:
        act(clock, time, name, value)

        now_s = clock.time_s()
        assert 0 <= now_s <= clock.length_s
        assert clock.time_s() == now_s
        assert LEAST_RATE <= abs(clock.rate) <= MOST_RATE
        assert not clock.is_running or clock.length_s > 0


@given(
    st.floats(-4, 4).filter(lambda rate: abs(rate) >= 0.1), st.lists(st.floats(0, 3), max_size=20), st.floats(0, 7.9)
)
def test_however_often_it_is_read_it_comes_to_the_same(rate: float, pauses: list[float], start_s: float) -> None:
    time = FakeTime()
    clock, seldom = Clock(time), Clock(time)
    for each in (clock, seldom):
        each.set_length(8)
        each.set_range(0, 8)
        each.seek(start_s)
        each.set_rate(rate)
        each.play()
    start_s = seldom.time_s()
    for seconds in pauses:
        time.pass_s(seconds)
        clock.time_s()

    expected = (start_s + sum(pauses) * rate) % 8
    for each in (clock, seldom):
        # The end and the start are the same moment of a loop.
        assert min(abs(each.time_s() - expected), 8 - abs(each.time_s() - expected)) < 1e-6


@given(
    st.floats(0.1, 4),
    st.lists(st.tuples(st.floats(0.001, 0.5), st.floats(-0.25, 0.25)), min_size=1, max_size=30),
)
def test_steering_never_changes_the_speed_by_more_than_two_in_a_hundred(
    rate: float, heard: list[tuple[float, float]]
) -> None:
    time = FakeTime()
    clock = Clock(time)
    clock.set_length(1e6)
    clock.seek(1000)
    clock.set_rate(rate)
    clock.play()

    for seconds, off_s in heard:
        before_s = clock.time_s()
        clock.steer(before_s + off_s)
        time.pass_s(seconds)
        went_s = clock.time_s() - before_s
        assert 0.98 * rate * seconds - 1e-6 <= went_s <= 1.02 * rate * seconds + 1e-6


@given(
    st.tuples(st.floats(0, 9), st.floats(0.05, 5)),
    st.sampled_from([-4.0, -1.0, -0.3, 0.5, 1.0, 2.0]),
    st.floats(0, 1),
    st.lists(st.floats(0, 9), max_size=15),
)
def test_inside_a_range_that_loops_it_never_leaves_it(
    part: tuple[float, float], rate: float, where: float, pauses: list[float]
) -> None:
    time = FakeTime()
    clock = Clock(time)
    clock.set_length(20)
    start_s, end_s = part[0], part[0] + part[1]
    clock.set_range(start_s, end_s)
    clock.set_rate(rate)
    clock.seek(start_s + where * (end_s - start_s))
    clock.play()

    for seconds in pauses:
        time.pass_s(seconds)
        assert start_s - 1e-9 <= clock.time_s() <= end_s + 1e-9
