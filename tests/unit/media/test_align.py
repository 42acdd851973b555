from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klingstudio.media.align import Alignment, find_alignment
from klingstudio.media.signature import SIDE, Moment, Signature

Look = Callable[[int, int, int], int]
"""What becomes of a cell: column, row, brightness → brightness."""


class Scene:
    """Blobs that wander about, each at its own pace, over a ground that is bright on one side."""

    def __init__(self, seed: int, *, blobs: int = 5) -> None:
        chance = random.Random(seed)
        self._paths = [
            [(chance.uniform(0.1, 0.4), chance.uniform(1.2, 7.0), chance.uniform(0, math.tau)) for _ in range(4)]
            for _ in range(blobs)
        ]

    def places(self, time_s: float) -> list[tuple[float, float]]:
        found = []
        for a, b, c, d in self._paths:
            x = 0.5 + sum(far * math.sin(pace * time_s + start) for far, pace, start in (a, b)) / 1.5
            y = 0.5 + sum(far * math.sin(pace * time_s + start) for far, pace, start in (c, d)) / 1.5
            found.append((x, y))
        return found


def unedited(_column: int, _row: int, level: int) -> int:
    return level


def edited(column: int, row: int, level: int) -> int:
    """Paler all over, and a quarter of the picture replaced by something that stands still."""
    return 200 if column < SIDE // 2 and row < SIDE // 2 else 60 + level * 6 // 10


def filmed(
    scene: Scene,
    *,
    fps: Fraction | int = 25,
    start_s: float = 0.0,
    length_s: float = 4.0,
    every: int = 1,
    look: Look = unedited,
    noise: int = 2,
    seed: int = 1,
) -> list[Moment]:
    """What a survey of such a clip would find: frame n shows the scene at `start_s` + n / fps."""
    chance = random.Random(seed)
    table = [[look(place % SIDE, place // SIDE, level) for level in range(256)] for place in range(SIDE * SIDE)]
    grain = [[chance.randint(-noise, noise) for _ in range(SIDE * SIDE)] for _ in range(5)]
    moments = []
    for number in range(0, round(length_s * fps), every):
        time_s = float(number / Fraction(fps))
        levels = drawn(scene.places(start_s + time_s))
        grey = bytes(
            min(max(row[level] + more, 0), 255)
            for row, level, more in zip(table, levels, chance.choice(grain), strict=True)
        )
        cells = bytearray(3 * len(grey))
        cells[0::3] = cells[1::3] = cells[2::3] = grey
        moments.append(Moment(time_s=time_s, signature=Signature(bytes(cells))))
    return moments


def drawn(places: list[tuple[float, float]]) -> list[int]:
    cells = [40 + column for _ in range(SIDE) for column in range(SIDE)]
    for x, y in places:
        left, top = int(x * SIDE), int(y * SIDE)
        for row in range(max(top - 4, 0), min(top + 5, SIDE)):
            for column in range(max(left - 4, 0), min(left + 5, SIDE)):
                # Its edge moves by less than a cell, too.
                inside = min(1.0, max(0.0, 4.5 - math.hypot(row - y * SIDE, column - x * SIDE)))
                place = row * SIDE + column
                cells[place] = min(255, cells[place] + round(110 * inside))
    return cells


NOT_SURE = 0.5


# --- shifts -----------------------------------------------------------------------------------------------------------


@settings(max_examples=6, derandomize=True)
@given(seed=st.integers(0, 10_000), frames=st.integers(-40, 40))
def test_a_shift_is_found_to_the_frame(seed: int, frames: int) -> None:
    scene = Scene(seed)
    before = filmed(scene, start_s=2.0)
    after = filmed(scene, start_s=2.0 + frames / 25, look=edited, seed=2)

    found = find_alignment(before, after)

    assert found.is_sure
    assert found.offset_s == pytest.approx(frames / 25, abs=1e-9)


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000), frames=st.integers(-60, 60), blobs=st.integers(1, 3))
def test_a_shift_is_right_or_not_said(seed: int, frames: int, blobs: int) -> None:
    scene = Scene(seed, blobs=blobs)
    before = filmed(scene, start_s=3.0)
    after = filmed(scene, start_s=3.0 + frames / 25, look=edited, noise=3, seed=2)

    found = find_alignment(before, after)

    assert found.offset_s == pytest.approx(frames / 25 if found.is_sure else 0.0, abs=1e-9)


@pytest.mark.parametrize(("before_fps", "after_fps"), [(25, 30), (30, 24), (24, 60), (Fraction(30000, 1001), 25)])
def test_clips_of_different_rates_are_laid_to_within_a_frame(before_fps: Fraction | int, after_fps: int) -> None:
    scene = Scene(5)
    before = filmed(scene, fps=before_fps)

    found = find_alignment(before, filmed(scene, fps=after_fps, start_s=1.2, length_s=2.5, look=edited))

    assert found.is_sure
    assert found.offset_s == pytest.approx(1.2, abs=float(1 / Fraction(before_fps)) / 1.9)


def test_clips_of_different_rates_that_begin_together_are_not_shifted() -> None:
    scene = Scene(7)

    found = find_alignment(filmed(scene, fps=25), filmed(scene, fps=24, look=edited))

    assert found.is_sure
    assert found.offset_s == 0.0


def test_a_short_clip_is_found_in_a_long_one() -> None:
    scene = Scene(11)

    found = find_alignment(filmed(scene, length_s=20), filmed(scene, start_s=13.48, length_s=2, look=edited))

    assert found.is_sure
    assert found.offset_s == pytest.approx(13.48, abs=1e-9)


def test_a_clip_that_begins_earlier_has_a_negative_offset() -> None:
    scene = Scene(13)

    found = find_alignment(filmed(scene, start_s=1.0, length_s=3), filmed(scene, length_s=5))

    assert found.is_sure
    assert found.offset_s == pytest.approx(-1.0, abs=1e-9)


def test_a_thinly_surveyed_clip_is_laid_to_the_frame_by_the_other_one() -> None:
    scene = Scene(17)

    found = find_alignment(filmed(scene, every=2, length_s=8), filmed(scene, start_s=3.64, length_s=3, look=edited))
    odd = find_alignment(filmed(scene, every=2, length_s=8), filmed(scene, start_s=3.68, length_s=3, look=edited))

    assert (found.is_sure, odd.is_sure) == (True, True)
    assert (found.offset_s, odd.offset_s) == pytest.approx((3.64, 3.68), abs=1e-9)


def test_frames_of_uneven_length_are_laid_by_their_times() -> None:
    scene = Scene(19)
    even = filmed(scene, length_s=5)
    uneven = [
        moment for number, moment in enumerate(filmed(scene, start_s=0.8, length_s=3)) if number % 5 not in {1, 3}
    ]

    found = find_alignment(even, uneven)

    assert found.is_sure
    assert found.offset_s == pytest.approx(0.8, abs=1e-9)


# --- doubt ------------------------------------------------------------------------------------------------------------


def assert_is_left_alone(found: Alignment) -> None:
    assert not found.is_sure
    assert found.offset_s == 0.0
    assert 0.0 <= found.confidence < NOT_SURE


@settings(max_examples=5, derandomize=True)
@given(one=st.integers(0, 10_000), other=st.integers(10_001, 20_000))
def test_clips_of_different_scenes_are_left_alone(one: int, other: int) -> None:
    assert_is_left_alone(find_alignment(filmed(Scene(one)), filmed(Scene(other), seed=2)))


@settings(max_examples=6)
@given(noise=st.integers(0, 6))
def test_a_scene_that_stands_still_is_left_alone(noise: int) -> None:
    still = Scene(0, blobs=0)

    assert_is_left_alone(find_alignment(filmed(still, noise=noise), filmed(still, noise=noise, seed=2)))


@settings(max_examples=5, derandomize=True)
@given(seed=st.integers(0, 10_000), frames=st.integers(0, 24), period=st.sampled_from((15, 20, 25)))
def test_what_comes_again_and_again_is_left_alone(seed: int, frames: int, period: int) -> None:
    scene = Scene(seed)
    once = filmed(scene, length_s=period / 25)
    before = [Moment(time_s=n / 25, signature=once[n % period].signature) for n in range(100)]
    after = [Moment(time_s=n / 25, signature=once[(n + frames) % period].signature) for n in range(100)]

    assert_is_left_alone(find_alignment(before, after))


def test_a_single_flash_in_both_clips_proves_nothing() -> None:
    def flashing(at: int) -> list[Moment]:
        moments = filmed(Scene(0, blobs=0), noise=1, seed=at)
        bright = Signature(bytes(min(value + 120, 255) for value in moments[at].signature.cells))
        moments[at] = Moment(time_s=moments[at].time_s, signature=bright)
        return moments

    assert_is_left_alone(find_alignment(flashing(30), flashing(60)))


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_clips_of_a_few_frames_are_left_alone(count: int) -> None:
    whole = filmed(Scene(23))

    assert_is_left_alone(find_alignment(whole, whole[:count]))
    assert_is_left_alone(find_alignment(whole[:count], whole))
    assert_is_left_alone(find_alignment(whole[:count], whole[:count]))


def test_clips_that_were_looked_at_too_rarely_are_left_alone() -> None:
    thin = filmed(Scene(29), every=10, length_s=20)

    assert_is_left_alone(find_alignment(thin, thin))
