"""One painting of the viewer, in device pixels: ground, pictures, heat, divider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QColor, QImage, QPainter, QRegion

from klingstudio.media.decode_pixels import Picture
from klingstudio.ui.player.canvas import layers
from klingstudio.ui.player.canvas.arrangement import Arrangement
from klingstudio.ui.player.canvas.layers import Layer
from klingstudio.ui.player.comparison import Mode
from klingstudio.ui.player.playback.pair import Side

if TYPE_CHECKING:
    from klingstudio.media.changes import Heat

_SHARP_FROM = 2.0
"""Device pixels for each pixel of the clip from which on single pixels are shown, not smoothed."""

_SLACK = 4
"""Device pixels that a decoded picture may differ from its place: decoders round to what they are quick at."""


class Greys:
    """The pictures shown last under heat, without their colours.

    Taking those away takes longer than all of the painting, so it is not done again while the divider is dragged.
    """

    def __init__(self) -> None:
        self._known: dict[Side, tuple[Picture, QImage]] = {}

    def of(self, side: Side, picture: Picture) -> QImage:
        """The picture of one side in grey."""
        known = self._known.get(side)
        if known is None or known[0] is not picture:
            known = self._known[side] = picture, layers.greyed(layers.image_of(picture))
        return known[1]

    def clear(self) -> None:
        """Keep nothing."""
        self._known.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is painted. The pictures must live as long."""

    here: Arrangement
    pictures: Mapping[Side, Picture]
    heat: Heat | None
    """What is known of where the two differ."""
    greys: Greys

    @property
    def has_both(self) -> bool:
        """True: there are two to be laid against each other."""
        return self.here.is_paired and len(self.pictures) == len(Side)

    @property
    def has_divider(self) -> bool:
        return self.has_both and self.here.comparison.mode is Mode.WIPE

    def paint(self, painter: QPainter, *, ground: QColor, line: int) -> None:
        """Paint it all. `line`: thickness of the divider."""
        here, comparison = self.here, self.here.comparison
        heat = self.heat if comparison.shows_heat else None
        shown = {
            side: self._layer(side, self.greys.of(side, picture) if heat is not None else layers.image_of(picture))
            for side, picture in self.pictures.items()
            if side is not self._hidden()
        }
        seen = {side: here.seen(side) for side in Side}
        self._paint_ground(painter, [layer.spot & seen[side] for side, layer in shown.items()], ground)
        if here.is_beside:
            for side, layer in shown.items():
                layers.draw(painter, layer, seen[side])
        else:
            layers.paint(painter, comparison, seen[Side.BEFORE], shown.get(Side.BEFORE), shown.get(Side.AFTER))
        if heat is not None:
            for side in Side if here.is_beside else (Side.BEFORE,):
                layers.paint_heat(painter, heat, here.spot(side), seen[side])
        if self.has_divider:
            layers.paint_divider(painter, comparison, seen[Side.BEFORE], line)

    def _hidden(self) -> Side | None:
        """The side that the mode keeps out of sight."""
        mode = self.here.comparison.mode
        if not self.has_both or mode not in (Mode.BEFORE, Mode.AFTER):
            return None
        is_after_seen = (mode is Mode.AFTER) != self.here.comparison.is_flipped
        return Side.BEFORE if is_after_seen else Side.AFTER

    def _layer(self, side: Side, image: QImage) -> Layer:
        spot, size = self.here.spot(side), image.size()
        short, narrow = spot.height() - size.height(), spot.width() - size.width()
        # A picture that was decoded for this place is copied, not scaled.
        if abs(short) <= _SLACK and abs(narrow) <= _SLACK:
            spot = QRect(spot.topLeft() + QPoint(narrow // 2, short // 2), size)
        is_reduced = self.pictures[side].is_draft or size != self.here.sizes[side]
        is_smooth = is_reduced or spot.width() < _SHARP_FROM * size.width()
        return Layer(image=image, spot=spot, is_smooth=is_smooth)

    def _paint_ground(self, painter: QPainter, covers: Sequence[QRect], ground: QColor) -> None:
        """What no picture will cover: filling all of it would take as long as a third of a picture."""
        join = QRegion.united if self.here.is_beside else QRegion.intersected
        covered = reduce(join, map(QRegion, covers)) if covers else QRegion()
        bare = QRegion(QRect(QPoint(0, 0), self.here.room)).subtracted(covered)
        if not bare.isEmpty():
            painter.setClipRegion(bare)
            painter.fillRect(bare.boundingRect(), ground)
            painter.setClipping(False)


def picture_size(picture: Picture) -> QSize:
    """Width and height as Qt has them."""
    return QSize(picture.width_px, picture.height_px)
