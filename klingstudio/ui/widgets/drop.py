"""Places to drop files on: the dashed area that is also a button, and the light that says what a drop will do."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import pixmap

_TINT, _TINT_OF_WORDS = 0.12, 0.18
"""How much of the accent is in the ground of a light, and in that of words over a picture."""
_VEIL_NEAR, _VEIL_FAR = 0.16, 0.06
"""How much of its colour a clear light lays over what is below it."""


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


class Part(Enum):
    """How much of a zone a light covers."""

    ALL = (0.0, 1.0)
    LEFT = (0.0, 0.5)
    RIGHT = (0.5, 1.0)


class DropLight(QWidget):
    """Lies over a zone while files are dragged and says in words what a drop there will do, or why it will not.

    A light that is near acts when the files are let go now; others stand back.
    """

    def __init__(self, zone: QWidget, part: Part = Part.ALL, *, is_clear: bool = False) -> None:
        """`is_clear`: what lies below stays visible, as a picture should."""
        super().__init__(zone)
        self._zone = zone
        self._part = part
        self._is_clear = is_clear
        self._words = ""
        self._refuses = False
        self._is_near = True
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        zone.installEventFilter(self)

    @property
    def words(self) -> str:
        """What is said now; empty while nothing is dragged."""
        return self._words

    @property
    def is_near(self) -> bool:
        """True where a drop would do what it says now."""
        return bool(self._words) and self._is_near

    def offer(self, verb: str, *, is_near: bool = True) -> None:
        """Light up: a drop does this."""
        self._show(verb, refuses=False, is_near=is_near)

    def refuse(self, reason: str) -> None:
        """Say why a drop does nothing."""
        self._show(reason, refuses=True, is_near=True)

    def clear(self) -> None:
        self._words = ""
        self.hide()

    def _show(self, words: str, *, refuses: bool, is_near: bool) -> None:
        # Told with every move of the pointer: only what changes is painted again.
        if (words, refuses, is_near) == (self._words, self._refuses, self._is_near) and self.isVisible():
            return
        self._words, self._refuses, self._is_near = words, refuses, is_near
        self._lie_over()
        if not self.isVisible():
            self.raise_()
            self.show()
        self.update()

    def _lie_over(self) -> None:
        wide, (start, end) = self._zone.width(), self._part.value
        left = round(wide * start)
        self.setGeometry(left, 0, round(wide * end) - left, self._zone.height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._lie_over()
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        colour = t.bad if self._refuses else t.accent if self._is_near else t.edge
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # One drawing area of a pixel less on each side, so that the dashes are not cut.
        area = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.setBrush(self._ground(t, colour))
        width = 2 if self._is_near else 1
        # Not by the colour alone: a drop area is dashed, what takes nothing is not.
        painter.setPen(QPen(QColor(colour), width) if self._refuses else dashed(QColor(colour), width))
        painter.drawRoundedRect(area, theme.px(theme.RADIUS), theme.px(theme.RADIUS))
        self._paint_words(painter, t, colour)
        painter.end()

    def _ground(self, t: theme.Tokens, colour: str) -> QColor:
        if not self._is_clear:
            return QColor(theme.mix(t.panel, colour, _TINT) if self._is_near else t.panel)
        veil = QColor(colour)
        veil.setAlphaF(_VEIL_NEAR if self._is_near else _VEIL_FAR)
        return veil

    def _paint_words(self, painter: QPainter, t: theme.Tokens, colour: str) -> None:
        font = painter.font()
        font.setWeight(font.Weight.DemiBold if self._is_near else font.Weight.Medium)
        painter.setFont(font)
        gap, how = theme.px(theme.BETWEEN), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        inside = self.rect().adjusted(gap, gap // 2, -gap, -gap // 2)
        if self._is_clear:
            # On a ground of their own: whatever the picture is, they can be read.
            words = painter.boundingRect(inside, how, self._words)
            ground = QRectF(words.adjusted(-gap, -gap // 2, gap, gap // 2)).intersected(QRectF(self.rect()))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.mix(t.panel, colour, _TINT_OF_WORDS) if self._is_near else t.panel))
            painter.drawRoundedRect(ground, theme.px(theme.RADIUS_INSIDE), theme.px(theme.RADIUS_INSIDE))
        painter.setPen(QColor(t.text if self._is_near else t.secondary))
        painter.drawText(inside, how, self._words)


class RovingLight(DropLight):
    """A light that stands over one of several parts of its host, whichever is meant."""

    def __init__(self, host: QWidget, *, is_clear: bool = False) -> None:
        super().__init__(host, is_clear=is_clear)
        self._host = host
        self._over: QRect | None = None

    def stand_over(self, part: QWidget) -> None:
        """Go there. What is said next is said of this part."""
        over = QRect(part.mapTo(self._host, QPoint()), part.size())
        if over != self._over:
            self._over = over
            self.setGeometry(over)

    def _lie_over(self) -> None:
        self.setGeometry(self._over or self._host.rect())
