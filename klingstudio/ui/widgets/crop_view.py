"""A large picture with a frame that can be moved and pulled at its edges, by mouse and by keyboard."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QSizePolicy, QWidget

from klingstudio.ui import theme

_STEP = 0.01
_LEAST = 0.02
"""Of the frame, as a part of the picture's side."""
_WHOLE = QRectF(0, 0, 1, 1)
_CURSORS = {
    (True, True): Qt.CursorShape.SizeFDiagCursor,
    (True, False): Qt.CursorShape.SizeHorCursor,
    (False, True): Qt.CursorShape.SizeVerCursor,
}


class CropView(QWidget):
    """Holds the frame as parts of the picture. With a fixed shape it keeps it while it is pulled."""

    framed = Signal(QRectF)
    """The person moved or pulled the frame: left, top, width and height as parts of the picture."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture: QPixmap | None = None
        self._image = QImage()
        self._turn = 0
        self._frame = QRectF(_WHOLE)
        self._shape: float | None = None
        self._bars = QSize()
        self._pulled: tuple[int, int] | None = None
        self._held_at = QPointF()
        self._held_frame = QRectF()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(theme.px(240), theme.px(180))
        self.setAccessibleName("Crop")
        self.setAccessibleDescription("Arrow keys move the frame, with Shift they change its size")

    def sizeHint(self) -> QSize:
        return QSize(theme.px(640), theme.px(420))

    def show_picture(self, image: QImage) -> None:
        """The picture as its file shows it, perhaps smaller than it is."""
        self._image = image
        self._draw()

    def show_frame(self, frame: QRectF, *, turn: int, shape: float | None) -> None:
        """The frame on the picture turned by `turn` degrees.

        Args:
            shape: width by height that it has to keep, both as parts of the picture; None for any shape.
        """
        self._frame, self._shape = QRectF(frame), shape
        if turn != self._turn:
            self._turn = turn
            self._draw()
        self.update()

    def show_bars(self, size: QSize) -> None:
        """Around the frame there will be bars up to this size, in the picture's pixels; empty for none."""
        self._bars = size
        self.update()

    @property
    def frame(self) -> QRectF:
        return QRectF(self._frame)

    def _draw(self) -> None:
        turned = self._image.transformed(QTransform().rotate(self._turn)) if self._turn else self._image
        self._picture = None if turned.isNull() else QPixmap.fromImage(turned)
        self.update()

    # places

    def picture_area(self) -> QRectF:
        """Where the picture is drawn."""
        room = QRectF(self.rect()).adjusted(*(theme.px(theme.GRIP) * sign for sign in (1, 1, -1, -1)))
        if self._picture is None or room.isEmpty():
            return room
        size = QSize(self._picture.size()).scaled(room.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
        return QRectF(
            room.x() + (room.width() - size.width()) / 2,
            room.y() + (room.height() - size.height()) / 2,
            size.width(),
            size.height(),
        )

    def frame_area(self) -> QRectF:
        """Where the frame is drawn."""
        area, f = self.picture_area(), self._frame
        return QRectF(
            area.x() + f.x() * area.width(),
            area.y() + f.y() * area.height(),
            f.width() * area.width(),
            f.height() * area.height(),
        )

    def _edges_at(self, at: QPointF) -> tuple[int, int] | None:
        """Which edges are taken hold of: -1, 0 or 1 across and down; (0, 0) is the inside, None nothing."""
        frame, reach = self.frame_area(), theme.px(theme.GRIP)
        if not frame.adjusted(-reach, -reach, reach, reach).contains(at):
            return None

        def edge(value: float, first: float, last: float) -> int:
            # On a small frame the inside stays wide enough to move it.
            near = min(reach, (last - first) / 4)
            return -1 if value < first + near else 1 if value > last - near else 0

        return edge(at.x(), frame.left(), frame.right()), edge(at.y(), frame.top(), frame.bottom())

    # mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._picture is not None:
            self._pulled = self._edges_at(event.position())
            self._held_at, self._held_frame = event.position(), QRectF(self._frame)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pulled is None or not event.buttons() & Qt.MouseButton.LeftButton:
            self._show_cursor(self._edges_at(event.position()))
            return
        area = self.picture_area()
        way = event.position() - self._held_at
        dx, dy = way.x() / max(1.0, area.width()), way.y() / max(1.0, area.height())
        if self._pulled == (0, 0):
            self._move_from(self._held_frame, dx, dy)
        else:
            self._pull_from(self._held_frame, self._pulled, dx, dy)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pulled = None
        super().mouseReleaseEvent(event)
        self.update()

    def _show_cursor(self, edges: tuple[int, int] | None) -> None:
        if edges is None or self._picture is None:
            self.unsetCursor()
        elif edges == (0, 0):
            self.setCursor(Qt.CursorShape.SizeAllCursor)
        elif edges[0] * edges[1] < 0:
            self.setCursor(Qt.CursorShape.SizeBDiagCursor)
        else:
            self.setCursor(_CURSORS[bool(edges[0]), bool(edges[1])])

    # keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ways = {
            Qt.Key.Key_Left: (-_STEP, 0.0),
            Qt.Key.Key_Right: (_STEP, 0.0),
            Qt.Key.Key_Up: (0.0, -_STEP),
            Qt.Key.Key_Down: (0.0, _STEP),
        }
        way = ways.get(Qt.Key(event.key()))
        keys = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if way is None or keys not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
            super().keyPressEvent(event)
        elif keys == Qt.KeyboardModifier.ShiftModifier:
            self._pull_from(self._frame, (1 if way[0] else 0, 1 if way[1] else 0), *way)
        else:
            self._move_from(self._frame, *way)

    # what becomes of the frame

    def _move_from(self, frame: QRectF, dx: float, dy: float) -> None:
        moved = QRectF(frame)
        moved.moveLeft(min(max(0.0, frame.left() + dx), 1 - frame.width()))
        moved.moveTop(min(max(0.0, frame.top() + dy), 1 - frame.height()))
        self._set(moved)

    def _pull_from(self, frame: QRectF, edges: tuple[int, int], dx: float, dy: float) -> None:
        left, top, right, bottom = frame.left(), frame.top(), frame.right(), frame.bottom()
        if edges[0] < 0:
            left = min(max(0.0, left + dx), right - _LEAST)
        elif edges[0] > 0:
            right = max(min(1.0, right + dx), left + _LEAST)
        if edges[1] < 0:
            top = min(max(0.0, top + dy), bottom - _LEAST)
        elif edges[1] > 0:
            bottom = max(min(1.0, bottom + dy), top + _LEAST)
        pulled = QRectF(QPointF(left, top), QPointF(right, bottom))
        self._set(self._in_shape(pulled, frame, edges) if self._shape is not None else pulled)

    def _in_shape(self, pulled: QRectF, held: QRectF, edges: tuple[int, int]) -> QRectF:
        """The pulled frame in the shape to keep: the edge or corner that is not held stays where it is."""
        shape = self._shape or 1.0
        wide = pulled.width() if edges[0] else pulled.height() * shape
        # What is pulled at its side grows around its middle, up to the nearer edge of the picture.
        most_wide = _room(held.left(), held.right(), edges[0])
        most_high = _room(held.top(), held.bottom(), edges[1])
        wide = min(wide, most_wide, most_high * shape)
        high = wide / shape
        return QRectF(
            _begin(held.left(), held.right(), wide, edges[0]),
            _begin(held.top(), held.bottom(), high, edges[1]),
            wide,
            high,
        )

    def _set(self, frame: QRectF) -> None:
        if frame != self._frame:
            self._frame = frame
            self.framed.emit(QRectF(frame))
            self.update()

    # painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        round_px = theme.px(theme.RADIUS)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.viewer))
        painter.drawRoundedRect(QRectF(self.rect()), round_px, round_px)
        if self._picture is not None:
            self._paint_picture(painter, t, self._picture)
        painter.end()

    def _paint_picture(self, painter: QPainter, t: theme.Tokens, picture: QPixmap) -> None:
        area, frame = self.picture_area(), self.frame_area()
        painter.drawPixmap(area, picture, QRectF(picture.rect()))
        shade = QColor(t.viewer)
        shade.setAlphaF(0.68)
        painter.setBrush(shade)
        for part in (
            QRectF(area.left(), area.top(), area.width(), frame.top() - area.top()),
            QRectF(area.left(), frame.bottom(), area.width(), area.bottom() - frame.bottom()),
            QRectF(area.left(), frame.top(), frame.left() - area.left(), frame.height()),
            QRectF(frame.right(), frame.top(), area.right() - frame.right(), frame.height()),
        ):
            painter.drawRect(part)
        if not self._bars.isEmpty():
            self._paint_bars(painter, frame)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._pulled is not None:
            self._paint_thirds(painter, t, frame)
        # Light on dark: the frame lies on a picture of any colour.
        for colour, width in ((t.viewer, theme.RING + 2), (t.viewer_text, theme.RING)):
            painter.setPen(QPen(QColor(colour), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.SquareCap))
            painter.drawRect(frame)
            self._paint_corners(painter, frame, width)

    def _paint_bars(self, painter: QPainter, frame: QRectF) -> None:
        """The bars as they will stand beside what is framed, as far as there is room to show them."""
        wide = frame.height() * self._bars.width() / self._bars.height()
        high = frame.width() * self._bars.height() / self._bars.width()
        whole = QRectF(0, 0, max(frame.width(), wide), max(frame.height(), high))
        whole.moveCenter(frame.center())
        painter.setBrush(QColor(*theme.BAR_RGB, 225))
        for part in (
            QRectF(whole.topLeft(), QPointF(whole.right(), frame.top())),
            QRectF(QPointF(whole.left(), frame.bottom()), whole.bottomRight()),
            QRectF(QPointF(whole.left(), frame.top()), frame.bottomLeft()),
            QRectF(frame.topRight(), QPointF(whole.right(), frame.bottom())),
        ):
            if not part.isEmpty():
                painter.drawRect(part)

    def _paint_thirds(self, painter: QPainter, t: theme.Tokens, frame: QRectF) -> None:
        line = QColor(t.viewer_text)
        line.setAlphaF(0.4)
        painter.setPen(QPen(line, 1))
        for third in (1 / 3, 2 / 3):
            x, y = frame.left() + frame.width() * third, frame.top() + frame.height() * third
            painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))

    def _paint_corners(self, painter: QPainter, frame: QRectF, width: float) -> None:
        arm = min(theme.px(theme.AROUND), frame.width() / 3, frame.height() / 3)
        pen = painter.pen()
        pen.setWidthF(width + theme.RING)
        painter.setPen(pen)
        for corner, x, y in (
            (frame.topLeft(), 1, 1),
            (frame.topRight(), -1, 1),
            (frame.bottomLeft(), 1, -1),
            (frame.bottomRight(), -1, -1),
        ):
            painter.drawLine(corner, corner + QPointF(x * arm, 0))
            painter.drawLine(corner, corner + QPointF(0, y * arm))


def _room(first: float, last: float, edge: int) -> float:
    """How long a side may get that is pulled at its beginning, at its end, or grows around its middle."""
    if edge < 0:
        return last
    if edge > 0:
        return 1 - first
    middle = (first + last) / 2
    return 2 * min(middle, 1 - middle)


def _begin(first: float, last: float, length: float, edge: int) -> float:
    if edge < 0:
        return last - length
    return first if edge > 0 else (first + last - length) / 2
