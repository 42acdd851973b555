"""A problem or a question at its place: what happened, what to do, and the button that helps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.flow import FlowLayout
from klingstudio.ui.widgets.icons import Button, IconButton, IconLabel
from klingstudio.ui.widgets.labels import announce, label, set_role

if TYPE_CHECKING:
    from klingstudio.ui.widgets.details import Details

Tone = Literal["neutral", "good", "warning", "bad"]
_ICONS: dict[Tone, str] = {
    "neutral": "info",
    "good": "circle-check",
    "warning": "triangle-alert",
    "bad": "circle-alert",
}


class Notice(QFrame):
    """Icon, sentence, hint and up to a few buttons. Hidden until it has something to say."""

    acted = Signal(str)
    """The label of the button that was pressed."""

    def __init__(self, parent: QWidget | None = None, *, can_close: bool = False) -> None:
        super().__init__(parent)
        self.setProperty("ground", "card")
        self._copied = ""
        self._icon = IconLabel("info")
        self._title = label(role="strong", wraps=True)
        self._hint = label(role="secondary", wraps=True)
        self._copy = IconButton("copy", "Copy details", self)
        self._copy.setProperty("on", "raised")
        self._copy.clicked.connect(self._copy_details)
        self._close = IconButton("x", "Close", self)
        self._close.setProperty("on", "raised")
        self._close.clicked.connect(self.hide)
        self._close.setVisible(can_close)
        self.details: Details | None = None
        """Behind the sentence, where there is more to read."""
        self._buttons = QWidget(self)
        self._flow = FlowLayout(self._buttons, gap=theme.px(theme.BETWEEN))

        words = QVBoxLayout()
        words.setSpacing(theme.px(2))
        words.addWidget(self._title)
        words.addWidget(self._hint)
        words.addSpacing(theme.px(theme.GAP))
        words.addWidget(self._buttons)
        self._words = words
        row = QHBoxLayout(self)
        row.setContentsMargins(*(theme.px(n) for n in (12, 10, 8, 10)))
        row.setSpacing(theme.px(10))
        side = QVBoxLayout()
        side.addSpacing(theme.px(1))
        side.addWidget(self._icon)
        side.addStretch()
        row.addLayout(side)
        row.addLayout(words, stretch=1)
        top = Qt.AlignmentFlag.AlignTop
        row.addWidget(self._copy, alignment=top)
        row.addWidget(self._close, alignment=top)
        self.hide()

    @property
    def title(self) -> str:
        """What it says now; empty while hidden."""
        return "" if self.isHidden() else self._title.text()

    @property
    def hint(self) -> str:
        return "" if self.isHidden() else self._hint.text()

    def button(self, words: str) -> Button | None:
        """The button with this label, if it is shown."""
        return next((b for b in self._buttons.findChildren(Button) if b.text() == words), None)

    def say(
        self,
        title: str,
        hint: str = "",
        buttons: Sequence[str] = (),
        *,
        tone: Tone = "bad",
        details: str = "",
        reply: str = "",
        spends: str = "",
    ) -> None:
        """Show a sentence.

        Args:
            details: can be copied.
            reply: can be looked at behind the sentence, and is copied with the details.
            spends: label of the button that costs money.
        """
        is_new = self.isHidden() or (self._title.text(), self._hint.text()) != (title, hint)
        self._copied = details
        self._icon.show_icon(_ICONS[tone], "secondary" if tone == "neutral" else tone)
        set_role(self, "edge", "line" if tone == "neutral" else tone)
        self._title.setText(title)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._copy.setVisible(bool(details) and not reply)
        self._show_details(reply, details)
        if [b.text() for b in self._buttons.findChildren(Button)] != [str(words) for words in buttons]:
            self._set_buttons(buttons, spends)
        self.setAccessibleName(title)
        self.setAccessibleDescription(hint)
        self.show()
        if is_new:
            announce(self, f"{title}. {hint}")

    def _show_details(self, reply: str, details: str) -> None:
        if reply and self.details is None:
            # Most notices have none, and the first ones are built before the window is on screen.
            from klingstudio.ui.widgets.details import Details

            self.details = Details(self)
            self._words.addWidget(self.details)
        if self.details is not None:
            self.details.tell(reply, copied=details)

    def clear(self) -> None:
        self.hide()

    def _set_buttons(self, buttons: Sequence[str], spends: str) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        for words in buttons:
            button = Button(str(words), self._buttons, kind="spend" if words == spends else "small")
            button.clicked.connect(self._on_button)
            self._flow.addWidget(button)
            button.show()
        self._buttons.setVisible(bool(buttons))

    def _on_button(self) -> None:
        sender = self.sender()
        if isinstance(sender, Button):
            self.acted.emit(sender.text())

    def _copy_details(self) -> None:
        QGuiApplication.clipboard().setText(self._copied)
