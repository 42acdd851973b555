"""The line at the top: name, menus, takes, light or dark, settings."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenuBar, QSizePolicy, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import Button, IconButton
from klingstudio.ui.widgets.labels import label, rule


class Header(QWidget):
    """Holds the menu bar where the system does not show it elsewhere."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("ground", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._name = label("Kling Studio", "name", parent=self)
        self.bar = QMenuBar(self)
        self.bar.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.takes = Button("Takes", self, kind="small", icon_name="panel-right")
        self.looks = IconButton("sun", "Light theme", self)
        self.settings = IconButton("settings", "Settings", self)
        row = QHBoxLayout()
        row.setContentsMargins(theme.px(theme.AROUND), 0, theme.px(theme.INSIDE), 0)
        row.setSpacing(theme.px(6))
        row.addWidget(self._name)
        row.addSpacing(theme.px(6))
        row.addWidget(self.bar, stretch=1, alignment=Qt.AlignmentFlag.AlignVCenter)
        for button in (self.takes, self.looks, self.settings):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addStretch()
        column.addLayout(row)
        column.addStretch()
        column.addWidget(rule("across", self))
        self.setFixedHeight(theme.px(theme.HEADER))

    def show_width(self, width: int) -> None:
        """Leave the name out where the menus need its place; the title of the window says it anyway."""
        self._name.setVisible(width >= theme.px(theme.NAME_FROM))

    def show_dark(self, is_dark: bool) -> None:
        """Offer the other theme."""
        if is_dark:
            self.looks.show_icon("sun", "Light theme")
        else:
            self.looks.show_icon("moon", "Dark theme")

    def show_takes(self, *, is_drawer: bool, busy: int) -> None:
        """The button of the drawer, and how many jobs are under way or wait for an answer."""
        self.takes.setVisible(is_drawer)
        self.takes.setText(f"Takes · {busy}" if busy else "Takes")
