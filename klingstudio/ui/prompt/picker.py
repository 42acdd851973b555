"""The list that opens at an `@`: every reference with picture, number and name. The keyboard stays in the text."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from klingstudio.domain.prompt import Token
from klingstudio.ui import theme
from klingstudio.ui.prompt.faces import Face
from klingstudio.ui.widgets.icons import pixmap
from klingstudio.ui.widgets.labels import announce, label
from klingstudio.ui.widgets.picture import paint_cover

NOTHING = "No pictures yet: drop one or press Ctrl+I"


class Picker(QFrame):
    """Lies over its window, below the caret or above it, and never takes the focus."""

    picked = Signal(object)
    """The `Token` of the row that was clicked."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("picker")
        self.setAccessibleName("References")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._tokens: tuple[Token, ...] = ()
        self._nothing = label(NOTHING, "secondary", wraps=True)
        self._list = QListWidget(self)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setAccessibleName("References")
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setMouseTracking(True)
        self._list.setUniformItemSizes(True)
        self._list.setIconSize(QSize(theme.px(theme.PICK_PICTURE), theme.px(theme.PICK_ROW - 8)))
        self._list.itemEntered.connect(self._list.setCurrentItem)
        self._list.itemClicked.connect(self._on_click)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(theme.GAP),) * 4)
        column.addWidget(self._list)
        column.addWidget(self._nothing)
        self.hide()

    @property
    def rows(self) -> list[str]:
        """What stands in the list."""
        return [self._list.item(at).text() for at in range(self._list.count())]

    @property
    def token(self) -> Token | None:
        """What Enter takes; None where there is nothing to take."""
        at = self._list.currentRow()
        return self._tokens[at] if self.isVisible() and 0 <= at < len(self._tokens) else None

    def offer(self, faces: Sequence[Face], caret: QRect) -> None:
        """Show these, or that there are none yet. `caret`: in the window's coordinates."""
        chosen = self.token
        self._tokens = tuple(face.token for face in faces)
        self._list.clear()
        for face in faces:
            item = QListWidgetItem(self._icon(face), face.words.replace(", ", "   ", 1))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, face.words)
            item.setSizeHint(QSize(0, theme.px(theme.PICK_ROW)))
            self._list.addItem(item)
        self._list.setVisible(bool(faces))
        self._nothing.setVisible(not faces)
        self._list.setCurrentRow(self._tokens.index(chosen) if chosen in self._tokens else 0)
        was_hidden = self.isHidden()
        self._place(caret)
        self.show()
        self.raise_()
        if was_hidden:
            announce(self, f"{len(faces)} to point at: {self._spoken()}" if faces else NOTHING)

    def move_by(self, by: int) -> None:
        """Go to the next or the one before, round and round."""
        if count := self._list.count():
            self._list.setCurrentRow((self._list.currentRow() + by) % count)
            announce(self, self._spoken())

    def _spoken(self) -> str:
        at = self._list.currentRow()
        return str(self._list.item(at).data(Qt.ItemDataRole.AccessibleTextRole)) if at >= 0 else ""

    def _on_click(self, item: QListWidgetItem) -> None:
        self.picked.emit(self._tokens[self._list.row(item)])

    def _place(self, caret: QRect) -> None:
        room = self._window.rect().adjusted(*(theme.px(n) for n in (4, 4, -4, -4)))
        air = theme.px(theme.GAP)
        wide = min(theme.px(theme.PICK_WIDTH), room.width())
        rows = self._list.count() * theme.px(theme.PICK_ROW) + 2 * self._list.frameWidth()
        high = (rows or self._nothing.heightForWidth(wide - 4 * air)) + 2 * air + 2
        below, above = room.bottom() - caret.bottom() - air, caret.top() - room.top() - air
        goes_below = high <= below or below >= above
        high = min(high, below if goes_below else above)
        left = max(room.left(), min(caret.left(), room.right() - wide))
        top = caret.bottom() + air if goes_below else caret.top() - air - high
        self.setGeometry(QRect(QPoint(left, top), QSize(wide, high)))

    def _icon(self, face: Face) -> QIcon:
        t, ratio, size = theme.tokens(self.palette()), self.devicePixelRatioF(), self._list.iconSize()
        drawn = QPixmap(size * ratio)
        drawn.setDevicePixelRatio(ratio)
        drawn.fill(Qt.GlobalColor.transparent)
        painter = QPainter(drawn)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(0, 0, size.width(), size.height())
        shape = QPainterPath()
        shape.addRoundedRect(area, theme.px(theme.CHIP_RADIUS), theme.px(theme.CHIP_RADIUS))
        painter.setClipPath(shape)
        painter.fillRect(area, QColor(theme.mix(t.raised, face.colour(t), 0.2)))
        if face.picture is not None:
            paint_cover(painter, area, face.picture, ratio)
        else:
            side = theme.px(theme.CHIP_ICON)
            at = area.center().toPoint() - QPoint(side // 2, side // 2)
            painter.drawPixmap(at, pixmap(face.icon, face.colour(t), side, ratio))
        painter.end()
        return QIcon(drawn)
