"""Whatever kind of clip goes in, what comes out is accepted by every service; `fit_matrix.py` tries all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.media.fit_matrix import EVERY, SIZES, Kind, covering, tried

SHORT = tuple(
    kind
    for kind in EVERY
    # These take half of the time, and hardly differ from the others.
    if kind.length != "too long"
    and kind.file != "mpeg4.avi"
    and (kind.file, kind.size) != ("hevc-ten-bit.mov", SIZES[0])
)
LONG = Kind("h264.mkv", SIZES[1], "29.97", 0, "too long", has_sound=True)


@pytest.mark.parametrize("kind", [*covering(SHORT), LONG], ids=str)
def test_every_service_accepts_the_fitted_clip(kind: Kind, tmp_path: Path) -> None:
    assert tried(kind, tmp_path).wrong == ()


def test_a_clip_that_fits_every_service_is_sent_byte_for_byte(tmp_path: Path) -> None:
    outcome = tried(Kind("h264.mp4", (1280, 720), "29.97", 0, "fits", has_sound=True), tmp_path)

    assert [plan.is_identity for plan in outcome.plans] == [True]
    assert outcome.wrong == ()
