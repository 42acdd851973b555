"""The numbers of each service make sense together, and say where the doubtful ones come from."""

from __future__ import annotations

import re

import pytest

from klingstudio.domain.media import IMAGE_FORMATS
from klingstudio.providers.registry import ENTRIES, SERVICES, Entry

each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.info.id for entry in ENTRIES])


@each_entry
def test_what_one_document_accepts_is_never_less_than_what_all_accept(entry: Entry) -> None:
    limits = entry.info.limits

    assert limits.clip_min_s < limits.clip_max_s <= limits.clip_limit_s
    assert limits.side_min_px < limits.side_max_px <= limits.side_limit_px
    assert 0 < limits.references_max <= limits.references_limit
    assert limits.fps_min < limits.fps_max


@each_entry
def test_a_number_beyond_the_others_names_its_document_and_the_day_it_was_read(entry: Entry) -> None:
    limits = entry.info.limits
    goes_beyond = (
        limits.clip_limit_s > limits.clip_max_s
        or limits.side_limit_px > limits.side_max_px
        or limits.references_limit > limits.references_max
    )

    assert bool(limits.wider_source) is goes_beyond
    if goes_beyond:
        assert re.search(r", read 2026-\d\d-\d\d$", limits.wider_source)


@each_entry
def test_every_service_takes_the_two_formats_that_pictures_are_converted_to(entry: Entry) -> None:
    assert {"jpeg", "png"} <= set(entry.info.limits.image_formats) <= set(IMAGE_FORMATS)


def test_what_the_program_chooses_by_itself_is_the_same_for_every_service() -> None:
    chosen = {
        (
            *(limits.clip_min_s, limits.clip_max_s, limits.side_min_px, limits.side_max_px),
            *(limits.fps_min, limits.fps_max, limits.clip_max_bytes, limits.references_max),
            *(limits.image_min_px, limits.image_max_bytes, limits.image_ratio_max, limits.prompt_max_chars),
        )
        for limits in (entry.info.limits for entry in SERVICES)
    }

    assert chosen == {(3.0, 10.0, 720, 2160, 24, 60, 199_999_999, 4, 300, 10_000_000, 2.5, 2500)}
