"""The first picture of the window: its grounds and the invitation, in place, while the panels are being loaded."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from klingstudio.ui import theme
from klingstudio.ui.window.viewer import EmptyViewer


class Opening(QWidget):
    """Painted, not built: it is on screen for a moment only. The invitation stands where it will stay."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = EmptyViewer(self)
        # It can be seen, but what it asks for is not loaded yet.
        self._viewer.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._viewer.setGeometry(self._stage().toRect())

    def _sides(self) -> tuple[int, int]:
        scale = theme.px(100) / 100
        left = theme.px(theme.INPUTS_WIDTH) + 1 if self.width() >= theme.STRIP_BELOW * scale else 0
        right = theme.px(theme.TAKES_WIDTH) if self.width() >= theme.DRAWER_BELOW * scale else 0
        return left, right

    def _stage(self) -> QRectF:
        left, right = self._sides()
        around, top = theme.px(theme.AROUND), theme.px(theme.HEADER)
        foot = theme.px(theme.FOOT)
        return QRectF(left + around, top + around, self.width() - left - right - 2 * around, self.height() - top - foot)

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        left, right = self._sides()
        top, status = theme.px(theme.HEADER), theme.px(theme.STATUS)
        body = self.height() - top - status
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        panel, line = QColor(t.panel), QColor(t.line)
        painter.fillRect(0, 0, self.width(), self.height(), panel)
        painter.fillRect(left, top, self.width() - left - right, body, QColor(t.window))
        painter.fillRect(0, top - 1, self.width(), 1, line)
        painter.fillRect(0, top + body, self.width(), 1, line)
        for x in (left - 1, self.width() - right):
            painter.fillRect(x, top, 1, body, line)
        font = self.font()
        font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(t.text))
        name = QRectF(theme.px(theme.AROUND), 0, self.width(), top)
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, "Kling Studio")
        painter.end()
