from __future__ import annotations

from pathlib import Path

import pytest

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.media import thumbs
from klingstudio.media.thumbs import filmstrip, poster
from tests.unit.media.made_clips import is_upright, make_clip, number_of, opened


@pytest.mark.parametrize("turn_deg", [0, 90, 180, 270])
def test_a_poster_is_upright_and_as_wide_as_asked(turn_deg: int, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", turn_deg=turn_deg)

    picture = opened(poster(path, 0.4, 48))

    assert picture.size == (48, 32)
    assert is_upright(picture)


@pytest.mark.parametrize(("at_s", "number"), [(0.0, 0), (0.4, 10), (0.43, 10), (0.76, 19), (9.0, 19)])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_a_poster_shows_the_frame_that_is_on_screen_then(at_s: float, number: int, name: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / name)

    assert number_of(opened(poster(path, at_s, 96))) == number


def test_a_strip_is_spread_evenly(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", count=40)

    numbers = [number_of(opened(png)) for png in filmstrip(path, 4, 64)]

    assert len(numbers) == 4
    for found, wanted in zip(numbers, (5, 15, 25, 35), strict=True):
        assert abs(found - wanted) <= 2


def test_a_strip_of_a_long_video_shows_its_keyframes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbs, "ONE_PASS_MAX_S", 0.5)
    path = make_clip(tmp_path / "clip.mp4", count=40)

    assert [number_of(opened(png)) for png in filmstrip(path, 4, 64)] == [0, 12, 24, 24]


def test_a_strip_has_as_many_pictures_as_asked_even_of_few_frames(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", count=2)

    strip = filmstrip(path, 5, 32)

    assert [opened(png).size for png in strip] == [(48, 32)] * 5


def test_what_has_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"no video" * 100)

    with pytest.raises(InputRefused) as refused:
        poster(path, 0.0, 64)

    assert refused.value.problem.kind is Kind.SOURCE_NOT_VIDEO
