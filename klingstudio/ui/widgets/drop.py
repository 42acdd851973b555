"""Places to drop files on: the dashed area that is also a button, and the light that says what a drop will do."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import pixmap


def dashed(colour: QColor, width: float = 1.0) -> QPen:
    """The pen of every drop area."""
    pen = QPen(colour, width)
    pen.setDashPattern([4, 3])
    return pen


class DropArea(QAbstractButton):
    """A dashed area: click, press Enter or drop."""

    def __init__(self, icon_name: str, title: str, hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._hint = hint
        self.setText(title)
        self.setAccessibleName(title)
        self.setAccessibleDescription(hint)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        lines = self.fontMetrics().height() * (2 if self._hint else 1)
        if self._hint:
            return QSize(theme.px(180), lines + theme.px(theme.ICON + 2 * theme.AROUND + theme.BETWEEN))
        return QSize(theme.px(120), max(theme.px(theme.CONTROL), lines + theme.px(2 * theme.BETWEEN)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not event.modifiers():
            self.click()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            painter.setOpacity(theme.DISABLED)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self.underMouse() and self.isEnabled():
            painter.setBrush(QColor(theme.mix(t.panel, t.text, 0.12 if self.isDown() else 0.05)))
        painter.setPen(dashed(QColor(t.edge)))
        painter.drawRoundedRect(area, theme.px(theme.RADIUS), theme.px(theme.RADIUS))
        if self._hint:
            self._paint_tall(painter, t)
        else:
            self._paint_row(painter, t)
        painter.end()

    def _paint_tall(self, painter: QPainter, t: theme.Tokens) -> None:
        side, line = theme.px(theme.ICON), self.fontMetrics().height()
        top = (self.height() - side - 2 * line - theme.px(theme.BETWEEN)) // 2
        painter.drawPixmap(
            (self.width() - side) // 2, top, pixmap(self._icon_name, t.secondary, side, self.devicePixelRatioF())
        )
        top += side + theme.px(theme.GAP)
        painter.setPen(QColor(t.text))
        painter.drawText(0, top, self.width(), line, Qt.AlignmentFlag.AlignCenter, self.text())
        top += line + theme.px(theme.GAP)
        font = painter.font()
        font.setPixelSize(theme.px(theme.SMALL_PX))
        painter.setFont(font)
        painter.setPen(QColor(t.faint))
        hint = painter.fontMetrics().elidedText(self._hint, Qt.TextElideMode.ElideRight, self.width() - theme.px(16))
        painter.drawText(0, top, self.width(), line, Qt.AlignmentFlag.AlignCenter, hint)

    def _paint_row(self, painter: QPainter, t: theme.Tokens) -> None:
        side, gap = theme.px(theme.ICON), theme.px(theme.BETWEEN)
        wide = self.fontMetrics().horizontalAdvance(self.text())
        left = (self.width() - side - gap - wide) // 2
        middle = (self.height() - side) // 2
        painter.drawPixmap(left, middle, pixmap(self._icon_name, t.secondary, side, self.devicePixelRatioF()))
        painter.setPen(QColor(t.secondary))
        words = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(left + side + gap, 0, wide + gap, self.height(), words, self.text())


class DropLight(QWidget):
    """Lies over a zone while files are dragged and says in words what a drop there will do, or why it will not."""

    def __init__(self, zone: QWidget) -> None:
        super().__init__(zone)
        self._zone = zone
        self._words = ""
        self._refuses = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        zone.installEventFilter(self)

    @property
    def words(self) -> str:
        """What is said now; empty while nothing is dragged."""
        return self._words

    def offer(self, verb: str) -> None:
        """Light up: a drop does this."""
        self._show(verb, refuses=False)

    def refuse(self, reason: str) -> None:
        """Say why a drop does nothing."""
        self._show(reason, refuses=True)

    def clear(self) -> None:
        self._words = ""
        self.hide()

    def _show(self, words: str, *, refuses: bool) -> None:
        self._words, self._refuses = words, refuses
        self.setGeometry(self._zone.rect())
        self.raise_()
        self.show()
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._zone.rect())
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        colour = t.bad if self._refuses else t.accent
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # One drawing area of a pixel less on each side, so that the dashes are not cut.
        area = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.setBrush(QColor(theme.mix(t.panel, colour, 0.12)))
        painter.setPen(dashed(QColor(colour), 2))
        painter.drawRoundedRect(area, theme.px(theme.RADIUS), theme.px(theme.RADIUS))
        font = painter.font()
        font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(t.text))
        inside = self.rect().adjusted(8, 8, -8, -8)
        painter.drawText(inside, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)
        painter.end()
