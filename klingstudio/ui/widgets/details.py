"""One press away: the long text behind a short sentence, to be read, selected and copied."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import Button

SHOW, HIDE = "Details", "Hide details"
COPY, COPIED = "Copy", "Copied"


class _Words(QPlainTextEdit):
    """Read-only; Tab goes on, and the arrow keys scroll."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "details")
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAccessibleName("Details")
        flags = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        self.setTextInteractionFlags(flags)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPixelSize(theme.px(theme.SMALL_PX))
        self.document().setDefaultFont(font)
        self.setFixedHeight(theme.px(theme.DETAILS_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(120), theme.px(theme.DETAILS_HEIGHT))


class Details(QWidget):
    """Closed at first; hidden altogether while there is nothing to tell."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_open = False
        self.toggle = Button(SHOW, self, kind="link", icon_name="chevron-right")
        self.toggle.clicked.connect(self._flip)
        self.copy = Button(COPY, self, kind="link", icon_name="copy")
        self.copy.setAccessibleName("Copy details")
        self.copy.clicked.connect(self._copy)
        self._words: _Words | None = None
        self._text = self._copied = ""
        row = QHBoxLayout()
        row.setSpacing(theme.px(theme.INSIDE))
        row.addWidget(self.toggle)
        row.addWidget(self.copy)
        row.addStretch()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.px(theme.GAP))
        self._column.addLayout(row)
        self.tell("")

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def text(self) -> str:
        """What there is to read; empty where there is nothing."""
        return self._text

    def tell(self, text: str, *, copied: str = "") -> None:
        """What there is to read, and what is copied where that is more. Another text closes it again."""
        self._copied = copied or text
        if text != self._text:
            self._text = text
            self._is_open = False
        self.setVisible(bool(text))
        self._show()

    def _flip(self) -> None:
        self._is_open = not self._is_open
        self._show()

    def _show(self) -> None:
        if self._is_open and self._words is None:
            # Made when first wanted: most problems are never looked into.
            self._words = _Words(self)
            self._column.addWidget(self._words)
        if self._words is not None:
            self._words.setVisible(self._is_open)
            if self._words.toPlainText() != self._text:
                self._words.setPlainText(self._text)
        self.toggle.setText(HIDE if self._is_open else SHOW)
        self.toggle.show_icon("chevron-down" if self._is_open else "chevron-right")
        self.copy.setText(COPY)
        self.copy.setVisible(self._is_open)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._copied)
        self.copy.setText(COPIED)
