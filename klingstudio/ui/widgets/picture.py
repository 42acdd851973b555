"""A small picture with round corners, and the tile of a reference picture."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QMenu, QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import IconButton, pixmap


def picture_from(data: bytes | None) -> QPixmap | None:
    """A picture from the bytes of a PNG or JPEG; None where there is none."""
    if not data:
        return None
    made = QPixmap()
    return made if made.loadFromData(data) else None


def paint_cover(painter: QPainter, area: QRectF, picture: QPixmap, ratio: float) -> None:
    """Fill `area` with the middle of the picture, without changing its shape."""
    wanted = QSize(round(area.width() * ratio), round(area.height() * ratio))
    if wanted.isEmpty() or picture.isNull():
        return
    scaled = picture.scaled(
        wanted, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    left, top = (scaled.width() - wanted.width()) / 2, (scaled.height() - wanted.height()) / 2
    painter.drawPixmap(area, scaled, QRectF(left, top, wanted.width(), wanted.height()))


def paint_badge(painter: QPainter, number: int, colour: str, on_colour: str) -> None:
    """The number of a reference, in the corner of its picture."""
    side, inset = theme.px(theme.BADGE), theme.px(6)
    badge = QRectF(inset, inset, side, side)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(badge, theme.px(5), theme.px(5))
    font = theme.tabular(painter.font())
    font.setPixelSize(theme.px(theme.SMALL_PX))
    font.setWeight(font.Weight.Bold)
    painter.setFont(font)
    painter.setPen(QColor(on_colour))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(number))


class Picture(QWidget):
    """A picture that fills its place, with round corners; an icon while there is none."""

    def __init__(
        self,
        icon_name: str,
        parent: QWidget | None = None,
        *,
        radius: int = theme.RADIUS_INSIDE,
        only_top: bool = False,
    ) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._picture: QPixmap | None = None
        self._radius = radius
        self._only_top = only_top
        self._is_dim = False

    def show_picture(self, picture: QPixmap | None, *, dim: bool = False) -> None:
        """Change the picture. `dim`: it stands for something that is not done."""
        self._picture, self._is_dim = picture, dim
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect())
        round_px = theme.px(self._radius)
        path = QPainterPath()
        if self._only_top:
            path.addRoundedRect(area.adjusted(0, 0, 0, round_px), round_px, round_px)
        else:
            path.addRoundedRect(area, round_px, round_px)
        painter.setClipPath(path)
        painter.fillRect(area, QColor(theme.mix(t.raised, t.text, 0.07)))
        if self._picture is not None:
            painter.setOpacity(0.6 if self._is_dim else 1.0)
            paint_cover(painter, area, self._picture, self.devicePixelRatioF())
        else:
            side = theme.px(theme.ICON)
            painter.drawPixmap(
                (self.width() - side) // 2,
                (self.height() - side) // 2,
                pixmap(self._icon_name, t.faint, side, self.devicePixelRatioF()),
            )
        painter.end()


class Tile(QAbstractButton):
    """A numbered reference picture: click to use it, a cross to remove it, the menu key for both."""

    removed = Signal()
    moved = Signal(int)
    """Asked to change places: -1 towards the first, +1 towards the last."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._problem = ""
        self._is_warning = False
        self._picture: QPixmap | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._cross = IconButton("x", "Remove", self)
        self._cross.setProperty("on", "picture")
        self._cross.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._cross.clicked.connect(self.removed)
        self._cross.hide()

    def show_reference(
        self, number: int, name: str, picture: QPixmap | None, problem: str, *, is_warning: bool = False
    ) -> None:
        """What the tile stands for; `problem` is empty where all is well, and a warning does not stop anything."""
        self._number, self._problem, self._picture = number, problem, picture
        self._is_warning = is_warning
        self.setText(name)
        self.setAccessibleName(f"Image {number}, {name}")
        self.setAccessibleDescription(problem or "Press Enter to insert it into the prompt")
        self._cross.setAccessibleName(f"Remove image {number}")
        hint = f"{name}\nClick to insert @Image{number} into the prompt" if not problem else f"{name}\n{problem}"
        self.setToolTip(hint)
        self.updateGeometry()
        self.update()

    @property
    def number(self) -> int:
        return self._number

    @property
    def problem(self) -> str:
        return self._problem

    @property
    def picture(self) -> QPixmap | None:
        return self._picture

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return round(width * theme.TILE_ASPECT) + self._foot()

    def sizeHint(self) -> QSize:
        width = theme.px(118)
        return QSize(width, self.heightForWidth(width))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        with_alt = event.modifiers() & Qt.KeyboardModifier.AltModifier
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.click()
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace:
                self.removed.emit()
            case Qt.Key.Key_Left if with_alt:
                self.moved.emit(-1)
            case Qt.Key.Key_Right if with_alt:
                self.moved.emit(1)
            case _:
                super().keyPressEvent(event)

    def menu(self) -> QMenu:
        """What can be done with the tile; also on the menu key."""
        menu = QMenu(self)
        for words, does in (
            (f"Insert @Image{self._number}", self.click),
            ("Move left", lambda: self.moved.emit(-1)),
            ("Move right", lambda: self.moved.emit(1)),
            ("Remove", self.removed.emit),
        ):
            action = QAction(words, menu)
            action.triggered.connect(does)
            menu.addAction(action)
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        where = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            where = self.mapToGlobal(QPoint(self.width() // 2, self.height() // 2))
        menu.popup(where)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._cross.show()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._cross.setVisible(self.hasFocus())
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._cross.show()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._cross.setVisible(self.underMouse())
        super().focusOutEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cross.adjustSize()
        inset = theme.px(theme.GAP)
        self._cross.move(self.width() - self._cross.width() - inset, inset)

    def _foot(self) -> int:
        lines = 2 if self._problem else 1
        return self.fontMetrics().height() * lines + theme.px(theme.INSIDE)

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area, round_px = QRectF(self.rect()), theme.px(theme.RADIUS)
        path = QPainterPath()
        path.addRoundedRect(area, round_px, round_px)
        painter.setClipPath(path)
        painter.fillRect(area, QColor(theme.mix(t.raised, t.text, 0.06) if self.underMouse() else t.raised))
        foot = self._foot()
        top = QRectF(0, 0, self.width(), self.height() - foot)
        painter.fillRect(top, QColor(theme.mix(t.raised, t.text, 0.08)))
        if self._picture is not None:
            paint_cover(painter, top, self._picture, self.devicePixelRatioF())
        else:
            side = theme.px(theme.ICON)
            is_bad = self._problem and not self._is_warning
            at = QPoint((self.width() - side) // 2, (int(top.height()) - side) // 2)
            name, colour = ("circle-alert", t.bad) if is_bad else ("image", t.faint)
            painter.drawPixmap(at, pixmap(name, colour, side, self.devicePixelRatioF()))
        paint_badge(painter, self._number, t.image, t.on_image)
        self._paint_foot(painter, t, int(top.height()), foot)
        if self._problem:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(self._tone(t)))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), round_px, round_px)
        painter.end()

    def _tone(self, t: theme.Tokens) -> str:
        return t.warning if self._is_warning else t.bad

    def _paint_foot(self, painter: QPainter, t: theme.Tokens, top: int, foot: int) -> None:
        font = self.font()
        font.setPixelSize(theme.px(theme.SMALL_PX))
        painter.setFont(font)
        metrics = painter.fontMetrics()
        inset = theme.px(theme.BETWEEN)
        wide = self.width() - 2 * inset
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        line = (foot - theme.px(theme.GAP)) // (2 if self._problem else 1)
        painter.setPen(QColor(t.text))
        name = metrics.elidedText(self.text(), Qt.TextElideMode.ElideMiddle, wide)
        painter.drawText(inset, top + theme.px(2), wide, line, left, name)
        if self._problem:
            painter.setPen(QColor(self._tone(t)))
            words = metrics.elidedText(self._problem, Qt.TextElideMode.ElideRight, wide)
            painter.drawText(inset, top + theme.px(2) + line, wide, line, left, words)
