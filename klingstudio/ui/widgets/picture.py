"""A small picture with round corners, and how pictures and their numbers are painted."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPixmap, QPixmapCache
from PySide6.QtWidgets import QWidget

from klingstudio.media.image_file import sniff_image
from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import pixmap


def picture_from(data: bytes | None) -> QPixmap | None:
    """A picture from the bytes of a PNG or JPEG; None where there is none."""
    form = sniff_image(data[:12]) if data else None
    if data is None or form is None:
        return None
    made = QPixmap()
    return made if made.loadFromData(data, form.upper()) else None


def paint_cover(painter: QPainter, area: QRectF, picture: QPixmap, ratio: float) -> None:
    """Fill `area` with the middle of the picture, without changing its shape."""
    wanted = QSize(round(area.width() * ratio), round(area.height() * ratio))
    if wanted.isEmpty() or picture.isNull():
        return
    scaled = _scaled(picture, wanted)
    left, top = (scaled.width() - wanted.width()) / 2, (scaled.height() - wanted.height()) / 2
    painter.drawPixmap(area, scaled, QRectF(left, top, wanted.width(), wanted.height()))


def _scaled(picture: QPixmap, wanted: QSize) -> QPixmap:
    """The picture no larger than it must be to cover so many device pixels; kept, for scaling takes milliseconds."""
    key = f"cover {picture.cacheKey()} {wanted.width()} {wanted.height()}"
    scaled = QPixmap()
    if not QPixmapCache.find(key, scaled):
        scaled = picture.scaled(
            wanted, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
        )
        QPixmapCache.insert(key, scaled)
    return scaled


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
