"""The sample clip: the scene and its sound as an mp4 that every provider accepts as it is."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from klingstudio.media.container import THREADS
from klingstudio.media.picture import Developer, from_rgb_image
from klingstudio.media.scene import FPS, FRAMES, HEIGHT_PX, WIDTH_PX, Scene
from klingstudio.media.tune import RATE, sound
from klingstudio.media.verify import verify
from klingstudio.media.whole_file import writing

_SOUND_FRAME = 1024


def sample(out: Path, part: Path, on_progress: Callable[[float], None] = lambda _: None) -> Path:
    """Draw and encode the sample clip, unless it exists. It is decoded in full before it gets its name.

    Raises:
        DiskProblem: `out` cannot be written.
    """
    if out.exists():
        return out
    with writing(part, out):
        _encode(part, lambda done: on_progress(0.95 * done))
        verify(part)
    on_progress(1.0)
    return out


def _encode(part: Path, on_progress: Callable[[float], None]) -> None:
    with av.open(f"file:{part}", "w", format="mp4", options={"movflags": "+faststart"}) as output:
        video = output.add_stream("libx264", rate=FPS, options={"preset": "superfast", "crf": "19"})
        context = video.codec_context
        context.width, context.height, context.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        context.colorspace = context.color_primaries = context.color_trc = context.color_range = 1
        context.thread_count = THREADS
        audio = output.add_stream("aac", rate=RATE, layout="stereo")
        audio.codec_context.bit_rate = 128_000
        tracks: list[Iterator[Packet[Stream]]] = [_sound(audio), _pictures(video, on_progress)]
        for packet in heapq.merge(*tracks, key=lambda packet: (packet.dts or 0) * packet.time_base):
            output.mux(packet)


def _pictures(stream: VideoStream, on_progress: Callable[[float], None]) -> Iterator[Packet[Stream]]:
    scene = Scene()
    developer = Developer(WIDTH_PX, HEIGHT_PX, "yuv420p")
    for n in range(FRAMES):
        frame = developer.develop(from_rgb_image(scene.frame(n)))
        frame.pts, frame.time_base = n, Fraction(1, FPS)
        yield from stream.encode(frame)
        on_progress((n + 1) / FRAMES)
    yield from stream.encode(None)


def _sound(stream: AudioStream) -> Iterator[Packet[Stream]]:
    track = sound().tobytes()
    step = _SOUND_FRAME * 4
    for at in range(0, len(track), step):
        chunk = track[at : at + step]
        frame = AudioFrame(format="s16", layout="stereo", samples=len(chunk) // 4)
        frame.planes[0].update(chunk)
        frame.sample_rate = RATE
        frame.pts, frame.time_base = at // 4, Fraction(1, RATE)
        yield from stream.encode(frame)
    yield from stream.encode(None)
