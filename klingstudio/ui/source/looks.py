"""How the strip of pictures is painted."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap

from klingstudio.ui import theme
from klingstudio.ui.source.ruler import Ruler
from klingstudio.ui.widgets.picture import paint_cover

_SHADE = 0.72
"""Over what is not used."""


def clip_to_card(painter: QPainter, area: QRectF) -> None:
    """The strip is the top of a card and has its round corners."""
    round_px = theme.px(theme.RADIUS - 1)
    path = QPainterPath()
    path.addRoundedRect(area.adjusted(0, 0, 0, round_px), round_px, round_px)
    painter.setClipPath(path)


def paint_words(painter: QPainter, t: theme.Tokens, area: QRectF, words: str) -> None:
    """What is said while there are no pictures."""
    font = painter.font()
    font.setPixelSize(theme.px(theme.SMALL_PX))
    painter.setFont(font)
    painter.setPen(QColor(t.secondary))
    inside = area.adjusted(theme.px(theme.INSIDE), 0, -theme.px(theme.INSIDE), 0)
    shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(inside.width()))
    painter.drawText(inside, Qt.AlignmentFlag.AlignCenter, shown)


def paint_pictures(painter: QPainter, area: QRectF, ruler: Ruler, pictures: Sequence[QPixmap], ratio: float) -> None:
    """Side by side in their own shape, each the one nearest to what lies in its middle."""
    if not pictures:
        return
    wide = max(area.height() * pictures[0].width() / max(pictures[0].height(), 1), 4.0)
    count = max(1, round(area.width() / wide))
    wide = area.width() / count
    for n in range(count):
        share = ruler.time_at((n + 0.5) * wide) / ruler.length_s
        nearest = min(int(share * len(pictures)), len(pictures) - 1)
        # A hair wider, or the ground would be seen between two of them.
        paint_cover(painter, QRectF(n * wide, 0, wide + 0.5, area.height()), pictures[nearest], ratio)


def paint_part(painter: QPainter, t: theme.Tokens, area: QRectF, ruler: Ruler) -> None:
    """A frame around what is used, and a shade over the rest."""
    shade = QColor(t.window)
    shade.setAlphaF(_SHADE)
    painter.fillRect(QRectF(0, 0, ruler.left, area.height()), shade)
    painter.fillRect(QRectF(ruler.right, 0, area.width() - ruler.right, area.height()), shade)
    bar, line, round_px = theme.px(theme.TRIM_BAR), theme.px(theme.RING), theme.px(theme.RADIUS_INSIDE)
    part = QRectF(ruler.left, 0, max(ruler.right - ruler.left, 2 * bar + 1), area.height())
    frame = QPainterPath()
    frame.setFillRule(Qt.FillRule.OddEvenFill)
    frame.addRoundedRect(part, round_px, round_px)
    frame.addRect(part.adjusted(bar, line, -bar, -line))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(t.accent))
    painter.drawPath(frame)
    grip = QPen(QColor(t.on_accent), max(1.0, theme.px(1)))
    grip.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(grip)
    middle, high = area.height() / 2, area.height() / 7
    for x in (part.left() + bar / 2, part.right() - bar / 2):
        painter.drawLine(QPointF(x, middle - high), QPointF(x, middle + high))
