"""Two pictures painted against each other: alone, beside each other, parted, through each other, or subtracted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, assert_never

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from klingstudio.media.decode_pixels import Picture
from klingstudio.ui import theme
from klingstudio.ui.player.canvas.arrangement import parted
from klingstudio.ui.player.canvas.zoom import FIT, spot_of
from klingstudio.ui.player.comparison import Comparison, Mode

if TYPE_CHECKING:
    from klingstudio.media.changes import Heat

_STRIP_ROWS = 64
"""A difference is worked out in strips that stay in the processor's cache."""

_HEAT_OPACITY = 0.65
_HEAT_DIMS = 0.4
"""How much the picture steps back, so that heat is seen on bright parts too."""

_LINE_OF_WIDTH = 1 / 640
"""Thickness of the divider in a picture that is saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A picture and where it lies, in device pixels."""

    image: QImage
    spot: QRect
    """Place of the whole picture, which may be larger than what is seen of it."""
    is_smooth: bool = True
    """False: enlarged pixels keep their edges."""


def image_of(picture: Picture) -> QImage:
    """The picture as Qt paints it, without a copy: it lives as long as `picture` does."""
    return QImage(picture.pixels, picture.width_px, picture.height_px, picture.stride_bytes, QImage.Format.Format_RGB32)


def paint(painter: QPainter, comparison: Comparison, seen: QRect, before: Layer | None, after: Layer | None) -> None:
    """Lay one against the other inside `seen`. Where there is only one, it is painted alone.

    The painter works in device pixels and keeps its settings.
    """
    if comparison.is_flipped:
        before, after = after, before
    if before is None or after is None:
        for layer in (before, after):
            if layer is not None:
                draw(painter, layer, seen)
        return
    match comparison.mode:
        case Mode.BEFORE:
            draw(painter, before, seen)
        case Mode.AFTER:
            draw(painter, after, seen)
        case Mode.SIDE_BY_SIDE:
            draw(painter, before, seen)
            draw(painter, after, seen)
        case Mode.WIPE:
            first, second = parted(comparison, seen)
            draw(painter, before, first)
            draw(painter, after, second)
        case Mode.OVERLAY:
            draw(painter, before, seen)
            painter.setOpacity(min(max(comparison.opacity, 0.0), 1.0))
            draw(painter, after, seen)
            painter.setOpacity(1.0)
        case Mode.DIFFERENCE:
            _draw_difference(painter, before, after, seen & before.spot.united(after.spot), comparison.times)
        case other:
            assert_never(other)


def draw(painter: QPainter, layer: Layer, part: QRect) -> None:
    """What lies inside `part` of one picture. A picture that was decoded for its place is copied, not scaled."""
    target = layer.spot & part
    if target.isEmpty():
        return
    image, spot = layer.image, layer.spot
    if spot.size() == image.size():
        painter.drawImage(target.topLeft(), image, target.translated(-spot.topLeft()))
        return
    across, down = image.width() / spot.width(), image.height() / spot.height()
    source = QRectF(
        (target.x() - spot.x()) * across,
        (target.y() - spot.y()) * down,
        target.width() * across,
        target.height() * down,
    )
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, layer.is_smooth)
    painter.drawImage(QRectF(target), image, source)


def _draw_difference(painter: QPainter, before: Layer, after: Layer, seen: QRect, gain: int) -> None:
    """The distance of the colours, times a whole number.

    Only adding is quick in Qt: the strip is doubled, and the plain difference added where the number asks for it.
    """
    if seen.isEmpty():
        return
    mode = QPainter.CompositionMode
    once = QImage(seen.width(), min(_STRIP_ROWS, seen.height()), QImage.Format.Format_RGB32)
    total = QImage(once.size(), once.format())
    one, sum_ = QPainter(once), QPainter(total)
    for strip in _strips(seen):
        one.resetTransform()
        one.setCompositionMode(mode.CompositionMode_Source)
        one.fillRect(once.rect(), Qt.GlobalColor.black)
        one.translate(-strip.topLeft())
        draw(one, before, strip)
        one.setCompositionMode(mode.CompositionMode_Difference)
        draw(one, after, strip)
        sum_.setCompositionMode(mode.CompositionMode_Source)
        sum_.drawImage(0, 0, once)
        sum_.setCompositionMode(mode.CompositionMode_Plus)
        for bit in f"{gain:b}"[1:]:
            sum_.drawImage(0, 0, total)
            if bit == "1":
                sum_.drawImage(0, 0, once)
        painter.drawImage(strip.topLeft(), total, QRect(QPoint(0, 0), strip.size()))
    one.end()
    sum_.end()


def _strips(seen: QRect) -> Iterator[QRect]:
    for top in range(seen.top(), seen.bottom() + 1, _STRIP_ROWS):
        yield QRect(seen.x(), top, seen.width(), min(_STRIP_ROWS, seen.bottom() + 1 - top))


# Heat


def greyed(image: QImage) -> QImage:
    """The picture without its colours, so that heat is taken for nothing else."""
    return image.convertToFormat(QImage.Format.Format_Grayscale8)


def paint_heat(painter: QPainter, heat: Heat, spot: QRect, seen: QRect) -> None:
    """Lay a warm veil over the places that have changed; the rest of the picture steps back."""
    dim = QColor(theme.DARK.viewer)
    dim.setAlphaF(_HEAT_DIMS)
    painter.fillRect(spot & seen, dim)
    cells = QImage(heat.values, heat.width, heat.height, heat.width, QImage.Format.Format_Indexed8)
    cells.setColorTable(_heat_colors())
    veil = cells.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    draw(painter, Layer(image=veil, spot=spot), seen)


@lru_cache(maxsize=1)
def _heat_colors() -> list[int]:
    colors = []
    for value in range(256):
        color = QColor(theme.mix(theme.HEAT_LEAST, theme.HEAT_MOST, value / 255))
        color.setAlphaF(_HEAT_OPACITY * value / 255)
        colors.append(color.rgba())
    return colors


# Saving


def compose(comparison: Comparison, before: QImage, after: QImage, heat: Heat | None = None) -> QImage:
    """The comparison as one picture at the size of the clips, to save it. Where they differ in size, before's counts."""
    size = before.size()
    first, second = QRect(QPoint(0, 0), size), QRect(QPoint(0, 0), size)
    if comparison.mode is Mode.SIDE_BY_SIDE:
        second.translate(size.width(), 0)
    places = (second, first) if comparison.is_flipped and comparison.mode is Mode.SIDE_BY_SIDE else (first, second)
    layers = tuple(
        Layer(image=image, spot=spot_of(image.size(), place, FIT))
        for image, place in zip((before, after), places, strict=True)
    )
    seen = first.united(second)
    canvas = QImage(seen.size(), QImage.Format.Format_RGB32)
    canvas.fill(Qt.GlobalColor.black)
    painter = QPainter(canvas)
    if heat is None or not comparison.shows_heat:
        paint(painter, comparison, seen, *layers)
    else:
        paint(painter, comparison, seen, *(replace(layer, image=greyed(layer.image)) for layer in layers))
        for place in {place.getRect(): place for place in places}.values():
            paint_heat(painter, heat, spot_of(size, place, FIT), seen)
    if comparison.mode is Mode.WIPE:
        thick = max(1, round(size.width() * _LINE_OF_WIDTH))
        paint_divider(painter, comparison, seen, thick)
    painter.end()
    return canvas


def paint_divider(painter: QPainter, comparison: Comparison, seen: QRect, thick: int) -> None:
    """The line between the two parts, dark at its edges so that it is seen on every picture."""
    first, _ = parted(comparison, seen)
    rim = (thick + 1) // 2
    if comparison.wipes_across:
        line = QRect(seen.x(), first.y() + first.height() - thick // 2, seen.width(), thick)
        edge = line.adjusted(0, -rim, 0, rim)
    else:
        line = QRect(first.x() + first.width() - thick // 2, seen.y(), thick, seen.height())
        edge = line.adjusted(-rim, 0, rim, 0)
    painter.fillRect(edge & seen, QColor(theme.DARK.viewer))
    painter.fillRect(line & seen, QColor(theme.DARK.viewer_text))
