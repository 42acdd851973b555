"""The peer: an empty Qt window of the same size, and nothing else."""

from __future__ import annotations

import os

from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow


class BareWindow(QMainWindow):
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        # When this comes, everything inside has been painted, too.
        QTimer.singleShot(0, tell)


def tell() -> None:
    os.write(1, b"painted\n")
    os._exit(0)


app = QApplication([])
window = BareWindow()
window.resize(1440, 900)
window.show()
app.exec()
