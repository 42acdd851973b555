"""What a source really is: measured from its packets and its first frame."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median_low

import av
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.job import SourceMark
from klingstudio.domain.media import SOURCE_MAX_S, ClipFacts
from klingstudio.media.container import OpenClip, has_decoder, open_clip
from klingstudio.media.picture import is_hdr, lies_on_its_side
from klingstudio.media.source_file import stat_source

OnProgress = Callable[[float], None]

_USUAL_RATES = (
    *(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 120, 240)),
    *(Fraction(rate * 1000, 1001) for rate in (24, 30, 60, 120)),
)
_PACKETS_BEFORE_A_PICTURE = 300
"""A decoder that has not given a frame after so many packets will give none."""
_FRAMES_MAX = round(SOURCE_MAX_S * 300)
"""More than the quickest camera takes in an hour. A few bytes can stand for hundreds of empty frames."""


def mark_source(path: Path) -> SourceMark:
    """What the source is recognised by later. Reads the whole file.

    Raises:
        InputRefused: as `stat_source`.
    """
    stat_source(path)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            found = os.fstat(file.fileno())
    except OSError as error:
        raise InputRefused(Kind.SOURCE_UNREADABLE, f"{path.name}: {error.strerror}", subject="source") from error
    return SourceMark(sha256=digest, size_bytes=found.st_size, modified_ns=found.st_mtime_ns)


def probe(path: Path, on_progress: OnProgress = lambda _: None) -> ClipFacts:
    """Measure a source. Reads every packet, decodes one frame. `on_progress` is told how far reading has come, 0 to 1.

    Raises:
        InputRefused: not a video, cut off, no moving picture, a single frame, or longer than `SOURCE_MAX_S`.
    """
    size_bytes = stat_source(path).st_size
    try:
        with open_clip(path) as clip:
            return _measure(clip, path.name, size_bytes, on_progress)
    except av.MemoryError:
        # No word about the file: this process is not allowed enough.
        raise
    except av.FFmpegError as error:
        raise InputRefused(Kind.SOURCE_DAMAGED, path.name, subject="source") from error
    except OSError as error:
        raise InputRefused(Kind.SOURCE_UNREADABLE, f"{path.name}: {error.strerror}", subject="source") from error


def _measure(clip: OpenClip, name: str, size_bytes: int, on_progress: OnProgress) -> ClipFacts:
    _refuse_longer(_declared_s(clip.video), name)
    times: list[tuple[int, int]] = []
    first: VideoFrame | None = None
    audio_from: Fraction | None = None
    audio_to = Fraction(0)
    tick = clip.video.time_base or Fraction(1, av.time_base)
    packets = clip.container.demux([stream for stream in (clip.video, clip.audio) if stream])
    for number, packet in enumerate(packets):
        if number % 1000 == 0:
            if times:
                _refuse_longer(float(abs(times[-1][0] - times[0][0]) * tick), name)
            if len(times) > _FRAMES_MAX:
                raise InputRefused(Kind.SOURCE_DAMAGED, f"{name}: more than {_FRAMES_MAX} frames", subject="source")
            on_progress(min((packet.pos or 0) / size_bytes, 1.0))
        if not packet.size:
            continue
        at = packet.pts if packet.pts is not None else packet.dts
        if packet.stream is not clip.video:
            if at is not None and not packet.is_discard:
                start = at * packet.time_base
                audio_from = start if audio_from is None else min(audio_from, start)
                audio_to = max(audio_to, start + (packet.duration or 0) * packet.time_base)
            continue
        # A recording cut out of a broadcast begins with packets that nothing can decode.
        if not times and not packet.is_keyframe:
            continue
        if first is None and len(times) <= _PACKETS_BEFORE_A_PICTURE:
            first = _try_decode(packet)
        if packet.is_discard:
            continue
        times.append((at if at is not None else len(times), packet.duration or 0))
    first = first or _flushed(clip.video)
    if not times or first is None:
        raise InputRefused(Kind.SOURCE_DAMAGED, name, subject="source")
    if len(times) == 1:
        raise InputRefused(Kind.SOURCE_ONE_FRAME, name, subject="source")

    times.sort()
    stamps = [at for at, _ in times]
    fps = _mean_rate(stamps, tick, (clip.video.average_rate, clip.video.guessed_rate))
    is_variable = _varies(stamps)
    if is_variable:
        duration = (stamps[-1] - stamps[0]) * tick + (times[-1][1] * tick or 1 / fps)
        fps = (len(stamps) / duration).limit_denominator(1001)
    else:
        duration = len(stamps) / fps
    _refuse_longer(float(duration), name)
    return _facts(clip, first, fps, is_variable, len(stamps), duration, audio_from, audio_to, size_bytes)


def _facts(
    clip: OpenClip,
    first: VideoFrame,
    fps: Fraction,
    is_variable: bool,
    frame_count: int,
    duration: Fraction,
    audio_from: Fraction | None,
    audio_to: Fraction,
    size_bytes: int,
) -> ClipFacts:
    width, height = _square_pixels(clip.video, first)
    if lies_on_its_side(first):
        width, height = height, width
    return ClipFacts(
        container=clip.container_name,
        video_codec=clip.video.codec_context.codec.canonical_name,
        width_px=width,
        height_px=height,
        rotation_deg=-first.rotation % 360,
        fps=fps,
        is_variable_rate=is_variable,
        frame_count=frame_count,
        duration_s=float(duration),
        pixel_format=first.format.name,
        bit_depth=max(part.bits for part in first.format.components),
        is_hdr=is_hdr(first),
        audio_codec=_audio_codec(clip) if audio_from is not None else None,
        audio_duration_s=float(audio_to - audio_from) if audio_from is not None else None,
        size_bytes=size_bytes,
    )


def _audio_codec(clip: OpenClip) -> str:
    if clip.audio is None or not has_decoder(clip.audio):
        return "unknown"
    return clip.audio.codec_context.codec.canonical_name


def _square_pixels(stream: VideoStream, frame: VideoFrame) -> tuple[int, int]:
    # Old camcorder formats store narrow or wide pixels and widen them in display.
    aspect = stream.sample_aspect_ratio
    if not aspect or aspect == 1 or not Fraction(1, 4) < aspect < 4:
        return frame.width, frame.height
    return round(frame.width * aspect), frame.height


def _declared_s(stream: VideoStream) -> float:
    return float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0


def _refuse_longer(duration_s: float, name: str) -> None:
    if duration_s > SOURCE_MAX_S:
        raise InputRefused(Kind.SOURCE_TOO_LONG, f"{name}: {duration_s / 60:.0f} min", subject="source")


def _try_decode(packet: av.Packet[Stream]) -> VideoFrame | None:
    try:
        return next((frame for frame in packet.decode() if isinstance(frame, VideoFrame)), None)
    except av.MemoryError:
        raise
    except av.FFmpegError:
        return None


def _flushed(stream: VideoStream) -> VideoFrame | None:
    # A clip of a few frames may still sit in the decoder's queue.
    try:
        return next(iter(stream.codec_context.decode(None)), None)
    except av.MemoryError:
        raise
    except av.FFmpegError:
        return None


def _mean_rate(stamps: list[int], tick: Fraction, declared: Iterable[Fraction | None]) -> Fraction:
    """Frames per second. Coarse time stamps are read as the rate they were rounded from."""
    span = (stamps[-1] - stamps[0]) * tick
    if span <= 0:
        return next((rate for rate in declared if rate), Fraction(25))
    gaps = len(stamps) - 1
    mean = gaps / span
    nearest_first = sorted(_USUAL_RATES, key=lambda rate: abs(rate - mean))
    for rate in (*declared, *nearest_first):
        if rate and abs(span - gaps / rate) <= tick:
            return _tidy(rate)
    return mean.limit_denominator(1001)


def _tidy(rate: Fraction) -> Fraction:
    # Matroska stores a frame's length in whole nanoseconds, so 60000/1001 comes back as 19001/317.
    nearest = min(_USUAL_RATES, key=lambda usual: abs(usual - rate))
    return nearest if abs(nearest - rate) * 10_000 < nearest else rate


def _varies(stamps: list[int]) -> bool:
    gaps = [after - before for before, after in pairwise(stamps)]
    usual = median_low(gaps)
    # Rounding to the file's clock is no variation, nor is a tenth of a frame. A clock that ticks once or twice a
    # frame does not round.
    rounding = 0 if usual < 3 else 1 if usual < 8 else 2
    slack = max(rounding, usual // 10)
    return any(abs(gap - usual) > slack for gap in gaps)
