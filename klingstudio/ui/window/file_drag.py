"""What is dragged over a window, from the moment it comes in until it is dropped or carried away again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from klingstudio.ui.models.drops import Dropped


class Zones(Protocol):
    """The places of a window that take files. `at` counts in the window."""

    def can_use(self, files: Dropped, at: QPointF) -> bool:
        """True when a drop here would take at least one of them."""
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
        # Not with the window: it reads the kinds of files.
        from klingstudio.ui.models.drops import carries, sort_data

        if not carries(event.mimeData()):
            event.ignore()
            return
        files = self._dragged = sort_data(event.mimeData(), is_glance=True)
        self._zones.light_up(files, event.position())
        can_use = self._zones.can_use(files, event.position())
        event.setDropAction(Qt.DropAction.CopyAction if can_use else Qt.DropAction.IgnoreAction)
        # Accepted in any case: only then is it told when the pointer leaves, so that the reason goes away again.
        event.accept()

    def _move(self, event: QDragMoveEvent) -> None:
        if self._dragged is None:
            event.ignore()
            return
        self._zones.light_up(self._dragged, event.position())
        if not self._zones.can_use(self._dragged, event.position()):
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def _drop(self, event: QDropEvent) -> None:
        from klingstudio.ui.models.drops import carries, sort_data

        seen = self._dragged
        self._end()
        if not carries(event.mimeData()):
            event.ignore()
            return
        files = sort_data(event.mimeData())
        if seen is not None and not files.is_useful and not files.reasons:
            # The other program is gone already and hands nothing over any more; where its files lie is known.
            files = seen
        if not self._zones.can_use(files, event.position()):
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._zones.use(files, event.position())

    def _end(self) -> None:
        self._dragged = None
        self._zones.lights_off()
