from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.media.still import full_frame
from tests.unit.media.numbered_clips import (
    HEIGHT_PX,
    WIDTH_PX,
    color_of,
    drawn,
    number_of,
    numbered_clip,
    unturned,
)
from tests.unit.media.test_decode import cut_off, open_files


def test_each_frame_is_itself_at_the_size_of_the_clip(tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 40)

    pictures = [full_frame(path, index) for index in (0, 17, 39)]

    assert [number_of(color_of(picture)) for picture in pictures] == [0, 17, 39]
    assert {(picture.width_px, picture.height_px) for picture in pictures} == {(WIDTH_PX, HEIGHT_PX)}
    assert [picture.index for picture in pictures] == [0, 17, 39]
    assert open_files(path) == 0


def test_a_clip_that_lost_nothing_gives_back_every_pixel(tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "clip.mkv", 3, codec="libx264rgb", pixel_format="rgb24", options={"qp": "0"})

    picture = full_frame(path, 2)

    size = picture.width_px, picture.height_px
    image = Image.frombuffer("RGB", size, bytes(picture.pixels), "raw", "BGRX", picture.stride_bytes, 1)
    assert (image.size, image.tobytes()) == ((WIDTH_PX, HEIGHT_PX), drawn_bytes(2))


def drawn_bytes(number: int) -> bytes:
    plane = drawn(number, (235, 40, 40)).planes[0]
    rows = bytes(plane)
    return b"".join(rows[row * plane.line_size :][: WIDTH_PX * 3] for row in range(HEIGHT_PX))


@pytest.mark.parametrize("turn_deg", [90, 180, 270])
def test_a_turned_clip_is_kept_upright(turn_deg: int, tmp_path: Path) -> None:
    picture = full_frame(numbered_clip(tmp_path / "clip.mp4", 12, turn_deg=turn_deg), 9)

    assert number_of(unturned(color_of(picture), turn_deg)) == 9
    assert (picture.width_px > picture.height_px) == (turn_deg == 180)


def test_wide_pixels_become_square_ones(tmp_path: Path) -> None:
    path = tmp_path / "wide.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)
        frame = drawn(5, (235, 40, 40)).reformat(format="yuv420p")
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    picture = full_frame(path, 0)

    assert (picture.width_px, picture.height_px) == (WIDTH_PX * 3 // 2, HEIGHT_PX)
    assert number_of(color_of(picture)) == 5


def test_a_frame_behind_the_damage_is_refused(tmp_path: Path) -> None:
    path = cut_off(numbered_clip(tmp_path / "whole.mp4", 60), tmp_path / "cut.mp4")

    with pytest.raises(InputRefused) as refused:
        full_frame(path, 59)

    assert refused.value.problem.kind is Kind.SOURCE_DAMAGED


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        full_frame(tmp_path / "gone.mp4", 0)

    assert refused.value.problem.kind is Kind.SOURCE_MISSING
