"""What is done with a picture whose shape the provider does not take."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QWidget

from klingstudio.domain.media import Framing
from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import Button

_WORDS = {
    Framing.SCALE: ("Scale", "All of the picture, in its own shape. No size of this shape is taken"),
    Framing.PAD: ("Bars", "All of the picture, with black bars where it is too narrow"),
    Framing.CROP: ("Crop", "The middle of the picture, cut to a shape that is taken"),
}


class FramingRow(QWidget):
    """One of three. Scaling is greyed, with the reason: the row is there only where it does not do."""

    wanted = Signal(object)
    """Framing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Shape of the picture")
        self._group = QButtonGroup(self)
        self.buttons: dict[Framing, Button] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(theme.GAP))
        for framing, (words, tip) in _WORDS.items():
            button = Button(words, self, kind="small")
            button.setCheckable(True)
            button.setToolTip(tip)
            button.setAccessibleDescription(tip)
            button.clicked.connect(partial(self._on_button, framing))
            self._group.addButton(button)
            self.buttons[framing] = button
            row.addWidget(button, stretch=1)
        self.buttons[Framing.SCALE].setEnabled(False)

    def show_framing(self, framing: Framing) -> None:
        self.buttons[framing].setChecked(True)

    def _on_button(self, framing: Framing, _checked: bool = False) -> None:
        self.wanted.emit(framing)
