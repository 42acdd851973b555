"""The Generate button: the word, the price, the keys."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import Button


class GenerateButton(Button):
    """Three texts of different weight on one ground."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent, kind="primary")
        self.setObjectName("generate")
        self._word = "Generate"
        self._price = ""
        self._keys = ""

    def show_words(self, word: str, price: str, keys: str) -> None:
        """What stands on the button; `price` and `keys` may be empty."""
        self._word, self._price, self._keys = word, price, keys
        self.setAccessibleName(", ".join(part for part in (word, price) if part))
        self.updateGeometry()
        self.update()

    @property
    def price(self) -> str:
        return self._price

    @property
    def word(self) -> str:
        return self._word

    def sizeHint(self) -> QSize:
        width = sum(QFontMetrics(font).horizontalAdvance(words) for words, font, _ in self._texts())
        gaps = theme.px(theme.INSIDE) * (len(self._texts()) - 1)
        return QSize(width + gaps + 2 * theme.px(18), theme.px(theme.BIG_CONTROL) + 2)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _texts(self) -> list[tuple[str, QFont, float]]:
        strong, small = QFont(self.font()), theme.tabular(self.font())
        strong.setPixelSize(theme.px(theme.BASE_PX + 1))
        strong.setWeight(QFont.Weight.DemiBold)
        small.setPixelSize(theme.px(theme.BASE_PX))
        small.setWeight(QFont.Weight.Medium)
        keys = QFont(small)
        keys.setPixelSize(theme.px(theme.SMALL_PX))
        texts = [(self._word, strong, 1.0), (self._price, small, 1.0), (self._keys, keys, 0.86)]
        return [one for one in texts if one[0]]

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        t = theme.tokens(self.palette())
        off = theme.mix(t.window, t.text, 0.66)
        colour = QColor(t.on_accent if self.isEnabled() else off)
        left = theme.px(18)
        for words, font, opacity in self._texts():
            painter.setFont(font)
            ink = QColor(colour)
            ink.setAlphaF(opacity)
            painter.setPen(ink)
            wide = QFontMetrics(font).horizontalAdvance(words)
            area = QRect(left, 0, wide + 2, self.height())
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
            left += wide + theme.px(theme.INSIDE)
        painter.end()
