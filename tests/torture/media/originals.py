"""The whole clips that everything else is made of: small, full of detail, each another way to store a video."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
from PIL import Image

from tests.unit.media.made_clips import tone

FASTSTART = {"movflags": "+faststart"}
FRAGMENTED = {"movflags": "+frag_keyframe+empty_moov+default_base_moof"}
FRAMES = 16
_SIZE = (96, 64)
_UNEVEN_MS = [n * 40 + (n % 3) * 13 for n in range(FRAMES)]
_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "libx264": {"preset": "veryfast", "crf": "20", "g": "8", "bf": "2", "sc_threshold": "0"},
    "libx265": {"preset": "ultrafast", "crf": "20", "x265-params": "log-level=none:pools=1:frame-threads=1:keyint=8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0", "lag-in-frames": "0"},
    "mpeg4": {"q": "4", "qmin": "2", "qmax": "6"},
}


def detailed(number: int, size: tuple[int, int] = _SIZE) -> Image.Image:
    """Frame `number` of a moving texture: no part of it is empty, so nearly every byte of the clip can be seen."""
    dice = random.Random(7)
    wide = Image.frombytes("RGB", (40, 16), dice.randbytes(40 * 16 * 3)).resize((size[0] * 2, size[1]))
    at = number * 3 % size[0]
    return wide.crop((at, 0, at + size[0], size[1]))


def encode(
    path: Path,
    *,
    codec: str = "libx264",
    size: tuple[int, int] = _SIZE,
    frames: int = FRAMES,
    first: int = 0,
    pixel_format: str = "yuv420p",
    turn_deg: int = 0,
    at_ms: Sequence[int] | None = None,
    sound: str | None = None,
    pairs: int = 1,
    container: Mapping[str, str] | None = None,
) -> Path:
    """Write a clip. `pairs`: of a video stream and, where there is `sound`, one of that."""
    tick = Fraction(1, 1000) if at_ms else Fraction(1, 25)
    with av.open(path, "w", options=dict(container or {})) as out:
        videos = [out.add_stream(codec, rate=25, options=dict(_OPTIONS.get(codec, {}))) for _ in range(pairs)]
        sounds = [out.add_stream(sound, rate=48_000, layout="stereo") for _ in range(pairs)] if sound else []
        packets: list[av.Packet[av.VideoStream | av.AudioStream]] = []
        for video in videos:
            assert isinstance(video, av.VideoStream)
            video.width, video.height, video.pix_fmt = *size, pixel_format
            video.codec_context.time_base = tick
            if turn_deg:
                video.set_display_rotation(turn_deg)
            for number in range(frames):
                frame: av.VideoFrame = av.VideoFrame.from_image(detailed(first + number, size))
                frame.pts, frame.time_base = at_ms[number] if at_ms else number, tick
                packets += video.encode(frame.reformat(format=pixel_format))
            packets += video.encode(None)
        for heard in sounds:
            assert isinstance(heard, av.AudioStream)
            for piece in (*tone(FRAMES / 25), None):
                packets += heard.encode(piece)
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
            out.mux(packet)
    return path


Make = Callable[[Path], Path]

TAKES: Mapping[str, Make] = {
    "faststart.mp4": partial(encode, sound="aac", container=FASTSTART),
    "plain.mp4": partial(encode, sound="aac"),
    "fragmented.mp4": partial(encode, sound="aac", container=FRAGMENTED),
    "silent.mp4": partial(encode),
    "hevc.mp4": partial(encode, codec="libx265", container=FASTSTART),
    "mpeg4.mp4": partial(encode, codec="mpeg4", sound="aac", container=FASTSTART),
    "vp9.mp4": partial(encode, codec="libvpx-vp9", sound="libopus"),
    "turned.mov": partial(encode, turn_deg=90, sound="aac", container=FASTSTART),
    "uneven.mp4": partial(encode, at_ms=_UNEVEN_MS, container=FASTSTART),
    "streams.mp4": partial(encode, pairs=2, sound="aac", container=FASTSTART),
}
"""What a service may send back, and `verify` accepts."""

SOURCES: Mapping[str, Make] = {
    "alpha.mov": partial(encode, codec="prores_ks", pixel_format="yuva444p10le"),
    "h264.mkv": partial(encode, sound="aac"),
    "vp9.webm": partial(encode, codec="libvpx-vp9", pixel_format="yuv420p", sound="libopus"),
    "mpeg4.avi": partial(encode, codec="mpeg4", sound="libmp3lame"),
    "h264.ts": partial(encode, sound="aac"),
}
"""What people bring besides."""


def make_originals(folder: Path) -> dict[str, bytes]:
    """The bytes of every clip, by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    return {name: make(folder / name).read_bytes() for name, make in {**TAKES, **SOURCES}.items()}
