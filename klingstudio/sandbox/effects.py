"""The edit itself: every frame of the clip through a filter graph that is chosen from the prompt.

Frame count and timing of the result are those of the source: the filters work frame by frame, and each edited frame
takes over the time stamp of the frame it was made from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import av
import av.audio.stream
import av.container
import av.filter
import av.filter.context
import av.logging
import av.video.stream

from klingstudio.sandbox.looks import Air, Colour, Grade, Texture, looks_for, table, tinted
from klingstudio.sandbox.particles import Particles

if TYPE_CHECKING:
    AudioPacket: TypeAlias = av.Packet[av.audio.stream.AudioStream]

BT709 = 1
"""Number of the colour matrix, primaries and transfer of HD video, the same in all three lists (ITU-T H.273)."""
UNSPECIFIED = 2
_TABLE_STEPS = 25
"""Steps per colour of the table that carries the grade; `haldclut` wants the square of a whole number."""
_COPIED_AUDIO = ("aac", "mp3", "alac", "ac3", "eac3")
"""What an mp4 may hold and players know; anything else is encoded anew."""
_TURNS = {90: "cclock", 180: "", 270: "clock"}
"""`rotation` of a frame (counter-clockwise, degrees) → transpose that undoes it."""

FilterContext = av.filter.context.FilterContext


class NotEditable(Exception):
    """The file is not a video, or a picture is not a picture. The text is what the service would say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What decides whether the model takes a video."""

    container: str
    width_px: int
    """As displayed, rotation taken into account."""
    height_px: int
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What was written."""

    frame_count: int
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """The fetched reference pictures."""

    shown: tuple[Path, ...] = ()
    """Images and frontal pictures of elements: each is inset in a corner."""
    others: tuple[Path, ...] = ()
    """Further angles: only their colours count."""


def source_facts(path: Path) -> SourceFacts:
    """What the file is, from its packets.

    Raises:
        NotEditable: it cannot be read as a video.
    """
    av.logging.set_level(None)
    try:
        with av.open(str(path)) as source:
            video = _video(source)
            frame = next(source.decode(video), None)
            if frame is None:
                raise NotEditable("the video has no frames")
            width_px, height_px = frame.width, frame.height
            if frame.rotation % 180:
                width_px, height_px = height_px, width_px
        with av.open(str(path)) as source:
            duration_s = _duration_s(source)
            return SourceFacts(
                container=source.format.name, width_px=width_px, height_px=height_px, duration_s=duration_s
            )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise NotEditable(f"the video cannot be read: {error}") from error


def _video(source: av.container.InputContainer) -> av.video.stream.VideoStream:
    if not source.streams.video:
        raise NotEditable("the file has no video stream")
    return source.streams.video[0]


def _duration_s(source: av.container.InputContainer) -> float:
    video = _video(source)
    packets = [packet for packet in source.demux(video) if packet.pts is not None]
    if not packets or video.time_base is None:
        return 0.0
    first = min(packet.pts or 0 for packet in packets)
    end = max((packet.pts or 0) + (packet.duration or 0) for packet in packets)
    return float((end - first) * video.time_base)


def render(source_path: Path, out_path: Path, *, prompt: str, pictures: Pictures, keep_audio: bool) -> Rendered:
    """Edit a whole clip into an H.264 mp4.

    Raises:
        NotEditable: the video or a picture cannot be decoded.
    """
    av.logging.set_level(None)
    shown, palette = _load(pictures)
    try:
        with av.open(str(source_path)) as source, av.open(str(out_path), "w", format="mp4") as out:
            return _edit(source, out, prompt, shown, palette, keep_audio=keep_audio)
    except av.FFmpegError as error:
        raise NotEditable(f"the video cannot be edited: {error}") from error


def _edit(
    source: av.container.InputContainer,
    out: av.container.OutputContainer,
    prompt: str,
    shown: Sequence[av.VideoFrame],
    palette: Colour | None,
    *,
    keep_audio: bool,
) -> Rendered:
    video = _video(source)
    video.thread_type = "AUTO"
    encoder = out.add_stream("libx264", rate=video.average_rate or Fraction(24))
    encoder.options = {"preset": "superfast", "crf": "19"}
    sound = _Sound(source.streams.audio[0], out) if keep_audio and source.streams.audio else None
    early: list[AudioPacket] = []
    paint: _Paint | None = None
    frame_count = 0
    first_s = end_s = 0.0
    for packet in source.demux(*([video, sound.source] if sound else [video])):
        if sound and packet.stream is sound.source:
            if paint is None:
                # The first packet that is written opens the encoder, which does not know its picture yet.
                early.append(cast("AudioPacket", packet))
            else:
                sound.mux(cast("AudioPacket", packet))
            continue
        for frame in packet.decode():
            if not isinstance(frame, av.VideoFrame) or frame.pts is None or frame.time_base is None:
                continue
            if paint is None:
                paint = _Paint(frame, prompt, shown, palette)
                _configure(encoder, paint, frame.time_base)
                first_s = frame.time
                for held in early:
                    assert sound
                    sound.mux(held)
            end_s = max(end_s, float((frame.pts + (frame.duration or 0)) * frame.time_base))
            for edited in paint.edit(frame):
                frame_count += 1
                out.mux(encoder.encode(edited))
    if paint is None:
        raise NotEditable("the video has no frames")
    for edited in paint.rest():
        frame_count += 1
        out.mux(encoder.encode(edited))
    out.mux(encoder.encode(None))
    if sound:
        sound.finish()
    return Rendered(frame_count=frame_count, duration_s=end_s - first_s)


def _configure(encoder: av.video.stream.VideoStream, paint: _Paint, time_base: Fraction) -> None:
    encoder.width, encoder.height = paint.width_px, paint.height_px
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = time_base
    context = encoder.codec_context
    context.time_base = time_base
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = 1


class _Paint:
    """The filter graph of one clip. An input carries one frame for each frame of the clip, or one still for all."""

    def __init__(
        self, first: av.VideoFrame, prompt: str, shown: Sequence[av.VideoFrame], palette: Colour | None
    ) -> None:
        turned = bool(first.rotation % 180)
        width_px, height_px = (first.height, first.width) if turned else (first.width, first.height)
        self.width_px, self.height_px = width_px & ~1, height_px & ~1
        assert first.time_base is not None
        self._time_base = first.time_base
        self._waiting: deque[tuple[int, int]] = deque()
        self._stills: list[tuple[FilterContext, av.VideoFrame]] = []
        self._particles: Particles | None = None
        self._sky: FilterContext | None = None
        self._graph = av.filter.Graph()
        looks = looks_for(prompt)
        textures = {look.texture for look in looks}
        self._entry = self._buffer(first.width, first.height, first.format.name)
        chain = self._prepare(self._entry, first)
        if Texture.INK in textures:
            chain = self._inked(chain)
        if Texture.GLOW in textures:
            chain = self._glowing(chain)
        grades = tuple(look.grade for look in looks) + ((tinted(palette, 0.30),) if palette else ())
        chain = self._graded(chain, grades)
        if Texture.VIGNETTE in textures:
            chain = self._then(chain, "vignette", "angle=PI/5.2")
        if Texture.GRAIN in textures:
            chain = self._then(chain, "noise", "c0s=11:c0f=t+u")
            chain = self._then(chain, "vignette", "angle=PI/4.8")
        air = next((look.air for look in looks if look.air is not Air.CLEAR), Air.CLEAR)
        if air is not Air.CLEAR:
            self._particles = Particles(air, self.width_px, self.height_px, prompt)
            self._sky = self._buffer(self.width_px, self.height_px, "yuva420p")
            chain = self._over(chain, self._sky, 0, 0)
        chain = self._inset(chain, shown)
        chain = self._then(chain, "format", "pix_fmts=yuv420p")
        self._exit = self._graph.add("buffersink")
        chain.link_to(self._exit)
        self._graph.configure()
        for buffer, still in self._stills:
            still.pts, still.time_base = 0, self._time_base
            buffer.push(still)
            buffer.push(None)

    def edit(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """The frames that are ready once this one went in."""
        assert frame.pts is not None
        self._waiting.append((frame.pts, frame.duration or 0))
        if self._particles and self._sky:
            self._sky.push(self._drawn(self._particles, frame))
        self._entry.push(frame)
        yield from self._ready()

    def rest(self) -> Iterator[av.VideoFrame]:
        """What is left at the end."""
        if self._sky:
            self._sky.push(None)
        self._entry.push(None)
        yield from self._ready()

    def _ready(self) -> Iterator[av.VideoFrame]:
        while self._waiting:
            try:
                edited = self._exit.pull()
            except (BlockingIOError, EOFError):
                return
            assert isinstance(edited, av.VideoFrame)
            edited.pts, edited.duration = self._waiting.popleft()
            edited.time_base = self._time_base
            edited.pict_type = 0
            yield edited

    def _drawn(self, particles: Particles, frame: av.VideoFrame) -> av.VideoFrame:
        layer = av.VideoFrame(self.width_px, self.height_px, "yuva420p")
        for plane, level in zip(layer.planes, particles.colour, strict=False):
            plane.update(bytes([level]) * plane.buffer_size)
        alpha = layer.planes[3]
        alpha.update(particles.opacity(frame.time, alpha.line_size))
        layer.pts, layer.time_base = frame.pts, self._time_base
        return layer

    def _buffer(self, width_px: int, height_px: int, pixel_format: str) -> FilterContext:
        return self._graph.add_buffer(
            width=width_px,
            height=height_px,
            format=av.VideoFormat(pixel_format, width_px, height_px),
            time_base=self._time_base,
        )

    def _then(self, chain: FilterContext, name: str, args: str) -> FilterContext:
        following = self._graph.add(name, args)
        chain.link_to(following)
        return following

    def _over(self, chain: FilterContext, layer: FilterContext, x: int, y: int) -> FilterContext:
        overlay = self._graph.add("overlay", f"x={x}:y={y}:format=yuv420:eof_action=repeat")
        chain.link_to(overlay, 0, 0)
        layer.link_to(overlay, 0, 1)
        return overlay

    def _prepare(self, chain: FilterContext, first: av.VideoFrame) -> FilterContext:
        match _TURNS.get(first.rotation % 360):
            case None:
                pass
            case "":
                chain = self._then(self._then(chain, "hflip", ""), "vflip", "")
            case turn:
                chain = self._then(chain, "transpose", f"dir={turn}")
        matrix = "bt709" if first.colorspace == UNSPECIFIED and self.height_px >= 720 else "auto"
        chain = self._then(
            chain,
            "scale",
            f"w={self.width_px}:h={self.height_px}:in_color_matrix={matrix}:out_color_matrix=bt709:out_range=tv",
        )
        # Without this the graph settles on RGB as far up as it can, and "component 0" below would be green.
        return self._then(chain, "format", "pix_fmts=yuv420p")

    def _inked(self, chain: FilterContext) -> FilterContext:
        """Flat areas with dark outlines: the smoothed picture, multiplied with its own edges."""
        split = self._then(self._then(chain, "gblur", "sigma=1.2:planes=1"), "split", "2")
        edges = self._graph.add("sobel", "planes=1:scale=1.5")
        split.link_to(edges, 1, 0)
        # Weak edges are the grain of the picture, not its outlines.
        edges = self._then(edges, "lutyuv", "y=clip(255-(val-70)*2\\,60\\,255)")
        ink = self._graph.add("blend", "c0_mode=multiply")
        split.link_to(ink, 0, 0)
        edges.link_to(ink, 0, 1)
        return self._then(ink, "format", "pix_fmts=yuv420p")

    def _glowing(self, chain: FilterContext) -> FilterContext:
        """The picture with a blurred copy of itself laid over it as light."""
        split = self._then(chain, "split", "2")
        light = self._graph.add("gblur", f"sigma={self.height_px / 60:.1f}")
        split.link_to(light, 1, 0)
        glow = self._graph.add("blend", "c0_mode=screen:c0_opacity=0.5:c1_opacity=0.5:c2_opacity=0.5")
        split.link_to(glow, 0, 0)
        light.link_to(glow, 0, 1)
        return self._then(glow, "format", "pix_fmts=yuv420p")

    def _graded(self, chain: FilterContext, grades: tuple[Grade, ...]) -> FilterContext:
        """Every colour looked up in a table, which is itself a small picture."""
        side = round(_TABLE_STEPS**1.5)
        colours = av.VideoFrame(side, side, "rgb24")
        _fill(colours, table(grades, _TABLE_STEPS))
        lookup = self._graph.add("haldclut", "clut=first:interp=tetrahedral")
        chain.link_to(lookup, 0, 0)
        self._still(colours).link_to(lookup, 0, 1)
        return self._then(
            self._then(lookup, "scale", "out_color_matrix=bt709:out_range=tv"), "format", "pix_fmts=yuv420p"
        )

    def _inset(self, chain: FilterContext, shown: Sequence[av.VideoFrame]) -> FilterContext:
        """The reference pictures in a row at the lower left, each in a white frame."""
        unit = min(self.width_px, self.height_px)
        margin, border, tall = unit // 30, max(unit // 240, 2), unit // 6 & ~1
        left = margin
        for picture in shown:
            wide = min(max(picture.width * tall // picture.height, tall // 2), tall * 2) & ~1
            if left + wide + 2 * border > self.width_px - margin:
                break
            small = picture.reformat(width=wide, height=tall, format="yuv444p", interpolation="AREA")
            framed = self._then(
                self._still(small),
                "pad",
                f"w={wide + 2 * border}:h={tall + 2 * border}:x={border}:y={border}:color=white",
            )
            chain = self._over(chain, framed, left, self.height_px - margin - tall - 2 * border)
            left += wide + 2 * border + margin // 2
        return chain

    def _still(self, picture: av.VideoFrame) -> FilterContext:
        buffer = self._buffer(picture.width, picture.height, picture.format.name)
        self._stills.append((buffer, picture))
        return buffer


def _fill(frame: av.VideoFrame, rgb: bytes) -> None:
    plane = frame.planes[0]
    row = frame.width * 3
    padding = bytes(plane.line_size - row)
    plane.update(b"".join(rgb[at : at + row] + padding for at in range(0, len(rgb), row)))


def _load(pictures: Pictures) -> tuple[list[av.VideoFrame], Colour | None]:
    """The pictures to show, and the colour that all of them have in common."""
    shown = [_picture(path) for path in pictures.shown]
    frames = shown + [_picture(path) for path in pictures.others]
    if not frames:
        return [], None
    colours = [_mean(frame) for frame in frames]
    red, green, blue = (sum(channel) / len(colours) for channel in zip(*colours, strict=True))
    return shown, (red, green, blue)


def _picture(path: Path) -> av.VideoFrame:
    try:
        with av.open(str(path)) as source:
            frame = next(source.decode(_video(source)), None)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise NotEditable(f"Invalid image: {error}") from error
    if frame is None:
        raise NotEditable("Invalid image: it has no picture")
    return frame


def _mean(frame: av.VideoFrame) -> Colour:
    small = frame.reformat(width=16, height=16, format="rgb24", interpolation="AREA")
    plane = small.planes[0]
    data = bytes(plane)
    pixels = [data[y * plane.line_size + x * 3 :][:3] for y in range(16) for x in range(16)]
    red, green, blue = (sum(pixel[n] for pixel in pixels) / (255 * len(pixels)) for n in range(3))
    return red, green, blue


class _Sound:
    """The sound of the source, packet by packet where an mp4 may hold it, else encoded anew as AAC."""

    def __init__(self, source: av.audio.stream.AudioStream, out: av.container.OutputContainer) -> None:
        self.source = source
        self._out = out
        self._is_copied = source.codec_context.name in _COPIED_AUDIO
        if self._is_copied:
            self._stream = out.add_stream_from_template(source)
        else:
            self._stream = out.add_stream("aac", rate=source.codec_context.sample_rate)
            self._stream.codec_context.layout = source.codec_context.layout

    def mux(self, packet: AudioPacket) -> None:
        """Take one packet of the source."""
        if not self._is_copied:
            for frame in packet.decode():
                self._out.mux(self._stream.encode(frame))
        elif packet.dts is not None:
            packet.stream = self._stream
            self._out.mux(packet)

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if not self._is_copied:
            self._out.mux(self._stream.encode(None))
