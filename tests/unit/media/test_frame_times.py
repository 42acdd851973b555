"""Where a clip can be cut, of every container, without decoding it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.fit import plan_fit, snap
from klingstudio.domain.media import Trim
from klingstudio.media.fit import fit
from klingstudio.media.frame_times import frame_times
from klingstudio.media.probe import probe
from klingstudio.media.whole_file import new_part
from tests.fakes.limits import SMALL as LIMITS
from tests.unit.media.made_clips import make_clip, number_of, pictures_of


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.mov", "clip.ts"])
def test_every_frame_begins_a_place_and_the_end_is_the_last_one(name: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / name, count=20, sound_s=0.8)

    times = frame_times(path)

    assert times == pytest.approx([n / 25 for n in range(21)], abs=0.0011)


def test_a_variable_rate_is_told_as_it_is(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "variable.mkv", at_ms=[300, 340, 420, 440, 520])

    assert frame_times(path)[:-1] == pytest.approx([0.0, 0.04, 0.12, 0.14, 0.22], abs=0.0011)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
@pytest.mark.parametrize("fps", [25, Fraction(30000, 1001)])
def test_a_snapped_trim_gives_exactly_the_frames_between_its_ends(
    name: str, fps: Fraction | int, tmp_path: Path
) -> None:
    source = make_clip(tmp_path / name, count=44, fps=fps)
    trim = snap(Trim(start_s=13.3 / 25, end_s=28.4 / 25), frame_times(source), LIMITS)
    out = tmp_path / "out.mp4"

    fit(source, plan_fit(probe(source), LIMITS, trim), limits=LIMITS, keep_audio=True, out=out, part=new_part(out))

    first, end = round(13.3 / 25 * fps), round(28.4 / 25 * fps)
    assert [number_of(image) for image in pictures_of(out)] == list(range(first, end))


def test_the_whole_of_a_clip_is_no_cut_even_where_time_is_told_in_milliseconds(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "clip.mkv", count=25, fps=Fraction(30000, 1001))
    times = frame_times(source)

    plan = plan_fit(probe(source), LIMITS, snap(Trim(start_s=0.0, end_s=times[-1]), times, LIMITS))

    assert plan.steps == ("matroska → mp4",)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"no video" * 100)

    with pytest.raises(InputRefused) as refused:
        frame_times(path)

    assert refused.value.problem.kind is Kind.SOURCE_NOT_VIDEO
