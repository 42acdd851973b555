"""One decoded frame made into what a person sees: upright, sized, standard range.

The same steps serve the clip that is sent and the small pictures in the window, so both look alike.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any

import av
from av.filter import Graph
from av.video.frame import VideoFrame
from PIL import Image

_UNSPECIFIED = 2
_BT709, _BT470BG, _SMPTE170M, _SMPTE240M, _BT2020_NCL, _BT2020_CL = 1, 5, 6, 7, 9, 10
_PQ, _HLG = 16, 18
_BT2020_PRIMARIES = 9
_MATRIX_NAMES = {
    _BT709: "bt709",
    _BT470BG: "bt470",
    _SMPTE170M: "smpte170m",
    _SMPTE240M: "smpte240m",
    _BT2020_NCL: "bt2020",
    _BT2020_CL: "bt2020",
}
_FULL_RANGE = 2


def is_hdr(frame: VideoFrame) -> bool:
    """True for the two transfer curves of HDR video, PQ and HLG."""
    return int(frame.color_trc) in (_PQ, _HLG)


def turn(frame: VideoFrame) -> tuple[str, ...]:
    """The filters that bring a frame upright, from the display matrix of the file. Empty when it already is.

    Ask for one frame of a file, not for each: looking at the side data of a frame keeps all its memory until Python's
    cycle collector runs, which is not before hundreds of frames.
    """
    side_data: Any = frame.side_data
    matrix = next((bytes(data) for data in side_data if data.type.name == "DISPLAYMATRIX"), b"")
    if len(matrix) != 36:
        return ()
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
    if abs(a) >= abs(b):
        return (("hflip",) if a < 0 else ()) + (("vflip",) if d < 0 else ())
    if b > 0:
        return ("transpose=cclock_flip",) if c > 0 else ("transpose=clock",)
    return ("transpose=clock_flip",) if c < 0 else ("transpose=cclock",)


def lies_on_its_side(frame: VideoFrame) -> bool:
    """True when width and height trade places in display."""
    return any(step.startswith("transpose") for step in turn(frame))


class Developer:
    """Turns decoded frames into pictures of one size and pixel format.

    Standard-range video is converted to BT.709, limited range; video that does not say which matrix it uses is read
    as BT.601 below 720 lines and as BT.709 from there on, as players do. HDR (PQ, HLG) and wide-gamut video goes
    through swscale's colour mapping with perceptual intent: reference white lands near 60 % and highlights roll off
    instead of clipping. That is a fixed curve for the whole file; scene-by-scene metadata (HDR10+, Dolby Vision) is
    not read. Working the curve out takes some seconds, once for each `Developer`.

    `picture_px` is the size that the whole picture is scaled to, over the middle of the finished one: what is narrower
    gets black bars, what is wider is cut.
    """

    def __init__(
        self, width_px: int, height_px: int, pixel_format: str, picture_px: tuple[int, int] | None = None
    ) -> None:
        self._size = width_px, height_px
        self._picture_px = picture_px or (width_px, height_px)
        self._pixel_format = pixel_format
        self._graph: Graph | None = None
        self._built_for: tuple[object, ...] = ()

    def develop(self, frame: VideoFrame) -> VideoFrame:
        """The finished picture. Its time stamp means nothing."""
        # Some files change size or format half-way.
        shape = (
            frame.width,
            frame.height,
            frame.format.name,
            int(frame.colorspace),
            int(frame.color_range),
            frame.rotation,
        )
        if self._graph is None or shape != self._built_for:
            self._graph = self._build(frame)
            self._built_for = shape
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _build(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = 2
        buffer = (
            f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/1000"
            f":colorspace={_known(frame.colorspace)}:range={int(frame.color_range)}"
        )
        size, whole = self._size, self._picture_px
        if lies_on_its_side(frame):
            size, whole = size[::-1], whole[::-1]
        width, height = min(size[0], whole[0]), min(size[1], whole[1])
        steps = [*_sized(frame, width, height), f"format={self._pixel_format}", *turn(frame), "setsar=1"]
        if (width, height) != whole:
            # Before it is scaled: a strip whose middle is used would become very long.
            steps.insert(0, f"crop=iw*{width}/{whole[0]}:ih*{height}/{whole[1]}")
        if (width, height) != size:
            steps.append(f"pad={self._size[0]}:{self._size[1]}:(ow-iw)/2:(oh-ih)/2:black")
        last = graph.add("buffer", buffer)
        for step in steps:
            name, _, arguments = step.partition("=")
            node = graph.add(name, arguments or None)
            last.link_to(node)
            last = node
        last.link_to(graph.add("buffersink"))
        graph.configure()
        return graph


def _known(matrix: int) -> int:
    # 3 is reserved and 0 means RGB; a buffer refuses what it does not know.
    return int(matrix) if int(matrix) in _MATRIX_NAMES or int(matrix) == 0 else _UNSPECIFIED


def _sized(frame: VideoFrame, width: int, height: int) -> tuple[str, ...]:
    """The filters that scale a frame and bring its colours to standard range."""
    scale = f"scale={width}:{height}:flags=bicubic+accurate_rnd+full_chroma_int"
    if is_hdr(frame) or int(frame.color_primaries) == _BT2020_PRIMARIES:
        # Scaled first: mapping the colours of a 4K frame takes eight times as long as scaling it.
        mapped = "scale=out_color_matrix=bt709:out_range=tv:out_primaries=bt709:out_transfer=bt709:intent=perceptual"
        return scale, "format=yuv420p10le", mapped
    if frame.format.is_rgb:
        return (f"{scale}:out_color_matrix=bt709:out_range=tv",)
    matrix = _MATRIX_NAMES.get(int(frame.colorspace), "bt709" if min(frame.width, frame.height) >= 720 else "smpte170m")
    incoming = "pc" if int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj") else "tv"
    return (f"{scale}:in_color_matrix={matrix}:in_range={incoming}:out_color_matrix=bt709:out_range=tv",)


def to_rgb_image(frame: VideoFrame) -> Image.Image:
    """A Pillow picture of an `rgb24` frame."""
    converted: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return converted


def from_rgb_image(picture: Image.Image) -> VideoFrame:
    """An `rgb24` frame of a Pillow picture."""
    converted: VideoFrame = VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
    return converted


def seconds(ticks: int, time_base: Fraction | None) -> Fraction:
    """A time stamp as exact seconds."""
    return ticks * (time_base or Fraction(1, av.time_base))
