from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klingstudio.media.changes import change, heat
from klingstudio.media.signature import SIDE, SIGNATURE_BYTES, Signature

Rgb = tuple[int, int, int]

signatures = st.binary(min_size=48, max_size=48).map(lambda some: Signature((some * SIGNATURE_BYTES)[:SIGNATURE_BYTES]))


def painted(ground: Rgb, ink: Rgb = (0, 0, 0), *, spot: int = 0) -> Signature:
    """Plain, with a spot of so many cells a side in the middle."""
    start = (SIDE - spot) // 2
    plain = bytes(ground) * SIDE
    crossed = bytes(ground) * start + bytes(ink) * spot + bytes(ground) * (SIDE - spot - start)
    return Signature(plain * start + crossed * spot + plain * (SIDE - spot - start))


def noisy(signature: Signature, levels: int) -> Signature:
    chance = random.Random(4)
    return Signature(bytes(min(max(value + chance.randint(-levels, levels), 0), 255) for value in signature.cells))


@given(signatures)
def test_a_frame_does_not_differ_from_itself(frame: Signature) -> None:
    assert change(frame, frame) == 0.0
    assert not any(heat(frame, frame).values)


@given(signatures, signatures)
def test_a_change_is_the_same_in_both_directions_and_from_0_to_1(a: Signature, b: Signature) -> None:
    assert change(a, b) == change(b, a)
    assert 0.0 <= change(a, b) <= 1.0
    assert heat(a, b) == heat(b, a)


@settings(max_examples=25)
@given(st.integers(0, SIDE - 1), st.integers(10, 245))
def test_a_larger_spot_is_a_larger_change(spot: int, level: int) -> None:
    ground, ink = (level, level, level), (255 - level, 255 - level, 255 - level)
    plain = painted(ground)

    smaller, larger = (painted(ground, ink, spot=size) for size in (spot, spot + 1))

    is_beyond_noise = abs(255 - 2 * level) > 6
    assert (change(plain, smaller) < change(plain, larger)) == is_beyond_noise


def test_black_and_white_differ_altogether() -> None:
    assert change(painted((0, 0, 0)), painted((255, 255, 255))) == 1.0


def test_what_encoding_does_to_a_picture_is_no_change() -> None:
    frame = painted((120, 90, 60), (30, 200, 180), spot=20)

    assert change(frame, noisy(frame, 3)) == 0.0


def test_coarse_encoding_is_less_than_a_small_spot() -> None:
    frame = painted((120, 90, 60))

    # Nine cells are less than half a percent of the picture.
    assert change(frame, noisy(frame, 10)) < change(frame, painted((120, 90, 60), (200, 30, 40), spot=3))


def test_a_spot_of_a_hundredth_is_seen_clearly() -> None:
    assert change(painted((90, 90, 90)), painted((90, 90, 90), (200, 40, 40), spot=5)) > 0.25


def test_another_colour_of_the_same_brightness_is_a_change() -> None:
    # Both have a luma of about 100 in BT.709.
    assert change(painted((255, 60, 40)), painted((10, 133, 40))) > 0.8


def test_heat_is_where_the_frames_differ() -> None:
    found = heat(painted((90, 90, 90)), painted((90, 90, 90), (250, 90, 90), spot=8))

    assert (found.width, found.height, len(found.values)) == (SIDE, SIDE, SIDE * SIDE)
    rows = [found.values[row * SIDE : (row + 1) * SIDE] for row in range(SIDE)]
    hot = {(row, column) for row in range(SIDE) for column in range(SIDE) if rows[row][column]}
    assert hot == {(row, column) for row in range(20, 28) for column in range(20, 28)}
    assert {rows[row][column] for row, column in hot} == {255}


def test_heat_grows_with_the_difference() -> None:
    levels = [heat(painted((90, 90, 90)), painted((90 + more, 90, 90))).values[0] for more in (0, 6, 12, 30, 60, 120)]

    assert levels == sorted(levels)
    assert (levels[1], levels[-1]) == (0, 255)
    assert levels[2] == pytest.approx(26, abs=1)
