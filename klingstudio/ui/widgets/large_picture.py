"""A picture looked at larger, over everything else, until any key or click."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPixmap
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.labels import label
from klingstudio.ui.widgets.thumbnails import Thumbnails


class LargePicture(QFrame):
    """Reads the file on a thread of its own; until it is there the small picture stands in its place."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("largePicture")
        self.setProperty("ground", "card")
        self.setProperty("edge", "line")
        self._path = ""
        self._ratio = 1.0
        self._picture = QLabel(self)
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words = label("", "secondary")
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(theme.BETWEEN),) * 4)
        column.setSpacing(theme.px(theme.GAP))
        column.addWidget(self._picture)
        column.addWidget(self._words)
        self._reader = Thumbnails(self, side_px=theme.LARGE_LOOK * 2)
        self._reader.ready.connect(self._on_ready)

    def look_at(self, path: str, words: str, small: QPixmap, beside: QRect) -> None:
        """Show this file. `words`: what it is; `beside`: where it was asked for, on the screen."""
        self._path = path
        self._ratio = self.devicePixelRatioF()
        self._words.setText(words)
        self.setAccessibleName(words)
        self._show(small)
        self.adjustSize()
        room = self.screen().availableGeometry()
        at = beside.topRight() + QPoint(theme.px(theme.BETWEEN), 0)
        at.setX(max(room.left(), min(at.x(), room.right() - self.width())))
        at.setY(max(room.top(), min(at.y(), room.bottom() - self.height())))
        self.move(at)
        self.show()
        self.setFocus(Qt.FocusReason.PopupFocusReason)
        self._reader.want(path)

    def detach(self) -> None:
        """Wait for what is being read; the program ends."""
        self._reader.wait()

    def _on_ready(self, path: str, image: QImage) -> None:
        if path == self._path and not image.isNull():
            self._show(QPixmap.fromImage(image))

    def _show(self, picture: QPixmap) -> None:
        room = self.screen().availableSize()
        most = min(theme.px(theme.LARGE_LOOK), round(room.width() * 0.7), round(room.height() * 0.7))
        size = QSize(picture.size()).scaled(most, most, Qt.AspectRatioMode.KeepAspectRatio)
        self._picture.setFixedSize(size)
        drawn = picture.scaled(
            size * self._ratio, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        drawn.setDevicePixelRatio(self._ratio)
        self._picture.setPixmap(drawn)

    def keyPressEvent(self, _event: QKeyEvent) -> None:
        self.close()

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        self.close()
