"""The dashed row that a new element comes from: files, or the library."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QToolButton, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.drop import dashed
from klingstudio.ui.widgets.icons import pixmap
from klingstudio.ui.widgets.labels import plain_tip

_WORDS = "Element"
_LINKS = ("or from library", "or library", "library")
"""What stands behind it, and what where there is less and less room."""


class AddElement(QAbstractButton):
    """Click, press Enter or drop pictures: the first is the front. The words behind it open the library."""

    library_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("addElement")
        self.setText(_WORDS)
        self.setAccessibleName("Add an element")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._words = ""
        self._refuses = False
        self.from_library = QToolButton(self)
        self.from_library.setProperty("kind", "words")
        self.from_library.setText(_LINKS[0])
        self.from_library.setAccessibleName("Add an element from the library")
        self.from_library.setCursor(Qt.CursorShape.PointingHandCursor)
        self.from_library.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.from_library.clicked.connect(self.library_wanted)
        self.show_refusal("")

    def show_refusal(self, reason: str) -> None:
        """Why there can be no further element; empty where there can."""
        self.setEnabled(not reason)
        usual = "A character or object: a front picture and up to three angles"
        self.setToolTip(plain_tip(reason or usual))
        self.setAccessibleDescription(reason or usual)
        self.from_library.setToolTip(reason or "Elements that were saved before (Ctrl+L)")

    @property
    def words(self) -> str:
        """What a drop here would do; empty while nothing is held over it."""
        return self._words

    def light(self, words: str, *, refuses: bool = False) -> None:
        """Pictures are held over it; empty: no longer."""
        self._words, self._refuses = words, refuses
        self._place_link()
        self.update()

    def sizeHint(self) -> QSize:
        high = max(theme.px(theme.CONTROL), self.fontMetrics().height() + theme.px(2 * theme.BETWEEN))
        return QSize(self._own_width() + self._width_of(_LINKS[0]) + 2 * theme.px(theme.GAP), high)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not event.modifiers():
            self.click()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_link()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()
            self._place_link()

    def _place_link(self) -> None:
        link, room = self.from_library, self.width() - self._own_width() - 2 * theme.px(theme.GAP)
        fits = next((words for words in _LINKS if self._width_of(words) <= room), "")
        if fits:
            link.setText(fits)
        link.adjustSize()
        # Cut off it would look broken; the library has a key and a line in the menu too.
        link.setVisible(bool(fits) and not self._words)
        link.move(self._left() + self._own_width(), (self.height() - link.height() + theme.px(2)) // 2)

    def _width_of(self, link: str) -> int:
        bare = self.from_library.sizeHint().width() - self._advance(self.from_library.text())
        return bare + self._advance(link)

    def _advance(self, words: str) -> int:
        return self.from_library.fontMetrics().horizontalAdvance(words)

    def _own_width(self) -> int:
        wide = self.fontMetrics().horizontalAdvance(_WORDS)
        return theme.px(theme.ICON) + theme.px(theme.BETWEEN) + wide

    def _left(self) -> int:
        # What the link keeps free behind its words is not seen, and does not count.
        link = 0 if self.from_library.isHidden() else self.from_library.width() - self._width_of("") // 2
        return max(theme.px(theme.GAP), (self.width() - self._own_width() - link) // 2)

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area, round_px = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(theme.RADIUS)
        if self._words:
            colour = t.bad if self._refuses else t.accent
            painter.setBrush(QColor(theme.mix(t.panel, colour, 0.12)))
            painter.setPen(dashed(QColor(colour), 2))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), round_px, round_px)
            painter.setPen(QColor(t.text))
            wide = self.width() - 2 * theme.px(theme.BETWEEN)
            words = painter.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, wide)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, words)
        else:
            self._paint_row(painter, t, area, round_px)
        painter.end()

    def _paint_row(self, painter: QPainter, t: theme.Tokens, area: QRectF, round_px: int) -> None:
        if not self.isEnabled():
            painter.setOpacity(theme.DISABLED)
        elif self.underMouse():
            painter.setBrush(QColor(theme.mix(t.panel, t.text, 0.12 if self.isDown() else 0.05)))
        painter.setPen(dashed(QColor(t.edge)))
        painter.drawRoundedRect(area, round_px, round_px)
        side, left = theme.px(theme.ICON), self._left()
        icon = pixmap("user-round-plus", t.secondary, side, self.devicePixelRatioF())
        painter.drawPixmap(left, (self.height() - side) // 2, icon)
        painter.setPen(QColor(t.secondary))
        left += side + theme.px(theme.BETWEEN)
        aligned = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(left, 0, self.width() - left, self.height(), aligned, _WORDS)
