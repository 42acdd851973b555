"""Another program, whose window one file can be dragged out of: `python -m tests.fakes.drag_source FILE`.

Its first line is where on the screen to take hold of the file, its second what became of the drag.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QDrag, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from tests.fakes.drag import of_files


class Shelf(QWidget):
    """A press anywhere takes hold of the file. It stays until it is ended: what is dropped is still asked of it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._is_told = False
        self.setWindowTitle("Shelf")
        self.resize(160, 120)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._is_told:
            self._is_told = True
            # A window manager may still put it elsewhere.
            QTimer.singleShot(200, self._tell_place)

    def _tell_place(self) -> None:
        at = self.mapToGlobal(self.rect().center())
        _say(f"{at.x()} {at.y()}")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            drag = QDrag(self)
            drag.setMimeData(of_files([self._path]))
            _say(str(drag.exec(Qt.DropAction.CopyAction)))


def _say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    application = QApplication(sys.argv[:1])
    shelf = Shelf(Path(sys.argv[1]))
    shelf.move(20, 40)
    shelf.show()
    sys.exit(application.exec())
