"""The plan that makes a source fit what a provider accepts, and the rules for cutting it at whole frames."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.media import TOLERANCE_S, ClipFacts, FitPlan, Framing, Limits, Trim

_H264_PIXEL_FORMATS = ("yuv420p", "yuvj420p")
_CODEC_TITLES = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1", "prores": "ProRes", "mpeg4": "MPEG-4"}
_CLOCK_S = 0.002
"""Some files tell time in milliseconds: so little at either end is no cut."""
_SOUND_OVER_S = 0.25
"""Sound that outlasts the pictures by more is cut: a service that measures the whole file would see another length."""
_FRAMED = {Framing.SCALE: "", Framing.PAD: " with bars", Framing.CROP: " cropped"}


def plan_fit(facts: ClipFacts, limits: Limits, trim: Trim | None = None, framing: Framing = Framing.SCALE) -> FitPlan:
    """Work out the least change that makes the source acceptable.

    Without a trim the clip ends at what every document accepts; a trim says what the person wants, and is kept. The
    framing is for a shape that has no legal size; any other is only scaled.

    Raises:
        InputRefused: the source or trim is too short, the trim lies outside the source or is longer than any document
            accepts, or no legal size exists for the source's shape and it may only be scaled.
    """
    start_s, end_s = _span(facts, limits, trim)
    shape = _shape(facts, limits, framing)
    fps = _rate(facts, limits)

    steps: list[str] = []
    is_cut = start_s > _CLOCK_S or facts.duration_s - end_s > _CLOCK_S
    if is_cut:
        steps.append(_shorter(facts.duration_s, end_s - start_s))
    if shape.clip_px != (facts.width_px, facts.height_px):
        width_px, height_px = shape.clip_px
        steps.append(f"{facts.width_px}×{facts.height_px} → {width_px}×{height_px}{_FRAMED[shape.framing]}")
    codec = _CODEC_TITLES.get(facts.video_codec, facts.video_codec)
    if facts.video_codec != "h264" or facts.pixel_format not in _H264_PIXEL_FORMATS:
        was = codec + (" HDR" if facts.is_hdr else f" {facts.bit_depth}-bit" if facts.bit_depth > 8 else "")
        steps.append(f"{was} → H.264" + (" SDR" if facts.is_hdr else ""))
    if facts.rotation_deg:
        steps.append("rotation baked in")
    if facts.is_variable_rate:
        steps.append(f"variable → {float(fps):.4g} fps")
    elif fps != facts.fps:
        steps.append(f"{float(facts.fps):.4g} → {float(fps):.4g} fps")
    is_too_big = not is_cut and facts.size_bytes > limits.clip_max_bytes
    keeps_picture = not steps and not is_too_big
    if "mp4" not in facts.container.split(","):
        steps.append(f"{facts.container.split(',')[0]} → mp4")
    if facts.audio_codec not in (None, "aac"):
        steps.append(f"sound {facts.audio_codec} → AAC")
    if not is_cut and facts.audio_duration_s is not None and facts.audio_duration_s > facts.duration_s + _SOUND_OVER_S:
        steps.append(f"sound {_shorter(facts.audio_duration_s, facts.duration_s)}")
    if is_too_big:
        steps.append(f"{facts.size_bytes / 1e6:.0f} MB → under {(limits.clip_max_bytes + 1) / 1e6:.0f} MB")

    if not keeps_picture:
        most_s = limits.clip_max_s if trim is None else limits.clip_limit_s
        end_s = _whole_frames_end(start_s, end_s, fps, limits.clip_min_s, most_s)
    return FitPlan(
        start_s=start_s,
        end_s=end_s,
        width_px=shape.clip_px[0],
        height_px=shape.clip_px[1],
        fps=fps,
        is_identity=not steps,
        steps=tuple(steps),
        framing=shape.framing,
        picture_px=None if shape.framing is Framing.SCALE else shape.picture_px,
        keeps_picture=keeps_picture and bool(steps),
    )


def _shorter(before_s: float, after_s: float) -> str:
    """`12.4 s → 10.0 s`, with as many digits as tell the two apart."""
    digits = 1 if f"{before_s:.1f}" != f"{after_s:.1f}" else 2
    return f"{before_s:.{digits}f} s → {after_s:.{digits}f} s"


def _span(facts: ClipFacts, limits: Limits, trim: Trim | None) -> tuple[float, float]:
    start_s, end_s = (trim.start_s, trim.end_s) if trim else (0.0, facts.duration_s)
    if not 0 <= start_s < end_s or end_s > facts.duration_s + 0.5:
        raise InputRefused(
            Kind.TRIM_INVALID, f"{start_s:g}-{end_s:g} s of a {facts.duration_s:.1f} s clip", subject="source"
        )
    end_s = min(end_s, facts.duration_s)
    if trim is not None and end_s - start_s > limits.clip_limit_s + TOLERANCE_S:
        raise InputRefused(
            Kind.TRIM_TOO_LONG, f"{end_s - start_s:.1f} s; the most is {limits.clip_limit_s:g} s", subject="source"
        )
    if trim is None and end_s - start_s > limits.clip_max_s + TOLERANCE_S:
        # Whole frames only, so that the measured length of the clip stays at or below the limit.
        end_s = start_s + int(limits.clip_max_s * facts.fps) / facts.fps
        end_s = float(end_s)
    if end_s - start_s < limits.clip_min_s - TOLERANCE_S:
        raise InputRefused(
            Kind.SOURCE_TOO_SHORT,
            f"{end_s - start_s:.1f} s; the least is {limits.clip_min_s:g} s",
            subject="source",
        )
    return start_s, end_s


def _whole_frames_end(start_s: float, end_s: float, fps: Fraction, least_s: float, most_s: float) -> float:
    """The end for which a clip of whole frames keeps the limits: 10 s of 29.97 fps would come out as 300 frames."""
    count = round((end_s - start_s) * fps)
    legal = min(max(count, ceil((least_s - TOLERANCE_S) * fps)), int((most_s + TOLERANCE_S) * fps))
    return end_s if legal == count else float(start_s + legal / fps)


# -- shape -----------------------------------------------------------------------------------------------------------

_Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Shape:
    clip_px: _Size
    picture_px: _Size
    framing: Framing


def _shape(facts: ClipFacts, limits: Limits, framing: Framing) -> _Shape:
    size = facts.width_px, facts.height_px
    # Whoever asks for bars or a cut gets a size that every document accepts.
    sides_max = (limits.side_max_px, limits.side_limit_px) if framing is Framing.SCALE else (limits.side_max_px,)
    for side_max_px in sides_max:
        scaled = _times(size, _factor(size, limits.side_min_px, side_max_px))
        if min(scaled) >= limits.side_min_px:
            return _Shape(scaled, scaled, Framing.SCALE)
    if framing is Framing.PAD:
        return _padded(size, limits)
    if framing is Framing.CROP:
        return _cropped(size, limits)
    raise InputRefused(
        Kind.SOURCE_UNFITTABLE,
        f"{size[0]}×{size[1]} cannot be scaled so that both sides lie within "
        f"{limits.side_min_px}-{limits.side_limit_px} px",
        subject="source",
    )


def _padded(size: _Size, limits: Limits) -> _Shape:
    longer = min(max(*size, limits.side_min_px), limits.side_max_px)
    picture = _times(size, Fraction(longer, max(size)))
    clip = max(picture[0], limits.side_min_px), max(picture[1], limits.side_min_px)
    return _Shape(clip, picture, Framing.PAD)


def _cropped(size: _Size, limits: Limits) -> _Shape:
    longest = Fraction(limits.side_max_px, limits.side_min_px) * min(size)
    kept = min(Fraction(size[0]), longest), min(Fraction(size[1]), longest)
    factor = _factor(kept, limits.side_min_px, limits.side_max_px)
    return _Shape(_times(kept, factor), _times(size, factor), Framing.CROP)


def _factor(size: tuple[int | Fraction, int | Fraction], side_min_px: int, side_max_px: int) -> Fraction:
    """What scales the size into the limits; the longer side decides where both cannot be kept."""
    factor = max(Fraction(1), Fraction(side_min_px) / min(size))
    return Fraction(side_max_px) / max(size) if max(size) * factor > side_max_px else factor


def _times(size: tuple[int | Fraction, int | Fraction], factor: Fraction) -> _Size:
    return _even(size[0] * factor), _even(size[1] * factor)


def _even(side: Fraction) -> int:
    # H.264 in 4:2:0 needs even sides.
    return max(2, round(side / 2) * 2)


def _rate(facts: ClipFacts, limits: Limits) -> Fraction:
    rate = facts.fps
    if facts.is_variable_rate:
        # The usual rate nearest to the mean keeps most frames as they are.
        usual = (24, 25, 30, 50, 60)
        rate = Fraction(min(usual, key=lambda fps: abs(fps - rate)))
    return min(max(rate, Fraction(limits.fps_min)), Fraction(limits.fps_max))


# -- cutting at whole frames -----------------------------------------------------------------------------------------
#
# `times` are the places of a source where it can be cut: when each frame is shown and, last, when the last one ends,
# in seconds after the first frame, as `media/frame_times.py` reads them.


def place(times: Sequence[float], at_s: float, by: int = 0) -> float:
    """The place nearest to `at_s`, or the one `by` frames behind it (before it where negative)."""
    return times[min(max(_nearest(times, at_s) + by, 0), len(times) - 1)]


def snap(trim: Trim, times: Sequence[float], limits: Limits) -> Trim:
    """The nearest trim with both ends on frames and a length that every document accepts. The end gives way first."""
    latest = max(0, bisect_right(times, times[-1] - limits.clip_min_s + TOLERANCE_S) - 1)
    start = min(_nearest(times, trim.start_s), latest)
    return _ended(times, start, _nearest(times, trim.end_s), limits)


def with_start(trim: Trim, at_s: float, times: Sequence[float], limits: Limits) -> Trim:
    """The trim with its start dragged to `at_s`. The end stays: a start that would make it too long stops there."""
    end_s = place(times, trim.end_s)
    earliest = bisect_left(times, end_s - limits.clip_max_s - TOLERANCE_S)
    latest = max(earliest, bisect_right(times, end_s - limits.clip_min_s + TOLERANCE_S) - 1)
    start = min(max(_nearest(times, at_s), earliest), latest)
    # An end that lies too near the beginning of the source leaves no room: it gives way after all.
    return _ended(times, start, _nearest(times, end_s), limits)


def with_end(trim: Trim, at_s: float, times: Sequence[float], limits: Limits) -> Trim:
    """The trim with its end dragged to `at_s`. The start stays: an end that would make it too long stops there."""
    return snap(Trim(start_s=trim.start_s, end_s=at_s), times, limits)


def slid(trim: Trim, by_s: float, times: Sequence[float], limits: Limits) -> Trim:
    """The trim moved as a whole, and not beyond the ends of the source."""
    by_s = min(max(by_s, times[0] - trim.start_s), times[-1] - trim.end_s)
    return snap(Trim(start_s=trim.start_s + by_s, end_s=trim.end_s + by_s), times, limits)


def _ended(times: Sequence[float], start: int, end: int, limits: Limits) -> Trim:
    """The trim from one place to the other, its end moved to where the length is legal."""
    start_s = times[start]
    earliest = bisect_left(times, start_s + limits.clip_min_s - TOLERANCE_S)
    latest = bisect_right(times, start_s + limits.clip_max_s + TOLERANCE_S) - 1
    end = min(max(end, earliest), latest)
    # A frame that stays up for longer than a clip may be leaves no legal end.
    return Trim(start_s=start_s, end_s=times[min(max(end, start + 1), len(times) - 1)])


def _nearest(times: Sequence[float], at_s: float) -> int:
    behind = min(max(bisect_left(times, at_s), 1), len(times) - 1)
    return behind if times[behind] - at_s < at_s - times[behind - 1] else behind - 1
