"""Small still pictures of a video for lists and strips."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.media.container import CODEC_LIMITS, THREADS, OpenClip, open_clip
from klingstudio.media.frames import TimedFrame, frames, frames_from
from klingstudio.media.picture import Developer, lies_on_its_side, to_rgb_image
from klingstudio.media.source_file import stat_source

MAX_SIDE_PX = 2160
ONE_PASS_MAX_S = 60.0
"""Up to this length a strip is decoded in one pass. Longer ones show the keyframe before each place."""
_MANY_THREADS_PIXELS = 4096 * 2304


def poster(path: Path, at_s: float, width_px: int) -> bytes:
    """One upright frame as PNG: the one on screen at `at_s`, or the last one.

    Raises:
        InputRefused: the file has no picture that decodes.
    """
    stat_source(path)
    with _refusing(path.name), open_clip(path) as clip:
        first, start = _first(clip, path.name)
        width, height = _shape(first)
        height = max(2, round(height * width_px / width))
        frame = _shown_at(clip, start + Fraction(at_s)) or first
        return _png(Developer(min(width_px, MAX_SIDE_PX), min(height, MAX_SIDE_PX), "rgb24"), frame)


def filmstrip(path: Path, count: int, height_px: int) -> list[bytes]:
    """`count` upright pictures as PNG, spread evenly over the video, each from the middle of its part.

    Raises:
        InputRefused: the file has no picture that decodes.
    """
    stat_source(path)
    with _refusing(path.name), open_clip(path) as clip:
        length_s = _length_s(clip)
        if length_s <= ONE_PASS_MAX_S:
            _hurry(clip.video.codec_context)
        passing = frames(clip)
        first = next(passing, None)
        if first is None:
            raise InputRefused(Kind.SOURCE_DAMAGED, path.name, subject="source")
        width, height = _shape(first[0])
        developer = Developer(max(2, round(width * height_px / height)), height_px, "rgb24")
        places = [first[1] + Fraction(length_s) * (2 * n + 1) / (2 * count) for n in range(count)]
        is_short = length_s <= ONE_PASS_MAX_S
        chosen = _in_one_pass(chain([first], passing), places) if is_short else _by_keyframe(clip, places)
        pictures = [_png(developer, frame) for frame in chosen]
        pictures = pictures or [_png(developer, first[0])]
        return pictures + pictures[-1:] * (count - len(pictures))


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Whatever a decoder or a filter trips over is the file's fault."""
    try:
        yield
    except av.MemoryError:
        # No word about the file: this process is not allowed enough.
        raise
    except av.FFmpegError as error:
        raise InputRefused(Kind.SOURCE_DAMAGED, name, subject="source") from error


def _hurry(context: VideoCodecContext) -> None:
    # Frames that no other frame needs are skipped: half the work, and at most a frame or two beside the place.
    context.skip_frame = "NONREF"
    # What this smooths is a hundredth of the height of a thumbnail.
    context.options = {**CODEC_LIMITS, "skip_loop_filter": "all"}
    # Each packet takes a thread its turn, also one that is skipped at once, and frames that are decoded together wait
    # for parts of each other. Frames beyond 4K would need more memory than there is for so many at a time.
    is_small = context.width * context.height <= _MANY_THREADS_PIXELS
    context.thread_count = min(2 * THREADS + 4, 16) if is_small else THREADS


def _in_one_pass(passing: Iterable[TimedFrame], places: list[Fraction]) -> Iterator[VideoFrame]:
    waiting = list(places)
    shown: VideoFrame | None = None
    for frame, at in passing:
        while shown is not None and waiting and waiting[0] < at:
            waiting.pop(0)
            yield shown
        if not waiting:
            return
        shown = frame


def _by_keyframe(clip: OpenClip, places: list[Fraction]) -> Iterator[VideoFrame]:
    clip.video.codec_context.skip_frame = "NONKEY"
    for place in places:
        for frame, _ in frames_from(clip, place):
            yield frame
            break


def _shown_at(clip: OpenClip, place: Fraction) -> VideoFrame | None:
    shown: VideoFrame | None = None
    for frame, at in frames_from(clip, place):
        if shown is not None and at > place:
            break
        shown = frame
    return shown


def _first(clip: OpenClip, name: str) -> tuple[VideoFrame, Fraction]:
    first = next(frames(clip), None)
    if first is None:
        raise InputRefused(Kind.SOURCE_DAMAGED, name, subject="source")
    return first


def _length_s(clip: OpenClip) -> float:
    if clip.video.duration and clip.video.time_base:
        return float(clip.video.duration * clip.video.time_base)
    return (clip.container.duration or 0) / av.time_base


def _shape(frame: VideoFrame) -> tuple[int, int]:
    return (frame.height, frame.width) if lies_on_its_side(frame) else (frame.width, frame.height)


def _png(developer: Developer, frame: VideoFrame) -> bytes:
    picture = to_rgb_image(developer.develop(frame))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
