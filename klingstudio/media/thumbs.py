"""Small still pictures of a video for lists and strips."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.media.container import OpenClip, open_clip
from klingstudio.media.picture import Developer, lies_on_its_side, seconds
from klingstudio.media.probe import stat_source

MAX_SIDE_PX = 2160
ONE_PASS_MAX_S = 60.0
"""Up to this length a strip is decoded in one pass. Longer ones show the keyframe before each place."""


def poster(path: Path, at_s: float, width_px: int) -> bytes:
    """One upright frame as PNG: the one on screen at `at_s`, or the last one.

    Raises:
        InputRefused: the file has no picture that decodes.
    """
    stat_source(path)
    with open_clip(path) as clip:
        first = _first(clip, path.name)
        width, height = _shape(first)
        height = max(2, round(height * width_px / width))
        frame = _last_until(clip, _time(first) + Fraction(at_s)) or first
        return _png(Developer(min(width_px, MAX_SIDE_PX), min(height, MAX_SIDE_PX), "rgb24"), frame)


def filmstrip(path: Path, count: int, height_px: int) -> list[bytes]:
    """`count` upright pictures as PNG, spread evenly over the video, each from the middle of its part.

    Raises:
        InputRefused: the file has no picture that decodes.
    """
    stat_source(path)
    with open_clip(path) as clip:
        first = _first(clip, path.name)
        width, height = _shape(first)
        developer = Developer(max(2, round(width * height_px / height)), height_px, "rgb24")
        length_s = _length_s(clip)
        places = [_time(first) + Fraction(length_s) * (2 * n + 1) / (2 * count) for n in range(count)]
        frames = _in_one_pass(clip, places) if length_s <= ONE_PASS_MAX_S else _by_keyframe(clip, places)
        pictures = [_png(developer, frame) for frame in frames]
        pictures = pictures or [_png(developer, first)]
        return pictures + pictures[-1:] * (count - len(pictures))


def _in_one_pass(clip: OpenClip, places: list[Fraction]) -> Iterator[VideoFrame]:
    clip.container.seek(clip.video.start_time or 0, stream=clip.video)
    # Frames that no other frame needs are skipped: half the work, and at most a frame or two beside the place.
    clip.video.codec_context.skip_frame = "NONREF"
    waiting = list(places)
    shown: VideoFrame | None = None
    for frame in _decoded(clip):
        while shown is not None and waiting and waiting[0] < _time(frame):
            waiting.pop(0)
            yield shown
        if not waiting:
            return
        shown = frame


def _by_keyframe(clip: OpenClip, places: list[Fraction]) -> Iterator[VideoFrame]:
    clip.video.codec_context.skip_frame = "NONKEY"
    for place in places:
        _seek(clip, place)
        frame = next(_decoded(clip), None)
        if frame is not None:
            yield frame


def _last_until(clip: OpenClip, at: Fraction) -> VideoFrame | None:
    _seek(clip, at)
    shown: VideoFrame | None = None
    for frame in _decoded(clip):
        if shown is not None and _time(frame) > at:
            break
        shown = frame
    return shown


def _seek(clip: OpenClip, at: Fraction) -> None:
    tick = clip.video.time_base or Fraction(1, av.time_base)
    clip.container.seek(max(int(at / tick), clip.video.start_time or 0), stream=clip.video, backward=True)


def _first(clip: OpenClip, name: str) -> VideoFrame:
    frame = next(_decoded(clip), None)
    if frame is None:
        raise InputRefused(Kind.SOURCE_DAMAGED, name, subject="source")
    return frame


def _decoded(clip: OpenClip) -> Iterator[VideoFrame]:
    for packet in clip.container.demux(clip.video):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        yield from frames


def _time(frame: VideoFrame) -> Fraction:
    stamp = frame.pts if frame.pts is not None else frame.dts
    return seconds(stamp or 0, frame.time_base)


def _length_s(clip: OpenClip) -> float:
    if clip.video.duration and clip.video.time_base:
        return float(clip.video.duration * clip.video.time_base)
    return (clip.container.duration or 0) / av.time_base


def _shape(frame: VideoFrame) -> tuple[int, int]:
    return (frame.height, frame.width) if lies_on_its_side(frame) else (frame.width, frame.height)


def _png(developer: Developer, frame: VideoFrame) -> bytes:
    picture = developer.develop(frame).to_image()
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()
