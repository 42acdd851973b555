"""The line between two tiles that shows where a dragged one would go."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from klingstudio.ui import theme


class Marker(QWidget):
    """Lies over the tiles and takes no mouse."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._strip = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_gap(self, tiles: Sequence[QRect], gap: int, at: QPoint) -> None:
        """Show a gap as `gap_at` found it: before the tile behind it, or behind the last one of the pointer's row."""
        wide, between = theme.px(theme.RING + 1), theme.px(theme.BETWEEN)
        is_row_end = gap == len(tiles) or at.y() < tiles[gap].top()
        tile = tiles[gap - 1] if is_row_end and gap else tiles[gap]
        middle = tile.right() + 1 + between / 2 if is_row_end and gap else tile.left() - between / 2
        # At either side of the strip there is half a gap less: the line stays inside.
        left = min(max(0, round(middle - wide / 2)), self._strip.width() - wide)
        self.setGeometry(left, tile.top(), wide, tile.height())
        self.show()
        self.raise_()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.tokens(self.palette()).accent))
        round_px = self.width() / 2
        painter.drawRoundedRect(QRectF(self.rect()), round_px, round_px)
        painter.end()


def gap_at(tiles: Sequence[QRect], at: QPoint) -> int:
    """Between which tiles a place lies, as the number of the tile behind it: as one reads, row by row."""
    for n, tile in enumerate(tiles):
        is_above = at.y() < tile.top()
        is_in_row = tile.top() <= at.y() <= tile.bottom()
        if is_above or (is_in_row and at.x() < tile.center().x()):
            return n
    return len(tiles)
