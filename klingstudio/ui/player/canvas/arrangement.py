"""Where the two pictures lie in the viewer: geometry in device pixels, no painting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize

from klingstudio.ui.player.canvas import zoom
from klingstudio.ui.player.canvas.zoom import Zoom
from klingstudio.ui.player.comparison import Comparison, Mode
from klingstudio.ui.player.playback.pair import Side

_NOTHING = QSize(1, 1)

_ROUNDED = 2
"""Pixels of a clip that encoders take away to get even numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Everything that decides where a pair is painted."""

    room: QSize
    """The viewer."""
    gap: int
    """Between two pictures beside each other."""
    comparison: Comparison
    is_paired: bool
    """True: room is made for two clips."""
    zoom: Zoom
    sizes: Mapping[Side, QSize]
    """Of the clips themselves, as far as they are known."""

    @property
    def is_beside(self) -> bool:
        """True: each picture has a place of its own."""
        return self.is_paired and self.comparison.mode is Mode.SIDE_BY_SIDE

    @property
    def places(self) -> tuple[QRect, QRect]:
        """Where pictures may go, the first and the second; the same place twice where they share it."""
        whole = QRect(QPoint(0, 0), self.room)
        if not self.is_beside:
            return whole, whole
        half = max(1, (self.room.width() - self.gap) // 2)
        return (
            QRect(0, 0, half, self.room.height()),
            QRect(self.room.width() - half, 0, half, self.room.height()),
        )

    def place_of(self, side: Side) -> QRect:
        """Where one side may go."""
        is_first = (side is Side.BEFORE) != self.comparison.is_flipped
        return self.places[0 if is_first else 1]

    def place_at(self, point: QPointF) -> QRect:
        """The place under a point."""
        first, second = self.places
        return second if point.x() >= second.x() and self.is_beside else first

    @property
    def leading(self) -> QSize:
        """Size of the clip that zoom is measured in: before, where there is one."""
        return self.sizes.get(Side.BEFORE) or self.sizes.get(Side.AFTER) or _NOTHING

    @property
    def fit_scale(self) -> float:
        """The scale at which all of the leading clip is seen."""
        return zoom.fit_scale(self.leading, self.places[0])

    @property
    def scale(self) -> float:
        """Device pixels for each pixel of the leading clip."""
        return self.fit_scale if self.zoom.scale is None else self.zoom.scale

    def spot(self, side: Side) -> QRect:
        """Where the whole picture of one side lies; part of it may be out of sight.

        After lies where before would, so that nothing jumps between the two, whatever their sizes are.
        """
        size, place = self.sizes.get(side, self.leading), self.place_of(side)
        if _has_shape_of(size, self.leading):
            return zoom.spot_of(self.leading, place, self.zoom)
        if not self.is_beside:
            return zoom.spot_of(size, self.spot(Side.BEFORE), zoom.FIT)
        if self.zoom.scale is None:
            return zoom.spot_of(size, place, zoom.FIT)
        closer = self.zoom.scale / self.fit_scale
        return zoom.spot_of(size, place, replace(self.zoom, scale=closer * zoom.fit_scale(size, place)))

    def seen(self, side: Side) -> QRect:
        """The part of one side that is in sight. Sides that share a place are seen through the same window."""
        if not self.is_beside:
            return self.spot(Side.BEFORE) & self.places[0]
        return self.spot(side) & self.place_of(side)

    # The divider of a wipe

    def parts(self) -> tuple[QRect, QRect]:
        """The two parts on either side of the divider."""
        return parted(self.comparison, self.seen(Side.BEFORE))

    def line(self) -> QPoint:
        """The middle of the divider."""
        first, second = self.parts()
        if self.comparison.wipes_across:
            return QPoint(first.center().x(), second.y())
        return QPoint(second.x(), first.center().y())

    def is_near_line(self, point: QPoint, reach: int) -> bool:
        """Whether a press at this point takes hold of the divider."""
        away = point - self.line()
        is_inside = self.seen(Side.BEFORE).adjusted(-reach, -reach, reach, reach).contains(point)
        return is_inside and abs(away.y() if self.comparison.wipes_across else away.x()) <= reach

    def wipe_at(self, point: QPoint) -> float:
        """Where the divider is when it lies under this point."""
        seen = self.seen(Side.BEFORE)
        if self.comparison.wipes_across:
            share = (point.y() - seen.y()) / max(1, seen.height())
        else:
            share = (point.x() - seen.x()) / max(1, seen.width())
        return min(max(share, 0.0), 1.0)

    # What follows from it

    @property
    def box(self) -> tuple[int, int]:
        """The size a picture is needed in: that of its place, or when zoomed in, up to the clip's own."""
        if self.zoom.scale is None:
            return self.places[0].width(), self.places[0].height()
        spot = self.spot(Side.BEFORE)
        widest = max((size.width() for size in self.sizes.values()), default=spot.width())
        highest = max((size.height() for size in self.sizes.values()), default=spot.height())
        return min(spot.width(), widest), min(spot.height(), highest)

    @property
    def can_pan(self) -> bool:
        """True: some of the picture is out of sight."""
        spot, place = self.spot(Side.BEFORE), self.place_of(Side.BEFORE)
        return spot.width() > place.width() or spot.height() > place.height()

    def held(self) -> Zoom:
        """The same zoom, moved so far that no place beside the picture stays empty."""
        return zoom.held(self.zoom, self.leading, self.places[0])

    def zoomed(self, scale: float, at: QPointF | None) -> Zoom:
        """Another scale, around a point or around the middle."""
        place = self.places[0] if at is None else self.place_at(at)
        return zoom.zoomed(self.zoom, self.leading, place, scale, QRectF(place).center() if at is None else at)

    def panned(self, dx: float, dy: float) -> Zoom:
        """Both pictures pushed aside."""
        return zoom.panned(self.zoom, self.leading, self.places[0], dx, dy)


def parted(comparison: Comparison, seen: QRect) -> tuple[QRect, QRect]:
    """The two parts on either side of the divider."""
    share = min(max(comparison.wipe, 0.0), 1.0)
    first, second = QRect(seen), QRect(seen)
    if comparison.wipes_across:
        first.setHeight(round(seen.height() * share))
        second.setTop(first.y() + first.height())
    else:
        first.setWidth(round(seen.width() * share))
        second.setLeft(first.x() + first.width())
    return first, second


def _has_shape_of(size: QSize, leading: QSize) -> bool:
    """Whether a clip has the same shape but for pixels that were rounded away, whatever its size is."""
    scale = min(leading.width() / size.width(), leading.height() / size.height())
    off_x, off_y = leading.width() - size.width() * scale, leading.height() - size.height() * scale
    return max(off_x, off_y) <= _ROUNDED
