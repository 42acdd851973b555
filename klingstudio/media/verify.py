"""Is this file whole? Answered by decoding all of it.

An mp4 with its index at the front still opens, and shows its full length, after its second half is gone. So every
sample that the index declares must arrive and every one must decode, strictly: a decoder that covers up for missing
data counts as a failure.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
from av.video.frame import VideoFrame

from klingstudio.domain.errors import InputRefused, Kind, StudioError
from klingstudio.domain.media import ClipFacts
from klingstudio.media.container import OpenClip, boxes, open_clip
from klingstudio.media.probe import probe

OnProgress = Callable[[float], None]

_EVERY_SAMPLE = {"ignore_editlist": "1"}
"""Edit lists hide samples from a player. They are in the file, so they are checked."""


def verify(path: Path, on_progress: OnProgress = lambda _: None) -> ClipFacts:
    """Decode a whole mp4 and measure it.

    Raises:
        StudioError: `RESULT_DAMAGED`; the detail says what is wrong.
    """
    try:
        _refuse_cut_off(path)
        facts = probe(path)
        with open_clip(path, _EVERY_SAMPLE) as clip:
            _decode_all(clip, facts, on_progress)
    except InputRefused as error:
        raise _damaged(error.problem.kind) from error
    except av.MemoryError:
        # No word about the take: this process is not allowed enough.
        raise
    except (av.FFmpegError, OSError) as error:
        raise _damaged(error.strerror or type(error).__name__) from error
    return facts


def _refuse_cut_off(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(8)[4:] != b"ftyp":
            raise _damaged("not an mp4 file")
        size = path.stat().st_size
        if any(box.end > size for box in boxes(file)):
            raise _damaged("the file ends too early")


def _decode_all(clip: OpenClip, facts: ClipFacts, on_progress: OnProgress) -> None:
    clip.video.codec_context.options = {"err_detect": "explode"}
    declared = clip.video.frames
    """0 in a fragmented file, which has no index of the whole."""
    packets = frames = 0
    for packet in clip.container.demux([stream for stream in (clip.video, clip.audio) if stream]):
        if packet.is_corrupt:
            raise _damaged("a sample is cut off")
        decoded = packet.decode()
        if packet.stream is not clip.video:
            continue
        packets += bool(packet.size)
        if any(isinstance(frame, VideoFrame) and frame.is_corrupt for frame in decoded):
            raise _damaged(f"a picture near frame {frames} is damaged")
        frames += len(decoded)
        on_progress(min(frames / (declared or facts.frame_count), 1.0))
    if not frames == packets == (declared or packets):
        raise _damaged(f"{frames} of {declared or packets} frames")


def _damaged(detail: str) -> StudioError:
    return StudioError(Kind.RESULT_DAMAGED, detail)
