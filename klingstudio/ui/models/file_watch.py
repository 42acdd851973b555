"""Notices that a picture file of the draft was changed, moved or deleted by somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from klingstudio.domain.element import is_web_address
from klingstudio.ui.models.draft import DraftModel

Mark = tuple[int, int] | None
"""Size and time of change; None: there is no such file."""


class FileWatch(QObject):
    """Looks at the folders when it is told to: when the person comes back from another program."""

    _looked = Signal(object)

    def __init__(self, draft: DraftModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._marks: dict[str, Mark] = {}
        self._shown: frozenset[str] = frozenset()
        """What the draft had when it was looked at last."""
        # A folder may lie on a slow disk, or on a computer that sleeps.
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._pool.setExpiryTimeout(2000)
        self._looked.connect(self._on_looked)
        draft.pictures_changed.connect(self._look_at_new_ones)

    def look(self) -> None:
        """Have the files read again that are others than before."""
        self._start(self._places())

    def wait(self) -> None:
        """Until nothing is being looked at; the program ends."""
        self._pool.clear()
        self._pool.waitForDone()

    def _look_at_new_ones(self) -> None:
        # One that was gone from the draft, or belongs to another that was not shown, may be another picture by now.
        places = self._places()
        new = [place for place in places if place not in self._shown]
        self._shown = frozenset(places)
        self._start(new)

    def _places(self) -> list[str]:
        return [place for place in self._draft.value.pictures if not is_web_address(place)]

    def _start(self, places: list[str]) -> None:
        if places:
            self._pool.start(_Look(places, self._looked.emit))

    def _on_looked(self, marks: dict[str, Mark]) -> None:
        others = {place for place, mark in marks.items() if self._marks.get(place, mark) != mark}
        self._marks |= marks
        draft = self._draft.value
        of_images = [(one.id, one.place) for one in draft.images]
        of_elements = [(one.id, place) for one in draft.elements for place in one.places]
        for reference_id in {id_ for id_, place in (*of_images, *of_elements) if place in others}:
            self._draft.read_pictures_again(reference_id)


class _Look(QRunnable):
    def __init__(self, places: Iterable[str], tell: Callable[[dict[str, Mark]], None]) -> None:
        super().__init__()
        self._places = tuple(places)
        self._tell = tell

    def run(self) -> None:
        self._tell({place: _mark(Path(place)) for place in self._places})


def _mark(path: Path) -> Mark:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns
