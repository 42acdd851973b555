"""The line at the top: name, menus, drafts, takes, light or dark, settings. Narrow: the drafts get a line of their own."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenuBar, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.models.drafts import DraftsModel
from klingstudio.ui.widgets.icons import Button, IconButton, icon
from klingstudio.ui.widgets.labels import label, rule
from klingstudio.ui.window.spending import SpendingButton
from klingstudio.ui.window.tabs import Tabs


class Header(QWidget):
    """Holds the menu bar where the system does not show it elsewhere."""

    def __init__(self, drafts: DraftsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drafts = drafts
        self._is_narrow = False
        self.setProperty("ground", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._name = label("Kling Studio", "name", parent=self)
        self.bar = QMenuBar(self)
        self.tabs = Tabs(drafts, self)
        self.spending = SpendingButton(self)
        self.takes = Button("Takes", self, kind="small", icon_name="panel-right")
        self.looks = IconButton("sun", "Light theme", self)
        self.settings = IconButton("settings", "Settings", self)
        self._row = row = QHBoxLayout()
        row.setContentsMargins(theme.px(theme.AROUND), 0, theme.px(theme.INSIDE), 0)
        row.setSpacing(theme.px(6))
        row.addWidget(self._name)
        row.addSpacing(theme.px(6))
        row.addWidget(self.bar, alignment=Qt.AlignmentFlag.AlignVCenter)
        row.addSpacing(theme.px(6))
        self._place = row.count()
        row.addStretch(1)
        for button in (self.spending, self.takes, self.looks, self.settings):
            row.addWidget(button)
        self._below = QHBoxLayout()
        self._below.setContentsMargins(theme.px(theme.AROUND), 0, theme.px(theme.AROUND), theme.px(theme.GAP))
        self._below.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addStretch()
        column.addLayout(row)
        column.addStretch()
        column.addLayout(self._below)
        column.addWidget(rule("across", self))
        drafts.changed.connect(self._arrange)
        self.tabs.editing_changed.connect(self._arrange)
        self._place_tabs()

    def show_width(self, width: int) -> None:
        """Leave the name out where the menus need its place; the title of the window says it anyway."""
        self._name.setVisible(width >= theme.px(theme.NAME_FROM))
        self.spending.show_width(width)
        if self._is_narrow is not (is_narrow := width < theme.px(theme.TABS_FROM)):
            self._is_narrow = is_narrow
            self._place_tabs()

    def rename_draft(self) -> None:
        """Let the person type a name for the draft on the screen."""
        # A single tab in a narrow window is not there before it is needed.
        self.tabs.show()
        self.tabs.rename(self._drafts.current)

    def _place_tabs(self) -> None:
        # The menus keep their width beside the tabs; alone in their line they may fold.
        policy = QSizePolicy.Policy.Preferred if self._is_narrow else QSizePolicy.Policy.Minimum
        self.bar.setSizePolicy(policy, QSizePolicy.Policy.Preferred)
        if self._is_narrow:
            self._row.removeWidget(self.tabs)
            self._below.insertWidget(0, self.tabs)
        else:
            self._below.removeWidget(self.tabs)
            self._row.insertWidget(self._place, self.tabs)
        self._arrange()

    def _arrange(self) -> None:
        """One draft alone needs no line of its own."""
        is_shown = not self._is_narrow or len(self._drafts.ids) > 1 or self.tabs.is_editing
        self.tabs.setVisible(is_shown)
        has_line = self._is_narrow and is_shown
        self._below.setContentsMargins(
            theme.px(theme.AROUND), 0, theme.px(theme.AROUND), theme.px(6) if has_line else 0
        )
        self.setFixedHeight(theme.px(theme.HEADER + (theme.TABS_LINE if has_line else 0)))

    def show_dark(self, is_dark: bool) -> None:
        """Offer the other theme."""
        more = self.bar.findChild(QToolButton, "qt_menubar_ext_button")
        if more is not None:
            # The style's own arrow for menus that found no place is black on any ground.
            t, side = theme.tokens(self.palette()), theme.px(theme.INSIDE)
            more.setIcon(icon("chevron-right", t.text, t.text, side, self.devicePixelRatioF()))
        if is_dark:
            self.looks.show_icon("sun", "Light theme")
        else:
            self.looks.show_icon("moon", "Dark theme")

    def show_takes(self, *, is_drawer: bool, busy: int) -> None:
        """The button of the drawer, and how many jobs are under way or wait for an answer."""
        self.takes.setVisible(is_drawer)
        self.takes.setText(f"Takes · {busy}" if busy else "Takes")
