"""Small clips made on the spot. Each picture tells its number and which way is up.

The ground of frame n is grey, brighter by a step for each n; the upper left corner is red and the lower right blue.
"""

from __future__ import annotations

import io
import math
from array import array
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from PIL import Image

STEP = 5
DARKEST = 25


def picture(number: int, width: int, height: int) -> Image.Image:
    """Frame `number` as it is meant to be seen."""
    level = DARKEST + STEP * number
    image = Image.new("RGB", (width, height), (level, level, level))
    image.paste((250, 20, 20), (0, 0, width // 4, height // 4))
    image.paste((20, 20, 250), (width - width // 4, height - height // 4, width, height))
    return image


def number_of(image: Image.Image) -> int:
    """Read the number of a frame back."""
    width, height = image.size
    level = image.convert("L").resize((1, 1), box=(width * 0.35, height * 0.35, width * 0.65, height * 0.65))
    value = level.getpixel((0, 0))
    assert isinstance(value, int)
    return round((value - DARKEST) / STEP)


def is_upright(image: Image.Image) -> bool:
    """Red above left, blue below right, neither anywhere else."""
    width, height = image.size
    corners = [
        image.getpixel((int(x * width), int(y * height))) for x, y in ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9))
    ]
    found = []
    for corner in corners:
        assert isinstance(corner, tuple)
        red, green, blue = corner[:3]
        found.append("red" if red > green + 80 else "blue" if blue > green + 80 else "grey")
    return found == ["red", "grey", "grey", "blue"]


def make_clip(
    path: Path,
    *,
    count: int = 20,
    size: tuple[int, int] = (96, 64),
    fps: Fraction | int = 25,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    turn_deg: int = 0,
    at_ms: Sequence[int] | None = None,
    sound_s: float | None = None,
    sound_from_s: float = 0.0,
    sound_codec: str = "aac",
    options: dict[str, str] | None = None,
    transfer: int = 2,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Encode a clip.

    Args:
        size: of the picture as it is meant to be seen.
        turn_deg: clockwise turn that a player has to apply, 0, 90, 180 or 270.
        at_ms: time of each frame, for a variable rate; `count` follows from it.
    """
    time_base = Fraction(1, 1000) if at_ms else 1 / Fraction(fps)
    times = list(at_ms) if at_ms else list(range(count))
    with av.open(path, "w", options=container_options or {}) as container:
        video = container.add_stream(codec, rate=Fraction(fps), options=options or _quick(codec))
        assert isinstance(video, av.VideoStream)
        stored = size[::-1] if turn_deg in {90, 270} else size
        video.width, video.height, video.pix_fmt = *stored, pixel_format
        context = video.codec_context
        context.time_base = time_base
        context.colorspace, context.color_primaries, context.color_trc = (
            (9, 9, transfer) if transfer != 2 else (1, 1, 1)
        )
        context.color_range = 1
        if turn_deg:
            # FFmpeg counts anticlockwise.
            video.set_display_rotation(-turn_deg % 360)
        audio: av.AudioStream | None = None
        if sound_s is not None:
            added = container.add_stream(sound_codec, rate=48_000, layout="stereo")
            assert isinstance(added, av.AudioStream)
            audio = added
        packets = []
        for number, at in enumerate(times):
            seen = picture(number, *size).rotate(turn_deg, expand=True)
            frame: av.VideoFrame = av.VideoFrame.from_image(seen)
            frame = frame.reformat(format=pixel_format, dst_colorspace=1, dst_color_range="MPEG")
            frame.color_trc, frame.color_primaries = context.color_trc, context.color_primaries
            frame.colorspace = context.colorspace
            frame.pts, frame.time_base = at, time_base
            packets += video.encode(frame)
        packets += video.encode(None)
        if audio is not None and sound_s is not None:
            for sound in tone(sound_s, sound_from_s):
                packets += audio.encode(sound)
            packets += audio.encode(None)
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
            container.mux(packet)
    return path


def _quick(codec: str) -> dict[str, str]:
    match codec:
        case "libx264":
            return {"preset": "ultrafast", "crf": "10", "g": "12", "bf": "2", "sc_threshold": "0"}
        case "libx265":
            return {"preset": "ultrafast", "crf": "10", "x265-params": "log-level=none:pools=1:frame-threads=1"}
        case "libvpx-vp9":
            return {"deadline": "realtime", "cpu-used": "8", "crf": "12", "b": "0", "lag-in-frames": "0"}
        case "mpeg4" | "mjpeg":
            return {"q": "2", "qmin": "1", "qmax": "3"}
        case _:
            return {}


def tone(length_s: float, from_s: float = 0.0) -> list[AudioFrame]:
    """A 440 Hz tone in frames of 1024 samples."""
    rate, frames = 48_000, []
    samples = round(length_s * rate)
    for start in range(0, samples, 1024):
        wave = array("h")
        for n in range(start, min(start + 1024, samples)):
            value = round(12_000 * math.sin(math.tau * 440 * n / rate))
            wave.extend((value, value))
        frame = AudioFrame(format="s16", layout="stereo", samples=len(wave) // 2)
        frame.planes[0].update(wave.tobytes())
        frame.sample_rate = rate
        frame.pts, frame.time_base = start + round(from_s * rate), Fraction(1, rate)
        frames.append(frame)
    return frames


def pictures_of(path: Path) -> list[Image.Image]:
    """Every frame of a file, as stored."""
    with av.open(path) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def opened(png: bytes) -> Image.Image:
    """The picture in some bytes, which must be PNG."""
    image = Image.open(io.BytesIO(png), formats=("PNG",))
    image.load()
    return image.convert("RGB")
