"""Files that are dragged over the window: the whole of it takes them, and each zone says what it will do with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from klingstudio.ui.models.bundle import Models
from klingstudio.ui.widgets.drop import DropLight

if TYPE_CHECKING:
    from klingstudio.ui.models.drops import Dropped


class Drops(QObject):
    """Watches the drag events of a window, lights the zones up and puts the files where they belong."""

    def __init__(
        self,
        window: QWidget,
        models: Models,
        *,
        source_lights: tuple[DropLight, DropLight],
        pictures_light: DropLight,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(window)
        self._models = models
        self._source_lights = source_lights
        self._pictures_light = pictures_light
        self._say = say
        self._dragged: Dropped | None = None
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def take(self, files: Dropped) -> None:
        """Put files where they belong, and say what was left out."""
        if files.videos:
            self._models.draft.set_source(files.videos[0])
        if files.pictures:
            self._models.draft.add_pictures(files.pictures)
        if files.reason:
            self._say(files.reason)
        elif files.reasons:
            self._say(f"Left out: {files.reasons[0]}")
        elif len(files.videos) > 1:
            self._say(f"One source at a time: {files.videos[0].name} is used")

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
        from klingstudio.ui.models.drops import sort_urls

        self._dragged = sort_urls(event.mimeData().urls())
        self._light_up(self._dragged)
        can = self._can_use(self._dragged)
        event.setDropAction(Qt.DropAction.CopyAction if can else Qt.DropAction.IgnoreAction)
        # Accepted in any case: only then is it told when the pointer leaves, so that the reason goes away again.
        event.accept()

    def _move(self, event: QDragMoveEvent) -> None:
        if self._dragged is not None and self._can_use(self._dragged):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def _drop(self, event: QDropEvent) -> None:
        from klingstudio.ui.models.drops import sort_urls

        self._lights_off()
        files = sort_urls(event.mimeData().urls())
        if not self._can_use(files):
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.take(files)

    def _can_use(self, files: Dropped) -> bool:
        return bool(files.videos) or self._models.draft.room_for(len(files.pictures)) > 0

    def _light_up(self, files: Dropped) -> None:
        draft = self._models.draft
        if files.reason:
            self._source_lights[0].refuse(files.reason)
            return
        if files.videos:
            for light in self._source_lights:
                light.offer("Use as source" if draft.source is None else "Replace the source")
        if files.pictures:
            room, most = draft.room_for(len(files.pictures)), draft.references_max
            first = len(draft.pictures) + 1
            if room == 0:
                self._pictures_light.refuse(f"{most} of {most} references used")
            elif room == 1:
                self._pictures_light.offer(f"Add as Image {first}")
            else:
                self._pictures_light.offer(f"Add as Images {first}–{first + room - 1}")

    def _lights_off(self) -> None:
        self._dragged = None
        for light in (*self._source_lights, self._pictures_light):
            light.clear()
