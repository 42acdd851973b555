"""One picture of an element: the front, an angle, or the dashed place for the next one."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.drop import dashed
from klingstudio.ui.widgets.held import HeldButton
from klingstudio.ui.widgets.icons import pixmap
from klingstudio.ui.widgets.labels import plain_tip
from klingstudio.ui.widgets.picture import paint_badge, paint_cover


class SlotView(HeldButton):
    """Click or Enter uses it, Del empties it, the menu key shows what else there is.

    A drop on it is the tile's affair; pulled at, the whole tile is meant.
    """

    def __init__(self, index: int, parent: QWidget | None = None) -> None:
        """`index`: 0 is the front, the angles follow."""
        super().__init__(parent)
        self.index = index
        self._number = 0
        self._is_filled = False
        self._tone = ""
        self._is_lit = self._refuses = False
        self._picture: QPixmap | None = None
        self.setObjectName("elementSlot")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_slot(self, name: str, picture: QPixmap | None, remark: str, *, tone: str = "", number: int = 0) -> None:
        """What is in it.

        Args:
            name: of the file; empty where there is none.
            remark: what is wrong with it, or what it is for.
            tone: `bad` or `warning` where something is wrong.
            number: of the element, on its front picture; 0 for none.
        """
        self._is_filled, self._picture = bool(name), picture
        self._tone, self._number = tone, number
        self.setToolTip(plain_tip("\n".join(part for part in (name, remark) if part)))
        self.setAccessibleDescription(remark)
        self.update()

    @property
    def is_filled(self) -> bool:
        return self._is_filled

    @property
    def can_be_removed(self) -> bool:
        return self._is_filled

    @property
    def is_lit(self) -> bool:
        """True while a drop would go here, or is refused here."""
        return self._is_lit

    def light(self, *, is_on: bool, refuses: bool = False) -> None:
        """A picture is held over it."""
        self._is_lit, self._refuses = is_on, refuses
        self.update()

    def sizeHint(self) -> QSize:
        side = theme.px(theme.ANGLE_SIDE if self.index else theme.ELEMENT_SIDE)
        return QSize(side, side)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area, round_px = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(theme.RADIUS_INSIDE)
        if self._is_filled:
            self._paint_filled(painter, t, area, round_px)
        else:
            self._paint_empty(painter, t, area, round_px)
        if self._number:
            painter.save()
            painter.translate(-theme.px(2), -theme.px(2))
            paint_badge(painter, self._number, t.element, t.on_element)
            painter.restore()
        if self._is_lit:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(dashed(QColor(t.bad if self._refuses else t.accent), 2))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), round_px, round_px)
        painter.end()

    def _paint_filled(self, painter: QPainter, t: theme.Tokens, area: QRectF, round_px: int) -> None:
        painter.save()
        path = QPainterPath()
        path.addRoundedRect(QRectF(self.rect()), round_px, round_px)
        painter.setClipPath(path)
        painter.fillRect(self.rect(), QColor(theme.mix(t.raised, t.text, 0.08)))
        if self._picture is not None:
            paint_cover(painter, QRectF(self.rect()), self._picture, self.devicePixelRatioF())
            if self.underMouse():
                veil = QColor(t.text)
                veil.setAlphaF(0.08)
                painter.fillRect(self.rect(), veil)
        else:
            self._paint_icon(painter, "circle-alert" if self._tone else "image", t.bad if self._tone else t.faint)
        painter.restore()
        if self._tone:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(getattr(t, self._tone)))
            painter.drawRoundedRect(area, round_px, round_px)

    def _paint_empty(self, painter: QPainter, t: theme.Tokens, area: QRectF, round_px: int) -> None:
        if self.underMouse():
            painter.setBrush(QColor(theme.mix(t.raised, t.text, 0.08)))
        painter.setPen(dashed(QColor(getattr(t, self._tone) if self._tone else t.edge)))
        painter.drawRoundedRect(area, round_px, round_px)
        self._paint_icon(painter, "plus" if self.index else "user-round-plus", t.secondary)

    def _paint_icon(self, painter: QPainter, name: str, colour: str) -> None:
        side = theme.px(theme.ICON)
        at = ((self.width() - side) // 2, (self.height() - side) // 2)
        painter.drawPixmap(*at, pixmap(name, colour, side, self.devicePixelRatioF()))
