"""A row of controls that gives up the less important ones, one after the other, where the place is narrow."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLayout, QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.player.transport.controls import Segment


class Row(QWidget):
    """What is left out here is still in the menu of all actions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.px(theme.GAP))
        # The layout would otherwise insist on room for everything.
        self._row.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self._shown: dict[QWidget, bool] = {}
        """In the order of the row: whether a control has a meaning now."""
        self._gaps = 0
        self._yields: list[QWidget] = []
        """Which control goes first, which next."""

    def add(self, widget: QWidget) -> None:
        """Put a control at the end of the row."""
        self._row.addWidget(widget)
        self._shown[widget] = True

    def add_gap(self) -> None:
        """Part what belongs together from what does not."""
        self._row.addSpacing(theme.px(theme.BETWEEN))
        self._gaps += 1

    def add_stretch(self) -> None:
        """What follows stands at the right."""
        self._row.addStretch(1)

    def let_go(self, *widgets: QWidget) -> None:
        """These may be left out, the first one first. A segment with icons gives up its words and stays."""
        self._yields = list(widgets)

    def want(self, widget: QWidget, is_wanted: bool) -> None:
        """Show a control where there is room, or not at all."""
        if self._shown[widget] != is_wanted:
            self._shown[widget] = is_wanted
            self._fit()
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(self._width_without(0), self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self._width_without(len(self._yields)), self._height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        # A control has other words now, or another font.
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return done

    def _fit(self) -> None:
        gone = 0
        while gone < len(self._yields) and self._width_without(gone) > self.width():
            gone += 1
        given_up = self._yields[:gone]
        for widget, is_wanted in self._shown.items():
            if isinstance(widget, Segment):
                widget.show_words(widget not in given_up or not widget.has_icons)
            widget.setVisible(is_wanted and (widget not in given_up or _stays(widget)))

    def _width_without(self, gone: int) -> int:
        given_up = self._yields[:gone]
        widths = []
        for widget, is_wanted in self._shown.items():
            if not is_wanted or (widget in given_up and not _stays(widget)):
                continue
            if isinstance(widget, Segment):
                widths.append(widget.width_with(words=widget not in given_up))
            else:
                widths.append(max(widget.sizeHint().width(), widget.minimumSize().width()))
        gaps = self._gaps * (theme.px(theme.BETWEEN) + self._row.spacing())
        return sum(widths) + gaps + self._row.spacing() * len(widths)

    def _height(self) -> int:
        return max([theme.px(theme.CONTROL), *(widget.sizeHint().height() for widget in self._shown)])


def _stays(widget: QWidget) -> bool:
    """It gives up its words only."""
    return isinstance(widget, Segment) and widget.has_icons
