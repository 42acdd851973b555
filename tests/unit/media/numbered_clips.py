"""Clips whose every frame says its own number: eight blocks above are its bits, the blocks below their opposite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av

from klingstudio.media.decode_pixels import Picture

WIDTH_PX, HEIGHT_PX, BITS = 320, 180, 8
RED, BLUE, GREEN = (235, 40, 40), (40, 70, 235), (30, 200, 60)

Rgb = tuple[int, int, int]


def numbered_clip(
    path: Path,
    count: int,
    *,
    first: int = 0,
    fps: int | Fraction = 25,
    ink: Rgb = RED,
    at_ticks: Sequence[int] | None = None,
    size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX),
    pixel_format: str = "yuv420p",
    codec: str = "libx264",
    turn_deg: int = 0,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode `count` frames, `fps` of them a second, or frame n at `at_ticks[n]` hundredths of a second.

    The bits are drawn in `ink`. Few key frames and three B-frames in a row, unless `options` say otherwise.
    `first`: what the first frame says; a clip that shows the same as another, but begins later.
    `size`: as stored; an odd one needs a `pixel_format` that can do it, such as `yuv444p`.
    """
    settings = {"g": "30", "bf": "3", "crf": "12", "preset": "ultrafast", "sc_threshold": "0"} | (options or {})
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=fps, options=settings if codec == "libx264" else options or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, pixel_format
        is_rgb = av.VideoFormat(pixel_format).is_rgb
        stream.codec_context.color_range = 2 if is_rgb else 1
        stream.codec_context.colorspace = 0 if is_rgb else 1
        if turn_deg:
            # FFmpeg counts anticlockwise.
            stream.set_display_rotation(-turn_deg)
        time_base = Fraction(1, 100) if at_ticks else 1 / Fraction(fps)
        stream.codec_context.time_base = time_base
        for number in range(count):
            frame = drawn(first + number, ink, size)
            if is_rgb:
                frame = frame.reformat(format=pixel_format)
            else:
                frame = frame.reformat(format=pixel_format, dst_colorspace=1, dst_color_range="MPEG")
            frame.pts, frame.time_base = at_ticks[number] if at_ticks else number, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def drawn(number: int, ink: Rgb, size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)) -> av.VideoFrame:
    """One frame in RGB."""
    width_px, height_px = size
    frame = av.VideoFrame(width_px, height_px, "rgb24")
    bits = [bool(number >> (column * BITS // width_px) & 1) for column in range(width_px)]
    upper = b"".join(bytes(ink if bit else (0, 0, 0)) for bit in bits)
    lower = b"".join(bytes((0, 0, 0) if bit else ink) for bit in bits)
    padding = bytes(frame.planes[0].line_size - len(upper))
    half = height_px // 2
    frame.planes[0].update((upper + padding) * half + (lower + padding) * (height_px - half))
    return frame


def number_of(color_at: Callable[[float, float], Rgb]) -> int:
    """Read the number back. `color_at` gives the colour at a place, both parts from 0 to 1."""
    number = 0
    for bit in range(BITS):
        upper, lower = (sum(color_at((bit + 0.5) / BITS, y)) for y in (0.25, 0.75))
        assert abs(upper - lower) > 120, "no numbered frame, or two frames mixed"
        number |= (upper > lower) << bit
    return number


def ink_of(color_at: Callable[[float, float], Rgb]) -> str:
    """`red`, `green` or `blue`: the channel that is strongest in the blocks."""
    totals = [0, 0, 0]
    for bit in range(BITS):
        for y in (0.25, 0.75):
            totals = [total + part for total, part in zip(totals, color_at((bit + 0.5) / BITS, y), strict=True)]
    return ("red", "green", "blue")[totals.index(max(totals))]


def unturned(color_at: Callable[[float, float], Rgb], turn_deg: int) -> Callable[[float, float], Rgb]:
    """Colours by their place in the stored frame, of a clip that is shown turned clockwise by so much."""
    almost = 1 - 1e-6
    match turn_deg:
        case 90:
            return lambda x, y: color_at(almost - y, x)
        case 180:
            return lambda x, y: color_at(almost - x, almost - y)
        case 270:
            return lambda x, y: color_at(y, almost - x)
        case _:
            return color_at


def color_of(picture: Picture) -> Callable[[float, float], Rgb]:
    """Colours of a decoded picture by place."""

    def color_at(x: float, y: float) -> Rgb:
        column, row = int(x * picture.width_px), int(y * picture.height_px)
        start = row * picture.stride_bytes + column * 4
        blue, green, red, _ = picture.pixels[start : start + 4]
        return red, green, blue

    return color_at
