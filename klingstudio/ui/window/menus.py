"""The menus of the studio: one action per wish, and the same action gives the menu line, the key and the shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenuBar

from klingstudio.ui.theme import Choice
from klingstudio.ui.window.menu_bar import MenuBar, Rows
from klingstudio.ui.window.tabs import TAB_KEYS

if TYPE_CHECKING:
    from klingstudio.ui.player.actions import ActionGroup

CARD_KEYS = [
    ("Next or previous take", "↓ ↑"),
    ("Show the take", "Enter"),
    ("Cancel the job", "Shift+X  or  Del"),
    ("Edit and run again", "R"),
]
PROMPT_KEYS = [
    ("Point at an image or element", "@"),
    ("What can be done with a chip", "Shift+F10"),
    ("Earlier or later prompt", "Alt+↑  Alt+↓"),
    ("Leave the prompt", "Esc"),
]
TILE_KEYS = [
    ("Insert the image or element into the prompt", "Enter"),
    ("Look at the image larger", "Space"),
    ("Move the image", "Alt+←  Alt+→"),
    ("Move the element", "Alt+↑  Alt+↓"),
    ("Rename the element", "F2"),
    ("Remove the image or element", "Del"),
]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the menus can ask for."""

    new_draft: Callable[[], object]
    open_video: Callable[[], None]
    add_images: Callable[[], None]
    library: Callable[[], None]
    sample: Callable[[], None]
    remove_video: Callable[[], None]
    duplicate: Callable[[], object]
    rename: Callable[[], None]
    close_draft: Callable[[], None]
    reopen: Callable[[], None]
    step: Callable[[int], None]
    move: Callable[[int], None]
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
    insert_element: Callable[[int], None]
    toggle_takes: Callable[[], None]
    full_screen: Callable[[], None]
    next_region: Callable[[], None]
    previous_region: Callable[[], None]
    shortcuts: Callable[[], None]
    about: Callable[[], None]
    report: Callable[[], None]
    theme: Callable[[Choice], None]


class Menus:
    """Fills the menu bar of the studio. What the player can do comes with the player: `fill_player`."""

    def __init__(self, window: QMainWindow, bar: QMenuBar, wishes: Wishes) -> None:
        self._bar = bar_ = MenuBar(window, bar)
        line = bar_.line
        file = bar_.menu("File")
        line(file, "New draft", wishes.new_draft, "Ctrl+N")
        file.addSeparator()
        line(file, "Open video…", wishes.open_video, "Ctrl+O")
        line(file, "Add images…", wishes.add_images, "Ctrl+I")
        line(file, "Element library…", wishes.library, "Ctrl+L")
        line(file, "Try the sample clip", wishes.sample)
        file.addSeparator()
        self.remove_video = line(file, "Remove the video", wishes.remove_video)
        file.addSeparator()
        line(file, "Duplicate draft", wishes.duplicate, "Ctrl+D")
        line(file, "Rename draft…", wishes.rename)
        self.close_draft = line(file, "Close draft", wishes.close_draft, "Ctrl+W")
        self.reopen = line(file, "Reopen closed draft", wishes.reopen, "Ctrl+Shift+T")
        file.addSeparator()
        leave = line(file, "Quit", wishes.quit, "Ctrl+Q")
        leave.setMenuRole(QAction.MenuRole.QuitRole)

        edit = bar_.menu("Edit")
        self.undo = line(edit, "Undo", wishes.undo, QKeySequence.StandardKey.Undo)
        self.redo = line(edit, "Redo", wishes.redo, QKeySequence.StandardKey.Redo)
        edit.addSeparator()
        line(edit, "Cut", wishes.cut, QKeySequence.StandardKey.Cut)
        line(edit, "Copy", wishes.copy, QKeySequence.StandardKey.Copy)
        line(edit, "Paste", wishes.paste, QKeySequence.StandardKey.Paste)
        edit.addSeparator()
        settings = line(edit, "Settings…", wishes.settings, "Ctrl+,")
        settings.setMenuRole(QAction.MenuRole.PreferencesRole)

        generate = bar_.menu("Generate")
        self.generate = line(generate, "Generate", wishes.generate, "Ctrl+Return", "Ctrl+Enter")
        line(generate, "Compare providers…", wishes.compare, "Ctrl+Shift+C")
        generate.addSeparator()
        self.insert_images = [
            line(generate, f"Insert Image {n}", partial(wishes.insert_image, n), f"Ctrl+{n}") for n in range(1, 5)
        ]
        generate.addSeparator()
        self.insert_elements = [
            line(generate, f"Insert Element {n}", partial(wishes.insert_element, n), f"Ctrl+Shift+{n}")
            for n in range(1, 5)
        ]

        self._of_player = (bar_.menu("Playback"), bar_.menu("Compare"))

        view = bar_.menu("View")
        self.takes = line(view, "Takes", wishes.toggle_takes, "Ctrl+T")
        line(view, "Window on the full screen", wishes.full_screen, "Ctrl+F11")
        view.addSeparator()
        self._of_tabs = (
            line(view, "Next draft", partial(wishes.step, 1), "Ctrl+Tab", "Ctrl+PgDown"),
            line(view, "Previous draft", partial(wishes.step, -1), "Ctrl+Shift+Tab", "Ctrl+PgUp"),
            line(view, "Move the draft right", partial(wishes.move, 1), "Ctrl+Shift+PgDown"),
            line(view, "Move the draft left", partial(wishes.move, -1), "Ctrl+Shift+PgUp"),
        )
        view.addSeparator()
        line(view, "Next area", wishes.next_region, "F6")
        line(view, "Previous area", wishes.previous_region, "Shift+F6")
        view.addSeparator()
        bar_.themes(view, wishes.theme)

        help_ = bar_.menu("Help")
        line(help_, "Shortcuts", wishes.shortcuts, "Ctrl+/", "F1")
        line(help_, "Copy report…", wishes.report)
        about = line(help_, "About Kling Studio", wishes.about)
        about.setMenuRole(QAction.MenuRole.AboutRole)
        self.show_clip(False)

    def fill_player(self, groups: Iterable[ActionGroup]) -> None:
        """The player is there."""
        self._bar.player(self._of_player, groups)

    def show_clip(self, is_there: bool) -> None:
        """Whether there is anything to play."""
        for menu in self._of_player:
            menu.menuAction().setEnabled(is_there)

    def show_history(self, undo: str, redo: str) -> None:
        """What would be undone and done again; empty where there is nothing."""
        for action, word, step in ((self.undo, "Undo", undo), (self.redo, "Redo", redo)):
            action.setText(f"{word}: {step}" if step else word)
            action.setEnabled(bool(step))

    def show_drafts(self, *, count: int, can_reopen: bool) -> None:
        """How many are open, and whether one that was closed can come back."""
        self.reopen.setEnabled(can_reopen)
        for action in self._of_tabs:
            action.setEnabled(count > 1)

    def groups(self) -> list[tuple[str, Rows]]:
        """Every key, for the page of shortcuts."""
        from klingstudio.ui.player.actions import key_rows

        return [
            *self._bar.rows,
            *key_rows(),
            ("Drafts", TAB_KEYS),
            ("Prompt", PROMPT_KEYS),
            ("Images", TILE_KEYS),
            ("Takes", CARD_KEYS),
        ]

    def show_theme(self, choice: Choice) -> None:
        """Tick the theme that is used."""
        self._bar.show_theme(choice)
