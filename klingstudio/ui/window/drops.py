"""What is dragged over the studio or pasted into it: each zone says what it will do, and the one pointed at does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QWidget

from klingstudio.ui.models.arrivals import ANYWHERE, Aim
from klingstudio.ui.models.bundle import Models
from klingstudio.ui.widgets.drop import DropLight, Part, RovingLight
from klingstudio.ui.window.file_drag import FileDrag

if TYPE_CHECKING:
    from PySide6.QtCore import QMimeData

    from klingstudio.ui.models.drops import Dropped
    from klingstudio.ui.references.element_place import ElementSlot
    from klingstudio.ui.references.panel import ReferencesPanel
    from klingstudio.ui.source.panel import SourcePanel
    from klingstudio.ui.window.stage import Stage

Told = dict[DropLight, tuple[str, bool | None]]
"""What each light says, and whether a drop now would do that; None: it refuses."""
_USE, _REPLACE, _NEW = "Use as source", "Replace the source", "New draft"


@dataclass(frozen=True, slots=True)
class _Pointed:
    """What lies under the pointer."""

    zone: QWidget | None = None
    is_right: bool = False
    """Of the stage, the right half."""
    image: str = ""
    tile: QWidget | None = None
    place: ElementSlot | None = None
    """Of an element, or the row where a new one begins."""


_NOWHERE = _Pointed()


class Drops:
    """Lights the zones of the studio up and hands on what is dropped, with where it was meant to go."""

    def __init__(
        self, window: QWidget, models: Models, *, stage: Stage, source: SourcePanel, pictures: ReferencesPanel
    ) -> None:
        self._window = window
        self._models = models
        self._stage, self._source, self._pictures = stage, source, pictures
        self._on_stage, self._on_source, self._on_pictures = stage.light, source.light, pictures.light
        self._replaces = DropLight(stage, Part.LEFT, is_clear=True)
        self._opens = DropLight(stage, Part.RIGHT, is_clear=True)
        self._on_tile = RovingLight(pictures, is_clear=True)
        self._lit: tuple[Dropped, _Pointed] | None = None
        self._place: ElementSlot | None = None
        FileDrag(window, self)

    @property
    def lights(self) -> tuple[DropLight, ...]:
        """Every light but those of the elements."""
        everywhere = (self._on_stage, self._on_source, self._on_pictures)
        return (*everywhere, self._replaces, self._opens, self._on_tile)

    # from outside

    def take(self, files: Dropped) -> None:
        """Put files where they belong, and say what was left out."""
        self._models.arrivals.put(files)

    def can_use(self, files: Dropped, at: QPointF) -> bool:
        if not files.is_useful:
            return False
        if _videos(files) or files.elements or not _pictures(files):
            return True
        pointed = self._point(files, at)
        if pointed.place is not None:
            return not pointed.place.refusal
        return bool(pointed.image) or self._models.draft.room_for(1) > 0

    def use(self, files: Dropped, at: QPointF) -> None:
        self._models.arrivals.put(files, self._aim(self._point(files, at)), encode=as_png)

    def paste(self) -> None:
        """Take what is on the clipboard; pictures go to the element that has the keyboard, where one has it."""
        from klingstudio.ui.models.drops import carries, sort_data

        data: QMimeData | None = QApplication.clipboard().mimeData()
        if data is None or not carries(data):
            self._models.problems.say("There is no picture, clip or address on the clipboard")
            return
        files = sort_data(data)
        focus = QApplication.focusWidget()
        pointed = _NOWHERE
        if focus is not None and self._pictures.isAncestorOf(focus):
            place = self._element_at(focus.mapToGlobal(focus.rect().center()))
            pointed = _Pointed(place=place if place is not None and not place.refusal else None)
        self._models.arrivals.put(files, self._aim(pointed), encode=as_png)

    # what is pointed at

    def _point(self, files: Dropped, at: QPointF) -> _Pointed:
        below = self._window.childAt(at.toPoint())
        zones = (self._stage, self._source, self._pictures)
        zone = next((one for one in zones if below is not None and _is_in(below, one)), None)
        there = self._window.mapToGlobal(at.toPoint())
        if zone is self._stage:
            middle = self._stage.mapToGlobal(self._stage.rect().center()).x()
            return _Pointed(zone, is_right=there.x() > middle)
        # A part of the panel is meant only by pictures that come alone.
        if zone is not self._pictures or _videos(files) or not _pictures(files):
            return _Pointed(zone)
        if (place := self._element_at(there)) is not None:
            return _Pointed(zone, place=place)
        found = self._pictures.tile_at(there) if _pictures(files) == 1 else None
        return _Pointed(zone, image=found[0], tile=found[1]) if found is not None else _Pointed(zone)

    def _element_at(self, there: QPoint) -> ElementSlot | None:
        return self._pictures.elements.slot_at(there)

    def _aim(self, pointed: _Pointed) -> Aim:
        if (place := pointed.place) is not None:
            return Aim(
                slot=lambda paths: self._pictures.elements.put(place, paths),
                slot_room=place.room,
                element=place.element_id,
                place=place.index,
            )
        if pointed.image:
            return Aim(image=pointed.image)
        return Aim(new_draft=True) if pointed.zone is self._stage and pointed.is_right else ANYWHERE

    # lights

    def light_up(self, files: Dropped, at: QPointF) -> None:
        pointed = self._point(files, at)
        if self._lit is not None and self._lit[0] is files and self._lit[1] == pointed:
            return
        self._lit = (files, pointed)
        told = self._in_view(files, self._words(files, pointed))
        for light in self.lights:
            if light not in told:
                light.clear()
        if pointed.tile is not None:
            self._on_tile.stand_over(pointed.tile)
        for light, (words, is_near) in told.items():
            if is_near is None:
                light.refuse(words)
            else:
                light.offer(words, is_near=is_near)
        self._light_place(files, pointed.place)

    def _in_view(self, files: Dropped, told: Told) -> Told:
        """What is said of new pictures stands where they will appear, or over the stage where that is scrolled away."""
        if self._on_pictures not in told:
            return told
        adds = self._pictures.elements.add if files.elements else self._pictures.add
        place = adds if adds.isVisible() else self._pictures
        if not place.visibleRegion().isEmpty():
            self._on_pictures.stand_over(place)
            return told
        rest = {light: words for light, words in told.items() if light is not self._on_pictures}
        return rest or {self._on_stage: told[self._on_pictures]}

    def lights_off(self) -> None:
        self._lit = None
        for light in self.lights:
            light.clear()
        self._light_place(None, None)

    def _light_place(self, files: Dropped | None, place: ElementSlot | None) -> None:
        if self._place is not None and place != self._place:
            self._place.light.clear()
        self._place = place
        if place is not None and files is not None:
            if place.refusal:
                place.light.refuse(place.refusal)
            else:
                place.light.offer(place.verb(_pictures(files)))

    def _words(self, files: Dropped, pointed: _Pointed) -> Told:
        if not files.is_useful:
            return self._refusal(files, pointed)
        told: Told = {}
        if count := _videos(files):
            told |= self._words_of_videos(count, pointed)
        if (count := _pictures(files)) and pointed.place is None:
            told |= self._words_of_pictures(count, _videos(files), pointed)
        if files.elements:
            told[self._on_pictures] = ("Add to the library", True)
        if files.address:
            from klingstudio.ui.models.drops import Address

            if not told and pointed.place is None:
                told[self._on_stage] = (f"Fetch it from {Address(files.address).host}", True)
            # The dots say that there is a question first, as they do in a menu.
            told = {light: (words if near is None else f"{words}…", near) for light, (words, near) in told.items()}
        return told

    def _refusal(self, files: Dropped, pointed: _Pointed) -> Told:
        if pointed.zone is self._pictures:
            return {self._on_pictures: (files.refusal("an image"), None)}
        if pointed.zone is self._source:
            return {self._on_source: (files.refusal("a video"), None)}
        return {self._on_stage: (files.reason, None)}

    def _words_of_videos(self, count: int, pointed: _Pointed) -> Told:
        has_source = bool(self._models.draft.value.source)
        if count > 1:
            from klingstudio.ui.models.drop_check import VIDEOS_MAX

            some = f"{count} drafts" if count <= VIDEOS_MAX else f"{VIDEOS_MAX} drafts of {count}"
            words = f"Open {some}, one for each video"
            return {self._on_stage: (words, True), self._on_source: (words, pointed.zone is self._source)}
        if not has_source:
            return {self._on_stage: (_USE, True), self._on_source: (_USE, pointed.zone is self._source)}
        is_new = pointed.zone is self._stage and pointed.is_right
        return {
            self._replaces: (_REPLACE, not is_new),
            self._opens: (_NEW, is_new),
            self._on_source: (_REPLACE, pointed.zone is self._source),
        }

    def _words_of_pictures(self, count: int, videos: int, pointed: _Pointed) -> Told:
        draft, arrivals = self._models.draft, self._models.arrivals
        if pointed.image and pointed.image in draft.numbers:
            return {self._on_tile: (f"Replace Image {draft.numbers[pointed.image]}", True)}
        aim = self._aim(pointed)
        room = min(count, arrivals.pictures_max(videos, aim))
        first = 1 if arrivals.opens_draft(videos, aim) else len(draft.pictures) + 1
        if room == 0:
            return {self._on_pictures: (arrivals.full, None)}
        some = f"Add {room} of {count} as" if room < count else "Add as"
        words = f"{some} Image {first}" if room == 1 else f"{some} Images {first}–{first + room - 1}"
        return {self._on_pictures: (words, True)}


class PasteKey(QObject):
    """Gives the key of Paste to the window, where the text field that has the keyboard could not take what is there."""

    def __init__(self, field: QWidget) -> None:
        super().__init__(field)
        field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            is_paste = event.matches(QKeySequence.StandardKey.Paste)
            if is_paste and is_no_text(QApplication.clipboard().mimeData()):
                # Not told to the field, so the line of the menu answers to the key.
                event.ignore()
                return True
        return super().eventFilter(watched, event)


def is_no_text(data: QMimeData | None) -> bool:
    """True for files and pictures that are on the clipboard as such; an address or words belong into a text field."""
    if data is None:
        return False
    if data.hasUrls() and any(url.isLocalFile() for url in data.urls()):
        return True
    return data.hasImage() and not data.hasText()


def as_png(pixels: object) -> bytes:
    """A file of a picture that came without one; empty where it cannot be made. Takes its time: for a thread."""
    from PySide6.QtCore import QBuffer, QIODevice
    from PySide6.QtGui import QImage, QImageWriter

    from klingstudio.domain.media import IMAGE_MAX_PIXELS

    if not isinstance(pixels, QImage) or pixels.isNull() or pixels.width() * pixels.height() > IMAGE_MAX_PIXELS:
        return b""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return bytes(buffer.data().data()) if QImageWriter(buffer, b"png").write(pixels) else b""


def _is_in(widget: QWidget, zone: QWidget) -> bool:
    return zone.isAncestorOf(widget) or widget is zone


def _videos(files: Dropped) -> int:
    """How many videos this is, as far as can be told before it is fetched."""
    from klingstudio.ui.models.drops import Address

    return len(files.videos) or bool(files.address and Address(files.address).is_video)


def _pictures(files: Dropped) -> int:
    from klingstudio.ui.models.drops import Address

    return files.picture_count or bool(files.address and Address(files.address).is_picture)
