"""Videos that are dragged over the comparer: one goes to the half it is dropped on, two take a side each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.models.drops import Dropped, sort_urls
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.widgets.drop import DropLight

NO_PICTURES = "Only videos can be compared"
_NAMES = {Side.BEFORE: "Before", Side.AFTER: "After"}


class Halves(QWidget):
    """Lies over `zone`, invisible until files are dragged over the window."""

    dropped = Signal(object, object)  # Side, Path

    def __init__(self, window: QWidget, zone: QWidget, say: Callable[[str], None]) -> None:
        super().__init__(zone)
        self._window = window
        self._zone = zone
        self._say = say
        self._dragged: Dropped | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(theme.BETWEEN))
        self.lights: dict[Side, DropLight] = {}
        for side in Side:
            half = QWidget(self)
            row.addWidget(half, stretch=1)
            self.lights[side] = DropLight(half)
        self.hide()
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDragEnterEvent):
            self._enter(event)
        elif isinstance(event, QDragMoveEvent):
            self._move(event)
        elif event.type() == QEvent.Type.DragLeave:
            self._lights_off()
        elif isinstance(event, QDropEvent):
            self._drop(event)
        else:
            return super().eventFilter(watched, event)
        return True

    def _enter(self, event: QDragEnterEvent) -> None:
        if not event.mimeData().hasUrls():
            event.ignore()
            return
        self._dragged = sort_urls(event.mimeData().urls())
        self.setGeometry(self._zone.rect())
        self.show()
        self.raise_()
        self._light_up(event.position())
        event.setDropAction(Qt.DropAction.CopyAction if self._dragged.videos else Qt.DropAction.IgnoreAction)
        # Accepted in any case: only then is it told when the pointer leaves.
        event.accept()

    def _move(self, event: QDragMoveEvent) -> None:
        self._light_up(event.position())
        if self._dragged is not None and self._dragged.videos:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def _drop(self, event: QDropEvent) -> None:
        self._lights_off()
        videos = sort_urls(event.mimeData().urls()).videos
        if not videos:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        for side, path in self._places(videos, event.position()).items():
            self.dropped.emit(side, path)
        if len(videos) > 2:
            self._say(f"Two at a time: {videos[0].name} and {videos[1].name} are used")

    def _places(self, videos: tuple[Path, ...], at: QPointF) -> dict[Side, Path]:
        if len(videos) > 1:
            return dict(zip(Side, videos, strict=False))
        middle = self._zone.mapTo(self._window, self._zone.rect().center()).x()
        return {Side.BEFORE if at.x() <= middle else Side.AFTER: videos[0]}

    def _light_up(self, at: QPointF) -> None:
        files = self._dragged
        if files is None:
            return
        if not files.videos:
            for light in self.lights.values():
                light.refuse(files.reason or NO_PICTURES)
            return
        places = self._places(files.videos, at)
        for side, light in self.lights.items():
            if (path := places.get(side)) is not None:
                light.offer(f"Show {path.name} as {_NAMES[side]}")
            else:
                light.clear()

    def _lights_off(self) -> None:
        self._dragged = None
        for light in self.lights.values():
            light.clear()
        self.hide()
