"""The program as people start it, ended when its window has been painted for the first time. `child_window.py [COMMAND…]`"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from klingstudio import cli

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow


def end_after_first_paint() -> None:
    """Have the real window say when it has been painted. Imports nothing that the start does not need itself."""
    from PySide6.QtCore import QTimer
    from PySide6.QtGui import QPaintEvent
    from PySide6.QtWidgets import QWidget

    window = window_of(sys.argv[1:])
    paint = window.paintEvent

    def paint_and_tell(self: QWidget, event: QPaintEvent) -> None:
        # It comes when everything inside has been painted, too, and before the program goes on to its heavy imports.
        QTimer.singleShot(0, tell)
        paint(self, event)

    window.paintEvent = paint_and_tell  # type: ignore[method-assign]


def window_of(arguments: list[str]) -> type[QMainWindow]:
    """Which window the command line opens."""
    if arguments[:1] == ["compare"]:
        from klingstudio.ui.window.comparer import Comparer

        return Comparer
    from klingstudio.ui.window import Window

    return Window


def tell() -> None:
    os.write(1, b"painted\n")
    os._exit(0)


end_after_first_paint()
sys.exit(cli.main(sys.argv[1:]))
