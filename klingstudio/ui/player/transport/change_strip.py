"""How much each frame of After differs from Before: a strip of bars above the scrub bar. A click goes to the peak."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.player.transport.peaks import LEAST, Changes, heights, highest_near
from klingstudio.ui.player.transport.ruler import Ruler


class ChangeStrip(QWidget):
    """Lies over the scrub bar and uses its ruler. The keys for it are actions: to the next change, to the previous."""

    step_wished = Signal(int)
    pointed = Signal(int)
    left = Signal()
    touched = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("changes")
        self.setAccessibleName(self.tr("Changes"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(theme.px(theme.STRIP))
        self.setMouseTracking(True)
        self._changes: Changes = ()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(theme.CONTROL * 4), theme.px(theme.STRIP))

    @property
    def ruler(self) -> Ruler:
        """Where each step lies: as on the scrub bar below."""
        return Ruler(len(self._changes), self.width(), theme.px(theme.GAP + theme.RING))

    def show_changes(self, changes: Changes) -> None:
        """Draw these: one value per step."""
        self._changes = changes
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._changes:
            self.touched.emit()
            ruler, x = self.ruler, event.position().x()
            reach = ruler.step_at(x + theme.px(theme.BETWEEN)) - ruler.step_at(x)
            self.step_wished.emit(highest_near(self._changes, ruler.step_at(x), max(1, reach)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._changes:
            self.pointed.emit(self.ruler.step_at(event.position().x()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self._changes:
            return
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        ruler = self.ruler
        left, right = ruler.x_of(0), ruler.x_of(len(self._changes) - 1)
        bars = min(len(self._changes), max(1, int((right - left) // theme.px(theme.STRIP_BAR))))
        wide = (right - left) / bars
        for number, value in enumerate(heights(self._changes, bars)):
            if value is None:
                continue
            # Never nothing: where there is no line at all, nobody has looked yet.
            tall, color = 1.0, t.edge
            if value > LEAST:
                # The scale is the same for all clips, so that two takes can be told apart by it.
                tall, color = max(float(theme.px(theme.STRIP_LEAST)), value * self.height()), t.change
            painter.setBrush(QColor(color))
            painter.drawRect(QRectF(left + number * wide, self.height() - tall, wide, tall))
        painter.end()
