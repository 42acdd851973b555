from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from klingstudio.ui.player.playback.ahead import steps_ahead, steps_around, steps_to_play


def test_around_a_still_picture_what_is_next_comes_first() -> None:
    assert steps_around(10, 100) == [10, 11, 12, 9, 8]
    assert steps_around(0, 100) == [0, 1, 2]
    assert steps_around(99, 100) == [99, 98, 97]


def test_a_picture_that_rests_can_be_played_on_from() -> None:
    assert steps_to_play(10, 100) == [10, 11, 12, 9, 8, 13, 14, 15, 16]
    assert steps_to_play(97, 100) == [97, 98, 99, 96, 95]


def test_ahead_of_the_end_lies_the_start_of_the_loop() -> None:
    assert steps_ahead(97, 1, 100, range(100)) == [97, 98, 99, *range(10)]
    assert steps_ahead(19, 1, 100, range(10, 21)) == [19, 20, *range(10, 19)]
    assert steps_ahead(11, -1, 100, range(10, 21)) == [11, 10, *range(20, 11, -1)]


def test_behind_the_loop_it_goes_on_to_the_end_first() -> None:
    assert steps_ahead(97, 1, 100, range(10, 21)) == [97, 98, 99, *range(10, 20)]
    assert steps_ahead(2, -1, 100, range(10, 21)) == [2, 1, 0, *range(20, 10, -1)]


def test_without_a_loop_the_end_is_the_end() -> None:
    assert steps_ahead(97, 1, 100, None) == [97, 98, 99]
    assert steps_ahead(1, -1, 100, None) == [1, 0]


def test_faster_play_looks_further_ahead() -> None:
    assert steps_ahead(0, 2, 100, None) == list(range(25))


@given(st.integers(1, 60), st.data(), st.sampled_from([-4, -1, 0.1, 1, 3]))
def test_every_step_exists_and_is_asked_for_once(count: int, data: st.DataObject, rate: float) -> None:
    base = data.draw(st.integers(0, count - 1))
    first = data.draw(st.integers(0, count - 1))
    loop = data.draw(st.none() | st.builds(range, st.just(first), st.integers(first + 1, count)))

    steps = steps_ahead(base, rate, count, loop)

    assert steps[0] == base
    assert len(set(steps)) == len(steps)
    assert all(0 <= step < count for step in steps)
