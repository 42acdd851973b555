"""The bar with the playhead: click, drag, or keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QSlider, QWidget

from klingstudio.ui import theme


class ScrubBar(QSlider):
    """Steps of the timeline. Moving it by hand is a wish; what is shown comes back through `show_step`."""

    step_wished = Signal(int)  # by click, key, or at the end of a drag
    step_dragged = Signal(int)
    touched = Signal()
    """It was pressed with the mouse."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setObjectName("scrub")
        self.setAccessibleName(self.tr("Position"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._is_held = False
        self.set_count(0)
        self.actionTriggered.connect(self._on_action)

    def sizeHint(self) -> QSize:
        return QSize(theme.px(theme.CONTROL * 4), theme.px(theme.BADGE))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def set_count(self, count: int, *, page: int = 1) -> None:
        """How many steps there are; 0 disables the bar. `page`: steps that Page Up and Page Down go."""
        self.setRange(0, max(0, count - 1))
        self.setPageStep(max(1, page))
        self.setEnabled(count > 1)
        self.update()

    def show_step(self, step: int) -> None:
        """Put the playhead where the picture is, unless it is being dragged."""
        if not self._is_held:
            self.setValue(step)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._is_held = True
            self.touched.emit()
            self._drag_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._is_held:
            self._drag_to(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._is_held and event.button() == Qt.MouseButton.LeftButton:
            self._is_held = False
            self.step_wished.emit(self.value())

    def wheelEvent(self, event: QWheelEvent) -> None:
        # Scrolling past must not move the playhead.
        event.ignore()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        thick, radius = theme.px(theme.GAP), self._radius()
        middle = self.height() / 2
        track = QRectF(0, middle - thick / 2, self.width(), thick)
        painter.setBrush(QColor(t.line))
        painter.drawRoundedRect(track, thick / 2, thick / 2)
        if self.isEnabled():
            at = self._x_of(self.value())
            track.setRight(at)
            painter.setBrush(QColor(t.secondary))
            painter.drawRoundedRect(track, thick / 2, thick / 2)
            painter.setBrush(QColor(t.accent))
            painter.drawEllipse(QRectF(at - radius, middle - radius, 2 * radius, 2 * radius))
        painter.end()

    def _radius(self) -> int:
        return theme.px(theme.GAP + theme.RING)

    def _x_of(self, step: int) -> float:
        room = self.width() - 2 * self._radius()
        return self._radius() + room * step / max(1, self.maximum())

    def _drag_to(self, x: float) -> None:
        room = max(1, self.width() - 2 * self._radius())
        share = min(max((x - self._radius()) / room, 0.0), 1.0)
        self.setValue(round(share * self.maximum()))
        self.step_dragged.emit(self.value())

    def _on_action(self, action: int) -> None:
        # Keys and assistive technology come this way; `setValue` and the mouse do not.
        if action != QAbstractSlider.SliderAction.SliderNoAction.value:
            self.step_wished.emit(self.sliderPosition())
