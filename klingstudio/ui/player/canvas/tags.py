"""The small names on the pictures: which side this is, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette

from klingstudio.ui import theme
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.widgets.icons import pixmap

_OPACITY = 0.72
_HOVER_OPACITY = 0.92


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One name, in logical pixels."""

    words: str
    side: Side | None
    """The side it names; None: it says how both are laid against each other."""
    area: QRect
    """What it names. The tag does not reach out of it."""
    corner: Qt.AlignmentFlag
    has_arrow: bool = False
    """True: a press on it offers a choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedTag:
    """A tag where it is painted."""

    tag: Tag
    words: str
    place: QRect


def tag_font(font: QFont) -> QFont:
    """The font of tags."""
    small = QFont(font)
    small.setPixelSize(theme.px(theme.SMALL_PX))
    return theme.tabular(small)


def placed(tags: Iterable[Tag], font: QFont) -> list[PlacedTag]:
    """Where each tag goes. One that does not fit into its area is left out; one in the middle makes way for the others."""
    metrics = QFontMetrics(tag_font(font))
    found: list[PlacedTag] = []
    for tag in tags:
        one = _place(tag, metrics)
        if one is None:
            continue
        while any(one.place.intersects(other.place) for other in found):
            down = one.place.height() + theme.px(theme.GAP)
            one = replace(one, place=one.place.translated(0, down))
        found.append(one)
    return found


def _place(tag: Tag, metrics: QFontMetrics) -> PlacedTag | None:
    margin = inside = theme.px(theme.BETWEEN)
    arrow = _arrow_room() if tag.has_arrow else 0
    room = tag.area.width() - 2 * (margin + inside) - arrow
    words = metrics.elidedText(tag.words, Qt.TextElideMode.ElideRight, room)
    size = QSize(metrics.horizontalAdvance(words) + 2 * inside + arrow, metrics.height() + theme.px(theme.GAP))
    if room <= 0 or not words or size.height() + 2 * margin > tag.area.height():
        return None
    within = tag.area.adjusted(margin, margin, -margin, -margin)
    left, top = within.left(), within.top()
    if tag.corner & Qt.AlignmentFlag.AlignRight:
        left = within.right() + 1 - size.width()
    elif tag.corner & Qt.AlignmentFlag.AlignHCenter:
        left += (within.width() - size.width()) // 2
    if tag.corner & Qt.AlignmentFlag.AlignBottom:
        top = within.bottom() + 1 - size.height()
    return PlacedTag(tag=tag, words=words, place=QRect(QPoint(left, top), size))


def paint_tag(painter: QPainter, one: PlacedTag, palette: QPalette, *, is_hovered: bool) -> None:
    """Words on a dark ground that reads on every picture."""
    t = theme.tokens(palette)
    inside, round_px = theme.px(theme.BETWEEN), theme.px(theme.GAP)
    ground = QColor(t.viewer)
    ground.setAlphaF(_HOVER_OPACITY if is_hovered else _OPACITY)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(one.place, round_px, round_px)
    painter.setPen(QColor(t.viewer_text))
    words = one.place.adjusted(inside, 0, -inside, 0)
    painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, one.words)
    if one.tag.has_arrow:
        side = theme.px(theme.INSIDE)
        arrow = pixmap("chevron-down", t.viewer_text, side, painter.device().devicePixelRatio())
        painter.drawPixmap(words.right() + 1 - side, one.place.center().y() - side // 2 + 1, arrow)


def _arrow_room() -> int:
    return theme.px(theme.INSIDE + theme.GAP)
