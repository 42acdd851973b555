"""The pictures under the hand: the mouse drags the divider or the picture, the wheel and two fingers zoom."""

from __future__ import annotations

from enum import Enum, auto
from typing import assert_never

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from klingstudio.ui.player.canvas import zoom
from klingstudio.ui.player.canvas.canvas import PairCanvas
from klingstudio.ui.player.comparison import Comparison

_NOTCH = 120
"""What the wheel reports for one click of it."""
_PER_NOTCH = 1.25


class _Drag(Enum):
    """What the pressed mouse is moving."""

    DIVIDER = auto()
    PICTURE = auto()


class PairView(PairCanvas):
    """The viewer: what it shows is told by others, how it is looked at is decided here."""

    side_pressed = Signal(object, object)  # Side, QPoint on the screen: below the name that was pressed

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self._drag: _Drag | None = None
        self._dragged_from = QPointF()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point, button = event.position(), event.button()
        name = self._name_at(point)
        if button == Qt.MouseButton.LeftButton and name is not None:
            self.side_pressed.emit(name.tag.side, self.mapToGlobal(name.place.bottomLeft()))
        elif button == Qt.MouseButton.LeftButton and self._is_near_line(point):
            self._drag = _Drag.DIVIDER
        elif button in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and self._arrangement().can_pan:
            self._drag = _Drag.PICTURE
            self._dragged_from = point
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        match self._drag:
            case _Drag.DIVIDER if self._has_divider():
                self._move_divider(self._arrangement().wipe_at(self._in_device(point)))
            case _Drag.PICTURE:
                moved, self._dragged_from = point - self._dragged_from, point
                self.pan(moved.x(), moved.y())
            case _Drag.DIVIDER | None:
                self._follow_pointer(point)
            case other:
                assert_never(other)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self._follow_pointer(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        is_left = event.button() == Qt.MouseButton.LeftButton
        if is_left and self._name_at(event.position()) is None and self._is_near_line(event.position()):
            self._move_divider(Comparison().wipe)
        else:
            self.mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned, pixels = event.angleDelta(), event.pixelDelta()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom_by(_PER_NOTCH ** (turned.y() / _NOTCH), event.position())
        elif self._arrangement().can_pan:
            way = turned / 2 if pixels.isNull() else pixels
            self.pan(way.x(), way.y())
        else:
            event.ignore()

    def _zoom_by(self, factor: float, at: QPointF) -> None:
        here = self._arrangement()
        if self._pair is not None:
            self.zoom_to(zoom.drawn_to(here.scale, factor, here.fit_scale), at)

    def _follow_pointer(self, point: QPointF) -> None:
        name = self._name_at(point)
        self._hover(None if name is None else name.tag.side)
        if self._hovered is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        elif self._is_near_line(point):
            across = self._comparison.wipes_across
            self.setCursor(Qt.CursorShape.SplitVCursor if across else Qt.CursorShape.SplitHCursor)
        elif self._arrangement().can_pan:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.unsetCursor()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom_by(1 + event.value(), event.position())
            return True
        return super().event(event)
