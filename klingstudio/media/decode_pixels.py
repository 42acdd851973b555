"""From a decoded frame to pixels that can be painted: upright, at the wanted size, in the frame's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av import VideoFrame
    from av.filter import Graph

    from klingstudio.media.picture import Developer

BYTES_PER_PIXEL = 4

_HDR_SIDE_PX = 1280
"""Longest side at which HDR frames get their colours: 20 ms for each frame, as measured on two cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One upright frame, 4 bytes a pixel in the order blue, green, red, unused."""

    index: int
    time_s: float
    width_px: int
    height_px: int
    stride_bytes: int
    pixels: memoryview
    is_draft: bool = False
    """True: the right frame, but small and compressed; shown until the exact one is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A clip's picture as it is shown: upright and with square pixels."""

    width_px: int
    height_px: int
    turns: tuple[str, ...] = ()
    """The filters that bring a frame upright."""
    is_lying: bool = False
    """True: width and height of the stored frame trade places."""

    def fitted(self, box: tuple[int, int]) -> tuple[int, int]:
        """The largest upright size inside `box` that keeps the shape and does not enlarge."""
        scale = min(box[0] / self.width_px, box[1] / self.height_px, 1.0)
        return max(1, round(self.width_px * scale)), max(1, round(self.height_px * scale))


def shape_of(frame: VideoFrame, pixel_ratio: Fraction | None) -> Shape:
    """How frames like this one are shown. `pixel_ratio`: width of a stored pixel divided by its height."""
    from klingstudio.media.picture import lies_on_its_side, turn

    is_lying = lies_on_its_side(frame)
    size = max(1, round(frame.width * (pixel_ratio or 1))), frame.height
    width_px, height_px = size[::-1] if is_lying else size
    return Shape(width_px=width_px, height_px=height_px, turns=turn(frame), is_lying=is_lying)


class Converter:
    """Turns the frames of one clip into pictures."""

    def __init__(self, shape: Shape) -> None:
        from av.video.reformatter import VideoReformatter

        self._shape = shape
        self._reformatter = VideoReformatter()
        self._turner: tuple[tuple[int, int], Graph] | None = None
        self._developer: Developer | None = None

    def picture(self, frame: VideoFrame, index: int, time_s: float, box: tuple[int, int]) -> Picture:
        """The frame, scaled into `box` and upright."""
        width_px, height_px = self._shape.fitted(box)
        if _needs_tone_mapping(frame):
            image = self._developed(frame, (width_px, height_px))
        else:
            image = self._scaled(frame, (width_px, height_px))
        plane = image.planes[0]
        return Picture(
            index=index,
            time_s=time_s,
            width_px=width_px,
            height_px=height_px,
            stride_bytes=plane.line_size,
            # The view of the plane keeps its frame alive: no copy.
            pixels=memoryview(plane),
        )

    def _scaled(self, frame: VideoFrame, size: tuple[int, int]) -> VideoFrame:
        width_px, height_px = size[::-1] if self._shape.is_lying else size
        image = self._to_bgra(frame, (width_px, height_px), _matrix(frame), _range(frame))
        return self._turned(image) if self._shape.turns else image

    def _developed(self, frame: VideoFrame, size: tuple[int, int]) -> VideoFrame:
        """Much slower, but the colours that the clip and its take will have."""
        from klingstudio.media.picture import Developer

        if self._developer is None:
            # Its colour table takes seconds to build, so one size serves every size of the window.
            self._developer = Developer(*self._shape.fitted((_HDR_SIDE_PX, _HDR_SIDE_PX)), "yuv444p")
        return self._to_bgra(self._developer.develop(frame), size, _BT709, "MPEG")

    def _to_bgra(self, frame: VideoFrame, size: tuple[int, int], matrix: int | None, color_range: str) -> VideoFrame:
        return self._reformatter.reformat(
            frame,
            *size,
            "bgra",
            src_colorspace=matrix,
            src_color_range=color_range,
            dst_color_range="JPEG",
            interpolation="BILINEAR",
            # The clip's decoder and the other clip want the cores too.
            threads=1,
        )

    def _turned(self, image: VideoFrame) -> VideoFrame:
        size = image.width, image.height
        if self._turner is None or self._turner[0] != size:
            self._turner = size, _turning_graph(size, self._shape.turns)
        graph = self._turner[1]
        image.pts, image.time_base = 0, _TICK
        graph.vpush(image)
        return graph.vpull()


_TICK = Fraction(1, 1000)


def _turning_graph(size: tuple[int, int], turns: Sequence[str]) -> Graph:
    from av import VideoFormat
    from av.filter import Graph

    graph = Graph()
    last = graph.add_buffer(width=size[0], height=size[1], format=VideoFormat("bgra"), time_base=_TICK)
    for turn in turns:
        name, _, arguments = turn.partition("=")
        step = graph.add(name, arguments or None)
        last.link_to(step)
        last = step
    last.link_to(graph.add("buffersink"))
    graph.configure()
    return graph


_BT709, _BT601 = 1, 5
_MATRICES = {1: _BT709, 4: 4, 5: _BT601, 6: _BT601, 7: 7, 9: 9, 10: 9}
"""Matrix coefficients as tagged in the stream (ISO/IEC 23091-2) → `av.video.reformatter.Colorspace`."""

_BT2020_PRIMARIES = 9


def _needs_tone_mapping(frame: VideoFrame) -> bool:
    from klingstudio.media.picture import is_hdr

    return is_hdr(frame) or frame.color_primaries == _BT2020_PRIMARIES


_HD_LINES = 720
"""Untagged pictures with fewer lines are taken for BT.601, as players commonly do."""


def _matrix(frame: VideoFrame) -> int | None:
    if frame.format.is_rgb:
        return None
    untagged = _BT709 if min(frame.width, frame.height) >= _HD_LINES else _BT601
    return _MATRICES.get(frame.colorspace, untagged)


def _range(frame: VideoFrame) -> str:
    if frame.color_range in (1, 2):
        return "MPEG" if frame.color_range == 1 else "JPEG"
    return "JPEG" if frame.format.is_rgb or frame.format.name.startswith("yuvj") else "MPEG"
