"""A second opinion: does a spoiled file still show and sound like the one it was made of?

It decodes both the way a forgiving player does, asks nobody, and compares picture by picture. Where the program's own
check let a file pass and this sees a difference, something broken was accepted as good.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageChops, ImageStat

FAINT = 3.0
"""Mean difference of a picture's lightness, of 255, that nobody would call damage."""
_SAMPLES_MISSED = 2048
"""Two frames of a sound coder: what players differ in at the ends."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a file shows and sounds like."""

    pictures: tuple[Image.Image, ...]
    samples: int
    complaints: int
    """Packets that a decoder would not take, and pictures that it called damaged."""


def judge(path: Path, original: Path) -> dict[str, Any]:
    """How the two differ: shaped like an answer of the worker's.

    `why` tells the first difference; without one it is empty. `is_altered`: everything is there and no decoder complains,
    only some pictures are others. That is what a wrong bit does when what it makes is again a stream: nothing but a
    checksum could tell, and no service gives one.
    """
    whole = _seen_once(original)
    try:
        now = seen(path)
    except (av.FFmpegError, OSError, IndexError) as error:
        return {"result": {"why": f"cannot be played: {error}", "pictures": 0, "has_sound": False, "is_altered": False}}
    lost = _lost(whole, now)
    return {
        "result": {
            "why": lost or _difference(whole, now),
            "pictures": len(now.pictures),
            "has_sound": now.samples > 0,
            "is_altered": not lost and not now.complaints,
        }
    }


def _lost(whole: Seen, now: Seen) -> str:
    if len(now.pictures) != len(whole.pictures):
        return f"{len(now.pictures)} of {len(whole.pictures)} pictures"
    if whole.samples - now.samples > _SAMPLES_MISSED:
        return f"{now.samples} of {whole.samples} samples of sound"
    for number, (one, other) in enumerate(zip(whole.pictures, now.pictures, strict=True)):
        if one.size != other.size:
            return f"picture {number} is {other.width}×{other.height}"
    return ""


def _difference(whole: Seen, now: Seen) -> str:
    for number, (one, other) in enumerate(zip(whole.pictures, now.pictures, strict=True)):
        apart = ImageStat.Stat(ImageChops.difference(one, other)).mean[0]
        if apart > FAINT:
            return f"picture {number} differs by {apart:.1f}"
    return ""


@lru_cache(maxsize=32)
def _seen_once(path: Path) -> Seen:
    return seen(path)


def seen(path: Path) -> Seen:
    """Play all of it, as far as it goes."""
    pictures, samples, complaints = [], 0, 0
    with av.open(str(path), options={"protocol_whitelist": "file"}, metadata_errors="replace") as container:
        video = container.streams.video[0]
        sound = container.streams.audio[0] if container.streams.audio else None
        wanted = [video] if sound is None else [video, sound]
        packets = container.demux(wanted)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                complaints += 1
                break
            if packet is None:
                break
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                complaints += 1
                continue
            for frame in decoded:
                if isinstance(frame, av.VideoFrame):
                    complaints += frame.is_corrupt
                    pictures.append(frame.to_image().convert("L"))
                elif isinstance(frame, av.AudioFrame):
                    samples += frame.samples
    return Seen(pictures=tuple(pictures), samples=samples, complaints=complaints)
