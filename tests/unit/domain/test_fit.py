"""A shape without a legal size is framed, and cuts land on frames within the limits."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.fit import place, plan_fit, slid, snap, with_end, with_start
from klingstudio.domain.media import Framing, Trim, clip_cautions
from tests.fakes.limits import LIMITS
from tests.fakes.studio import FACTS

STRICT = replace(LIMITS, side_limit_px=LIMITS.side_max_px)
TWELVE_S = tuple(n / 25 for n in range(12 * 25 + 1))
"""Where a clip of 12 s at 25 fps can be cut."""


@pytest.mark.parametrize(
    ("size", "framing", "step", "picture_px"),
    [
        ((1000, 4000), Framing.PAD, "1000×4000 → 720×2160 with bars", (540, 2160)),
        ((1000, 4000), Framing.CROP, "1000×4000 → 720×2160 cropped", (720, 2880)),
        ((4000, 1000), Framing.PAD, "4000×1000 → 2160×720 with bars", (2160, 540)),
        ((1600, 320), Framing.PAD, "1600×320 → 1600×720 with bars", (1600, 320)),
        ((1600, 320), Framing.CROP, "1600×320 → 2160×720 cropped", (3600, 720)),
        ((300, 60), Framing.PAD, "300×60 → 720×720 with bars", (720, 144)),
        ((3840, 1080), Framing.PAD, "3840×1080 → 2160×720 with bars", (2160, 608)),
    ],
)
def test_a_ribbon_is_padded_or_cropped_to_a_size_that_every_document_accepts(
    size: tuple[int, int], framing: Framing, step: str, picture_px: tuple[int, int]
) -> None:
    plan = plan_fit(replace(FACTS, width_px=size[0], height_px=size[1]), LIMITS, framing=framing)

    assert plan.steps == (step,)
    assert (plan.framing, plan.picture_px) == (framing, picture_px)
    assert clip_cautions(plan, LIMITS) == ()


@pytest.mark.parametrize("framing", Framing)
def test_a_shape_that_has_a_legal_size_is_only_scaled(framing: Framing) -> None:
    plan = plan_fit(replace(FACTS, width_px=3840, height_px=2160), LIMITS, framing=framing)

    assert plan.steps == ("3840×2160 → 2160×1216",)
    assert (plan.framing, plan.picture_px) == (Framing.SCALE, None)


def test_a_ribbon_that_may_only_be_scaled_is_refused() -> None:
    with pytest.raises(InputRefused) as refused:
        plan_fit(replace(FACTS, width_px=1000, height_px=4000), STRICT)

    assert refused.value.problem.kind is Kind.SOURCE_UNFITTABLE


@given(
    width=st.integers(2, 8000),
    height=st.integers(2, 8000),
    framing=st.sampled_from([Framing.PAD, Framing.CROP]),
)
def test_no_shape_is_refused_that_may_be_padded_or_cropped(width: int, height: int, framing: Framing) -> None:
    plan = plan_fit(replace(FACTS, width_px=width, height_px=height), STRICT, framing=framing)

    sides = plan.width_px, plan.height_px
    assert all(STRICT.side_min_px <= side <= STRICT.side_max_px and side % 2 == 0 for side in sides)
    picture = plan.picture_px or sides
    if plan.framing is Framing.PAD:
        assert all(side <= whole for side, whole in zip(picture, sides, strict=True))
    else:
        assert all(side >= whole for side, whole in zip(picture, sides, strict=True))


@pytest.mark.parametrize(
    ("changes", "keeps_picture"),
    [
        ({"container": "matroska,webm"}, True),
        ({"audio_codec": "opus"}, True),
        ({"container": "matroska,webm", "audio_codec": "opus"}, True),
        ({"container": "matroska,webm", "video_codec": "hevc"}, False),
        ({"container": "matroska,webm", "width_px": 640, "height_px": 360}, False),
        ({"container": "matroska,webm", "rotation_deg": 90}, False),
        ({"audio_codec": "opus", "is_variable_rate": True}, False),
        ({"container": "matroska,webm", "size_bytes": 250_000_000}, False),
        ({"container": "matroska,webm", "duration_s": 12.0}, False),
        ({}, False),
    ],
)
def test_pictures_are_kept_where_only_what_is_around_them_changes(
    changes: dict[str, object], keeps_picture: bool
) -> None:
    plan = plan_fit(replace(FACTS, **changes), LIMITS)  # type: ignore[arg-type]

    assert plan.keeps_picture is keeps_picture


@given(
    fps=st.fractions(min_value=1, max_value=240),
    start_s=st.floats(0, 20),
    length_s=st.floats(2.9, 15.1),
    is_variable=st.booleans(),
)
def test_a_cut_clip_keeps_the_limits_when_it_is_counted_in_whole_frames(
    fps: Fraction, start_s: float, length_s: float, is_variable: bool
) -> None:
    facts = replace(FACTS, fps=fps, duration_s=40.0, is_variable_rate=is_variable)

    try:
        plan = plan_fit(facts, LIMITS, Trim(start_s=start_s, end_s=start_s + length_s))
    except InputRefused:
        return

    count_s = round(plan.duration_s * plan.fps) / plan.fps
    assert LIMITS.clip_min_s - 0.001 <= count_s <= LIMITS.clip_limit_s + 0.001


# -- cuts ------------------------------------------------------------------------------------------------------------


@given(
    gaps=st.lists(st.floats(0.004, 0.5), min_size=30, max_size=120),
    start_s=st.floats(-5, 40),
    length_s=st.floats(-5, 40),
    by_s=st.floats(-40, 40),
)
def test_however_it_is_dragged_a_trim_lies_on_frames_and_keeps_the_limits(
    gaps: list[float], start_s: float, length_s: float, by_s: float
) -> None:
    times = (0.0, *accumulate(gaps))
    wild = Trim(start_s=start_s, end_s=start_s + length_s)

    snapped = snap(wild, times, LIMITS)
    dragged = [
        snapped,
        with_start(snapped, start_s + by_s, times, LIMITS),
        with_end(snapped, start_s + by_s, times, LIMITS),
        slid(snapped, by_s, times, LIMITS),
    ]

    for trim in dragged:
        assert trim.start_s in times
        assert trim.end_s in times
        assert trim.start_s < trim.end_s
        length = trim.end_s - trim.start_s
        # No two frames need to be exactly so far apart: half a second is the longest that one stays up here.
        assert min(LIMITS.clip_min_s, times[-1]) - 0.5 <= length <= LIMITS.clip_max_s + 0.001


def test_a_trim_lands_on_the_nearest_frames() -> None:
    assert snap(Trim(start_s=1.017, end_s=5.983), TWELVE_S, LIMITS) == Trim(start_s=1.0, end_s=6.0)


def test_a_trim_that_lies_on_frames_stays() -> None:
    trim = Trim(start_s=TWELVE_S[31], end_s=TWELVE_S[207])

    assert snap(trim, TWELVE_S, LIMITS) == trim


def test_a_start_that_is_dragged_beyond_the_limit_stops_there_and_the_end_stays() -> None:
    trim = Trim(start_s=4.0, end_s=11.0)

    assert with_start(trim, 0.0, TWELVE_S, LIMITS) == Trim(start_s=1.0, end_s=11.0)
    assert with_start(trim, 10.9, TWELVE_S, LIMITS) == Trim(start_s=8.0, end_s=11.0)


def test_an_end_that_is_dragged_beyond_the_limit_stops_there_and_the_start_stays() -> None:
    trim = Trim(start_s=1.0, end_s=5.0)

    assert with_end(trim, 12.0, TWELVE_S, LIMITS) == Trim(start_s=1.0, end_s=11.0)
    assert with_end(trim, 0.0, TWELVE_S, LIMITS) == Trim(start_s=1.0, end_s=4.0)


def test_a_trim_that_slides_keeps_its_length_up_to_the_ends_of_the_source() -> None:
    trim = Trim(start_s=1.0, end_s=5.0)

    assert slid(trim, 2.01, TWELVE_S, LIMITS) == Trim(start_s=3.0, end_s=7.0)
    assert slid(trim, 99, TWELVE_S, LIMITS) == Trim(start_s=8.0, end_s=12.0)
    assert slid(trim, -99, TWELVE_S, LIMITS) == Trim(start_s=0.0, end_s=4.0)


def test_a_place_is_the_nearest_frame_or_one_beside_it() -> None:
    assert place(TWELVE_S, 1.01) == 1.0
    assert place(TWELVE_S, 1.01, 1) == 1.04
    assert place(TWELVE_S, 1.01, -1) == 0.96
    assert place(TWELVE_S, 0.0, -1) == 0.0
    assert place(TWELVE_S, 99.0) == 12.0


def test_a_clip_that_is_too_short_is_not_cut_any_shorter() -> None:
    two_s = TWELVE_S[:51]

    assert snap(Trim(start_s=0.5, end_s=1.0), two_s, LIMITS) == Trim(start_s=0.0, end_s=2.0)


def test_sound_that_goes_on_after_the_pictures_is_cut_and_the_pictures_stay() -> None:
    plan = plan_fit(replace(FACTS, audio_duration_s=FACTS.duration_s + 12.0), LIMITS)
    a_little = plan_fit(replace(FACTS, audio_duration_s=FACTS.duration_s + 0.05), LIMITS)

    assert plan.steps == ("sound 17.0 s → 5.0 s",)
    assert plan.keeps_picture
    assert a_little.is_identity


def test_a_cut_of_a_frame_is_told_in_as_many_digits_as_it_needs() -> None:
    assert plan_fit(replace(FACTS, duration_s=10.04), LIMITS).steps == ("10.04 s → 10.00 s",)
