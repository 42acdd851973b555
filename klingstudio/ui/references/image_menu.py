"""What can be done with a reference picture, as the menu of its tile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the menu. With a reason it is grey, and says why on hover."""

    words: str
    does: Callable[[], None]
    key: str = ""
    reason: str = ""


def fill_menu(menu: QMenu, groups: Sequence[Sequence[Line]]) -> QMenu:
    """The lines, a rule between the groups."""
    menu.setToolTipsVisible(True)
    for group in groups:
        if not menu.isEmpty() and group:
            menu.addSeparator()
        for line in group:
            # The keys belong to the tile, not to the window: a second shortcut would only be in its way.
            action = QAction(f"{line.words}\t{line.key}" if line.key else line.words, menu)
            action.setEnabled(not line.reason)
            action.setToolTip(line.reason)
            action.triggered.connect(line.does)
            menu.addAction(action)
    return menu
