"""A choice of the bar: a button that says what is chosen and opens the list of what there is."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QActionGroup, QShowEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import Button


class _Menu(QMenu):
    """Starts where its button starts. Qt would let it end where the button ends, because that one is mirrored."""

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        button = self.parentWidget()
        if button is not None:
            self.move(button.mapToGlobal(QPoint(0, 0)).x(), self.y())


class MenuButton(Button):
    """A button that opens a menu; the chevron stands right of the words."""

    icon_room = -theme.GAP

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__("", parent, icon_name="chevron-down")
        self._name = name
        # Qt puts the icon before the words; mirrored, it stands behind them.
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        menu = _Menu(self)
        menu.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self.setMenu(menu)
        self._group = QActionGroup(menu)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def offer(self, words: str, value: object, *, checked: bool, state: str = "") -> None:
        """One line of the menu; `state` stands at its end."""
        # What follows a tab is drawn at the right edge, where other menus have their keys.
        action = QAction(f"{words}\t{state}" if state else words, self._group)
        action.setCheckable(True)
        action.setChecked(checked)
        action.setData(value)
        self.menu().addAction(action)

    def clear(self) -> None:
        for action in self._group.actions():
            self._group.removeAction(action)
            self.menu().removeAction(action)
            action.deleteLater()

    def show_choice(self, words: str, *, before: str = "") -> None:
        """What is chosen; `before` leads the words on the button where they would not say enough."""
        self.setText(f"{before}{words}")
        self.setAccessibleName(f"{self._name}: {words}")

    @property
    def choices(self) -> QActionGroup:
        """Tells by `triggered` what was chosen."""
        return self._group
