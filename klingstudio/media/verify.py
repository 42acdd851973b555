"""Is this file whole? Answered by decoding all of it.

An mp4 with its index at the front still opens, and shows its full length, after its second half is gone. So every
sample that the index declares must arrive and every one must decode, strictly: a decoder that covers up for missing
data counts as a failure.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from klingstudio.domain.errors import InputRefused, Kind, StudioError
from klingstudio.domain.media import ClipFacts
from klingstudio.media.container import CODEC_LIMITS, OpenClip, boxes, has_decoder, open_clip
from klingstudio.media.mp4_tables import Flaw, Track, read_tables
from klingstudio.media.nal_units import is_whole, length_bytes
from klingstudio.media.probe import probe

OnProgress = Callable[[float], None]

_STRICTLY = {"err_detect": "crccheck+bitstream+buffer+explode"}
"""Whatever a decoder can notice is an error."""
_SOUND_OFF_S = 0.5
"""By so much, and by as much again as is heard, the clock of a sound can only be wrong."""
_EVERY_SAMPLE = {"ignore_editlist": "1"}
"""Edit lists hide samples from a player. They are in the file, so they are checked."""


def verify(path: Path, on_progress: OnProgress = lambda _: None) -> ClipFacts:
    """Decode a whole mp4 and measure it.

    Raises:
        StudioError: `RESULT_DAMAGED`; the detail says what is wrong.
    """
    try:
        tracks = _tables(path)
        facts = probe(path)
        on_progress(0.0)
        with open_clip(path, _EVERY_SAMPLE) as clip:
            _decode_all(clip, facts, tracks, on_progress)
    except InputRefused as error:
        raise _damaged(error.problem.kind) from error
    except Flaw as flaw:
        raise _damaged(str(flaw)) from flaw
    except av.MemoryError:
        # No word about the take: this process is not allowed enough.
        raise
    except (av.FFmpegError, OSError) as error:
        raise _damaged(error.strerror or type(error).__name__) from error
    return facts


def _tables(path: Path) -> dict[int, Track]:
    with path.open("rb") as file:
        if file.read(8)[4:] != b"ftyp":
            raise _damaged("not an mp4 file")
        size = path.stat().st_size
        if any(box.end > size for box in boxes(file)):
            raise _damaged("the file ends too early")
        return read_tables(file)


def _decode_all(clip: OpenClip, facts: ClipFacts, tracks: dict[int, Track], on_progress: OnProgress) -> None:
    streams = [stream for stream in (clip.video, clip.audio) if stream]
    for stream in streams:
        if has_decoder(stream):
            stream.codec_context.options = {**CODEC_LIMITS, **_STRICTLY}
    context = clip.video.codec_context
    prefix = length_bytes(context.codec.canonical_name, context.extradata)
    declared = tracks[clip.video.index].samples if clip.video.index in tracks else 0
    came = dict.fromkeys((stream.index for stream in streams), 0)
    frames = 0
    heard_s = 0.0
    shown_at: int | None = None
    for packet in clip.container.demux(streams):
        if packet.is_corrupt:
            raise _damaged("a sample is cut off")
        came[packet.stream.index] += bool(packet.size)
        is_picture = packet.stream is clip.video
        if is_picture and prefix and not is_whole(bytes(packet), prefix):
            raise _damaged(f"a picture near frame {frames} is damaged")
        for frame in packet.decode():
            if isinstance(frame, AudioFrame):
                heard_s += frame.samples / (frame.sample_rate or 1)
            if not isinstance(frame, VideoFrame):
                continue
            if frame.is_corrupt:
                raise _damaged(f"a picture near frame {frames} is damaged")
            # They come in the order in which they are seen.
            if shown_at is not None and frame.pts is not None and frame.pts < shown_at:
                raise _damaged(f"the times near frame {frames} are in disorder")
            shown_at = frame.pts
            frames += 1
        on_progress(min(frames / (declared or facts.frame_count), 1.0))
    if not frames == came[clip.video.index] == declared:
        raise _damaged(f"{frames} of {declared} frames")
    _refuse_lost_sound(clip, tracks, came)
    told_s = facts.audio_duration_s or 0.0
    if heard_s and abs(told_s - heard_s) > max(_SOUND_OFF_S, heard_s):
        raise _damaged(f"{heard_s:.1f} s of sound where {told_s:.1f} s are told")


def _refuse_lost_sound(clip: OpenClip, tracks: dict[int, Track], came: dict[int, int]) -> None:
    """`came`: packets of each stream."""
    if clip.audio is None:
        if any(track.handler == b"soun" for track in tracks.values()):
            raise _damaged("the sound cannot be read")
    elif sound := tracks.get(clip.audio.index):
        pieces = came[clip.audio.index]
        # What is not compressed comes many samples at a time.
        if pieces != sound.samples and not (sound.is_uniform and pieces):
            raise _damaged(f"{pieces} of {sound.samples} pieces of sound")


def _damaged(detail: str) -> StudioError:
    return StudioError(Kind.RESULT_DAMAGED, detail)
