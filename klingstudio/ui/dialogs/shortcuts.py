"""Every key of the window on one page, which can be searched."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.focus import FocusRing
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.labels import label


class ShortcutsDialog(QDialog):
    """Groups of (what it does, keys)."""

    def __init__(self, groups: Sequence[tuple[str, Sequence[tuple[str, str]]]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcuts")
        self.setWindowTitle("Shortcuts")
        self.setModal(False)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Search what it does, or a key")
        self.search.setAccessibleName("Search the shortcuts")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._search)
        top = QHBoxLayout()
        top.setContentsMargins(*(theme.px(n) for n in (20, 16, 20, 8)))
        top.addWidget(self.search)
        inside = QWidget(self)
        inside.setProperty("clear", "true")
        lines = QVBoxLayout(inside)
        lines.setContentsMargins(*(theme.px(n) for n in (20, 8, 20, 16)))
        lines.setSpacing(theme.px(theme.AROUND))
        self.groups = [ShortcutGroup(title, rows, inside) for title, rows in groups]
        for group in self.groups:
            lines.addWidget(group)
        self.nothing = label("Nothing found", "secondary", parent=inside)
        self.nothing.hide()
        lines.addWidget(self.nothing)
        lines.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setAccessibleName("Shortcuts")
        scroll.setWidget(inside)
        close = Button("Done", self)
        # Enter in the search is no wish to leave.
        close.setAutoDefault(False)
        close.clicked.connect(self.close)
        foot = QHBoxLayout()
        foot.setContentsMargins(*(theme.px(n) for n in (20, 8, 20, 16)))
        foot.addStretch()
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(scroll, stretch=1)
        column.addLayout(foot)
        self.resize(theme.px(460), theme.px(620))
        FocusRing(self)

    def _search(self, words: str) -> None:
        found = [group for group in self.groups if group.search(words)]
        self.nothing.setVisible(not found)


class ShortcutGroup(QWidget):
    """What belongs together, under its title."""

    def __init__(self, title: str, rows: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.px(32))
        grid.setVerticalSpacing(theme.px(6))
        grid.setColumnStretch(0, 1)
        grid.addWidget(label(title, "section"), 0, 0)
        self._rows = []
        for line, (does, keys) in enumerate(rows, 1):
            both = label(does), label(keys, "secondary")
            grid.addWidget(both[0], line, 0)
            grid.addWidget(both[1], line, 1, Qt.AlignmentFlag.AlignRight)
            self._rows.append(both)

    @property
    def shown(self) -> list[tuple[str, str]]:
        """What has been found."""
        return [(does.text(), keys.text()) for does, keys in self._rows if not does.isHidden()]

    def search(self, words: str) -> bool:
        """Show the lines that have all of these words, or their key; False where there are none."""
        wanted = words.casefold().split()
        for does, keys in self._rows:
            text = f"{does.text()} {keys.text()}".casefold()
            is_found = all(word in text for word in wanted)
            does.setVisible(is_found)
            keys.setVisible(is_found)
        self.setVisible(bool(self.shown))
        return bool(self.shown)
