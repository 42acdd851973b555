"""Clips whose sound says where it is: a ramp that counts samples, a click each second, a tone for each second."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av

from tests.unit.media.numbered_clips import BLUE, HEIGHT_PX, WIDTH_PX, Rgb, drawn

Wave = Callable[[int], int]
"""Number of a sample → its value, 16 bits."""

RAMP = 30_011
FPS = 25
_PIECE = 1024


def ramp(number: int) -> int:
    """Counts samples, as far as 16 bits go."""
    return number % RAMP


def click(number: int, *, rate: int = 48_000, length: int = 48) -> int:
    """A sharp wave of a millisecond at the start of every second, or a few of them; silence between."""
    place = number % rate
    return round(24_000 * math.sin(2 * math.pi * place / 48)) if place < length else 0


def tones(first_hz: int, step_hz: int = 0) -> Wave:
    """A sine; each second is `step_hz` higher than the one before."""

    def wave(number: int) -> int:
        second, place = divmod(number, 48_000)
        return round(12_000 * math.sin(2 * math.pi * (first_hz + second * step_hz) * place / 48_000))

    return wave


def sounding_clip(
    path: Path,
    seconds: float,
    wave: Wave,
    *,
    codec: str = "aac",
    rate: int = 48_000,
    layout: str = "stereo",
    sound_at_s: float = 0.0,
    picture_at_s: float = 0.0,
    holes_s: Sequence[tuple[float, float]] = (),
    ink: Rgb = BLUE,
) -> Path:
    """Numbered pictures, and `wave` in all channels. Sound and picture may begin late; in holes packets are missing."""
    with av.open(path, "w") as container:
        video = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": "30"})
        video.width, video.height, video.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        sound = container.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(sound, av.AudioStream)
        count, size = round(seconds * rate), (sound.codec_context.frame_size or _PIECE)
        frames = iter(range(round(seconds * FPS)))
        for start in range(0, count, size):
            for number in frames:
                frame = drawn(number % 256, ink).reformat(format="yuv420p")
                frame.pts, frame.time_base = number + round(picture_at_s * FPS), Fraction(1, FPS)
                container.mux(video.encode(frame))
                if number / FPS >= start / rate:
                    break
            if any(begin <= start / rate < end for begin, end in holes_s):
                continue
            values = array("h", (wave(number) for number in range(start, min(start + size, count))))
            container.mux(sound.encode(_sound_frame(values, layout, rate, start + round(sound_at_s * rate))))
        container.mux(sound.encode(None))
        container.mux(video.encode(None))
    return path


def _sound_frame(values: array[int], layout: str, rate: int, pts: int) -> av.AudioFrame:
    channels = av.AudioLayout(layout).nb_channels
    mixed = array("h", bytes(2 * channels * len(values)))
    for channel in range(channels):
        mixed[channel::channels] = values
    frame = av.AudioFrame(format="s16", layout=layout, samples=len(values))
    frame.planes[0].update(mixed.tobytes() + bytes(frame.planes[0].buffer_size - 2 * len(mixed)))
    frame.sample_rate, frame.pts, frame.time_base = rate, pts, Fraction(1, rate)
    return frame


def left(samples: bytes) -> array[int]:
    """The left channel of 16-bit stereo."""
    values = array("h")
    values.frombytes(samples)
    return values[::2]


def hz_of(values: Sequence[int], rate: int = 48_000) -> float:
    """The pitch of a single tone, from where it crosses zero upwards."""
    crossings = [place for place in range(1, len(values)) if values[place - 1] < 0 <= values[place]]
    if len(crossings) < 2:
        return 0.0
    return (len(crossings) - 1) * rate / (crossings[-1] - crossings[0])


def clicks_in(values: Sequence[int]) -> list[int]:
    """Where clicks begin: the places after a hundredth of silence that are loud."""
    found: list[int] = []
    quiet_since = -(1 << 30)
    for place, value in enumerate(values):
        if abs(value) > 8_000:
            if place - quiet_since > 4_800:
                found.append(place)
            quiet_since = place
    return found
