"""What was spent today, at the top of the window: `Today $5.84 of $20`. A press opens the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from klingstudio.ui import text, theme
from klingstudio.ui.models.spending import brief
from klingstudio.ui.widgets.labels import plain_tip

if TYPE_CHECKING:
    from klingstudio.ui.models.spending import SpendingModel


class SpendingButton(QToolButton):
    """Not there while nothing was spent and there is no limit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("spending")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._parts: list[tuple[str, bool]] = []
        self._spending: SpendingModel | None = None
        self._has_room = True
        self.hide()

    def follow(self, spending: SpendingModel) -> None:
        """Show what this model says, from now on."""
        self._spending = spending
        spending.changed.connect(self.refresh)
        self.refresh()

    def show_width(self, width: int) -> None:
        """Leave the place to the menus where the window is narrow."""
        self._has_room = width >= theme.px(theme.SPENDING_FROM)
        self.setVisible(self._has_room and bool(self._parts))

    @property
    def words(self) -> str:
        """What stands there."""
        return "".join(words for words, _ in self._parts)

    def refresh(self) -> None:
        """Read the day again."""
        balances = self._spending.balances if self._spending is not None else ()
        days = [one for one in balances if one.period.value == "day"]
        self._parts = []
        for number, day in enumerate(days):
            self._parts += [("Today " if number == 0 else " · ", False), (brief(day.booked), True)]
            if day.limit is not None:
                self._parts.append((f" of {brief(day.limit)}", False))
        tip = "\n".join([line for one in balances for line in text.spent(one)] + ["Press to change the limits"])
        self.setToolTip(plain_tip(tip))
        self.setAccessibleName(self.words)
        self.setAccessibleDescription(tip)
        self.setVisible(self._has_room and bool(self._parts))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        wide = sum(QFontMetrics(font).horizontalAdvance(words) for words, font, _ in self._texts())
        return QSize(wide + 2 * theme.px(theme.BETWEEN), theme.px(28))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _texts(self) -> list[tuple[str, QFont, str]]:
        plain, strong = theme.tabular(self.font()), theme.tabular(self.font())
        strong.setWeight(QFont.Weight.DemiBold)
        t = theme.tokens(self.palette())
        return [
            (words, strong if is_strong else plain, t.text if is_strong else t.secondary)
            for words, is_strong in self._parts
        ]

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        left = theme.px(theme.BETWEEN)
        for words, font, colour in self._texts():
            painter.setFont(font)
            painter.setPen(QColor(colour))
            wide = QFontMetrics(font).horizontalAdvance(words)
            painter.drawText(QRect(left, 0, wide + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, words)
            left += wide
        painter.end()
