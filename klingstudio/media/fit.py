"""Making the clip that is sent: the planned part of the source, in a form the provider accepts.

Slot k of the clip shows the source frame that is on screen in the middle of that slot. With equal rates every frame
is kept exactly once; a variable rate, a gap at the start or a last frame that stays up is filled by repeating.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.filter import Graph
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from klingstudio.domain.errors import InputRefused, Kind, StudioError
from klingstudio.domain.job import Clip
from klingstudio.domain.media import ClipFacts, FitPlan, Limits
from klingstudio.media.container import THREADS, OpenClip, has_decoder, open_clip
from klingstudio.media.digest import sha256_of
from klingstudio.media.frames import frames, frames_from
from klingstudio.media.picture import Developer, seconds
from klingstudio.media.probe import probe
from klingstudio.media.remux import copied_pictures, copied_sound, is_in_order, picture_order
from klingstudio.media.source_file import stat_source
from klingstudio.media.verify import verify
from klingstudio.media.whole_file import writing

OnProgress = Callable[[float], None]

_SOUND_BITS_PER_S = 160_000
_SOUND_RATES = (44_100, 48_000)
_QUALITY = {"crf": "18"}
_SAFETY = 0.92
"""Part of the size limit that a second pass aims at: rate control and the container are not exact."""
_WORST_BITS_PER_S = 100_000
"""Below this a picture of legal size is mush, and is refused instead of sent."""
_ENCODED = 0.85
"""Part of the work that is done when the last frame is encoded; the rest is the check."""


class _TooBig(Exception):
    """The clip has outgrown the size limit; encoding on would be wasted."""


def fit(
    source: Path,
    plan: FitPlan,
    *,
    limits: Limits,
    keep_audio: bool,
    out: Path,
    part: Path,
    on_progress: OnProgress = lambda _: None,
) -> Clip:
    """Write the clip to `part`, decode it in full, and only then rename it to `out`.

    A plan that changes nothing writes nothing: the clip is the source, byte for byte.

    Raises:
        InputRefused: the source cannot be decoded, or cannot be made small enough.
        DiskProblem: `out` cannot be written.
    """
    stat_source(source)
    if plan.is_identity:
        return _clip(source, probe(source), is_source=True)
    with writing(part, out):
        facts = _write(source, plan, limits, keep_audio, part, on_progress)
    return _clip(out, facts, is_source=False)


def _write(
    source: Path, plan: FitPlan, limits: Limits, keep_audio: bool, part: Path, on_progress: OnProgress
) -> ClipFacts:
    count = frame_count(plan)
    if plan.keeps_picture and (kept := _kept(source, plan, limits, keep_audio, part, on_progress)):
        return kept
    fits_at = int(limits.clip_max_bytes * 8 * _SAFETY / (count / plan.fps)) - (_SOUND_BITS_PER_S if keep_audio else 0)
    rate = {"b": str(fits_at), "maxrate": str(fits_at), "bufsize": str(fits_at // 2)}
    for quality in (_QUALITY, rate):
        if quality is rate and fits_at < _WORST_BITS_PER_S:
            break
        try:
            _encode(source, plan, quality, limits.clip_max_bytes, keep_audio, part, on_progress)
        except _TooBig:
            continue
        if part.stat().st_size > limits.clip_max_bytes:
            continue
        return _checked(part, count, lambda done: on_progress(_ENCODED + (1 - _ENCODED) * done))
    raise InputRefused(
        Kind.SOURCE_UNFITTABLE,
        f"{plan.duration_s:.1f} s of {plan.width_px}×{plan.height_px} in {limits.clip_max_bytes / 1e6:g} MB",
        subject="source",
    )


def _kept(
    source: Path, plan: FitPlan, limits: Limits, keep_audio: bool, part: Path, on_progress: OnProgress
) -> ClipFacts | None:
    """The clip with the source's own pictures in it; None where that is not safe or did not come out right."""
    count = frame_count(plan)
    try:
        order = picture_order(source, plan, count)
        if order is None:
            return None
        _copy(source, plan, order, keep_audio, part)
        if part.stat().st_size > limits.clip_max_bytes or not is_in_order(part, plan.fps):
            return None
        facts = _checked(part, count, on_progress)
    except av.MemoryError:
        # No word about the file: this process is not allowed enough.
        raise
    except (av.FFmpegError, StudioError):
        return None
    is_as_planned = (facts.fps, facts.is_variable_rate, facts.video_codec) == (plan.fps, False, "h264")
    return facts if is_as_planned else None


def _checked(part: Path, count: int, on_progress: OnProgress) -> ClipFacts:
    try:
        facts = verify(part, on_progress)
    except StudioError as error:
        raise StudioError(Kind.MEDIA_WORKER_FAILED, f"the clip is damaged: {error.problem.detail}") from error
    if facts.frame_count != count:
        raise StudioError(Kind.MEDIA_WORKER_FAILED, f"the clip has {facts.frame_count} of {count} frames")
    return facts


def frame_count(plan: FitPlan) -> int:
    """Frames of the clip that the plan describes."""
    return max(1, round(plan.duration_s * plan.fps))


def _encode(
    source: Path,
    plan: FitPlan,
    quality: dict[str, str],
    max_bytes: int,
    keep_audio: bool,
    part: Path,
    on_progress: OnProgress,
) -> None:
    # `file:` keeps a colon or a dash in the path from meaning anything.
    with (
        open_clip(source) as pictures,
        open_clip(source) as sounds,
        av.open(f"file:{part}", "w", format="mp4", options={"movflags": "+faststart"}) as output,
    ):
        video = _add_video(output, plan, quality)
        start = _first_time(pictures) + Fraction(plan.start_s)
        tracks: list[Iterator[Packet[Stream]]] = []
        if keep_audio and sounds.audio is not None and has_decoder(sounds.audio):
            length_s = frame_count(plan) / plan.fps
            audio = _add_audio(output, sounds.audio)
            tracks.append(_encoded_sound(sounds, audio, start, length_s))
        tracks.append(_encoded_pictures(pictures, video, plan, start, lambda done: on_progress(_ENCODED * done)))
        written = 0
        for packet in heapq.merge(*tracks, key=_decode_time):
            written += packet.size
            if written > max_bytes:
                raise _TooBig
            output.mux(packet)


def _copy(source: Path, plan: FitPlan, order: tuple[int, ...], keep_audio: bool, part: Path) -> None:
    with (
        open_clip(source) as pictures,
        open_clip(source) as sounds,
        av.open(f"file:{part}", "w", format="mp4", options={"movflags": "+faststart"}) as output,
    ):
        tracks = [copied_pictures(pictures, output, order, plan.fps)]
        if keep_audio and sounds.audio is not None and has_decoder(sounds.audio):
            with open_clip(source) as measured:
                start = _first_time(measured)
            length_s = len(order) / plan.fps
            sound = copied_sound(sounds, output, start, length_s)
            if sound is None:
                sound = _encoded_sound(sounds, _add_audio(output, sounds.audio), start, length_s)
            tracks.append(sound)
        for packet in heapq.merge(*tracks, key=_decode_time):
            output.mux(packet)


def _decode_time(packet: Packet[Stream]) -> Fraction:
    return (packet.dts or 0) * packet.time_base


def _add_video(output: OutputContainer, plan: FitPlan, quality: dict[str, str]) -> VideoStream:
    stream = output.add_stream("libx264", rate=plan.fps, options={"preset": "veryfast", **quality})
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = plan.width_px, plan.height_px, "yuv420p"
    context.time_base = 1 / plan.fps
    context.thread_count = THREADS
    # What `Developer` makes; without the label a player has to guess.
    context.colorspace = context.color_primaries = context.color_trc = 1
    context.color_range = 1
    return stream


def _add_audio(output: OutputContainer, source: AudioStream) -> AudioStream:
    rate = source.rate if source.rate in _SOUND_RATES else 48_000
    stream = output.add_stream("aac", rate=rate, layout="mono" if source.layout.nb_channels == 1 else "stereo")
    stream.codec_context.bit_rate = _SOUND_BITS_PER_S
    return stream


# -- picture ---------------------------------------------------------------------------------------------------------


def _first_time(clip: OpenClip) -> Fraction:
    """When the first frame is shown, on the file's own clock; trims are counted from it."""
    first = next(frames(clip), None)
    if first is None:
        raise InputRefused(Kind.SOURCE_DAMAGED, subject="source")
    return first[1]


def _encoded_pictures(
    clip: OpenClip, stream: VideoStream, plan: FitPlan, start: Fraction, on_progress: OnProgress
) -> Iterator[Packet[Stream]]:
    count = frame_count(plan)
    developer = Developer(plan.width_px, plan.height_px, "yuv420p", plan.picture_px)
    for slot, picture in enumerate(islice(_slots(clip, developer, plan.fps, start), count)):
        picture.pts = slot
        picture.time_base = 1 / plan.fps
        picture.pict_type = 0
        yield from stream.encode(picture)
        on_progress((slot + 1) / count)
    yield from stream.encode(None)


def _slots(clip: OpenClip, developer: Developer, fps: Fraction, start: Fraction) -> Iterator[VideoFrame]:
    """One developed picture per slot, without end: the last one stays up."""
    slot = 0
    shown: VideoFrame | None = None
    for frame, at in frames_from(clip, start):
        developed: VideoFrame | None = None
        while shown is not None and start + (slot + Fraction(1, 2)) / fps < at:
            developed = developed or developer.develop(shown)
            yield developed
            slot += 1
        shown = frame
    if shown is None:
        raise InputRefused(Kind.SOURCE_DAMAGED, subject="source")
    last = developer.develop(shown)
    while True:
        yield last


# -- sound -----------------------------------------------------------------------------------------------------------


def _encoded_sound(
    clip: OpenClip, stream: AudioStream, start: Fraction, length_s: Fraction
) -> Iterator[Packet[Stream]]:
    done = 0
    for frame in _sound(clip, stream.rate, stream.layout, start, int(length_s * stream.rate)):
        frame.pts = done
        frame.time_base = Fraction(1, stream.rate)
        done += frame.samples
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _sound(clip: OpenClip, rate: int, layout: AudioLayout, start: Fraction, samples: int) -> Iterator[AudioFrame]:
    """The source's sound from `start` on, at most `samples` long; silence where the source has a gap."""
    source = clip.audio
    if source is None:
        return
    tick = source.time_base or Fraction(1, av.time_base)
    if start > 1:
        clip.container.seek(int((start - 1) / tick), stream=source, backward=True, any_frame=False)
    graph: Graph | None = None
    for packet in clip.container.demux(source):
        try:
            decoded = packet.decode()
        except av.MemoryError:
            raise
        except av.FFmpegError:
            continue
        for frame in decoded:
            if frame.pts is None:
                continue
            at = round((seconds(frame.pts, frame.time_base) - start) * frame.sample_rate)
            if at + frame.samples <= 0:
                continue
            if at >= samples * frame.sample_rate / rate:
                yield from _pulled(graph, close=True)
                return
            graph = graph or _sound_graph(frame, rate, layout, samples)
            frame.pts = at
            frame.time_base = Fraction(1, frame.sample_rate)
            graph.push(frame)
            yield from _pulled(graph)
    yield from _pulled(graph, close=True)


def _sound_graph(frame: AudioFrame, rate: int, layout: AudioLayout, samples: int) -> Graph:
    graph = Graph()
    last = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format.name,
        layout=frame.layout.name,
        time_base=Fraction(1, frame.sample_rate),
    )
    for name, arguments in (
        # first_pts=0: silence before a sound track that begins late, a cut through one that begins early.
        ("aresample", f"{rate}:async=1:first_pts=0"),
        ("aformat", f"sample_fmts=fltp:channel_layouts={layout.name}"),
        ("atrim", f"end_sample={samples}"),
        ("abuffersink", None),
    ):
        node = graph.add(name, arguments)
        last.link_to(node)
        last = node
    graph.configure()
    return graph


def _pulled(graph: Graph | None, *, close: bool = False) -> Iterator[AudioFrame]:
    if graph is None:
        return
    try:
        if close:
            graph.push(None)
        while True:
            frame = graph.pull()
            if isinstance(frame, AudioFrame):
                yield frame
    except (av.BlockingIOError, av.EOFError):
        return


def _clip(path: Path, facts: ClipFacts, *, is_source: bool) -> Clip:
    return Clip(
        path=str(path),
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        duration_s=facts.duration_s,
        width_px=facts.width_px,
        height_px=facts.height_px,
        frame_count=facts.frame_count,
        is_source=is_source,
    )
