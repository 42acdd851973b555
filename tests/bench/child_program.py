"""The program as people start it. Says when its window has been painted; does what it is told: `order FILE`, `close`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from klingstudio import cli

if TYPE_CHECKING:
    from PySide6.QtCore import QSocketNotifier

    from klingstudio.ui.models.bundle import Models

_kept: list[QSocketNotifier | Models] = []
"""For as long as the program runs."""


def listen() -> None:
    """Have the real window tell when it is painted, and hear what it is to do. Imports nothing that the start does not."""
    from PySide6.QtCore import QSocketNotifier, QTimer
    from PySide6.QtGui import QPaintEvent

    from klingstudio.ui.window import Window

    paint = Window.paintEvent

    def paint_and_tell(self: Window, event: QPaintEvent) -> None:
        if not _kept:
            notifier = QSocketNotifier(0, QSocketNotifier.Type.Read, self)
            notifier.activated.connect(lambda: obey(self))
            _kept.append(notifier)
            QTimer.singleShot(0, lambda: os.write(1, f"painted {time.time()}\n".encode()))
        paint(self, event)

    Window.paintEvent = paint_and_tell  # type: ignore[method-assign]


def obey(window: object) -> None:
    """One line from standard input."""
    from klingstudio.ui.window import Window
    from tests.fakes.studio_run import a_request

    assert isinstance(window, Window)
    word, _, rest = os.read(0, 4096).decode().strip().partition(" ")
    if word == "order":
        studio = window._models.jobs._studio
        assert studio is not None
        studio.queue.enqueue(a_request(Path(rest)))
    else:
        window.close()


listen()
sys.exit(cli.main(sys.argv[1:]))
