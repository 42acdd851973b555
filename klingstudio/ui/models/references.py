"""The pictures and elements of the draft as they are shown: what was decided, and what is known of the files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import Problem
from klingstudio.ui.models.pictures import Look

if TYPE_CHECKING:
    from klingstudio.domain.draft import Draft, DraftElement, DraftImage, Made
    from klingstudio.domain.media import ImageFacts
    from klingstudio.ui.models.pictures import PictureFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One picture file and what is known of it so far."""

    place: str
    look: Look

    @property
    def name(self) -> str:
        return Path(self.place).name

    @property
    def facts(self) -> ImageFacts | None:
        return self.look.facts

    @property
    def problem(self) -> Problem | None:
        """Why the file can be used with no provider. What this provider says of it is among the draft's findings."""
        return self.look.problem

    @property
    def is_reading(self) -> bool:
        """True while nothing is known of the file. One on the internet is looked at by the provider only."""
        return self.facts is None and self.problem is None and not is_web_address(self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A reference picture."""

    id: str
    slot: Slot
    made: Made | None

    @property
    def place(self) -> str:
        return self.slot.place

    @property
    def name(self) -> str:
        """Of the person's own file, whatever was made of it."""
        return Path(self.made.origin if self.made else self.place).name

    @property
    def facts(self) -> ImageFacts | None:
        return self.slot.facts

    @property
    def problem(self) -> Problem | None:
        return self.slot.problem

    @property
    def is_reading(self) -> bool:
        return self.slot.is_reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """An element."""

    id: str
    given_name: str
    """Empty where the person gave none."""
    frontal: Slot | None
    """None: it is missing yet."""
    angles: tuple[Slot, ...]
    library_id: str

    @property
    def name(self) -> str:
        return self.given_name or (Path(self.frontal.place).stem if self.frontal else "New element")

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Every picture that is there, the frontal one first."""
        return (*([self.frontal] if self.frontal else []), *self.angles)

    @property
    def parts(self) -> str:
        """`front + 2 angles`."""
        count = len(self.angles)
        front = "front" if self.frontal else "no front"
        return front if not count else f"{front} + {count} {'angle' if count == 1 else 'angles'}"

    @property
    def is_reading(self) -> bool:
        return any(slot.is_reading for slot in self.slots)


def pictures_of(draft: Draft, files: PictureFiles) -> tuple[Picture, ...]:
    """The images in the order of their numbers."""
    return tuple(_picture(image, files) for image in draft.images)


def figures_of(draft: Draft, files: PictureFiles) -> tuple[Figure, ...]:
    """The elements in the order of their numbers."""
    return tuple(_figure(element, files) for element in draft.elements)


def _picture(image: DraftImage, files: PictureFiles) -> Picture:
    return Picture(id=image.id, slot=_slot(image.place, files), made=image.made)


def _figure(element: DraftElement, files: PictureFiles) -> Figure:
    return Figure(
        id=element.id,
        given_name=element.name,
        frontal=_slot(element.frontal, files) if element.frontal else None,
        angles=tuple(_slot(place, files) for place in element.angles),
        library_id=element.library_id,
    )


def _slot(place: str, files: PictureFiles) -> Slot:
    return Slot(place=place, look=files.look(place))
