"""The tile of an element: its frontal picture, its name, how many angles it has, and what is wrong with it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import IconButton, pixmap
from klingstudio.ui.widgets.picture import paint_badge, paint_cover


class ElementTile(QAbstractButton):
    """One row: click or Enter to put it into the prompt, Del or the cross to remove it."""

    removed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._parts = self._problem = ""
        self._is_warning = False
        self._picture: QPixmap | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._cross = IconButton("x", "Remove", self, token="secondary")
        self._cross.setProperty("on", "raised")
        self._cross.clicked.connect(self.removed)

    def show_element(
        self, number: int, name: str, parts: str, picture: QPixmap | None, problem: str, *, is_warning: bool = False
    ) -> None:
        """What the tile stands for; `problem` is empty where all is well."""
        self._number, self._parts, self._picture = number, parts, picture
        self._problem, self._is_warning = problem, is_warning
        self.setText(name)
        self.setAccessibleName(f"Element {number}, {name}, {parts}")
        self.setAccessibleDescription(problem or "Press Enter to insert it into the prompt")
        self._cross.setAccessibleName(f"Remove element {number}")
        self._cross.setToolTip(f"Remove element {number}")
        self.setToolTip(
            f"{name}\n{problem}" if problem else f"{name}\nClick to insert @Element{number} into the prompt"
        )
        self.updateGeometry()
        self.update()

    @property
    def number(self) -> int:
        return self._number

    @property
    def problem(self) -> str:
        return self._problem

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        inset = theme.px(theme.BETWEEN)
        lines = self.fontMetrics().height() + self._small_metrics().height() + theme.px(2)
        top = max(theme.px(theme.ELEMENT_SIDE), lines)
        return top + 2 * inset + (self._problem_height(width) if self._problem else 0)

    def sizeHint(self) -> QSize:
        width = theme.px(220)
        return QSize(width, self.heightForWidth(width))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.click()
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace:
                self.removed.emit()
            case _:
                super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cross.adjustSize()
        inset = theme.px(theme.GAP)
        self._cross.move(self.width() - self._cross.width() - inset, inset)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area, round_px = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(theme.RADIUS)
        tone = t.warning if self._is_warning else t.bad
        painter.setBrush(QColor(theme.mix(t.raised, t.text, 0.06) if self.underMouse() else t.raised))
        painter.setPen(QColor(tone) if self._problem else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(area, round_px, round_px)
        self._paint_picture(painter, t)
        self._paint_words(painter, t, tone)
        painter.end()

    def _paint_picture(self, painter: QPainter, t: theme.Tokens) -> None:
        inset, side = theme.px(theme.BETWEEN), theme.px(theme.ELEMENT_SIDE)
        place = QRectF(inset, inset, side, side)
        painter.save()
        path = QPainterPath()
        path.addRoundedRect(place, theme.px(theme.RADIUS_INSIDE), theme.px(theme.RADIUS_INSIDE))
        painter.setClipPath(path)
        painter.fillRect(place, QColor(theme.mix(t.raised, t.text, 0.08)))
        if self._picture is not None:
            paint_cover(painter, place, self._picture, self.devicePixelRatioF())
        else:
            icon_px = theme.px(theme.ICON)
            at = place.center() - QRectF(0, 0, icon_px, icon_px).center()
            painter.drawPixmap(at, pixmap("user-round", t.faint, icon_px, self.devicePixelRatioF()))
        painter.restore()
        painter.save()
        painter.translate(inset - theme.px(2), inset - theme.px(2))
        paint_badge(painter, self._number, t.element, t.on_element)
        painter.restore()

    def _paint_words(self, painter: QPainter, t: theme.Tokens, tone: str) -> None:
        inset, side = theme.px(theme.BETWEEN), theme.px(theme.ELEMENT_SIDE)
        left = inset + side + theme.px(10)
        wide = max(0, self._cross.x() - left)
        strong = self.font()
        strong.setWeight(QFont.Weight.DemiBold)
        painter.setFont(strong)
        high, low = painter.fontMetrics().height(), self._small_metrics().height()
        top = inset + max(0, (side - high - low - theme.px(2)) // 2)
        painter.setPen(QColor(t.text))
        name = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, wide)
        painter.drawText(QRect(left, top, wide, high), Qt.AlignmentFlag.AlignVCenter, name)
        painter.setFont(self._small())
        painter.setPen(QColor(t.secondary))
        painter.drawText(QRect(left, top + high + theme.px(2), wide, low), Qt.AlignmentFlag.AlignVCenter, self._parts)
        if self._problem:
            painter.setPen(QColor(tone))
            foot = self._problem_height(self.width())
            place = QRect(inset, self.height() - inset - foot, self.width() - 2 * inset, foot)
            painter.drawText(place, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignBottom, self._problem)

    def _problem_height(self, width: int) -> int:
        room = QRect(0, 0, max(1, width - 2 * theme.px(theme.BETWEEN)), 10_000)
        words = self._small_metrics().boundingRect(room, int(Qt.TextFlag.TextWordWrap), self._problem)
        return words.height() + theme.px(theme.GAP)

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(theme.px(theme.SMALL_PX))
        return font

    def _small_metrics(self) -> QFontMetrics:
        return QFontMetrics(self._small())
