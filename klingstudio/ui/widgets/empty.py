"""What a panel shows while it has nothing: what goes there, and the first thing to do."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import IconLabel
from klingstudio.ui.widgets.labels import label


class EmptyState(QWidget):
    """An icon and one or two lines, in the middle."""

    def __init__(self, icon_name: str, lines: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.px(64), 0, 0)
        column.setSpacing(theme.px(theme.GAP))
        column.addWidget(IconLabel(icon_name, "secondary", 24), alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(theme.px(theme.GAP))
        for line in lines:
            words = label(line, "secondary")
            words.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(words)
        column.addStretch()
