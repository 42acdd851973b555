"""The menus: one action per wish, and the same action gives the menu line, the key and the page of shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar

T = TypeVar("T")

PLAYER_KEYS = (
    ("Play or pause", "Space"),
    ("One frame back or forward", "← →  or  ,  ."),
    ("First or last frame", "Home  End"),
)
CARD_KEYS = (
    ("Next or previous take", "↓ ↑"),
    ("Show the take", "Enter"),
    ("Cancel the job", "Shift+X  or  Del"),
    ("Edit and run again", "R"),
)
TILE_KEYS = (
    ("Insert the image or element into the prompt", "Enter"),
    ("Move the image", "Alt+←  Alt+→"),
    ("Remove the image or element", "Del"),
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the menus can ask for."""

    open_video: Callable[[], None]
    add_images: Callable[[], None]
    sample: Callable[[], None]
    remove_video: Callable[[], None]
    quit: Callable[[], object]
    undo: Callable[[], None]
    redo: Callable[[], None]
    cut: Callable[[], None]
    copy: Callable[[], None]
    paste: Callable[[], None]
    settings: Callable[[], None]
    generate: Callable[[], None]
    compare: Callable[[], None]
    insert_image: Callable[[int], None]
    play: Callable[[], None]
    toggle_takes: Callable[[], None]
    full_screen: Callable[[], None]
    next_region: Callable[[], None]
    previous_region: Callable[[], None]
    shortcuts: Callable[[], None]
    about: Callable[[], None]
    theme: Callable[[str], None]


class Menus:
    """Fills the menu bar of a window."""

    def __init__(self, window: QMainWindow, bar: QMenuBar, wishes: Wishes) -> None:
        self._window = window
        self._rows: dict[str, list[tuple[str, str]]] = {}
        file = bar.addMenu("File")
        self._add(file, "Open video…", wishes.open_video, "Ctrl+O")
        self._add(file, "Add images…", wishes.add_images, "Ctrl+I")
        self._add(file, "Try the sample clip", wishes.sample)
        file.addSeparator()
        self.remove_video = self._add(file, "Remove the video", wishes.remove_video)
        file.addSeparator()
        leave = self._add(file, "Quit", wishes.quit, "Ctrl+Q")
        leave.setMenuRole(QAction.MenuRole.QuitRole)

        edit = bar.addMenu("Edit")
        self._add(edit, "Undo", wishes.undo, QKeySequence.StandardKey.Undo)
        self._add(edit, "Redo", wishes.redo, QKeySequence.StandardKey.Redo)
        edit.addSeparator()
        self._add(edit, "Cut", wishes.cut, QKeySequence.StandardKey.Cut)
        self._add(edit, "Copy", wishes.copy, QKeySequence.StandardKey.Copy)
        self._add(edit, "Paste", wishes.paste, QKeySequence.StandardKey.Paste)
        edit.addSeparator()
        settings = self._add(edit, "Settings…", wishes.settings, "Ctrl+,")
        settings.setMenuRole(QAction.MenuRole.PreferencesRole)

        generate = bar.addMenu("Generate")
        self.generate = self._add(generate, "Generate", wishes.generate, "Ctrl+Return", "Ctrl+Enter")
        self._add(generate, "Compare providers…", wishes.compare, "Ctrl+Shift+C")
        generate.addSeparator()
        self.inserts = [
            self._add(generate, f"Insert Image {n}", _with(wishes.insert_image, n), f"Ctrl+{n}") for n in range(1, 5)
        ]

        view = bar.addMenu("View")
        self.play = self._add(view, "Play or pause", wishes.play)
        view.addSeparator()
        self.takes = self._add(view, "Takes", wishes.toggle_takes, "Ctrl+T")
        self._add(view, "Full screen", wishes.full_screen, "F11")
        view.addSeparator()
        self._add(view, "Next area", wishes.next_region, "F6")
        self._add(view, "Previous area", wishes.previous_region, "Shift+F6")
        view.addSeparator()
        self.themes = self._themes(view, wishes.theme)

        help_ = bar.addMenu("Help")
        self._add(help_, "Shortcuts", wishes.shortcuts, "Ctrl+/", "F1")
        for menu in (file, edit, generate, view, help_):
            self._open_by_letter(bar, menu)
        about = self._add(help_, "About Kling Studio", wishes.about)
        about.setMenuRole(QAction.MenuRole.AboutRole)

    def groups(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Every key, for the page of shortcuts."""
        menus = [(title, rows) for title, rows in self._rows.items() if rows]
        rest = [("Player", list(PLAYER_KEYS)), ("Images", list(TILE_KEYS)), ("Takes", list(CARD_KEYS))]
        return [*menus, *rest]

    def show_theme(self, choice: str) -> None:
        """Tick the theme that is used."""
        self.themes[choice].setChecked(True)

    def _open_by_letter(self, bar: QMenuBar, menu: QMenu) -> None:
        """Alt and the first letter, without the underline that most styles draw all the time."""
        if bar.isNativeMenuBar():
            return
        shortcut = QShortcut(QKeySequence(f"Alt+{menu.title()[0]}"), self._window)
        shortcut.activated.connect(_with(bar.setActiveAction, menu.menuAction()))

    def _themes(self, view: QMenu, choose: Callable[[str], None]) -> dict[str, QAction]:
        menu = view.addMenu("Theme")
        group = QActionGroup(menu)
        made = {}
        for choice, words in (("system", "As the system"), ("light", "Light"), ("dark", "Dark")):
            action = QAction(words, group)
            action.setCheckable(True)
            action.setChecked(choice == "system")
            action.triggered.connect(_with(choose, choice))
            menu.addAction(action)
            made[choice] = action
        return made

    def _add(
        self, menu: QMenu, words: str, does: Callable[[], object], *keys: str | QKeySequence.StandardKey
    ) -> QAction:
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
        return action


def _sequences(key: str | QKeySequence.StandardKey) -> list[QKeySequence]:
    return [QKeySequence(key)] if isinstance(key, str) else list(QKeySequence.keyBindings(key))


def _with(does: Callable[[T], object], value: T) -> Callable[[], object]:
    return lambda: does(value)


def _without_argument(does: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        does()

    return run
