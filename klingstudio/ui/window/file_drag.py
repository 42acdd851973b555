"""Files that are dragged over a window, from the moment they come in until they are dropped or carried away again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from klingstudio.ui.models.drops import Dropped


class Zones(Protocol):
    """The places of a window that take files. `at` counts in the window."""

    def can_use(self, files: Dropped) -> bool:
        """True when at least one of them has a place."""
        ...

    def light_up(self, files: Dropped, at: QPointF) -> None:
        """Say what a drop would do, or why it cannot."""
        ...

    def lights_off(self) -> None:
        """Nothing is dragged any more."""
        ...

    def use(self, files: Dropped, at: QPointF) -> None:
        """Put them where they belong."""
        ...


class FileDrag(QObject):
    """Watches the drag events of a window."""

    def __init__(self, window: QWidget, zones: Zones) -> None:
        super().__init__(window)
        self._zones = zones
        self._dragged: Dropped | None = None
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDragEnterEvent):
            self._enter(event)
        elif isinstance(event, QDragMoveEvent):
            self._move(event)
        elif event.type() == QEvent.Type.DragLeave:
            self._end()
        elif isinstance(event, QDropEvent):
            self._drop(event)
        else:
            return super().eventFilter(watched, event)
        return True

    def _enter(self, event: QDragEnterEvent) -> None:
        if not event.mimeData().hasUrls():
            event.ignore()
            return
        files = self._dragged = _files(event)
        self._zones.light_up(files, event.position())
        can_use = self._zones.can_use(files)
        event.setDropAction(Qt.DropAction.CopyAction if can_use else Qt.DropAction.IgnoreAction)
        # Accepted in any case: only then is it told when the pointer leaves, so that the reason goes away again.
        event.accept()

    def _move(self, event: QDragMoveEvent) -> None:
        if self._dragged is None or not self._zones.can_use(self._dragged):
            event.ignore()
            return
        self._zones.light_up(self._dragged, event.position())
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def _drop(self, event: QDropEvent) -> None:
        self._end()
        files = _files(event)
        if not self._zones.can_use(files):
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._zones.use(files, event.position())

    def _end(self) -> None:
        self._dragged = None
        self._zones.lights_off()


def _files(event: QDropEvent) -> Dropped:
    # Not with the window: it reads the kinds of files.
    from klingstudio.ui.models.drops import sort_urls

    return sort_urls(event.mimeData().urls())
