"""The tile of a reference picture: its number, what it is, what is wrong with it, and the act that helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
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
from PySide6.QtWidgets import QApplication, QHBoxLayout, QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.held import ReferenceTile
from klingstudio.ui.widgets.icons import Button, pixmap
from klingstudio.ui.widgets.labels import plain_tip
from klingstudio.ui.widgets.picture import paint_badge, paint_cover


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What a tile shows."""

    number: int
    name: str
    size: str = ""
    """`800×600`, and what is special about the file."""
    remark: str = ""
    """What is wrong or under way, in a few words; empty where all is well."""
    tone: str = "bad"
    """Colour of the remark by its token: `bad` stops Generate, `warning` and `secondary` do not."""
    details: str = ""
    """The remark as a whole, with what to do."""


class ImageTile(ReferenceTile):
    """Click or Enter to put it into the prompt, Space to look at it, Del or the cross to remove it; can be dragged."""

    look_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, steps={Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1})
        self.setObjectName("imageTile")
        self._face = Face(number=0, name="")
        self._picture: QPixmap | None = None
        self._is_carried = False
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._fixes = QWidget(self)
        self._fixes.setProperty("clear", "true")
        self._row = QHBoxLayout(self._fixes)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.px(theme.GAP))
        self._row.addStretch()
        self._fixes.hide()
        self._offered: tuple[str, ...] = ()
        self._acts: list[Callable[[], None]] = []
        self._buttons: list[Button] = []

    def show_face(self, face: Face, picture: QPixmap | None, fixes: Sequence[tuple[str, Callable[[], None]]]) -> None:
        """What the tile stands for; `fixes`: words and act of each thing that helps, the best one first."""
        if (face, picture, tuple(words for words, _ in fixes)) == (self._face, self._picture, self._offered):
            self._acts = [act for _, act in fixes]
            return
        self._face, self._picture = face, picture
        self.setText(face.name)
        self.setAccessibleName(", ".join(part for part in (f"Image {face.number}", face.name, face.size) if part))
        usual = "Press Enter to insert it into the prompt, Space to look at it"
        self.setAccessibleDescription(face.details or face.remark or usual)
        self._cross.setAccessibleName(f"Remove image {face.number}")
        self._cross.setToolTip(f"Remove image {face.number} (Del)")
        says = face.details or face.remark or f"Click to insert @Image{face.number} into the prompt"
        self.setToolTip(plain_tip("\n".join(part for part in (face.name, face.size, says) if part)))
        self._offer(fixes)
        self.updateGeometry()
        self.update()

    def _offer(self, fixes: Sequence[tuple[str, Callable[[], None]]]) -> None:
        words = tuple(word for word, _ in fixes)
        self._acts = [act for _, act in fixes]
        if words != self._offered:
            had_focus = self._fixes.isAncestorOf(QApplication.focusWidget() or self)
            self._offered = words
            while self._row.takeAt(0) is not None:
                pass
            for old in self._buttons:
                old.hide()
                old.deleteLater()
            self._buttons.clear()
            for at, word in enumerate(words):
                button = Button(word, self._fixes, kind="link")
                button.setAccessibleName(f"{word.rstrip('…')} image {self._face.number}")
                button.clicked.connect(lambda _=False, at=at: self._acts[at]())
                self._row.addWidget(button)
                self._buttons.append(button)
            self._row.addStretch()
            self._fixes.setVisible(bool(words))
            if had_focus:
                # What was pressed is gone; the keyboard stays at the picture it was about.
                self.setFocus(Qt.FocusReason.OtherFocusReason)
            self._arrange()
        for button in self._buttons:
            button.setToolTip(plain_tip(self._face.details))

    @property
    def number(self) -> int:
        return self._face.number

    @property
    def face(self) -> Face:
        return self._face

    @property
    def problem(self) -> str:
        """The remark; empty where all is well."""
        return self._face.remark

    @property
    def picture(self) -> QPixmap | None:
        return self._picture

    def fixes(self) -> tuple[Button, ...]:
        """The buttons that help, the best one first, as many as there is room for."""
        return tuple(button for button in self._buttons if not button.isHidden())

    def show_carried(self, *, carried: bool) -> None:
        """The person holds it in the hand."""
        self._is_carried = carried
        self.update()

    # size

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return round(width * theme.TILE_ASPECT) + self._foot()

    def sizeHint(self) -> QSize:
        width = theme.px(118)
        return QSize(width, self.heightForWidth(width))

    def _foot(self) -> int:
        lines = 1 + bool(self._face.size) + bool(self._face.remark)
        fixes = self._fixes_height() if self._offered else 0
        return self._line() * lines + fixes + theme.px(theme.BETWEEN)

    def _line(self) -> int:
        return QFontMetrics(self._small()).height() + theme.px(1)

    def _fixes_height(self) -> int:
        # Not of their layout, which leaves out what is not on the screen yet.
        return max((button.sizeHint().height() for button in self._buttons), default=0)

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(theme.px(theme.SMALL_PX))
        return font

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()
            self._arrange()

    def _arrange(self) -> None:
        side, high = theme.px(theme.BETWEEN) - theme.px(2), self._fixes_height()
        self._fixes.setGeometry(side, self.height() - high - theme.px(2), self.width() - 2 * side, high)
        room = self._fixes.width()
        for at, button in enumerate(self._buttons):
            room -= button.sizeHint().width() + (self._row.spacing() if at else 0)
            # What there is no room for is in the menu.
            button.setVisible(at == 0 or room >= 0)

    # keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.modifiers():
            if not event.isAutoRepeat():
                self.look_wanted.emit()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        # Qt presses a button with Space, which looks here.
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)

    # painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._is_carried:
            painter.setOpacity(theme.DISABLED)
        area, round_px = QRectF(self.rect()), theme.px(theme.RADIUS)
        path = QPainterPath()
        path.addRoundedRect(area, round_px, round_px)
        painter.setClipPath(path)
        painter.fillRect(area, QColor(theme.mix(t.raised, t.text, 0.06) if self.underMouse() else t.raised))
        top = QRectF(0, 0, self.width(), self.height() - self._foot())
        painter.fillRect(top, QColor(theme.mix(t.raised, t.text, 0.08)))
        if self._picture is not None:
            paint_cover(painter, top, self._picture, self.devicePixelRatioF())
        else:
            self._paint_no_picture(painter, t, top)
        paint_badge(painter, self._face.number, t.image, t.on_image)
        self._paint_foot(painter, t, int(top.height()))
        self._paint_edge(painter, t, area, round_px)
        painter.end()

    def _paint_no_picture(self, painter: QPainter, t: theme.Tokens, top: QRectF) -> None:
        side = theme.px(theme.ICON)
        is_bad = bool(self._face.remark) and self._face.tone == "bad"
        at = QPoint((self.width() - side) // 2, (int(top.height()) - side) // 2)
        name, colour = ("circle-alert", t.bad) if is_bad else ("image", t.faint)
        painter.drawPixmap(at, pixmap(name, colour, side, self.devicePixelRatioF()))

    def _paint_edge(self, painter: QPainter, t: theme.Tokens, area: QRectF, round_px: int) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.is_lit:
            glow = QColor(t.image)
            glow.setAlphaF(0.2)
            painter.fillRect(area, glow)
            half = theme.RING / 2
            pen = painter.pen()
            pen.setColor(QColor(t.image))
            pen.setWidthF(theme.RING)
            painter.setPen(pen)
            painter.drawRoundedRect(area.adjusted(half, half, -half, -half), round_px - half, round_px - half)
        elif self._face.remark and self._face.tone != "secondary":
            painter.setPen(QColor(getattr(t, self._face.tone)))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), round_px, round_px)

    def _paint_foot(self, painter: QPainter, t: theme.Tokens, top: int) -> None:
        face = self._face
        painter.setFont(self._small())
        metrics, inset, line = painter.fontMetrics(), theme.px(theme.BETWEEN), self._line()
        wide = self.width() - 2 * inset
        at = top + theme.px(3)
        for words, colour, mode in (
            (face.name, t.text, Qt.TextElideMode.ElideMiddle),
            (face.size, t.secondary, Qt.TextElideMode.ElideRight),
            (face.remark, getattr(t, face.tone), Qt.TextElideMode.ElideRight),
        ):
            if words:
                painter.setPen(QColor(colour))
                left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(inset, at, wide, line, left, metrics.elidedText(words, mode, wide))
                at += line
