"""Files that are dragged over the window: the whole of it takes them, and each zone says what it will do with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QWidget

from klingstudio.ui.models.bundle import Models
from klingstudio.ui.widgets.drop import DropLight
from klingstudio.ui.window.file_drag import FileDrag

if TYPE_CHECKING:
    from klingstudio.ui.models.drops import Dropped


class Drops:
    """Lights the zones of the studio up and puts files where they belong."""

    def __init__(
        self,
        window: QWidget,
        models: Models,
        *,
        source_lights: tuple[DropLight, DropLight],
        pictures_light: DropLight,
        say: Callable[[str], None],
    ) -> None:
        self._models = models
        self._source_lights = source_lights
        self._pictures_light = pictures_light
        self._say = say
        FileDrag(window, self)

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

    def can_use(self, files: Dropped) -> bool:
        return bool(files.videos) or self._models.draft.room_for(len(files.pictures)) > 0

    def light_up(self, files: Dropped, at: QPointF) -> None:
        del at
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

    def lights_off(self) -> None:
        for light in (*self._source_lights, self._pictures_light):
            light.clear()

    def use(self, files: Dropped, at: QPointF) -> None:
        del at
        self.take(files)
