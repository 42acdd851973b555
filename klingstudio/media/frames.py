"""Decoded frames in the order they are shown, from any place on."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.video.frame import VideoFrame

from klingstudio.media.container import OpenClip
from klingstudio.media.picture import seconds

TimedFrame = tuple[VideoFrame, Fraction]
"""A frame and when it is shown, in seconds on the file's own clock."""


def frames(clip: OpenClip) -> Iterator[TimedFrame]:
    """Every frame from where the file stands. What does not decode is left out."""
    for packet in clip.container.demux(clip.video):
        try:
            decoded = packet.decode()
        except av.MemoryError:
            raise
        except av.FFmpegError:
            continue
        for frame in decoded:
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is not None:
                yield frame, seconds(stamp, frame.time_base)


def frames_from(clip: OpenClip, start: Fraction) -> Iterator[TimedFrame]:
    """Every frame from `start` on, and at least the one that is on screen at `start`; the first may be earlier."""
    tick = clip.video.time_base or Fraction(1, av.time_base)
    # Some demuxers land behind the place that was asked for: step back until they do not, at last to the beginning.
    for earlier_s in (0, 2, 10, None):
        target = int((start - earlier_s) / tick) if earlier_s is not None else (clip.video.start_time or 0)
        clip.container.seek(target, stream=clip.video, backward=True, any_frame=False)
        following = frames(clip)
        first = next(following, None)
        if first is not None and (first[1] <= start or earlier_s is None):
            yield first
            yield from following
            return
