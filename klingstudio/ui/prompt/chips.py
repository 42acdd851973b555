"""A token inside the text: small picture, number and name, as one character that is painted."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QFontMetricsF,
    QGuiApplication,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPyTextObject,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtWidgets import QTextEdit

from klingstudio.domain.prompt import Token
from klingstudio.ui import theme
from klingstudio.ui.prompt.document import token_in
from klingstudio.ui.prompt.faces import Face, Faces
from klingstudio.ui.widgets.drop import dashed
from klingstudio.ui.widgets.icons import pixmap
from klingstudio.ui.widgets.picture import paint_cover


class ChipPainter(QPyTextObject):
    """Measures and paints the tokens of one field. Each is drawn once, until it looks different."""

    def __init__(self, field: QTextEdit, faces: Faces, is_selected: Callable[[int], bool]) -> None:
        super().__init__(field)
        self._field = field
        self._faces = faces
        self._is_selected = is_selected
        self._sizes: dict[Token, QSizeF] = {}
        self._drawn: dict[tuple[Token, bool, float], QPixmap] = {}

    def forget(self) -> None:
        """Names, numbers, pictures, colours or the size of text changed."""
        self._sizes.clear()
        self._drawn.clear()

    def intrinsicSize(self, _document: QTextDocument, _position: int, form: QTextFormat) -> QSizeF:
        token = token_in(form)
        if token is None:
            return QSizeF()
        if token not in self._sizes:
            # Not higher than a line of the prompt: nothing moves when one is inserted.
            wide = chip_width(self._faces.of(token), self._font())
            # Qt rounds heights of lines up; with the same fraction the letters of both stand equally high.
            metrics = QFontMetricsF(self._field.font())
            self._sizes[token] = QSizeF(wide, theme.px(theme.CHIP_HEIGHT) + (metrics.ascent() + metrics.descent()) % 1)
        return self._sizes[token]

    def drawObject(
        self, painter: QPainter, area: QRectF | QRect, _document: QTextDocument, position: int, form: QTextFormat
    ) -> None:
        token = token_in(form)
        if token is not None:
            # Between two pixels it would be blurred.
            at = QPoint(round(area.left()), round(area.top()))
            painter.drawPixmap(at, self._chip(token, round(area.width()), is_selected=self._is_selected(position)))

    def _chip(self, token: Token, wide: int, *, is_selected: bool) -> QPixmap:
        ratio = self._field.devicePixelRatioF()
        key = token, is_selected, ratio
        if key not in self._drawn:
            size = QSize(wide, theme.px(theme.CHIP_HEIGHT))
            drawn = QPixmap(size * ratio)
            drawn.setDevicePixelRatio(ratio)
            drawn.fill(Qt.GlobalColor.transparent)
            painter = QPainter(drawn)
            t, face = theme.tokens(self._field.palette()), self._faces.of(token)
            paint_chip(painter, QRectF(drawn.rect().topLeft(), size), face, t, self._font(), is_selected=is_selected)
            painter.end()
            self._drawn[key] = drawn
        return self._drawn[key]

    def _font(self) -> QFont:
        font = theme.tabular(self._field.font())
        font.setPixelSize(theme.px(theme.CHIP_PX))
        font.setWeight(QFont.Weight.Medium)
        return font


def chip_width(face: Face, font: QFont) -> float:
    """Room for the picture, the label and a little air to both sides."""
    wide = QFontMetricsF(font).horizontalAdvance(_label(face, font))
    inside = theme.px(theme.CHIP_THUMB) + theme.px(theme.CHIP_AIR) * 3
    return round(wide + inside + 2 * theme.px(1))


def paint_chip(painter: QPainter, area: QRectF, face: Face, t: theme.Tokens, font: QFont, *, is_selected: bool) -> None:
    """The chip fills its area but for a hair's breadth to its neighbours."""
    ratio = painter.device().devicePixelRatio()
    colour, is_there = face.colour(t), face.number is not None
    air, round_px = theme.px(theme.CHIP_AIR), theme.px(theme.CHIP_RADIUS)
    body = area.adjusted(theme.px(1), 0.5, -theme.px(1), -0.5)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setPen(Qt.PenStyle.NoPen if is_there else dashed(QColor(colour)))
    if is_selected:
        painter.setPen(QPen(QColor(colour), theme.RING))
    ground = theme.mix(t.raised, colour, 0.2 if is_there else 0.06)
    ink = colour
    if is_selected:
        # Qt lays half of the selection's colour over it: what is below has to be told apart all the better.
        ground, ink = max((t.window, t.raised), key=lambda one: theme.contrast(one, t.text)), t.text
    painter.setBrush(QColor(ground))
    painter.drawRoundedRect(body, round_px, round_px)
    high = body.height() - 2 * theme.px(2)
    thumb = QRectF(body.left() + theme.px(2), body.top() + theme.px(2), theme.px(theme.CHIP_THUMB), high)
    if face.picture is not None:
        shape = QPainterPath()
        shape.addRoundedRect(thumb, round_px - 1, round_px - 1)
        painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
        paint_cover(painter, thumb, face.picture, ratio)
        painter.setClipping(False)
    else:
        side = theme.px(theme.CHIP_ICON)
        middle = thumb.center() - QPointF(side / 2, side / 2)
        painter.drawPixmap(middle, pixmap(face.icon, colour, side, ratio))
    painter.setFont(font)
    painter.setPen(QColor(ink))
    # On the line of the letters around it.
    baseline = area.bottom() - QFontMetrics(QGuiApplication.font()).descent() - theme.px(1)
    painter.drawText(QPointF(thumb.right() + air, baseline), _label(face, font))


def _label(face: Face, font: QFont) -> str:
    return QFontMetricsF(font).elidedText(face.label, Qt.TextElideMode.ElideMiddle, theme.px(theme.CHIP_NAME_MOST))
