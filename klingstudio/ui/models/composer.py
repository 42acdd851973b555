"""The draft as the person changes it: one value, one history, and everything that can be done to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain import composing
from klingstudio.domain.draft import Draft, DraftElement, Made
from klingstudio.domain.prompt import Part, Prompt, flat, normal, parse
from klingstudio.ui.models.history import History
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.domain.media import Framing, Trim

REFERENCES_MAX = 4
"""Until a provider is known that says otherwise."""
ANGLES_MAX = 3
"""The same for the further pictures of an element."""


class Composer(QObject):
    """Every change goes through `_put`, is one step of undo, and is told part by part."""

    changed = Signal()
    """After anything, and after the signal of the part."""
    source_changed = Signal()
    """The clip, its trim, or what is known of the file."""
    pictures_changed = Signal()
    """Images or elements, or what is known of their files."""
    prompt_replaced = Signal(object)
    """The words (`Prompt`) are others than the field has: undo, another tab, a written number became a token."""
    history_changed = Signal()
    """Another value, or another way back."""
    flash_wanted = Signal(str)
    """Show the person where this reference is, by its id."""
    removed = Signal(str)
    """The person took something away; in the words of its step."""

    def __init__(
        self, problems: Problems, history: History[Draft], ids: Callable[[], str], parent: QObject | None
    ) -> None:
        super().__init__(parent)
        self._problems = problems
        self._history = history
        self._ids = ids

    @property
    def value(self) -> Draft:
        """What the person has decided."""
        return self._history.now

    @property
    def history(self) -> History[Draft]:
        return self._history

    @property
    def undo_label(self) -> str:
        """What `undo` takes back; empty where there is nothing."""
        return self._history.undo_label

    @property
    def redo_label(self) -> str:
        return self._history.redo_label

    def undo(self) -> None:
        """Take the last change back, whatever it was."""
        before = self.value
        if self._history.undo():
            self._show(before)

    def redo(self) -> None:
        before = self.value
        if self._history.redo():
            self._show(before)

    def _change(self, label: str, *, merge: str = "", **changes: object) -> None:
        self._put(self.value.change(**changes), label, merge)

    def _remove(self, after: Draft, label: str) -> None:
        if after != self.value:
            self._put(after, label)
            self.removed.emit(label)

    def _put(self, after: Draft, label: str, merge: str = "") -> None:
        before = self.value
        self._history.push(after, label, merge)
        if after != before:
            self._show(before)

    def _show(self, before: Draft, typed: Prompt | None = None) -> None:
        """Tell what differs from `before`. `typed`: the words that the field has already."""
        now = self.value
        if (now.images, now.elements) != (before.images, before.elements):
            self.pictures_changed.emit()
        if now.prompt != (before.prompt if typed is None else typed):
            self.prompt_replaced.emit(now.prompt)
        self.history_changed.emit()
        self.changed.emit()

    @property
    def numbers(self) -> Mapping[str, int]:
        """The number of every reference, by its id."""
        return self.value.numbers

    @property
    def words(self) -> Prompt:
        """The prompt with its tokens."""
        return self.value.prompt

    @property
    def prompt(self) -> str:
        """The prompt as it would be sent now."""
        return self.value.text

    @property
    def trim(self) -> Trim | None:
        return self.value.trim

    @property
    def framing(self) -> Framing:
        return self.value.framing

    @property
    def keep_audio(self) -> bool:
        return self.value.keep_audio

    @property
    def takes(self) -> int:
        return self.value.takes

    @property
    def references_max(self) -> int:
        """Images and elements together."""
        return REFERENCES_MAX

    @property
    def angles_max(self) -> int:
        """Further pictures of an element."""
        return ANGLES_MAX

    # the clip

    def set_source(self, path: Path, *, url: str | None = None) -> None:
        """Use this file. It is only read, never altered. `url`: the person's own address that it was fetched from."""
        label = "replace the clip" if self.value.source else f"use {path.name}"
        self._change(label, source=str(path.absolute()), source_url=url, trim=None)

    def set_trim(self, trim: Trim | None, *, merge: str = "") -> None:
        """Use this part of the clip; None: as much of it as the provider takes.

        Changes with the same `merge` that follow each other fast are one step of undo.
        """
        self._change("trim", merge=merge, trim=trim)

    def set_framing(self, framing: Framing) -> None:
        """What to do with a picture whose shape the provider does not take."""
        self._change("fit the picture", framing=framing)

    # images

    def room_for(self, count: int) -> int:
        """How many of `count` more references can be added."""
        used = len(self.value.images) + len(self.value.elements)
        return max(0, min(count, self.references_max - used))

    def add_pictures(self, places: Sequence[Path]) -> None:
        """Add pictures in this order, as many as there is room for."""
        room = self.room_for(len(places))
        if room < len(places):
            most = self.references_max
            left = len(places) - room
            self._problems.say(
                f"{most} of {most} references used" + (f"; {left} of {len(places)} left out" if room else "")
            )
        if room:
            label = f"add {places[0].name}" if room == 1 else f"add {room} images"
            self._put(
                composing.with_images(self.value, [str(one.absolute()) for one in places[:room]], self._ids), label
            )

    def replace_picture(self, picture_id: str, place: Path, made: Made | None = None) -> None:
        """Another file for the same image: tokens go on pointing at it. `made`: how it came of one of the person's."""
        after = composing.with_other_file(self.value, picture_id, str(place.absolute()), made)
        self._put(after, "edit the image" if made else "replace the image")

    def move_picture(self, picture_id: str, by: int) -> None:
        """Let a picture go that many places towards the end."""
        self.place_picture(picture_id, self.numbers.get(picture_id, 0) - 1 + by)

    def place_picture(self, picture_id: str, at: int) -> None:
        """Give a picture this place (from 0)."""
        self._put(composing.with_image_at(self.value, picture_id, at), "move the image")

    def remove_reference(self, reference_id: str) -> None:
        """Take an image or an element away. Its tokens stay and point at nothing, so that undo brings all of it back."""
        kind = "Image" if any(one.id == reference_id for one in self.value.images) else "Element"
        if (number := self.numbers.get(reference_id)) is not None:
            self._remove(composing.without(self.value, reference_id), f"remove {kind} {number}")

    # elements

    def add_element(self, name: str = "", frontal: str = "", angles: Sequence[str] = (), library_id: str = "") -> str:
        """Add an element, perhaps an empty one; its id. Empty where there is no room for it."""
        if not self.room_for(1):
            self._problems.say(f"{self.references_max} of {self.references_max} references used")
            return ""
        made = DraftElement(id=self._ids(), name=name, frontal=frontal, angles=tuple(angles), library_id=library_id)
        self._change(f"add {name}" if name else "add an element", elements=(*self.value.elements, made))
        return made.id

    def picture_to_element(self, picture_id: str) -> None:
        """Make an element of an image; what pointed at the image points at the element."""
        image = next((one for one in self.value.images if one.id == picture_id), None)
        if image is not None:
            name = Path(image.made.origin if image.made else image.place).stem
            self._put(composing.as_element(self.value, picture_id, name), "make an element of the image")

    def put_on_element(self, element_id: str, index: int, places: Sequence[str]) -> None:
        """Pictures for a place of the element: in place of what is there, else as its next ones."""
        element = self._element(element_id)
        if element is None or not places:
            return
        is_filled = bool(element.frontal) if index == 0 else index <= len(element.angles)
        if is_filled or (index > 0 and not element.frontal):
            # Dropped on the place of an angle: it is not the front.
            self.replace_slot(element_id, index, places[0])
        else:
            self.add_angles(element_id, places)

    def name_element(self, element_id: str, name: str) -> None:
        self._put_element(element_id, "rename the element", lambda one: replace(one, name=name.strip()))

    def set_frontal(self, element_id: str, place: str) -> None:
        """The front picture; empty takes it away."""
        self.replace_slot(element_id, 0, place)

    def add_angles(self, element_id: str, places: Sequence[str]) -> None:
        """Further pictures, the first as front where that is missing, as many as the provider takes."""
        most = self.angles_max
        element = self._element(element_id)
        left = len(element.places) + len(places) - most - 1 if element else 0
        if left > 0:
            self._problems.say(f"A front picture and {most} angles are used; {left} left out")
        self._put_element(element_id, "add an angle", lambda one: composing.with_pictures(one, places, most))

    def replace_slot(self, element_id: str, index: int, place: str) -> None:
        """Another file in a place of the element: 0 is the front, the angles follow."""
        what = "change the front picture" if index == 0 else "replace an angle"
        self._put_element(element_id, what, lambda one: composing.with_slot(one, index, place))

    def remove_slot(self, element_id: str, index: int) -> None:
        """Take a picture of the element away."""
        what = "remove the front picture" if index == 0 else "remove an angle"
        before = self.value
        self._put_element(element_id, what, lambda one: composing.with_slot(one, index, ""))
        if self.value != before:
            self.removed.emit(what)

    def swap_frontal(self, element_id: str, index: int) -> None:
        """Make this angle the front, and the front that angle."""
        what = "change the front picture"
        self._put_element(element_id, what, lambda one: composing.with_front_from(one, index))

    def link_element(self, element_id: str, *, library_id: str, name: str, frontal: str, angles: Sequence[str]) -> None:
        """Say which element of the library this one is now, and use the library's own pictures for it."""
        kept = {"library_id": library_id, "name": name, "frontal": frontal, "angles": tuple(angles)}
        self._put_element(element_id, "save to the library", lambda one: replace(one, **kept))  # type: ignore[arg-type]

    def move_element(self, element_id: str, by: int) -> None:
        """Let an element go that many places towards the end."""
        self.place_element(element_id, self.numbers.get(element_id, 0) - 1 + by)

    def place_element(self, element_id: str, at: int) -> None:
        """Give an element this place (from 0)."""
        self._put(composing.with_element_at(self.value, element_id, at), "move the element")

    def _element(self, element_id: str) -> DraftElement | None:
        return next((one for one in self.value.elements if one.id == element_id), None)

    def _put_element(self, element_id: str, label: str, change: Callable[[DraftElement], DraftElement]) -> None:
        if (element := self._element(element_id)) is not None:
            self._put(composing.with_element(self.value, change(element)), label)

    # words

    def set_words(self, words: Prompt, *, merge: str = "") -> None:
        """The person typed. Changes with the same `merge` that follow each other fast are one step of undo."""
        before = self.value
        if words == before.prompt:
            return
        self._history.push(before.change(prompt=words), "typing", merge)
        self._show(before, typed=words)

    def replace_words(self, words: Prompt, label: str) -> None:
        """Put other words into the field."""
        self._change(label, prompt=words)

    def replace_prompt(self, text: str, label: str = "change the prompt") -> None:
        """Put another text into the field, in which numbers are written out."""
        images, elements = [one.id for one in self.value.images], [one.id for one in self.value.elements]
        self.replace_words(parse(text, images, elements), label)

    def append_words(self, words: Sequence[Part], label: str) -> None:
        """Put something behind the prompt, with a space between where one is needed."""
        before = flat(self.words)
        space = " " if before and not before[-1].isspace() else ""
        self.replace_words(normal((*self.words, space, *words)), label)

    def rename(self, name: str) -> None:
        """Give the draft a name; empty: called after its clip or prompt again."""
        self._change("rename the draft", name=name.strip())
