"""Videos that are dragged over the comparer: one goes to the half it is dropped on, two take a side each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.models.drops import Dropped
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.widgets.drop import DropLight
from klingstudio.ui.window.file_drag import FileDrag

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
        FileDrag(window, self)

    def can_use(self, files: Dropped, at: QPointF) -> bool:
        del at
        return bool(files.videos)

    def light_up(self, files: Dropped, at: QPointF) -> None:
        self.setGeometry(self._zone.rect())
        self.show()
        self.raise_()
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

    def lights_off(self) -> None:
        for light in self.lights.values():
            light.clear()
        self.hide()

    def use(self, files: Dropped, at: QPointF) -> None:
        for side, path in self._places(files.videos, at).items():
            self.dropped.emit(side, path)
        if len(files.videos) > 2:
            self._say(f"Two at a time: {files.videos[0].name} and {files.videos[1].name} are used")

    def _places(self, videos: tuple[Path, ...], at: QPointF) -> dict[Side, Path]:
        if len(videos) > 1:
            return dict(zip(Side, videos, strict=False))
        middle = self._zone.mapTo(self._window, self._zone.rect().center()).x()
        return {Side.BEFORE if at.x() <= middle else Side.AFTER: videos[0]}
