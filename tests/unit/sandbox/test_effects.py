"""The edit, on small clips."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from klingstudio.sandbox.effects import NotEditable, Pictures, render, source_facts

Draw = Callable[..., Path]
Pixel = tuple[int, int, int]


@pytest.fixture
def clip(tmp_path: Path, draw: Draw) -> Path:
    return draw(tmp_path / "clip.mp4", 320, 240)


def edited(clip: Path, prompt: str, *, keep_audio: bool = True, pictures: Pictures | None = None) -> Path:
    out = clip.with_name("out.mp4")
    render(clip, out, prompt=prompt, pictures=pictures or Pictures(), keep_audio=keep_audio)
    return out


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as source:
        return [Fraction((frame.pts or 0) * (frame.time_base or 1)) for frame in source.decode(video=0)]


def mean(path: Path, box: tuple[int, int, int, int], at: int = 10) -> Pixel:
    """Mean colour of a part of one frame."""
    left, upper, right, lower = box
    with av.open(str(path)) as source:
        frame = list(source.decode(video=0))[at].reformat(format="rgb24")
    plane = frame.planes[0]
    data = bytes(plane)
    rows = [data[y * plane.line_size + left * 3 : y * plane.line_size + right * 3] for y in range(upper, lower)]
    red, green, blue = (sum(sum(row[n::3]) for row in rows) // ((right - left) * len(rows)) for n in range(3))
    return red, green, blue


GRASS = (0, 130, 320, 175)


@pytest.mark.parametrize("prompt", ["a rainy night", "a vintage cartoon", "dream", "anything"])
def test_every_frame_comes_back_at_its_own_time(clip: Path, prompt: str) -> None:
    out = edited(clip, prompt)

    assert times(out) == times(clip)
    assert source_facts(out).duration_s == pytest.approx(3.0, abs=0.01)


def test_an_uneven_frame_rate_is_kept(tmp_path: Path, draw: Draw) -> None:
    clip = draw(tmp_path / "uneven.mp4", 320, 240, uneven=True)

    out = edited(clip, "snow")

    assert len(times(clip)) == 29
    assert times(out) == times(clip)


def test_snow_turns_green_ground_white(clip: Path) -> None:
    out = edited(clip, "Let it snow")

    red, green, blue = mean(out, GRASS)
    assert min(red, green, blue) > 150
    assert max(red, green, blue) - min(red, green, blue) < 45


def test_night_is_dark_and_blue(clip: Path) -> None:
    red, green, blue = mean(edited(clip, "at night"), GRASS)

    assert max(red, green, blue) < 90
    assert blue > red


def test_inverted_colours_are_exact(clip: Path) -> None:
    before, after = mean(clip, GRASS), mean(edited(clip, "invert"), GRASS)

    assert all(abs(one + other - 255) <= 6 for one, other in zip(before, after, strict=True))


def test_black_and_white_has_no_colour(clip: Path) -> None:
    red, green, blue = mean(edited(clip, "film noir"), GRASS)

    assert max(red, green, blue) - min(red, green, blue) <= 4


def test_an_unknown_wish_still_changes_the_picture(clip: Path) -> None:
    before, after = mean(clip, GRASS), mean(edited(clip, "give him a hat"), GRASS)

    assert sum(abs(one - other) for one, other in zip(before, after, strict=True)) > 15


def test_reference_pictures_are_seen_in_the_take(clip: Path) -> None:
    picture = clip.with_name("red.png")
    Image.new("RGB", (400, 400), (230, 20, 20)).save(picture)
    inset = (12, 198, 44, 228)
    without = mean(edited(clip, "anything"), inset)

    red, green, blue = mean(edited(clip, "anything", pictures=Pictures(shown=(picture,))), inset)

    assert red > 200
    assert max(green, blue) < 60
    assert without[0] < 120


def test_the_angles_of_an_element_lend_their_colour(clip: Path) -> None:
    picture = clip.with_name("red.png")
    Image.new("RGB", (400, 300), (230, 20, 20)).save(picture)
    without = mean(edited(clip, "anything"), GRASS)

    tinted = mean(edited(clip, "anything", pictures=Pictures(others=(picture,))), GRASS)

    assert tinted[0] - tinted[1] > without[0] - without[1] + 10


@pytest.mark.parametrize(("keep_audio", "streams"), [(True, 1), (False, 0)])
def test_the_sound_is_kept_or_dropped_as_asked(clip: Path, keep_audio: bool, streams: int) -> None:
    with av.open(str(edited(clip, "snow", keep_audio=keep_audio))) as out:
        assert len(out.streams.audio) == streams


def test_kept_sound_is_the_same_packets(clip: Path) -> None:
    out = edited(clip, "snow")

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as source:
            return [bytes(packet) for packet in source.demux(audio=0) if packet.size]

    assert packets(out) == packets(clip)


def test_sound_that_mp4_cannot_hold_becomes_aac(tmp_path: Path, draw: Draw) -> None:
    clip = draw(tmp_path / "clip.mov", 320, 240, audio="pcm_f32le")

    with av.open(str(edited(clip, "snow"))) as out:
        assert [stream.codec_context.name for stream in out.streams.audio] == ["aac"]
        sound = sum(frame.samples for frame in out.decode(audio=0))
    assert sound == pytest.approx(3 * 48000, rel=0.02)


@pytest.mark.parametrize("content", [b"", b"<html>no video</html>", b"\x00\x00\x00\x20ftypisom" + bytes(500)])
def test_what_is_not_a_video_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(content)

    with pytest.raises(NotEditable):
        source_facts(tmp_path / "clip.mp4")


def test_a_broken_picture_is_refused(clip: Path) -> None:
    picture = clip.with_name("broken.png")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n but no more")

    with pytest.raises(NotEditable, match="Invalid image"):
        edited(clip, "snow", pictures=Pictures(shown=(picture,)))
