"""What is known of picture files: each is looked at once, by a worker, however many drafts and steps of undo name it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import Kind, Problem, StudioError
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    import asyncio

    from klingstudio.domain.media import ImageFacts
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.studio import Studio

AT_ONCE = 2
"""Each look costs a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What came of looking at a file. Neither: it is still being looked at."""

    facts: ImageFacts | None = None
    problem: Problem | None = None
    """Whatever the provider is, this file cannot be used."""


class PictureFiles(QObject):
    """Can be asked for files before the studio is open; they are looked at afterwards."""

    changed = Signal()

    def __init__(self, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._turn: asyncio.Semaphore | None = None
        self._looks: dict[str, Look] = {}

    def attach(self, studio: Studio, tasks: TaskOwner) -> None:
        """The studio is open: look at what was asked for before."""
        import asyncio

        self._studio, self._tasks, self._turn = studio, tasks, asyncio.Semaphore(AT_ONCE)
        for place in self._looks:
            self._begin(place)

    def want(self, places: Iterable[str]) -> None:
        """Look at those that were not looked at yet. A file on the internet is looked at by the provider only."""
        for place in places:
            if place not in self._looks and not is_web_address(place):
                self._looks[place] = Look()
                self._begin(place)

    def read_again(self, place: str) -> None:
        """The file may be another one by now."""
        self._looks.pop(place, None)
        self.want([place])
        self.changed.emit()

    def look(self, place: str) -> Look:
        """What is known of this file now."""
        return self._looks.get(place, Look())

    def is_reading(self, place: str) -> bool:
        """True while nothing is known of a file of this computer."""
        look = self.look(place)
        return look.facts is None and look.problem is None and not is_web_address(place)

    def _begin(self, place: str) -> None:
        if self._studio is not None and self._tasks is not None and self._turn is not None:
            self._tasks.restart(
                f"picture {place}",
                self._look_at(self._studio, self._turn, place),
                on_error=lambda error: self._failed(place, error),
            )

    async def _look_at(self, studio: Studio, turn: asyncio.Semaphore, place: str) -> None:
        async with turn:
            facts = await studio.media.image(Path(place))
        self._learn(place, Look(facts=facts))

    def _failed(self, place: str, error: Exception) -> None:
        if isinstance(error, StudioError):
            self._learn(place, Look(problem=error.problem))
        else:
            self._problems.report("reading a picture", error)
            self._learn(place, Look(problem=Problem(kind=Kind.MEDIA_WORKER_FAILED)))

    def _learn(self, place: str, look: Look) -> None:
        self._looks[place] = look
        self.changed.emit()
