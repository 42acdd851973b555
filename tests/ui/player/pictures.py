"""Pictures without a clip: every pixel says where it is and which side it belongs to."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from klingstudio.media.decode_pixels import Picture
from klingstudio.ui.player.playback.pair import Pair

BEFORE_BLUE, AFTER_BLUE = 40, 200
"""How blue each side is; red counts the columns, green the rows."""

Rgb = tuple[int, int, int]


@lru_cache(maxsize=16)
def picture(
    width_px: int, height_px: int, *, blue: int = BEFORE_BLUE, index: int = 0, is_draft: bool = False
) -> Picture:
    """Red is the column, green the row, both modulo 256. Rows are padded, as those of decoders are."""
    row = bytearray(width_px * 4 + 32)
    row[0 : width_px * 4] = b"".join(bytes((blue, 0, x % 256, 255)) for x in range(width_px))
    rows = bytearray()
    for y in range(height_px):
        row[1 : width_px * 4 : 4] = bytes((y % 256,)) * width_px
        rows += row
    return Picture(
        index=index,
        time_s=index / 25,
        width_px=width_px,
        height_px=height_px,
        stride_bytes=len(row),
        pixels=memoryview(rows),
        is_draft=is_draft,
    )


def plain(width_px: int, height_px: int, bgr: Rgb) -> Picture:
    """One colour all over."""
    pixels = bytes((*bgr, 255)) * (width_px * height_px)
    return Picture(
        index=0,
        time_s=0,
        width_px=width_px,
        height_px=height_px,
        stride_bytes=width_px * 4,
        pixels=memoryview(pixels),
    )


def pair(before: Picture | None, after: Picture | None, *, step: int = 0) -> Pair:
    """Two pictures that belong together."""
    return Pair(step=step, count=100, time_s=step / 25, before=before, after=after)


def rgb(image: QImage, x: int, y: int) -> Rgb:
    """The colour of one pixel."""
    color = image.pixelColor(x, y)
    return color.red(), color.green(), color.blue()


def all_rgb(image: QImage) -> list[Rgb]:
    """Every pixel, row by row."""
    return [rgb(image, x, y) for y in range(image.height()) for x in range(image.width())]


def size_of(image: QImage) -> tuple[int, int]:
    """Width and height."""
    size: QSize = image.size()
    return size.width(), size.height()
