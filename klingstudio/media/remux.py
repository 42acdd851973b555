"""Taking pictures and sound over as they are, where only the file around them has to change.

A file that is not plain enough for that, with hidden frames, gaps or times that fit no frame rate, is encoded instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from klingstudio.domain.media import FitPlan
from klingstudio.media.container import OpenClip, has_decoder, open_clip
from klingstudio.media.frames import frames
from klingstudio.media.picture import seconds

_CONTAINERS = ("matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "mpegts")
"""Those that tell when a frame is shown; AVI only tells the order of decoding."""
_SOUND_SLACK_S = Fraction(3, 1000)
"""Matroska tells time in milliseconds."""
_PRIMING_SAMPLES = 2048
"""An encoder's own lead-in may begin before the first frame; anything earlier is sound that has to be cut."""


def picture_order(source: Path, plan: FitPlan, count: int) -> tuple[int, ...] | None:
    """The number of the frame in each packet, in the order of the file; None where the pictures cannot be taken over."""
    with open_clip(source) as clip:
        context = clip.video.codec_context
        if clip.container_name not in _CONTAINERS or (context.width, context.height) != (plan.width_px, plan.height_px):
            return None
        stamps: list[int] = []
        for packet in clip.container.demux(clip.video):
            if not packet.size:
                continue
            if packet.pts is None or packet.is_discard or packet.is_corrupt or not (stamps or packet.is_keyframe):
                return None
            stamps.append(packet.pts)
        tick = clip.video.time_base or Fraction(1, av.time_base)
    order = tuple(round((stamp - stamps[0]) * tick * plan.fps) for stamp in stamps)
    # The first packet is the first frame, none is missing and no two share a place.
    return order if sorted(order) == list(range(count)) else None


def copied_pictures(
    clip: OpenClip, output: OutputContainer, order: Sequence[int], fps: Fraction
) -> Iterator[Packet[Any]]:
    """Every packet of the pictures, at exact times."""
    stream = output.add_stream_from_template(clip.video)
    # Else the new file would count in the milliseconds of the old one, which fit few frame rates.
    stream.time_base = 1 / fps
    late = max(n - frame for n, frame in enumerate(order))
    packets = (packet for packet in clip.container.demux(clip.video) if packet.size)

    def copied() -> Iterator[Packet[Any]]:
        for n, (packet, frame) in enumerate(zip(packets, order, strict=True)):
            packet.stream = stream
            packet.time_base = 1 / fps
            packet.pts, packet.dts, packet.duration = frame, n - late, 1
            yield packet

    return copied()


def copied_sound(
    clip: OpenClip, output: OutputContainer, start: Fraction, length_s: Fraction
) -> Iterator[Packet[Any]] | None:
    """Every packet of the sound that lies within the pictures; None where it has to be encoded."""
    source = clip.audio
    if source is None or not has_decoder(source) or source.codec_context.codec.canonical_name != "aac":
        return None
    # Without the decoder's set-up beside the packets, as broadcasts have it, it would have to be made.
    step, rate = source.codec_context.frame_size or 1024, source.rate
    if not source.codec_context.extradata or not rate:
        return None
    found = [packet for packet in clip.container.demux(source) if packet.size]
    if not found or not _is_without_gaps(found, Fraction(step, rate)):
        return None
    first = round((seconds(found[0].pts or 0, found[0].time_base) - start) * rate)
    if first < -_PRIMING_SAMPLES:
        return None
    stream = output.add_stream_from_template(source)
    stream.time_base = Fraction(1, rate)
    kept = (int(length_s * rate) - first) // step
    if kept <= 0:
        # It begins when the pictures have ended.
        return None

    def copied() -> Iterator[Packet[Any]]:
        for n, packet in enumerate(found[:kept]):
            packet.stream = stream
            packet.time_base = Fraction(1, rate)
            packet.pts = packet.dts = first + n * step
            packet.duration = step
            yield packet

    return copied()


def _is_without_gaps(packets: Sequence[Packet[AudioStream]], step_s: Fraction) -> bool:
    if any(packet.pts is None or packet.is_corrupt for packet in packets):
        return False
    times = [seconds(packet.pts or 0, packet.time_base) for packet in packets]
    return all(abs(at - times[0] - n * step_s) <= _SOUND_SLACK_S for n, at in enumerate(times))


def is_in_order(part: Path, fps: Fraction) -> bool:
    """True when the decoded frames come out one after the other at the times of that rate."""
    with open_clip(part) as clip:
        times = [at for _, at in frames(clip)]
    return all(round((at - times[0]) * fps) == n for n, at in enumerate(times))
