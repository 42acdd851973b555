"""From a decoded frame to what is painted, in two steps: small and upright for the cache, blue-green-red for the screen.

Between the two a frame keeps the planes it came with, luma apart from chroma: scaling those costs a fifth of scaling
pixels, and the cache holds nearly three times as many. Making pixels of a frame of the right size is quick and done for
those alone that are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from klingstudio.media.decode_pixels import BT709, Picture, Shape, matrix_of, needs_tone_mapping, range_of

if TYPE_CHECKING:
    from av import VideoFrame
    from av.filter import Graph

    from klingstudio.media.picture import Developer

HDR_SIDE_PX = 1280
"""Longest side at which HDR frames get their colours: 20 ms for each frame, as measured on two cores."""

_RGB = ("gbrp", "bgra")
_RANGES = {"MPEG": 1, "JPEG": 2}
_TICK = Fraction(1, 1000)
_BLOCK_PX = 16
"""Columns that swscale makes at a time."""
_PIXELS = ("scale=flags=bilinear:out_range=full", "format=bgra")


class Scaler:
    """Brings the frames of one clip to size, upright, to 8 bits, and tags them with the colours they are in."""

    def __init__(
        self,
        shape: Shape,
        *,
        pixel_format: str | None = None,
        interpolation: int | str = "BILINEAR",
        hdr_side_px: int = HDR_SIDE_PX,
    ) -> None:
        """Without a `pixel_format` a frame keeps the form it has, as far as pixels can be made of it quickly."""
        from av.video.reformatter import VideoReformatter

        self._shape = shape
        self._pixel_format = pixel_format
        self._interpolation = interpolation
        self._hdr_side_px = hdr_side_px
        self._reformatter = VideoReformatter()
        self._turner = Filters(shape.turns)
        self._developer: Developer | None = None

    def scaled(self, frame: VideoFrame, size: tuple[int, int]) -> VideoFrame:
        """The frame at `size`, counted upright. It tells its matrix and range itself, whatever the clip's tags said."""
        if needs_tone_mapping(frame):
            return self._resized(self._developed(frame), size)
        image = self._resized(frame, self._shape.stored(size))
        return self._turner.applied(image) if self._shape.turns else image

    def _resized(self, frame: VideoFrame, size: tuple[int, int]) -> VideoFrame:
        matrix, color_range = matrix_of(frame), range_of(frame)
        pixel_format = self._pixel_format or self._kept_format(frame, size)
        is_made_rgb = pixel_format in _RGB
        image = self._reformatter.reformat(
            frame,
            *size,
            pixel_format,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=color_range,
            dst_color_range="JPEG" if is_made_rgb else color_range,
            interpolation=self._interpolation,
            # The clip's decoder and the other clip want the cores too.
            threads=1,
        )
        if not is_made_rgb:
            # A frame that needs no change comes back as it is, also with the tags it had.
            image.colorspace = matrix or 0
            image.color_range = _RANGES[color_range]
        return image

    def _kept_format(self, frame: VideoFrame, size: tuple[int, int]) -> str:
        """Pixels are made quickly of 4:2:0 and 4:2:2 in even numbers, else of planes of red, green and blue."""
        form = frame.format
        is_even = size[0] % 2 == size[1] % 2 == 0
        if is_even and not (form.is_rgb or form.has_palette):
            if form.chroma_height(2) == 1:
                return "yuv420p"
            # A turned frame needs as many columns of chroma as lines.
            if form.chroma_width(2) == 1 and not self._shape.is_lying:
                return "yuv422p"
        return "gbrp"

    def _developed(self, frame: VideoFrame) -> VideoFrame:
        """Much slower, but the colours that the clip and its take will have."""
        from klingstudio.media.picture import Developer

        if self._developer is None:
            # Its colour table takes seconds to build, so one size serves every size of the window.
            size = self._shape.fitted((self._hdr_side_px, self._hdr_side_px))
            self._developer = Developer(*size, "yuv420p")
        developed = self._developer.develop(frame)
        developed.colorspace, developed.color_range = BT709, _RANGES["MPEG"]
        developed.color_trc = developed.color_primaries = BT709
        return developed


class Painter:
    """Makes pixels of frames that a `Scaler` brought to size. For one thread at a time.

    By filters, because their frames come out of a pool: memory that is new for every picture costs twice the work itself.
    """

    def __init__(self) -> None:
        self._filters = Filters(_PIXELS)
        self._padding_filters = Filters((f"pad=ceil(iw/{_BLOCK_PX})*{_BLOCK_PX}:ceil(ih/2)*2", *_PIXELS))

    def picture(self, frame: VideoFrame, index: int, time_s: float, *, is_draft: bool = False) -> Picture:
        """The frame as it is painted."""
        # swscale leaves rubbish in the last columns where so few are more than a block.
        is_ragged = 0 < frame.width % _BLOCK_PX <= _BLOCK_PX // 4 and not frame.format.is_rgb
        image = (self._padding_filters if is_ragged else self._filters).applied(frame)
        plane = image.planes[0]
        return Picture(
            index=index,
            time_s=time_s,
            width_px=frame.width,
            height_px=frame.height,
            stride_bytes=plane.line_size,
            # The view of the plane keeps its frame alive: no copy.
            pixels=memoryview(plane),
            is_draft=is_draft,
        )


class Filters:
    """A chain of FFmpeg's filters for frames of one size, form and colours, built anew when those change."""

    def __init__(self, filters: Sequence[str]) -> None:
        self._filters = filters
        self._graph: Graph | None = None
        self._built_for: tuple[int, int, str, int, int] | None = None

    def applied(self, frame: VideoFrame) -> VideoFrame:
        """The frame as it comes out."""
        form = frame.width, frame.height, frame.format.name, int(frame.colorspace), int(frame.color_range)
        if self._graph is None or form != self._built_for:
            self._graph, self._built_for = self._build(*form), form
        frame.pts, frame.time_base = 0, _TICK
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _build(self, width_px: int, height_px: int, pixel_format: str, matrix: int, color_range: int) -> Graph:
        from av.filter import Graph

        graph = Graph()
        # The other clip's decoder and this one's want the cores too.
        graph.threads = 1
        last = graph.add(
            "buffer",
            f"video_size={width_px}x{height_px}:pix_fmt={pixel_format}:time_base={_TICK}"
            f":colorspace={matrix}:range={color_range}",
        )
        for one in self._filters:
            name, _, arguments = one.partition("=")
            step = graph.add(name, arguments or None)
            last.link_to(step)
            last = step
        last.link_to(graph.add("buffersink"))
        graph.configure()
        return graph
