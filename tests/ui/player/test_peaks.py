from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from klingstudio.ui.player.transport.peaks import heights, highest_near, peaks
from klingstudio.ui.player.transport.ruler import Ruler

CHANGES = st.lists(st.none() | st.floats(0, 1), max_size=60)


def test_each_hill_has_one_peak_at_its_top() -> None:
    assert peaks([0.0, 0.1, 0.4, 0.1, 0.0, 0.0, 0.2, 0.8, 0.7, 0.0]) == [2, 7]


def test_a_plateau_is_one_peak_at_its_beginning() -> None:
    assert peaks([0.0, 0.5, 0.5, 0.5, 0.0]) == [1]


def test_a_clip_that_begins_or_ends_changed_has_its_peak_there() -> None:
    assert peaks([0.9, 0.5, 0.0, 0.0]) == [0]
    assert peaks([0.0, 0.0, 0.5, 0.9]) == [3]


def test_ripples_and_noise_are_no_peaks() -> None:
    assert peaks([0.5, 0.52, 0.5, 0.53, 0.5]) == [3]
    assert peaks([0.0, 0.004, 0.0, 0.003]) == []
    assert peaks([None, None]) == []
    assert peaks([]) == []


@given(CHANGES)
def test_peaks_are_in_order_and_not_lower_than_what_is_beside_them(changes: list[float | None]) -> None:
    known = [value or 0.0 for value in changes]
    found = peaks(changes)

    assert found == sorted(set(found))
    for step in found:
        assert known[step] >= max(known[max(0, step - 1) : step + 2])


@given(CHANGES)
def test_the_greatest_change_is_a_peak(changes: list[float | None]) -> None:
    known = [value or 0.0 for value in changes]
    if max(known, default=0.0) > 0.02 and min(known) < 0.5 * max(known):
        assert max(known) in [known[step] for step in peaks(changes)]


@given(CHANGES, st.integers(1, 80))
def test_no_change_falls_between_two_bars(changes: list[float | None], bars: int) -> None:
    drawn = heights(changes, bars) if changes else []

    known = [value for value in changes if value is not None]
    assert max((value for value in drawn if value is not None), default=None) == max(known, default=None)


def test_a_click_beside_a_peak_finds_it_but_none_further_away() -> None:
    changes = [0.0, 0.0, 0.9, 0.0, 0.0, 0.3, 0.0]

    assert highest_near(changes, 3, 1) == 2
    assert highest_near(changes, 4, 1) == 5
    assert highest_near([None] * 5, 3, 1) == 3


@given(st.integers(1, 5000), st.floats(30, 3000), st.floats(0, 10))
def test_every_step_is_found_where_it_lies(count: int, width: float, inset: float) -> None:
    ruler = Ruler(count, width, inset)

    assert ruler.step_at(ruler.x_of(0)) == 0
    assert ruler.step_at(ruler.x_of(count - 1)) == count - 1
    assert ruler.step_at(ruler.x_of(count // 2)) == count // 2
    assert 0 <= ruler.x_of(count - 1) <= width + 1e-6
