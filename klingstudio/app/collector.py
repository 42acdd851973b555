"""Collects garbage in the GUI thread, and nowhere else."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

COLLECT_EVERY_MS = 1000


class Collector(QObject):
    """Does what the interpreter would, while it lives.

    Left alone, Python collects in whatever thread happens to reach the threshold. A Qt object that is destroyed in a
    decoder's thread leaves its timers behind, and the next one that fires takes the program down.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(COLLECT_EVERY_MS)
        gc.disable()

    def look(self) -> None:
        """Collect the generations that are due, as the interpreter would."""
        due = [
            generation
            for generation, (count, threshold) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True))
            if 0 < threshold < count
        ]
        if due:
            gc.collect(due[-1])

    def stop(self) -> None:
        """Leave it to the interpreter again."""
        self._timer.stop()
        gc.enable()
