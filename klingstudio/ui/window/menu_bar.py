"""What fills a menu bar: one line per wish, which is also the key of the wish and its row on the page of shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar

from klingstudio.ui.theme import Choice

if TYPE_CHECKING:
    from klingstudio.ui.player.actions import ActionGroup

T = TypeVar("T")
Rows = list[tuple[str, str]]
"""What is done, and by which key."""

_SMALL = 3
"""A part of so many lines is not worth a menu of its own."""
_THEMES: tuple[tuple[Choice, str], ...] = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))


class MenuBar:
    """Adds menus and lines to a bar, and remembers their keys."""

    def __init__(self, window: QMainWindow, bar: QMenuBar) -> None:
        self._window = window
        self._bar = bar
        self._rows: dict[str, Rows] = {}
        self._themes: dict[Choice, QAction] = {}

    @property
    def rows(self) -> list[tuple[str, Rows]]:
        """Every key, by menu."""
        return list(self._rows.items())

    def menu(self, title: str) -> QMenu:
        """A new menu, opened by Alt and its first letter."""
        menu = self._bar.addMenu(title)
        if not self._bar.isNativeMenuBar():
            # Without the underline, which most styles draw all the time.
            shortcut = QShortcut(QKeySequence(f"Alt+{title[0]}"), self._window)
            shortcut.activated.connect(_with(self._bar.setActiveAction, menu.menuAction()))
        return menu

    def line(
        self, menu: QMenu, words: str, does: Callable[[], object], *keys: str | QKeySequence.StandardKey
    ) -> QAction:
        """One line; its key works while the window is in front, also where the bar is hidden."""
        action = QAction(words, self._window)
        sequences = [one for key in keys for one in _sequences(key)]
        if sequences:
            action.setShortcuts(sequences)
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            # Holding a key down is one wish, not many.
            action.setAutoRepeat(False)
            shown = sequences[0].toString(QKeySequence.SequenceFormat.NativeText)
            self._rows.setdefault(menu.title(), []).append((words.removesuffix("…"), shown))
        action.triggered.connect(_without_argument(does))
        menu.addAction(action)
        self._window.addAction(action)
        return action

    def player(self, menus: Iterable[QMenu], groups: Iterable[ActionGroup]) -> None:
        """Fill menus with what the player can do: each part goes into the menu it names.

        The first part is seen at once; a later one lies in a menu of its own, unless it is small.
        """
        by_title = {menu.title(): menu for menu in menus}
        for group in groups:
            menu = by_title[group.menu]
            is_first, is_large = not menu.actions(), len(group.actions) > _SMALL
            # Menus inside a menu stand together, all else is parted by a line.
            if not is_first and not (is_large and menu.actions()[-1].menu() is not None):
                menu.addSeparator()
            if is_large and not is_first:
                menu.addMenu(group.title).addActions(group.actions)
            else:
                menu.addActions(group.actions)

    def themes(self, menu: QMenu, choose: Callable[[Choice], None]) -> None:
        """Light and dark, below `menu`."""
        inside = menu.addMenu("Theme")
        group = QActionGroup(inside)
        for choice, words in _THEMES:
            action = QAction(words, group)
            action.setCheckable(True)
            action.setChecked(choice == "system")
            action.triggered.connect(_with(choose, choice))
            inside.addAction(action)
            self._themes[choice] = action

    def show_theme(self, choice: Choice) -> None:
        """Tick the theme that is used."""
        self._themes[choice].setChecked(True)


def _sequences(key: str | QKeySequence.StandardKey) -> list[QKeySequence]:
    return [QKeySequence(key)] if isinstance(key, str) else list(QKeySequence.keyBindings(key))


def _with(does: Callable[[T], object], value: T) -> Callable[[], object]:
    return lambda: does(value)


def _without_argument(does: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        does()

    return run
