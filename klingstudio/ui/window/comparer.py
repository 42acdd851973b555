"""The window of `klingstudio compare`: two videos and the player, and nothing of the studio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QApplication, QDialog, QFrame, QMainWindow, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.labels import label
from klingstudio.ui.window.menu_bar import MenuBar
from klingstudio.ui.window.regions import go_to, next_stop, tab_stops
from klingstudio.ui.window.room import first_size, present

if TYPE_CHECKING:
    from klingstudio.ui.models.problems import Problems
    from klingstudio.ui.player.playback.pair import Side

TITLE = "Kling Studio – Compare"
LEFT_OUT = ("detach", "use_before", "use_after")
"""What the player can do in the studio only: here it has its own window already, and there is nothing to refer to."""


class Comparer(QMainWindow):
    """Made and shown before anything heavy is loaded; `furnish` brings the player."""

    closed = Signal()
    painted = Signal()
    """The window is on screen for the first time."""

    def __init__(self, looks: theme.Theme) -> None:
        super().__init__()
        self._looks = looks
        self._was_painted = False
        self._is_furnished = False
        self._dialogs: dict[str, QDialog] = {}
        self.setObjectName("comparer")
        self.setWindowTitle(TITLE)
        self.setMinimumSize(*theme.WINDOW_LEAST)
        self.resize(first_size(self.screen()))
        self.menuBar().setProperty("ground", "panel")
        self._bar = MenuBar(self, self.menuBar())
        self._fill_menus()
        self._inside = QWidget(self)
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(*(theme.px(theme.BETWEEN),) * 4)
        self._column.setSpacing(theme.px(theme.BETWEEN))
        self._ground = _ground(self._inside)
        self._column.addWidget(self._ground, stretch=1)
        self.setCentralWidget(self._inside)

    def furnish(self, problems: Problems) -> None:
        """Put the player in."""
        from klingstudio.ui.player.panel import PlayerPanel
        from klingstudio.ui.widgets.focus import FocusRing
        from klingstudio.ui.widgets.icons import app_icon
        from klingstudio.ui.widgets.progress import Toast
        from klingstudio.ui.window.halves import Halves
        from klingstudio.ui.window.messages import Messages

        self.messages = Messages(problems, (), self._inside)
        self.player = PlayerPanel(self._inside, leaves_out=LEFT_OUT)
        self.toast = Toast(self._inside)
        self.halves = Halves(self, self.player, self.toast.say)
        self.halves.dropped.connect(self.show_file)
        self.player.clip_problem.connect(problems.show)
        self.player.clip_chosen.connect(self._on_clip)
        self.player.said.connect(self.toast.say)
        self.player.full_screen_wanted.connect(self.toggle_full_screen)
        self._bar.player(self._of_player, self.player.action_groups())
        for action in (*self._opens, *(menu.menuAction() for menu in self._of_player)):
            action.setEnabled(True)
        self._column.removeWidget(self._ground)
        self._ground.deleteLater()
        self._column.addWidget(self.messages)
        self._column.addWidget(self.player, stretch=1)
        self._is_furnished = True
        self.player.setFocus(Qt.FocusReason.OtherFocusReason)
        FocusRing(self)
        self.setWindowIcon(app_icon())

    def open(self, before: Path, after: Path) -> None:
        """Show two files beside each other."""
        from klingstudio.ui.player.playback.pair import Side

        names = told_apart(before, after)
        for side, path, name in zip(Side, (before, after), names, strict=True):
            self._show(side, path, name)

    def show_file(self, side: Side, path: Path) -> None:
        """Put a file on one side."""
        self._show(side, path, path.name)

    def _show(self, side: Side, path: Path, name: str) -> None:
        from klingstudio.ui.player.sides import PlayerClip

        self.player.show_clip(side, PlayerClip(key=str(path), name=name, path=path))
        self._on_clip()

    def detach(self) -> None:
        """Close files and windows; the program ends."""
        if self._is_furnished:
            self.player.close_clips()
        for dialog in self._dialogs.values():
            dialog.close()

    # menus

    def _fill_menus(self) -> None:
        bar, line = self._bar, self._bar.line
        file = bar.menu("File")
        self._opens = (
            line(file, "Open Before…", self._open_before, "Ctrl+O"),
            line(file, "Open After…", self._open_after, "Ctrl+Shift+O"),
        )
        file.addSeparator()
        leave = line(file, "Quit", self.close, "Ctrl+Q", "Ctrl+W")
        leave.setMenuRole(QAction.MenuRole.QuitRole)
        self._of_player = (bar.menu("Playback"), bar.menu("Compare"))
        view = bar.menu("View")
        bar.themes(view, self._looks.choose)
        for action in (*self._opens, *(menu.menuAction() for menu in self._of_player)):
            action.setEnabled(False)
        help_ = bar.menu("Help")
        line(help_, "Shortcuts", self.open_shortcuts, "Ctrl+/", "F1")
        about = line(help_, "About Kling Studio", self.open_about)
        about.setMenuRole(QAction.MenuRole.AboutRole)

    def _open_before(self) -> None:
        from klingstudio.ui.player.playback.pair import Side

        self.player.open_video(Side.BEFORE)

    def _open_after(self) -> None:
        from klingstudio.ui.player.playback.pair import Side

        self.player.open_video(Side.AFTER)

    def open_shortcuts(self) -> None:
        """Every key on one page."""
        from klingstudio.ui.dialogs.shortcuts import ShortcutsDialog
        from klingstudio.ui.player.actions import key_rows

        if "shortcuts" not in self._dialogs:
            self._dialogs["shortcuts"] = ShortcutsDialog([*self._bar.rows, *key_rows(LEFT_OUT)], self)
        present(self._dialogs["shortcuts"])

    def open_about(self) -> None:
        """Name, version, licence."""
        from klingstudio.ui.dialogs.about import AboutDialog

        if "about" not in self._dialogs:
            self._dialogs["about"] = AboutDialog(self)
        present(self._dialogs["about"])

    def toggle_full_screen(self) -> None:
        """The player alone on the whole screen, or the window again."""
        is_full = not self.isFullScreen()
        self.menuBar().setVisible(not is_full)
        # By the state and not by showNormal: a window that was maximised is maximised again.
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        margin = 0 if is_full else theme.px(theme.BETWEEN)
        self._column.setContentsMargins(margin, margin, margin, margin)
        self.player.show_full_screen(is_full)

    def _on_clip(self) -> None:
        """Another clip lies on a side: what was said of the one before it is over."""
        from klingstudio.ui.player.playback.pair import Side

        self.messages.clear()
        clips = [self.player.clip(side) for side in Side]
        names = " and ".join(clip.name for clip in clips if clip is not None)
        self.setWindowTitle(f"{TITLE}: {names}" if names else TITLE)

    # Qt

    def focusNextPrevChild(self, forward: bool) -> bool:
        stop = next_stop(tab_stops([self._inside]), QApplication.focusWidget(), forward=forward)
        if stop is not None:
            go_to(stop, Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
        return stop is not None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.isFullScreen():
            self.toggle_full_screen()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            self.painted.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        event.accept()
        self.closed.emit()


def told_apart(before: Path, after: Path) -> tuple[str, str]:
    """Names for two files: the file's own, and with its folders where both are called the same."""
    one, other = before.absolute().parts, after.absolute().parts
    for count in range(1, max(len(one), len(other))):
        if one[-count:] != other[-count:]:
            return "/".join(one[-count:]), "/".join(other[-count:])
    return before.name, after.name


def _ground(parent: QWidget) -> QWidget:
    """What is on screen for a moment where the player will be."""
    ground = QFrame(parent)
    ground.setProperty("ground", "viewer")
    column = QVBoxLayout(ground)
    column.addWidget(label("Opening…", "viewer-text", parent=ground), alignment=Qt.AlignmentFlag.AlignCenter)
    return ground
