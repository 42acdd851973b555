"""Where a clip can be cut, read from its packets: no picture is decoded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.media.container import OpenClip, open_clip
from klingstudio.media.decode_index import FrameIndex
from klingstudio.media.source_file import stat_source


def frame_times(path: Path) -> tuple[float, ...]:
    """When each frame is shown and, last, when the last one ends, in seconds after the first frame.

    Raises:
        InputRefused: the file is no video, or has no frame.
    """
    stat_source(path)
    try:
        with open_clip(path) as clip:
            index = _read_index(clip)
    except av.MemoryError:
        # No word about the file: this process is not allowed enough.
        raise
    except av.FFmpegError as error:
        raise InputRefused(Kind.SOURCE_DAMAGED, path.name, subject="source") from error
    except OSError as error:
        raise InputRefused(Kind.SOURCE_UNREADABLE, f"{path.name}: {error.strerror}", subject="source") from error
    if not len(index):
        raise InputRefused(Kind.SOURCE_DAMAGED, path.name, subject="source")
    return (*(index.time_s(n) for n in range(len(index))), index.duration_s)


def _read_index(clip: OpenClip) -> FrameIndex:
    times: list[int] = []
    keys: list[int] = []
    last = (0, 0)
    for packet in clip.container.demux(clip.video):
        at = packet.pts if packet.pts is not None else packet.dts
        # An edit list hides frames at the start: they are decoded and never shown.
        if not packet.size or at is None or packet.is_discard:
            continue
        times.append(at)
        last = max(last, (at, packet.duration or 0))
        if packet.is_keyframe:
            keys.append(at)
    tick = clip.video.time_base or Fraction(1, av.time_base)
    usual = round(1 / (clip.video.average_rate or 25) / tick)
    return FrameIndex(times, keys or times[:1], tick, last[1] or usual)
