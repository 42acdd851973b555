"""What lies under the pointer on the scrub bar: small pictures and their time, above the bar."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from klingstudio.media.decode_pixels import Picture
from klingstudio.ui import theme


class Hover(QWidget):
    """Lies over the player and lets every click through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._place_in = parent
        self.setObjectName("hover")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._images: list[QImage] = []
        self._words = ""
        self.hide()

    @property
    def words(self) -> str:
        """What is written under the pictures; empty while nothing is shown."""
        return self._words if self.isVisible() else ""

    @property
    def images(self) -> Sequence[QImage]:
        return self._images

    def show_at(self, at: QPoint, pictures: Sequence[Picture], words: str) -> None:
        """`at`: the point in the parent above which it stands, not leaving the parent at the sides."""
        self._images = [
            _small(picture, theme.px(theme.HOVER_PICTURE), self.devicePixelRatioF()) for picture in pictures
        ]
        self._words = words
        size = self.sizeHint()
        room = self._place_in.width() - size.width()
        left = min(max(at.x() - size.width() // 2, 0), max(room, 0))
        self.setGeometry(left, at.y() - size.height() - theme.px(theme.GAP), size.width(), size.height())
        self.show()
        self.raise_()
        self.update()

    def sizeHint(self) -> QSize:
        inside, gap = theme.px(theme.GAP), theme.px(theme.GAP)
        sizes = [image.deviceIndependentSize() for image in self._images]
        words = self.fontMetrics().horizontalAdvance(self._words) + 2 * theme.px(theme.BETWEEN)
        pictures = round(sum(size.width() for size in sizes)) + gap * max(0, len(sizes) - 1)
        tall = round(max((size.height() for size in sizes), default=0.0))
        line = self.fontMetrics().height() + theme.px(theme.GAP)
        return QSize(max(pictures, words) + 2 * inside, tall + line + inside + (inside if tall else 0))

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        inside = theme.px(theme.GAP)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(t.line))
        painter.setBrush(QColor(t.raised))
        round_px = theme.px(theme.RADIUS_INSIDE)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), round_px, round_px)
        left = float(inside)
        for image in self._images:
            size = image.deviceIndependentSize()
            painter.drawImage(QRectF(left, inside, size.width(), size.height()), image)
            left += size.width() + theme.px(theme.GAP)
        font: QFont = theme.tabular(self.font())
        painter.setFont(font)
        painter.setPen(QColor(t.text))
        line = painter.fontMetrics().height() + theme.px(theme.GAP)
        bottom = self.rect().adjusted(0, self.height() - line - inside // 2, 0, -(inside // 2))
        painter.drawText(bottom, Qt.AlignmentFlag.AlignCenter, self._words)
        painter.end()


def _small(picture: Picture, side_px: int, ratio: float) -> QImage:
    """A picture whose long side is `side_px`. It owns its pixels."""
    image = QImage(
        picture.pixels, picture.width_px, picture.height_px, picture.stride_bytes, QImage.Format.Format_RGB32
    )
    side = round(side_px * ratio)
    made = image.scaled(
        side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    ).convertToFormat(QImage.Format.Format_RGB32)
    made = made.copy()
    made.setDevicePixelRatio(ratio)
    return made
