"""The pictures and elements of the draft, in the order of their numbers, and what is wrong with each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import Problem, StudioError
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.domain.element import Element
    from klingstudio.domain.media import ImageFacts, Limits
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.studio import Studio

REFERENCES_MAX = 4
"""Until a provider is known that says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A reference picture and what is known of it so far."""

    id: str
    place: str
    facts: ImageFacts | None = None
    problem: Problem | None = None

    @property
    def name(self) -> str:
        return Path(self.place).name

    @property
    def is_reading(self) -> bool:
        """True while nothing is known of the file. One on the internet is looked at by the provider only."""
        return self.facts is None and self.problem is None and not is_web_address(self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """An element that an earlier run brought along."""

    id: str
    element: Element

    @property
    def name(self) -> str:
        return self.element.name or Path(self.element.frontal).stem

    @property
    def parts(self) -> str:
        """`front + 2 angles`."""
        count = len(self.element.angles)
        return "front" if not count else f"front + {count} {'angle' if count == 1 else 'angles'}"


@dataclass(frozen=True, slots=True)
class Order:
    """The ids of the references in the order of their numbers."""

    pictures: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()


class ReferencesModel(QObject):
    """Knows nothing of the prompt: who holds it hears of a new order and writes the numbers anew."""

    changed = Signal()
    reordered = Signal(object, object)
    """The `Order` before and after."""

    def __init__(self, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._limits: Limits | None = None
        self._ids = itertools.count(1)
        self._pictures: tuple[Picture, ...] = ()
        self._figures: tuple[Figure, ...] = ()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return self._pictures

    @property
    def figures(self) -> tuple[Figure, ...]:
        return self._figures

    @property
    def count(self) -> int:
        """Pictures and elements count together."""
        return len(self._pictures) + len(self._figures)

    @property
    def most(self) -> int:
        return self._limits.references_max if self._limits else REFERENCES_MAX

    def attach(self, studio: Studio, tasks: TaskOwner) -> None:
        """The studio is open: look at what was added before."""
        self._studio, self._tasks = studio, tasks
        for picture in self._pictures:
            self._read(picture.id)

    def use_limits(self, limits: Limits) -> None:
        """Another provider: check again."""
        self._limits = limits
        self._check()

    def room_for(self, count: int) -> int:
        """How many of `count` more pictures can be added."""
        return max(0, min(count, self.most - self.count))

    def add(self, places: Sequence[Path]) -> None:
        """Add pictures in this order, as many as there is room for."""
        room = self.room_for(len(places))
        if room < len(places):
            self._problems.say(f"{self.most} of {self.most} references used")
        if room:
            self._add([str(place.absolute()) for place in places[:room]])

    def remove(self, reference_id: str) -> None:
        """Take a picture or an element away. Tokens of the others keep pointing at the same one."""
        if self._tasks is not None:
            self._tasks.cancel(reference_id)
        self._set(
            tuple(picture for picture in self._pictures if picture.id != reference_id),
            tuple(figure for figure in self._figures if figure.id != reference_id),
        )

    def move(self, picture_id: str, by: int) -> None:
        """Let a picture change places with its neighbour."""
        order = list(self._pictures)
        at = next((n for n, picture in enumerate(order) if picture.id == picture_id), None)
        if at is None or not 0 <= at + by < len(order):
            return
        order[at], order[at + by] = order[at + by], order[at]
        self._set(tuple(order), self._figures)

    def take_over(self, places: Sequence[str], elements: Sequence[Element]) -> None:
        """Everything that an earlier run had, in place of what is there."""
        for picture in self._pictures:
            if self._tasks is not None:
                self._tasks.cancel(picture.id)
        self._set((), tuple(Figure(id=f"element-{next(self._ids)}", element=element) for element in elements))
        self._add(places)

    def _add(self, places: Sequence[str]) -> None:
        added = tuple(Picture(id=f"picture-{next(self._ids)}", place=place) for place in places)
        self._set((*self._pictures, *added), self._figures)
        for picture in added:
            self._read(picture.id)

    def _set(self, pictures: tuple[Picture, ...], figures: tuple[Figure, ...]) -> None:
        before = self._order()
        self._pictures, self._figures = pictures, figures
        self.reordered.emit(before, self._order())
        self.changed.emit()

    def _order(self) -> Order:
        return Order(tuple(one.id for one in self._pictures), tuple(one.id for one in self._figures))

    # looking at the files

    def _read(self, picture_id: str) -> None:
        if self._studio is None or self._tasks is None:
            return
        self._tasks.restart(
            picture_id,
            self._look_at(self._studio, picture_id),
            on_error=lambda error: self._failed(picture_id, error),
        )

    async def _look_at(self, studio: Studio, picture_id: str) -> None:
        picture = self._picture(picture_id)
        if picture is None or is_web_address(picture.place):
            return
        facts = await studio.media.image(Path(picture.place))
        self._change(picture_id, facts=facts)
        self._check()

    def _failed(self, picture_id: str, error: Exception) -> None:
        picture = self._picture(picture_id)
        if not isinstance(error, StudioError):
            self._problems.report("reading a picture", error)
        elif picture is not None and picture.facts is None:
            self._change(picture_id, problem=error.problem)

    def _check(self) -> None:
        from klingstudio.ui.models import rules

        limits = self._limits
        if limits is None:
            return
        checked = tuple(
            replace(picture, problem=rules.picture_problem(picture.facts, limits, n)) if picture.facts else picture
            for n, picture in enumerate(self._pictures, 1)
        )
        if checked != self._pictures:
            self._pictures = checked
            self.changed.emit()

    def _picture(self, picture_id: str) -> Picture | None:
        return next((picture for picture in self._pictures if picture.id == picture_id), None)

    def _change(self, picture_id: str, **changes: object) -> None:
        self._pictures = tuple(
            replace(picture, **changes) if picture.id == picture_id else picture  # type: ignore[arg-type]
            for picture in self._pictures
        )
        self.changed.emit()
