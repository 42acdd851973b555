"""The player away from its place: in a window of its own, on another screen perhaps, or over the whole of one."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QScreen
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.player.panel import PlayerPanel
from klingstudio.ui.widgets.focus import FocusRing
from klingstudio.ui.widgets.progress import Toast
from klingstudio.ui.window.regions import go_to, next_stop, tab_stops

_SHARE = 0.8
"""Of the screen: width and height of the window when it opens for the first time."""


class Away(QObject):
    """Takes the player out, and asks for it to be put back: where it belongs, its owner knows."""

    left = Signal()
    """The player has gone."""
    returned = Signal()
    """The player is to be put back into its place."""

    def __init__(self, player: PlayerPanel, home: QWidget) -> None:
        """`home`: what the player is a part of."""
        super().__init__(home)
        self._player = player
        self._home = home
        self._window: AwayWindow | None = None
        self._is_detached = False
        self._place: QRect | None = None
        """Where the person left the window."""

    @property
    def window(self) -> AwayWindow | None:
        """Where the player is while it is away; None while it is at home."""
        return self._window

    def toggle_full_screen(self) -> None:
        """Over the whole screen, or back to where it was."""
        if self._window is None:
            screen = self._home.screen()
            self._leave(_middle(screen)).showFullScreen()
        elif not self._window.isFullScreen():
            self._window.showFullScreen()
        elif self._is_detached:
            self._window.showNormal()
        else:
            self.end()
        self._tell()

    def toggle_detached(self) -> None:
        """Into a window of its own, or home."""
        if self._window is None:
            self._is_detached = True
            self._leave(self._where_it_was() or _middle(_other_screen(self._home.screen()))).show()
        else:
            self.end()
        self._tell()

    def end(self) -> None:
        """Home again."""
        window, self._window = self._window, None
        if window is None:
            return
        if self._is_detached:
            self._place = window.normalGeometry()
            self._is_detached = False
        self.returned.emit()
        window.hide()
        window.deleteLater()
        self._home.activateWindow()
        self._tell()

    def _where_it_was(self) -> QRect | None:
        """Where the person left the window, unless that screen is gone."""
        place = self._place
        is_there = place is not None and QGuiApplication.screenAt(place.center()) is not None
        return place if is_there else None

    def _leave(self, place: QRect) -> AwayWindow:
        window = AwayWindow(self._player)
        window.setWindowIcon(self._home.window().windowIcon())
        window.setGeometry(place)
        window.escaped.connect(self.toggle_full_screen)
        window.closed.connect(self.end)
        self._window = window
        self.left.emit()
        return window

    def _tell(self) -> None:
        self._player.show_full_screen(self._window is not None and self._window.isFullScreen())
        self._player.show_away(self._is_detached)


class AwayWindow(QWidget):
    """Holds the player and nothing else."""

    escaped = Signal()
    """Out of the full screen."""
    closed = Signal()

    def __init__(self, player: PlayerPanel) -> None:
        super().__init__()
        self.setObjectName("awayPlayer")
        self.setWindowTitle("Player – Kling Studio")
        self.setProperty("ground", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumSize(*theme.WINDOW_LEAST)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(*(theme.px(theme.BETWEEN),) * 4)
        self._column.addWidget(player)
        # What changes its window is hidden on the way.
        player.show()
        player.setFocus(Qt.FocusReason.OtherFocusReason)
        self.toast = Toast(self)
        FocusRing(self)

    def focusNextPrevChild(self, forward: bool) -> bool:
        stop = next_stop(tab_stops([self]), QApplication.focusWidget(), forward=forward)
        if stop is not None:
            go_to(stop, Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
        return stop is not None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.isFullScreen():
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            # On the full screen the picture reaches the edges.
            margin = 0 if self.isFullScreen() else theme.px(theme.BETWEEN)
            self._column.setContentsMargins(margin, margin, margin, margin)

    def closeEvent(self, event: QCloseEvent) -> None:
        # Who listens takes the player out first.
        event.ignore()
        self.closed.emit()


def _other_screen(here: QScreen) -> QScreen:
    """Another screen than this one, where there is one."""
    return next((screen for screen in QGuiApplication.screens() if screen is not here), here)


def _middle(screen: QScreen) -> QRect:
    room = screen.availableGeometry()
    place = QRect(0, 0, round(room.width() * _SHARE), round(room.height() * _SHARE))
    place.moveCenter(room.center())
    return place
