"""The bar with the playhead and the marks: click, drag, or keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QSlider, QWidget

from klingstudio.ui import theme
from klingstudio.ui.player.transport.ruler import Ruler


class ScrubBar(QSlider):
    """Steps of the timeline. Moving it by hand is a wish; what is shown comes back through `show_step`."""

    step_wished = Signal(int)  # by click, key, or at the end of a drag
    step_dragged = Signal(int)
    pointed = Signal(int)
    """The pointer is over this step."""
    left = Signal()
    """The pointer is gone."""
    touched = Signal()
    """It was pressed with the mouse."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setObjectName("scrub")
        self.setAccessibleName(self.tr("Position"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self._is_held = False
        self._marks: tuple[int | None, int | None] = (None, None)
        self._loops_marks = False
        self._ready = 1.0
        self.set_count(0)
        self.actionTriggered.connect(self._on_action)

    def sizeHint(self) -> QSize:
        return QSize(theme.px(theme.CONTROL * 4), theme.px(theme.BADGE))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @property
    def ruler(self) -> Ruler:
        """Where each step lies."""
        return Ruler(self.maximum() + 1, self.width(), self._radius())

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

    def show_marks(self, begin: int | None, end: int | None, *, is_looping: bool) -> None:
        """Where the person set marks, and whether the part between them is played round and round."""
        if (self._marks, self._loops_marks) != ((begin, end), is_looping):
            self._marks, self._loops_marks = (begin, end), is_looping
            self.update()

    def show_ready(self, share: float) -> None:
        """How much of the clips is ready to be dragged through, 0 to 1."""
        if share != self._ready:
            self._ready = share
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._is_held = True
            self.touched.emit()
            self._drag_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._is_held:
            self._drag_to(event.position().x())
        if self.isEnabled():
            self.pointed.emit(self.ruler.step_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._is_held and event.button() == Qt.MouseButton.LeftButton:
            self._is_held = False
            self.step_wished.emit(self.value())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()

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
            if 0 < self._ready < 1:
                painter.setBrush(QColor(theme.mix(t.line, t.text, 0.16)))
                ready = QRectF(track.left(), track.top(), track.width() * self._ready, thick)
                painter.drawRoundedRect(ready, thick / 2, thick / 2)
            at = self.ruler.x_of(self.value())
            track.setRight(at)
            painter.setBrush(QColor(t.secondary))
            painter.drawRoundedRect(track, thick / 2, thick / 2)
            self._paint_marks(painter, middle, thick)
            painter.setBrush(QColor(t.accent))
            painter.drawEllipse(QRectF(at - radius, middle - radius, 2 * radius, 2 * radius))
        painter.end()

    def _paint_marks(self, painter: QPainter, middle: float, thick: float) -> None:
        begin, end = self._marks
        if begin is None and end is None:
            return
        t, ruler = theme.tokens(self.palette()), self.ruler
        left = ruler.x_of(begin if begin is not None else 0)
        right = ruler.x_of(end if end is not None else self.maximum())
        if self._loops_marks:
            # The part that is played round stands out by its thickness; colour is kept for the playhead.
            painter.setBrush(QColor(theme.mix(t.line, t.text, 0.45)))
            painter.drawRect(QRectF(left, middle - thick, right - left, 2 * thick))
        painter.setBrush(QColor(t.text))
        for x, is_set, way in ((left, begin is not None, 1), (right, end is not None, -1)):
            if is_set:
                painter.drawPolygon(self._bracket(x, middle, thick, way))

    def _bracket(self, x: float, middle: float, thick: float, way: int) -> QPolygonF:
        """A bracket that opens to the right (1) or to the left (-1)."""
        high, thin, arm = theme.px(theme.BETWEEN), theme.px(theme.RING), theme.px(theme.GAP) + thick / 2
        return QPolygonF(
            [
                QPointF(x - thin / 2 * way, middle - high),
                QPointF(x + arm * way, middle - high),
                QPointF(x + arm * way, middle - high + thin),
                QPointF(x + thin / 2 * way, middle - high + thin),
                QPointF(x + thin / 2 * way, middle + high - thin),
                QPointF(x + arm * way, middle + high - thin),
                QPointF(x + arm * way, middle + high),
                QPointF(x - thin / 2 * way, middle + high),
            ]
        )

    def _radius(self) -> int:
        return theme.px(theme.GAP + theme.RING)

    def _drag_to(self, x: float) -> None:
        self.setValue(self.ruler.step_at(x))
        self.step_dragged.emit(self.value())

    def _on_action(self, action: int) -> None:
        # Keys and assistive technology come this way; `setValue` and the mouse do not.
        if action != QAbstractSlider.SliderAction.SliderNoAction.value:
            self.step_wished.emit(self.sliderPosition())
