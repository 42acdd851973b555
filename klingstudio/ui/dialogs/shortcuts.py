"""Every key of the window on one page."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

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
        inside = QWidget(self)
        inside.setProperty("clear", "true")
        grid = QGridLayout(inside)
        grid.setContentsMargins(*(theme.px(n) for n in (20, 16, 20, 16)))
        grid.setHorizontalSpacing(theme.px(32))
        grid.setVerticalSpacing(theme.px(6))
        grid.setColumnStretch(0, 1)
        line = 0
        for title, rows in groups:
            if line:
                grid.setRowMinimumHeight(line, theme.px(theme.BETWEEN))
                line += 1
            grid.addWidget(label(title, "section"), line, 0)
            line += 1
            for does, keys in rows:
                grid.addWidget(label(does), line, 0)
                grid.addWidget(label(keys, "secondary"), line, 1, Qt.AlignmentFlag.AlignRight)
                line += 1
        grid.setRowStretch(line, 1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setAccessibleName("Shortcuts")
        scroll.setWidget(inside)
        close = Button("Done", self)
        close.clicked.connect(self.close)
        foot = QHBoxLayout()
        foot.setContentsMargins(*(theme.px(n) for n in (20, 8, 20, 16)))
        foot.addStretch()
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(scroll, stretch=1)
        column.addLayout(foot)
        self.resize(theme.px(460), theme.px(620))
        FocusRing(self)
