from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import pytest

from klingstudio.media import survey_pass
from klingstudio.media.changes import change
from klingstudio.media.decode_file import ClipFile
from klingstudio.media.decode_index import FrameIndex
from klingstudio.media.decode_pixels import Picture, Shape
from klingstudio.media.drafts import DRAFT_BYTES, SIDE_PX
from klingstudio.media.signature import SIGNATURE_BYTES, Signature
from klingstudio.media.source_file import Stamp, stamp_of
from klingstudio.media.survey import ClipSurvey, Surveyed
from tests.unit.media.numbered_clips import (
    BLUE,
    GREEN,
    HEIGHT_PX,
    RED,
    WIDTH_PX,
    color_of,
    number_of,
    numbered_clip,
    unturned,
)
from tests.unit.media.test_decode import hdr_clip


class Watched:
    """A survey and what it told, read from the test's own thread."""

    def __init__(
        self, path: Path, known: tuple[FrameIndex, Shape] | None = None, *, stamp: Stamp | None = None
    ) -> None:
        self.told: queue.SimpleQueue[Surveyed] = queue.SimpleQueue()
        self.index, self.shape = known or known_of(path)
        self.survey = ClipSurvey(path, self.index, self.shape, self.told.put, stamp=stamp)

    def news(self) -> list[Surveyed]:
        """Everything that is told, up to the end."""
        news = [self.told.get(timeout=20)]
        while not news[-1].is_over:
            news.append(self.told.get(timeout=20))
        return news

    def signature(self, frame: int) -> Signature:
        signature = self.survey.signature(frame)
        assert signature is not None
        return signature

    def draft(self, frame: int) -> Picture:
        draft = self.survey.draft(frame)
        assert draft is not None
        assert draft.is_draft
        return draft


def known_of(path: Path) -> tuple[FrameIndex, Shape]:
    with closing(ClipFile(path, lambda: False)) as clip:
        clip.open()
        return clip.index, clip.shape


@pytest.fixture
def watched() -> Iterator[list[Watched]]:
    """Every survey that is put in here is closed at the end."""
    begun: list[Watched] = []
    yield begun
    for each in begun:
        each.survey.close()


def surveyed(path: Path, watched: list[Watched]) -> Watched:
    """A survey that came to its end."""
    watched.append(Watched(path))
    watched[-1].news()
    return watched[-1]


# --- drafts -----------------------------------------------------------------------------------------------------------

CLIPS: dict[str, dict[str, Any]] = {
    "b-frames.mp4": {},
    "one-key.mkv": {"options": {"g": "250"}},
    "open-gop.mp4": {"options": {"x264-params": "open-gop=1:keyint=12:bframes=3"}},
    "transport-stream.ts": {},
    "vp8.webm": {"codec": "libvpx"},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"g": "12"}},
    "variable.mp4": {"at_ticks": [number * 4 + number // 5 * 11 for number in range(40)]},
    "odd.mp4": {"size": (233, 131), "pixel_format": "yuv444p"},
    "deep.mkv": {"codec": "ffv1", "pixel_format": "yuv422p10le"},
    "rgb.mkv": {"codec": "ffv1", "pixel_format": "bgr0"},
}


@pytest.mark.parametrize("name", CLIPS)
def test_every_frame_has_a_draft_that_shows_it(name: str, tmp_path: Path, watched: list[Watched]) -> None:
    survey = surveyed(numbered_clip(tmp_path / name, 40, **CLIPS[name]), watched)

    drafts = [survey.draft(frame) for frame in range(40)]

    assert [draft.index for draft in drafts] == list(range(40))
    assert [number_of(color_of(draft)) for draft in drafts] == list(range(40))
    assert [draft.time_s for draft in drafts] == [survey.index.time_s(frame) for frame in range(40)]


@pytest.mark.parametrize("turn_deg", [90, 180, 270])
def test_drafts_of_a_turned_clip_are_upright(turn_deg: int, tmp_path: Path, watched: list[Watched]) -> None:
    survey = surveyed(numbered_clip(tmp_path / "turned.mp4", 12, turn_deg=turn_deg), watched)

    draft = survey.draft(9)

    assert (draft.width_px, draft.height_px) == (survey.shape.width_px, survey.shape.height_px)
    assert number_of(unturned(color_of(draft), turn_deg)) == 9


def test_drafts_of_a_large_clip_are_small(tmp_path: Path, watched: list[Watched]) -> None:
    survey = surveyed(numbered_clip(tmp_path / "large.mp4", 3, size=(1280, 720)), watched)

    draft = survey.draft(2)

    assert (draft.width_px, draft.height_px) == (SIDE_PX, 360)
    assert number_of(color_of(draft)) == 2


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "rgb24"])
@pytest.mark.parametrize("ink", [RED, GREEN, BLUE], ids=["red", "green", "blue"])
def test_drafts_have_the_colours_of_their_frames(
    ink: tuple[int, int, int], pixel_format: str, tmp_path: Path, watched: list[Watched]
) -> None:
    codec = "libx264rgb" if pixel_format == "rgb24" else "libx264"
    path = numbered_clip(tmp_path / "clip.mkv", 2, ink=ink, codec=codec, pixel_format=pixel_format)
    survey = surveyed(path, watched)

    # Frame 0 has no bit set: all of its lower half is ink.
    assert color_of(survey.draft(0))(0.5, 0.75) == pytest.approx(ink, abs=8)


def test_drafts_are_right_up_to_their_last_column(tmp_path: Path, watched: list[Watched]) -> None:
    # Where pixels are made sixteen at a time, the two beyond are easily forgotten.
    survey = surveyed(numbered_clip(tmp_path / "clip.mp4", 2, size=(338, 190)), watched)

    draft = survey.draft(0)

    assert draft.width_px == 338
    assert color_of(draft)(337.5 / 338, 0.75) == pytest.approx(RED, abs=12)


@pytest.mark.slow
def test_drafts_of_an_hdr_clip_look_like_the_clip_that_is_sent(tmp_path: Path, watched: list[Watched]) -> None:
    survey = surveyed(hdr_clip(tmp_path / "hlg.mp4", luma=721), watched)

    # What the fitted clip has there: a luma of 164 in limited range.
    assert color_of(survey.draft(0))(0.5, 0.5) == pytest.approx([(164 - 16) * 255 / 219] * 3, abs=6)
    assert survey.signature(0).cells[:3] == pytest.approx([(164 - 16) * 255 / 219] * 3, abs=6)


def test_nothing_is_drawn_of_a_frame_that_was_not_reached_yet(tmp_path: Path, watched: list[Watched]) -> None:
    watched.append(Watched(numbered_clip(tmp_path / "clip.mp4", 30)))
    survey = watched[-1].survey

    survey.hold(is_held=True)

    assert not survey.has_draft(29)
    assert survey.draft(29) is None
    assert survey.signature(29) is None
    assert survey.draft(30) is survey.draft(-1) is None


# --- progress ---------------------------------------------------------------------------------------------------------


def test_progress_grows_to_the_whole_clip(tmp_path: Path, watched: list[Watched]) -> None:
    watched.append(Watched(numbered_clip(tmp_path / "clip.mp4", 200)))

    news = watched[-1].news()

    assert [each.done for each in news] == sorted(each.done for each in news)
    assert news[-1] == Surveyed(done=200, count=200, is_over=True)
    assert watched[-1].survey.progress == 1.0


def test_a_held_survey_waits_and_then_goes_on(tmp_path: Path, watched: list[Watched]) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 60)
    watched.append(Watched(path))
    held = watched[-1].survey
    held.hold(is_held=True)

    surveyed(path, watched)

    assert held.is_running()
    assert held.progress < 1
    held.hold(is_held=False)
    assert watched[0].news()[-1].done == 60


def test_a_stopped_survey_says_nothing_more(tmp_path: Path) -> None:
    each = Watched(numbered_clip(tmp_path / "clip.mp4", 60))
    each.survey.hold(is_held=True)

    each.survey.close()

    assert not each.survey.is_running()
    while not each.told.empty():
        assert not each.told.get().is_over


# --- damage -----------------------------------------------------------------------------------------------------------


def test_a_file_that_has_gone_ends_the_survey_at_once(tmp_path: Path, watched: list[Watched]) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 10)
    known = known_of(path)
    path.unlink()

    watched.append(Watched(path, known))

    assert watched[-1].news() == [Surveyed(done=0, count=10, is_over=True)]
    assert watched[-1].survey.progress == 1.0
    assert watched[-1].survey.draft(0) is None


def test_another_file_that_lies_there_by_now_is_not_taken_for_the_clip(tmp_path: Path, watched: list[Watched]) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 20)
    known, stamp = known_of(path), stamp_of(path.stat())
    numbered_clip(tmp_path / "other.mp4", 20, first=100).replace(path)

    found = Watched(path, known, stamp=stamp)
    watched.append(found)

    assert found.news()[-1].done == 0
    assert found.survey.draft(0) is None


def test_a_clip_is_surveyed_up_to_its_damage_and_after_it(tmp_path: Path, watched: list[Watched]) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 60, options={"g": "20", "bf": "0"})
    known = known_of(path)
    spoil(path, range(25, 40))

    watched.append(Watched(path, known))
    watched[-1].news()

    assert [number_of(color_of(watched[-1].draft(frame))) for frame in (0, 24, 40, 59)] == [0, 24, 40, 59]
    assert watched[-1].survey.signature(30) is None
    assert watched[-1].draft(30).index < 30


def spoil(path: Path, frames: range) -> None:
    """Overwrite the data of some frames."""
    with av.open(path) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.pos is not None]
    with path.open("r+b") as file:
        for pos, size in places[frames.start : frames.stop]:
            file.seek(pos)
            file.write(b"\xff" * size)


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_of_a_long_clip_only_every_so_many_frames_are_kept(
    tmp_path: Path, watched: list[Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey_pass, "MAX_LOOKS", 16)
    survey = surveyed(numbered_clip(tmp_path / "clip.mp4", 60), watched)

    drafts = [survey.draft(frame) for frame in range(60)]

    assert [draft.index for draft in drafts] == [frame - frame % 4 for frame in range(60)]
    assert [number_of(color_of(draft)) for draft in drafts] == [frame - frame % 4 for frame in range(60)]
    assert [frame for frame in range(60) if survey.survey.signature(frame)] == list(range(0, 60, 4))
    assert [moment.time_s for moment in survey.survey.moments()] == pytest.approx(
        [0.04 * frame for frame in range(0, 60, 4)]
    )


def test_of_a_very_long_clip_only_key_frames_are_kept(
    tmp_path: Path, watched: list[Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey_pass, "KEYS_ONLY_FROM", 50)
    survey = surveyed(numbered_clip(tmp_path / "clip.mp4", 60, options={"g": "20"}), watched)

    assert [survey.draft(frame).index for frame in (0, 19, 20, 39, 40, 59)] == [0, 0, 20, 20, 40, 40]
    assert [number_of(color_of(survey.draft(frame))) for frame in (5, 25, 45)] == [0, 20, 40]


def test_a_survey_takes_little_memory(tmp_path: Path, watched: list[Watched]) -> None:
    survey = surveyed(numbered_clip(tmp_path / "clip.mp4", 100), watched).survey

    # Plain areas press well; pictures with much detail are the business of the bound of the drafts.
    assert 100 * SIGNATURE_BYTES < survey.kept_bytes < 100 * (SIGNATURE_BYTES + 20_000)
    assert survey_pass.MAX_LOOKS * SIGNATURE_BYTES + DRAFT_BYTES < 80 << 20


# --- signatures -------------------------------------------------------------------------------------------------------


def test_the_same_picture_has_the_same_signature_at_any_size_and_in_any_codec(
    tmp_path: Path, watched: list[Watched]
) -> None:
    size = WIDTH_PX * 2, HEIGHT_PX * 2
    one = surveyed(numbered_clip(tmp_path / "one.mp4", 20), watched)
    two = surveyed(numbered_clip(tmp_path / "two.mkv", 20, codec="ffv1", pixel_format="yuv422p", size=size), watched)

    same = [change(one.signature(frame), two.signature(frame)) for frame in range(20)]
    other = [change(one.signature(frame), two.signature(frame - 1)) for frame in range(1, 20)]

    assert max(same) < 0.25
    assert min(other) > 0.4


def test_another_colour_is_another_signature(tmp_path: Path, watched: list[Watched]) -> None:
    red = surveyed(numbered_clip(tmp_path / "red.mp4", 2, ink=RED), watched)
    blue = surveyed(numbered_clip(tmp_path / "blue.mp4", 2, ink=BLUE), watched)

    assert change(red.signature(1), blue.signature(1)) > 0.7
