"""The pass over a clip: each frame decoded once, brought to a small size, and pressed into a draft and a signature."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.stream import Discard
from av.video.reformatter import VideoReformatter

from klingstudio.media.container import CODEC_LIMITS, THREADS
from klingstudio.media.decode_file import open_container, picture_stream
from klingstudio.media.decode_index import FrameIndex
from klingstudio.media.decode_pixels import Shape
from klingstudio.media.decode_scale import Scaler
from klingstudio.media.drafts import SIDE_PX, Draft
from klingstudio.media.signature import SIDE, Signature

MAX_LOOKS = 3600
"""Two minutes of thirty frames a second. Of a longer clip every second, third, … frame is looked at."""

KEYS_ONLY_FROM = 36_000
"""From so many frames on decoding them all would keep the machine busy for too long: key frames have to do."""

_QUANTIZER = "4"
"""From 2, finest, to 31: drafts of about 20 kB in which nothing seems to be missing while dragging."""
_TICK = Fraction(1, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was made of one frame."""

    draft: Draft
    signature: Signature
    known_until: int
    """This look stands for every frame from its own on and before this one."""


def looks(path: Path, index: FrameIndex, shape: Shape, is_stopping: Callable[[], bool]) -> Generator[Look, None, None]:
    """Look at the frames of a clip in order, up to where its data can be read.

    Raises:
        InputRefused: the file can no longer be opened.
    """
    press = _Press(shape)
    stride = max(1, -(-len(index) // MAX_LOOKS))
    next_wanted = 0
    for number, frame in _frames(path, index, stride, is_stopping):
        if number >= next_wanted:
            next_wanted = number - number % stride + stride
            draft, signature = press.pressed(frame, number)
            yield Look(draft=draft, signature=signature, known_until=next_wanted)


def _frames(
    path: Path, index: FrameIndex, stride: int, is_stopping: Callable[[], bool]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """The frames that are shown, in order, as far as decoding them is worth while."""
    with open_container(path) as container:
        stream = picture_stream(container, path.name)
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all
        context = stream.codec_context
        context.thread_type = "AUTO"
        # More than there are cores: some are waiting for each other while this thread makes drafts.
        context.thread_count = THREADS + 2
        if max(context.width, context.height) >= 2 * SIDE_PX:
            # Nothing is decoded from these frames, and what the filter smooths is lost in scaling.
            context.options = {**CODEC_LIMITS, "skip_loop_filter": "noref"}
        keys_only = len(index) > KEYS_ONLY_FROM
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                return
            if packet is None or is_stopping():
                return
            if keys_only:
                context.skip_frame = "NONKEY"
            else:
                context.skip_frame = "DEFAULT" if _is_wanted(packet, index, stride) else "NONREF"
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                # What this packet held is missing; the frames after it may be whole.
                continue
            for frame in decoded:
                number = index.of_pts(frame.pts) if frame.pts is not None else len(index)
                # Frames that an edit list hides are decoded, too, and are not in the index.
                if number < len(index) and index.pts(number) == frame.pts:
                    yield number, frame


def _is_wanted(packet: av.Packet[av.VideoStream], index: FrameIndex, stride: int) -> bool:
    return stride == 1 or packet.pts is None or index.of_pts(packet.pts) % stride == 0


class _Press:
    """Makes drafts and signatures of the frames of one clip."""

    def __init__(self, shape: Shape) -> None:
        self._size = shape.fitted((SIDE_PX, SIDE_PX))
        # The mean of the pixels below each one: nothing flickers, and it costs no more than looking at some of them.
        self._scaler = Scaler(shape, pixel_format="yuv420p", interpolation="AREA", hdr_side_px=SIDE_PX)
        self._shrinker = VideoReformatter()
        self._encoders: dict[int, av.VideoCodecContext] = {}

    def pressed(self, frame: av.VideoFrame, number: int) -> tuple[Draft, Signature]:
        small = self._scaler.scaled(frame, self._size)
        signature = self._signature(small)
        small.pts, small.time_base, small.pict_type = number, _TICK, 0
        jpeg = b"".join(bytes(packet) for packet in self._encoder(small.color_range).encode(small))
        return Draft(frame=number, jpeg=jpeg, matrix=small.colorspace), signature

    def _encoder(self, color_range: int) -> av.VideoCodecContext:
        if color_range not in self._encoders:
            encoder = av.VideoCodecContext.create("mjpeg", "w")
            encoder.width, encoder.height = self._size
            encoder.pix_fmt, encoder.color_range = "yuv420p", color_range
            encoder.time_base, encoder.thread_count = _TICK, 1
            # Unofficial: limited range. FFmpeg notes it in the file and finds it there, so nothing has to be converted.
            encoder.options = {"qmin": _QUANTIZER, "qmax": _QUANTIZER, "strict": "unofficial"}
            self._encoders[color_range] = encoder
        return self._encoders[color_range]

    def _signature(self, small: av.VideoFrame) -> Signature:
        tiny = self._shrinker.reformat(
            small, SIDE, SIDE, "rgb24", dst_color_range="JPEG", interpolation="AREA", threads=1
        )
        plane = tiny.planes[0]
        pixels, stride = memoryview(plane), plane.line_size
        return Signature(b"".join(pixels[row * stride : row * stride + 3 * SIDE] for row in range(SIDE)))
