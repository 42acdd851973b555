"""The Generate button: the word, the price, the keys."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.labels import set_role


class GenerateButton(Button):
    """Three texts of different weight on one ground."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent, kind="primary")
        self.setObjectName("generate")
        self._word = "Generate"
        self._price = ""
        self._keys = ""
        self._wide = 0

    def show_words(
        self, word: str, price: str, keys: str, *, takes_back: bool = False, keeps_width: bool = False
    ) -> None:
        """What stands on the button; `price` and `keys` may be empty.

        Args:
            takes_back: it does not spend money now, and has not the colour of that.
            keeps_width: it does not shrink under the pointer, as when it takes back.
        """
        if not takes_back and not keeps_width:
            self._wide = 0
        elif not self._wide:
            self._wide = self.sizeHint().width()
        set_role(self, "kind", "" if takes_back else "primary")
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
        return QSize(max(width + gaps + 2 * theme.px(18), self._wide), theme.px(theme.BIG_CONTROL) + 2)

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
        ink_of_kind = t.on_accent if self.property("kind") == "primary" else t.text
        colour = QColor(ink_of_kind if self.isEnabled() else off)
        texts = self._texts()
        gap = theme.px(theme.INSIDE)
        wide = sum(QFontMetrics(font).horizontalAdvance(words) for words, font, _ in texts) + gap * (len(texts) - 1)
        left = (self.width() - wide) // 2
        for words, font, opacity in texts:
            painter.setFont(font)
            ink = QColor(colour)
            ink.setAlphaF(opacity)
            painter.setPen(ink)
            wide = QFontMetrics(font).horizontalAdvance(words)
            area = QRect(left, 0, wide + 2, self.height())
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
            left += wide + gap
        painter.end()
