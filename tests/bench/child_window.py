"""The program as people start it, ended when its window has been painted for the first time."""

from __future__ import annotations

import os
import sys

from klingstudio import cli


def end_after_first_paint() -> None:
    """Have the real window say when it has been painted. Imports nothing that the start does not need itself."""
    from PySide6.QtCore import QTimer
    from PySide6.QtGui import QPaintEvent

    from klingstudio.ui.window import Window

    paint = Window.paintEvent

    def paint_and_tell(self: Window, event: QPaintEvent) -> None:
        # It comes when everything inside has been painted, too, and before the program goes on to its heavy imports.
        QTimer.singleShot(0, tell)
        paint(self, event)

    Window.paintEvent = paint_and_tell  # type: ignore[method-assign]


def tell() -> None:
    os.write(1, b"painted\n")
    os._exit(0)


end_after_first_paint()
sys.exit(cli.main([]))
