"""Files dragged over a window, as Qt's own events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

_HOW = (Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
_AT = QPointF(700, 400)


class Drag:
    """Files in the person's hand, over one window."""

    def __init__(self, window: QWidget, paths: Sequence[Path], at: QPointF = _AT) -> None:
        """`at`: where the pointer is in the window."""
        self.window = window
        self.at = at
        self.data = QMimeData()
        self.data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])

    def enter(self) -> QDragEnterEvent:
        """Come over the window."""
        event: QDragEnterEvent = _moving(QDragEnterEvent, self.data, self.at)
        QApplication.sendEvent(self.window, event)
        return event

    def move(self) -> bool:
        """Move on; True when a drop would be taken here."""
        event: QDragMoveEvent = _moving(QDragMoveEvent, self.data, self.at + QPointF(1, 0))
        QApplication.sendEvent(self.window, event)
        return event.isAccepted()

    def leave(self) -> None:
        """Go away without dropping."""
        QApplication.sendEvent(self.window, QDragLeaveEvent())

    def drop(self) -> bool:
        """Let go; True when it was taken."""
        action, button, keys = _HOW
        event = QDropEvent(self.at, action, self.data, button, keys)
        QApplication.sendEvent(self.window, event)
        return event.isAccepted()


def _moving(kind: Any, data: QMimeData, at: QPointF) -> Any:
    action, button, keys = _HOW
    try:
        return kind(at, action, data, button, keys)
    except TypeError:
        # Qt before 6.12 takes whole pixels only; later ones call those deprecated.
        return kind(QPoint(round(at.x()), round(at.y())), action, data, button, keys)
