"""How much of a screen a window may take."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QScreen
from PySide6.QtWidgets import QDialog

from klingstudio.ui import theme


def first_size(screen: QScreen) -> QSize:
    """Of a main window: as large as is of use, and never larger than the screen."""
    wide, high = theme.WINDOW_SIZE
    room = _room(screen)
    return QSize(min(wide, room.width()), min(high, room.height()))


def present(dialog: QDialog) -> None:
    """Bring a dialog to the front; all of it is on the screen."""
    if not dialog.isVisible():
        dialog.resize(dialog.size().boundedTo(_room(dialog.screen())))
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()


def _room(screen: QScreen) -> QSize:
    room = screen.availableSize()
    # The frame of the system comes on top of this; how thick it is can be known only once it is there.
    return QSize(room.width(), room.height() - theme.px(theme.FRAME))
