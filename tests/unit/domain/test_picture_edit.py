"""The least edit makes a picture acceptable, and what an edit makes is known before it is carried out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.domain.errors import InputRefused
from klingstudio.domain.media import IMAGE_MAX_PIXELS, ImageFacts, PictureEdit, check_image
from klingstudio.domain.picture_edit import ENLARGE_FROM_PX, also, crop_box, edited_size, legal_edit, shaped, turned
from tests.fakes.limits import LIMITS

SIDES = st.integers(1, 12_000)


def facts(width: int, height: int, size_bytes: int = 90_000) -> ImageFacts:
    return ImageFacts(format="jpeg", width_px=width, height_px=height, size_bytes=size_bytes)


def is_legal(width: int, height: int) -> bool:
    try:
        check_image(facts(width, height), LIMITS, "image:1")
    except InputRefused:
        return False
    return True


@given(SIDES, SIDES)
def test_what_the_least_edit_makes_is_accepted_and_what_is_accepted_is_left_alone(width: int, height: int) -> None:
    edit = legal_edit(facts(width, height), LIMITS)

    if edit is None:
        is_beyond_help = width * height > IMAGE_MAX_PIXELS or min(width, height) < ENLARGE_FROM_PX
        assert is_legal(width, height) or is_beyond_help
    else:
        assert not is_legal(width, height)
        assert is_legal(*edited_size(width, height, edit))


@pytest.mark.parametrize(
    ("width", "height", "pad_ratio", "least_px", "size"),
    [
        (200, 180, None, 300, (333, 300)),
        (1000, 200, 2.5, 0, (1000, 400)),
        (160, 1000, 2.5, 0, (400, 1000)),
        (500, 160, 2.5, 300, (750, 300)),
        (20_000, 3_000, 2.5, 0, (12_620, 5_048)),
    ],
)
def test_a_picture_is_padded_then_enlarged(
    width: int, height: int, pad_ratio: float | None, least_px: int, size: tuple[int, int]
) -> None:
    edit = legal_edit(facts(width, height), LIMITS)

    assert edit == PictureEdit(pad_ratio=pad_ratio, least_px=least_px, max_bytes=LIMITS.image_max_bytes)
    assert edited_size(width, height, edit) == size


def test_a_file_that_is_too_large_is_only_made_smaller() -> None:
    assert legal_edit(facts(4000, 3000, 10_000_001), LIMITS) == PictureEdit(max_bytes=10_000_000)
    assert legal_edit(facts(4000, 3000, 10_000_000), LIMITS) is None


def test_less_than_half_of_the_least_is_not_blown_up() -> None:
    assert legal_edit(facts(149, 149), LIMITS) is None
    assert legal_edit(facts(150, 150), LIMITS) is not None


def test_what_has_to_be_done_to_the_result_is_added_to_the_earlier_edit() -> None:
    earlier = PictureEdit(turn_deg=90, bottom=0.5)
    width, height = edited_size(320, 800, earlier)
    legal = legal_edit(facts(width, height), LIMITS)
    assert legal is not None

    both = also(earlier, legal)

    assert both == replace(earlier, pad_ratio=legal.pad_ratio, least_px=legal.least_px, max_bytes=legal.max_bytes)
    assert is_legal(*edited_size(320, 800, both))


def test_the_crop_counts_in_the_turned_picture() -> None:
    assert crop_box(400, 200, PictureEdit(turn_deg=90, left=0.5, top=0.25)) == (100, 100, 200, 400)


@given(SIDES, SIDES, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_crop_never_leaves_the_picture_nor_nothing_of_it(
    width: int, height: int, left: float, right: float, top: float, bottom: float
) -> None:
    edit = PictureEdit(left=left, right=right, top=top, bottom=bottom)

    x0, y0, x1, y1 = crop_box(width, height, edit)

    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height


def test_a_turn_takes_the_crop_along() -> None:
    edit = PictureEdit(left=0.1, top=0.2, right=0.4, bottom=0.3)

    quarter = turned(edit, 90)

    assert (quarter.turn_deg, quarter.left, quarter.top) == (90, 0.7, 0.1)
    assert (quarter.right, quarter.bottom) == (0.8, 0.4)
    back = turned(turned(quarter, 180), 90)
    assert (back.turn_deg, back.left, back.bottom) == (0, pytest.approx(0.1), pytest.approx(0.3))


@given(
    st.integers(10, 4000),
    st.integers(10, 4000),
    st.sampled_from([0, 90]),
    st.sampled_from([1.0, 16 / 9, 9 / 16, 2.5, 0.4]),
    st.floats(0, 0.8),
    st.floats(0, 0.8),
)
def test_a_shape_is_met_and_stays_inside(
    width: int, height: int, turn: int, ratio: float, left: float, top: float
) -> None:
    edit = PictureEdit(turn_deg=turn, left=left, top=top, right=left + 0.2, bottom=top + 0.2)

    shape = shaped(edit, width, height, ratio)

    assert shape.left >= 0
    assert shape.top >= 0
    assert max(shape.right, shape.bottom) <= 1 + 1e-9
    across, down = (height, width) if turn else (width, height)
    made = (shape.right - shape.left) * across / ((shape.bottom - shape.top) * down)
    assert made == pytest.approx(ratio)
