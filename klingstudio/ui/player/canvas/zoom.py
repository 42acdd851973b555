"""How closely a picture is looked at, and where it lies then: geometry in device pixels, no painting."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize

MOST = 32.0
"""Device pixels that one pixel of the clip may take."""

_STOPS = (0.1, 0.25, 0.33, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, MOST)
"""Where zooming by keys and menus stops."""

_NEAR = 1.02
"""Scales that differ by less are the same to the eye."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zoom:
    """What of a picture is seen: all of it, or a part around one point."""

    scale: float | None = None
    """Device pixels for each pixel of the clip. None: as large as its place allows."""
    x: float = 0.5
    y: float = 0.5
    """The point of the picture, 0 to 1, that lies in the middle of its place."""


FIT = Zoom()


def fit_scale(size: QSize, place: QRect) -> float:
    """The scale at which a picture of this size just fits into its place."""
    return min(place.width() / size.width(), place.height() / size.height())


def spot_of(size: QSize, place: QRect, zoom: Zoom) -> QRect:
    """Where the whole picture lies. What sticks out of `place` is not seen."""
    scale = fit_scale(size, place) if zoom.scale is None else zoom.scale
    width, height = max(1, round(size.width() * scale)), max(1, round(size.height() * scale))
    left = _begin(place.x(), place.width(), width, zoom.x)
    top = _begin(place.y(), place.height(), height, zoom.y)
    return QRect(left, top, width, height)


def _begin(room_begin: int, room: int, length: int, middle: float) -> int:
    if length <= room:
        return room_begin + (room - length) // 2
    wanted = room_begin + room / 2 - middle * length
    return min(max(round(wanted), room_begin + room - length), room_begin)


def zoomed(zoom: Zoom, size: QSize, place: QRect, scale: float, at: QPointF) -> Zoom:
    """Look closer or from further away; what is seen at the point `at` stays there.

    Going out stops where the whole picture is seen, or at its true size where that is smaller.
    """
    fit = fit_scale(size, place)
    scale = min(max(scale, min(fit, 1.0)), max(MOST, fit))
    if scale == fit:
        return FIT
    spot = spot_of(size, place, zoom)
    fixed_x, fixed_y = (at.x() - spot.x()) / spot.width(), (at.y() - spot.y()) / spot.height()
    middle = QRectF(place).center()
    return held(
        Zoom(
            scale=scale,
            x=fixed_x + (middle.x() - at.x()) / (size.width() * scale),
            y=fixed_y + (middle.y() - at.y()) / (size.height() * scale),
        ),
        size,
        place,
    )


def panned(zoom: Zoom, size: QSize, place: QRect, dx: float, dy: float) -> Zoom:
    """Push the picture by so many device pixels, no further than its edges."""
    if zoom.scale is None:
        return zoom
    x = zoom.x - dx / (size.width() * zoom.scale)
    y = zoom.y - dy / (size.height() * zoom.scale)
    return held(Zoom(scale=zoom.scale, x=x, y=y), size, place)


def held(zoom: Zoom, size: QSize, place: QRect) -> Zoom:
    """The same look with its point moved so far that no place beside the picture stays empty."""
    if zoom.scale is None:
        return zoom
    return Zoom(
        scale=zoom.scale,
        x=_middle(zoom.x, place.width() / (size.width() * zoom.scale)),
        y=_middle(zoom.y, place.height() / (size.height() * zoom.scale)),
    )


def _middle(wanted: float, seen: float) -> float:
    return 0.5 if seen >= 1 else min(max(wanted, seen / 2), 1 - seen / 2)


def drawn_to(scale: float, factor: float, fit: float) -> float:
    """Where a wheel or two fingers lead: they stop at the whole picture and at its true size before they go beyond."""
    aim = scale * factor
    crossed = [stop for stop in (fit, 1.0) if min(scale, aim) < stop < max(scale, aim)]
    return min(crossed, key=lambda stop: abs(stop - scale), default=aim)


def next_in(scale: float, fit: float) -> float:
    """The next larger scale to stop at."""
    return next((stop for stop in _stops(fit) if stop > scale * _NEAR), max(MOST, fit))


def next_out(scale: float, fit: float) -> float:
    """The next smaller scale to stop at."""
    return next((stop for stop in reversed(_stops(fit)) if stop < scale / _NEAR), min(fit, 1.0))


def _stops(fit: float) -> list[float]:
    return sorted({fit, *(stop for stop in _STOPS if stop > min(fit, 1.0)), min(fit, 1.0)})
