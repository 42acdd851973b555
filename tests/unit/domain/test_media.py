"""The fit plan changes the least that makes a source acceptable, and says what it changes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.fit import plan_fit
from klingstudio.domain.media import (
    Caution,
    ClipFacts,
    Doubt,
    ImageFacts,
    Trim,
    check_image,
    check_image_size,
    clip_cautions,
)
from tests.fakes.limits import LIMITS

FITTING = ClipFacts(
    container="mov,mp4,m4a,3gp,3g2,mj2",
    video_codec="h264",
    width_px=1280,
    height_px=720,
    rotation_deg=0,
    fps=Fraction(25),
    is_variable_rate=False,
    frame_count=125,
    duration_s=5.0,
    pixel_format="yuv420p",
    bit_depth=8,
    is_hdr=False,
    audio_codec="aac",
    audio_duration_s=5.0,
    size_bytes=1_000_000,
)


def test_a_source_that_fits_is_left_alone() -> None:
    plan = plan_fit(FITTING, LIMITS)

    assert plan.is_identity
    assert plan.steps == ()


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"duration_s": 12.4, "frame_count": 310}, "12.4 s → 10.0 s"),
        ({"width_px": 3840, "height_px": 2160}, "3840×2160 → 2160×1216"),
        ({"width_px": 640, "height_px": 360}, "640×360 → 1280×720"),
        ({"video_codec": "hevc"}, "HEVC → H.264"),
        ({"video_codec": "hevc", "is_hdr": True, "bit_depth": 10}, "HEVC HDR → H.264 SDR"),
        ({"pixel_format": "yuv420p10le", "bit_depth": 10}, "H.264 10-bit → H.264"),
        ({"rotation_deg": 90}, "rotation baked in"),
        ({"is_variable_rate": True, "fps": Fraction(2997, 100)}, "variable → 30 fps"),
        ({"fps": Fraction(12)}, "12 → 24 fps"),
        ({"fps": Fraction(120)}, "120 → 60 fps"),
        ({"container": "matroska,webm"}, "matroska → mp4"),
        ({"audio_codec": "opus"}, "sound opus → AAC"),
        ({"size_bytes": 250_000_000}, "250 MB → under 200 MB"),
    ],
)
def test_each_misfit_becomes_a_step_in_words(changes: dict[str, Any], step: str) -> None:
    plan = plan_fit(replace(FITTING, **changes), LIMITS)

    assert step in plan.steps
    assert not plan.is_identity


def test_a_long_clip_ends_at_what_every_document_accepts_in_whole_frames() -> None:
    long = replace(FITTING, duration_s=30.0, frame_count=900, fps=Fraction(30000, 1001))

    plan = plan_fit(long, LIMITS)

    assert plan.start_s == 0.0
    assert 9.9 < plan.duration_s <= 10.0
    assert clip_cautions(plan, LIMITS) == ()


def test_a_trim_that_only_one_document_accepts_is_kept_and_cautioned() -> None:
    long = replace(FITTING, duration_s=30.0, frame_count=750)

    plan = plan_fit(long, LIMITS, Trim(start_s=2.0, end_s=14.5))

    assert (plan.start_s, plan.end_s) == (2.0, 14.5)
    assert clip_cautions(plan, LIMITS) == (
        Caution(doubt=Doubt.CLIP_LONG, subject="source", value="12.5 s", limit="10 s", source=LIMITS.wider_source),
    )


@pytest.mark.parametrize(("end_s", "is_cautioned"), [(12.0, False), (12.001, False), (12.1, True), (17.0, True)])
def test_a_caution_begins_where_the_first_document_ends(end_s: float, is_cautioned: bool) -> None:
    plan = plan_fit(replace(FITTING, duration_s=30.0), LIMITS, Trim(start_s=2.0, end_s=end_s))

    assert plan.end_s == end_s
    assert bool(clip_cautions(plan, LIMITS)) is is_cautioned


def test_a_trim_that_no_document_accepts_is_refused_with_both_numbers() -> None:
    with pytest.raises(InputRefused) as refused:
        plan_fit(replace(FITTING, duration_s=30.0), LIMITS, Trim(start_s=2.0, end_s=17.2))

    assert refused.value.problem.kind is Kind.TRIM_TOO_LONG
    assert refused.value.problem.detail == "15.2 s; the most is 15 s"
    assert refused.value.problem.subject == "source"


def test_a_ribbon_is_sent_as_large_as_one_document_accepts_and_cautioned() -> None:
    plan = plan_fit(replace(FITTING, width_px=3840, height_px=1080), LIMITS)

    assert plan.is_identity
    assert [(found.doubt, found.value, found.limit) for found in clip_cautions(plan, LIMITS)] == [
        (Doubt.CLIP_LARGE, "3840×1080 px", "2160 px")
    ]


def test_a_ribbon_is_refused_where_no_document_accepts_it() -> None:
    strict = replace(LIMITS, side_limit_px=LIMITS.side_max_px)

    with pytest.raises(InputRefused) as refused:
        plan_fit(replace(FITTING, width_px=3840, height_px=1080), strict)

    assert "720-2160 px" in refused.value.problem.detail


@pytest.mark.parametrize("trim", [Trim(start_s=4, end_s=2), Trim(start_s=0, end_s=99), Trim(start_s=-1, end_s=4)])
def test_a_trim_outside_the_clip_is_refused(trim: Trim) -> None:
    with pytest.raises(InputRefused) as refused:
        plan_fit(FITTING, LIMITS, trim)

    assert refused.value.problem.kind is Kind.TRIM_INVALID


def test_a_clip_below_the_shortest_length_is_refused_with_both_numbers() -> None:
    with pytest.raises(InputRefused) as refused:
        plan_fit(replace(FITTING, duration_s=2.0), LIMITS)

    assert refused.value.problem.kind is Kind.SOURCE_TOO_SHORT
    assert "2.0 s" in refused.value.problem.detail
    assert "3 s" in refused.value.problem.detail


def test_a_ribbon_that_no_scaling_makes_legal_is_refused() -> None:
    with pytest.raises(InputRefused) as refused:
        plan_fit(replace(FITTING, width_px=4000, height_px=400), LIMITS)

    assert refused.value.problem.kind is Kind.SOURCE_UNFITTABLE


@given(
    width=st.integers(2, 8000),
    height=st.integers(2, 8000),
    fps=st.fractions(min_value=1, max_value=240),
    duration=st.floats(0.1, 3600),
)
def test_every_plan_obeys_the_limits_or_is_refused(width: int, height: int, fps: Fraction, duration: float) -> None:
    facts = replace(FITTING, width_px=width, height_px=height, fps=fps, duration_s=duration)

    try:
        plan = plan_fit(facts, LIMITS)
    except InputRefused:
        return

    assert LIMITS.side_min_px <= min(plan.width_px, plan.height_px)
    assert max(plan.width_px, plan.height_px) <= LIMITS.side_limit_px
    is_cautioned = any(found.doubt is Doubt.CLIP_LARGE for found in clip_cautions(plan, LIMITS))
    assert is_cautioned == (max(plan.width_px, plan.height_px) > LIMITS.side_max_px)
    assert plan.width_px % 2 == plan.height_px % 2 == 0
    assert LIMITS.fps_min <= plan.fps <= LIMITS.fps_max
    assert LIMITS.clip_min_s - 0.002 <= plan.duration_s <= LIMITS.clip_max_s + 0.002


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (ImageFacts(format="png", width_px=299, height_px=500, size_bytes=9), Kind.IMAGE_TOO_SMALL),
        (ImageFacts(format="png", width_px=300, height_px=760, size_bytes=9), Kind.IMAGE_BAD_RATIO),
        (ImageFacts(format="png", width_px=9000, height_px=9000, size_bytes=9), Kind.IMAGE_TOO_LARGE),
        (ImageFacts(format="png", width_px=800, height_px=800, size_bytes=10_000_001), Kind.IMAGE_TOO_HEAVY),
    ],
)
def test_an_unusable_picture_is_refused_at_its_tile(facts: ImageFacts, kind: Kind) -> None:
    with pytest.raises(InputRefused) as refused:
        check_image(facts, LIMITS, "image:2")

    assert refused.value.problem.kind is kind
    assert refused.value.problem.subject == "image:2"


def test_a_usable_picture_passes() -> None:
    check_image(ImageFacts(format="jpeg", width_px=300, height_px=750, size_bytes=10_000_000), LIMITS, "image:1")


def test_a_picture_that_grew_when_it_was_converted_is_refused() -> None:
    check_image_size(10_000_000, LIMITS, "image:1")

    with pytest.raises(InputRefused) as refused:
        check_image_size(10_000_001, LIMITS, "element:2")

    assert refused.value.problem.kind is Kind.IMAGE_TOO_HEAVY
    assert refused.value.problem.subject == "element:2"
