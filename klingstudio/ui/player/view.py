"""The pictures, painted at device pixels: before on the left, after on the right, or one alone."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from klingstudio.media.decode_pixels import Picture
from klingstudio.ui import theme
from klingstudio.ui.player.pair import Pair

_SETTLE_MS = 60
"""While a window edge is dragged, pictures are stretched; they are decoded anew when it rests."""

_TAG_OPACITY = 0.72


class PairView(QWidget):
    """Shows the pair it was given last. Says how large one picture is on screen; decodes nothing."""

    box_changed = Signal(int, int)  # width, height in device pixels

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("viewer")
        self.setAccessibleName(self.tr("Viewer"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        # A click on the picture takes the keys away from a text field.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumSize(theme.px(theme.CONTROL * 4), theme.px(theme.CONTROL * 2))
        self._pair: Pair | None = None
        self._is_paired = False
        self._after_label = ""
        self._message = ""
        self._box = (0, 0)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._tell_box)

    def sizeHint(self) -> QSize:
        return QSize(theme.px(640), theme.px(360))

    def set_paired(self, is_paired: bool) -> None:
        """Make room for two pictures, or for one."""
        if is_paired != self._is_paired:
            self._is_paired = is_paired
            self._describe()
            self._tell_box()

    def set_after_label(self, label: str) -> None:
        """The name of the take, for example `v03`."""
        self._after_label = label
        self._describe()
        self.update()

    def show_pair(self, pair: Pair | None) -> None:
        """Paint these pictures from now on. None: an empty viewer."""
        self._pair = pair
        if pair is not None:
            self._message = ""
        self.update()

    def show_message(self, message: str) -> None:
        """Say something in the empty viewer."""
        self._message = message
        self.update()

    @property
    def box(self) -> tuple[int, int]:
        """Place of one picture: width and height in device pixels."""
        place = self._places()[0]
        return place.width(), place.height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._box == (0, 0) or self._pair is None:
            self._tell_box()
        else:
            self._settle.start()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._settle.start()
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(t.viewer))
        self._paint_pictures(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_corners(painter)
        if self._pair is None and self._message:
            painter.setPen(QColor(t.viewer_text))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            inside = theme.px(theme.AROUND)
            painter.drawText(self.rect().adjusted(inside, inside, -inside, -inside), flags, self._message)
        painter.end()

    def _paint_pictures(self, painter: QPainter) -> None:
        if self._pair is None:
            return
        before, after = self._pair.before, self._pair.after
        places = self._places()
        ratio = self.devicePixelRatioF()
        tags: list[tuple[QRect, str, bool]] = []
        painter.save()
        painter.scale(1 / ratio, 1 / ratio)
        for picture, place, name, is_right in (
            (before, places[0], self.tr("Before"), False),
            (after, places[-1], self._after_name(), True),
        ):
            if picture is not None:
                spot = _fitted(picture, place)
                _draw(painter, picture, spot)
                # Before alone has nothing to be told apart from.
                if after is not None:
                    tags.append((spot, name, is_right and before is not None))
        painter.restore()
        for spot, name, is_right in tags:
            logical = QRectF(spot.x() / ratio, spot.y() / ratio, spot.width() / ratio, spot.height() / ratio)
            self._paint_tag(painter, logical.toAlignedRect(), name, is_right=is_right)

    def _paint_tag(self, painter: QPainter, picture: QRect, name: str, *, is_right: bool) -> None:
        t = theme.tokens(self.palette())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(theme.px(theme.SMALL_PX))
        painter.setFont(font)
        metrics = painter.fontMetrics()
        margin, inside = theme.px(theme.BETWEEN), theme.px(theme.BETWEEN)
        room = picture.width() - 2 * (margin + inside)
        text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room)
        size = QSize(metrics.horizontalAdvance(text) + 2 * inside, metrics.height() + theme.px(theme.GAP))
        if room > 0 and size.height() + 2 * margin <= picture.height():
            left = picture.right() + 1 - margin - size.width() if is_right else picture.left() + margin
            tag = QRect(QPoint(left, picture.top() + margin), size)
            ground = QColor(t.viewer)
            ground.setAlphaF(_TAG_OPACITY)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(tag, theme.px(theme.GAP), theme.px(theme.GAP))
            painter.setPen(QColor(t.viewer_text))
            painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()

    def _paint_corners(self, painter: QPainter) -> None:
        outside = QPainterPath()
        outside.addRect(QRectF(self.rect()))
        radius = theme.px(theme.RADIUS)
        outside.addRoundedRect(QRectF(self.rect()), radius, radius)
        painter.fillPath(outside, QColor(theme.tokens(self.palette()).window))

    def _places(self) -> tuple[QRect, ...]:
        """Where pictures go, in device pixels."""
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        if not self._is_paired:
            return (QRect(0, 0, width, height),)
        gap = round(theme.px(theme.GAP) * ratio)
        half = max(0, (width - gap) // 2)
        return QRect(0, 0, half, height), QRect(width - half, 0, half, height)

    def _tell_box(self) -> None:
        self._settle.stop()
        if self.box != self._box:
            self._box = self.box
            self.box_changed.emit(*self._box)

    def _after_name(self) -> str:
        return self.tr("After") + (f" · {self._after_label}" if self._after_label else "")

    def _describe(self) -> None:
        name = self.tr("Before and {after}, side by side").format(after=self._after_name())
        self.setAccessibleDescription(name if self._is_paired else "")


def _fitted(picture: Picture, place: QRect) -> QRect:
    scale = min(place.width() / picture.width_px, place.height() / picture.height_px)
    width, height = round(picture.width_px * scale), round(picture.height_px * scale)
    # A picture that was decoded for this place is one pixel off at most; then it is copied, not scaled.
    if abs(width - picture.width_px) <= 1 and abs(height - picture.height_px) <= 1:
        width, height = picture.width_px, picture.height_px
    return QRect(place.x() + (place.width() - width) // 2, place.y() + (place.height() - height) // 2, width, height)


def _draw(painter: QPainter, picture: Picture, spot: QRect) -> None:
    image = QImage(
        picture.pixels, picture.width_px, picture.height_px, picture.stride_bytes, QImage.Format.Format_RGB32
    )
    is_scaled = spot.size() != image.size()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_scaled)
    painter.drawImage(spot, image)
