"""What a frame looks like on screen: the picture that is painted, the shape of a clip, and how its colours are told."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av import VideoFrame

BYTES_PER_PIXEL = 4


# Held weakly by those who want to know whether somebody still shows it.
@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class Picture:
    """One upright frame, 4 bytes a pixel in the order blue, green, red, 255."""

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
        """The largest upright size inside `box` that keeps the shape and does not enlarge.

        Made smaller it is even both ways, up to two pixels less than would fit: chroma comes for two at a time.
        """
        scale = min(box[0] / self.width_px, box[1] / self.height_px)
        if scale >= 1:
            return self.width_px, self.height_px
        width_px, height_px = round(self.width_px * scale), round(self.height_px * scale)
        return max(1, width_px - width_px % 2), max(1, height_px - height_px % 2)

    def stored(self, size: tuple[int, int]) -> tuple[int, int]:
        """The same size before the frame is brought upright."""
        return size[::-1] if self.is_lying else size


def shape_of(frame: VideoFrame, pixel_ratio: Fraction | None) -> Shape:
    """How frames like this one are shown. `pixel_ratio`: width of a stored pixel divided by its height."""
    from klingstudio.media.picture import lies_on_its_side, turn

    is_lying = lies_on_its_side(frame)
    size = max(1, round(frame.width * (pixel_ratio or 1))), frame.height
    width_px, height_px = size[::-1] if is_lying else size
    return Shape(width_px=width_px, height_px=height_px, turns=turn(frame), is_lying=is_lying)


BT709, BT601 = 1, 5
_MATRICES = {1: BT709, 4: 4, 5: BT601, 6: BT601, 7: 7, 9: 9, 10: 9}
"""Matrix coefficients as tagged in the stream (ISO/IEC 23091-2) → those that swscale knows, under the same numbers."""

_BT2020_PRIMARIES = 9


def needs_tone_mapping(frame: VideoFrame) -> bool:
    """True for HDR and wide-gamut video, whose colours no matrix alone brings to the screen."""
    from klingstudio.media.picture import is_hdr

    return is_hdr(frame) or frame.color_primaries == _BT2020_PRIMARIES


_HD_LINES = 720
"""Untagged pictures with fewer lines are taken for BT.601, as players commonly do."""


def matrix_of(frame: VideoFrame) -> int | None:
    """The matrix that made the frame's luma and chroma; None for one that already is red, green and blue."""
    if frame.format.is_rgb:
        return None
    untagged = BT709 if min(frame.width, frame.height) >= _HD_LINES else BT601
    return _MATRICES.get(frame.colorspace, untagged)


def range_of(frame: VideoFrame) -> str:
    """`MPEG`: black is 16, white is 235. `JPEG`: everything from 0 to 255 is used."""
    if frame.color_range in (1, 2):
        return "MPEG" if frame.color_range == 1 else "JPEG"
    return "JPEG" if frame.format.is_rgb or frame.format.name.startswith("yuvj") else "MPEG"
