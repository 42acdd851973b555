"""The whole of the window while the studio cannot be opened."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from klingstudio.domain.errors import Problem
from klingstudio.ui import text, theme
from klingstudio.ui.widgets.flow import FlowLayout
from klingstudio.ui.widgets.icons import Button, IconLabel
from klingstudio.ui.widgets.labels import label


class FailurePage(QWidget):
    """The studio could not be opened: what happened and what to do, calmly."""

    retry_wanted = Signal()
    quit_wanted = Signal()

    def __init__(self, problem: Problem, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("ground", "window")
        sentence = text.sentence(replace(problem, detail=""))
        inside = QWidget(self)
        inside.setMaximumWidth(theme.px(460))
        heading = label(sentence.title, "heading", wraps=True, parent=inside)
        hint = label(sentence.hint, wraps=True, parent=inside)
        detail = label(problem.detail, "faint", wraps=True, parent=inside)
        detail.setVisible(bool(problem.detail))
        for one in (heading, hint, detail):
            one.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.retry = Button("Try again", inside)
        self.retry.clicked.connect(self.retry_wanted)
        leave = Button("Quit", inside)
        leave.clicked.connect(self.quit_wanted)
        buttons = QWidget(inside)
        flow = FlowLayout(buttons, gap=theme.px(theme.BETWEEN))
        flow.addWidget(self.retry)
        flow.addWidget(leave)
        column = QVBoxLayout(inside)
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addWidget(IconLabel("info", "secondary", theme.BIG_ICON), alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(heading)
        column.addWidget(hint)
        column.addWidget(detail)
        column.addSpacing(theme.px(theme.BETWEEN))
        column.addWidget(buttons, alignment=Qt.AlignmentFlag.AlignHCenter)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(inside, stretch=4)
        row.addStretch(1)
        outside = QVBoxLayout(self)
        outside.addStretch()
        outside.addLayout(row)
        outside.addStretch()
        self.setAccessibleName(sentence.title)
        self.setAccessibleDescription(f"{sentence.hint} {problem.detail}".strip())
