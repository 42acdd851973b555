"""An element library in memory, for tests of the window. Copies nothing: it keeps the places it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from klingstudio.domain.element import Element, LibraryElement
from klingstudio.domain.errors import StudioError

NOW = datetime(2026, 9, 1, 14, 31, tzinfo=UTC)


class FakeLibrary:
    """Does what it is told, at once; `refuses` is raised by whatever would read or write a file."""

    def __init__(self) -> None:
        self.kept: dict[str, LibraryElement] = {}
        self.exported: list[tuple[str, Path]] = []
        self.refuses: StudioError | None = None
        self.gate: asyncio.Event | None = None
        """Where there is one, files take until it is set."""
        self._removed: dict[str, LibraryElement] = {}
        self._listeners: list[Callable[[], None]] = []

    def add(self, name: str, **facts: object) -> LibraryElement:
        """An element that was kept before."""
        usual = LibraryElement(
            id=f"kept-{len(self.kept) + 1}", name=name, frontal=f"/library/{name}.png", created_at=NOW, changed_at=NOW
        )
        return self._put(replace(usual, **facts))  # type: ignore[arg-type]

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def all(self) -> tuple[LibraryElement, ...]:
        return tuple(sorted(self.kept.values(), key=lambda one: one.name))

    def get(self, element_id: str) -> LibraryElement | None:
        return self.kept.get(element_id)

    def places(self) -> frozenset[str]:
        return frozenset(place for one in self.kept.values() for place in one.places)

    async def save(self, element: Element, *, tags: Sequence[str] = (), notes: str = "") -> LibraryElement:
        await self._may()
        return self.add(element.name, frontal=element.frontal, angles=element.angles, tags=tuple(tags), notes=notes)

    async def update(self, element_id: str, element: Element) -> LibraryElement:
        await self._may()
        kept = self.kept[element_id]
        return self._put(replace(kept, name=element.name, frontal=element.frontal, angles=element.angles))

    def describe(self, element_id: str, *, name: str, tags: Sequence[str], notes: str) -> LibraryElement:
        return self._put(replace(self.kept[element_id], name=name, tags=tuple(tags), notes=notes))

    def remove(self, element_id: str) -> None:
        self._removed[element_id] = self.kept.pop(element_id)
        self._tell()

    def restore(self, element_id: str) -> LibraryElement:
        return self._put(self._removed.pop(element_id))

    async def export(self, element_id: str, out: Path) -> Path:
        await self._may()
        self.exported.append((element_id, out))
        return out

    async def import_file(self, path: Path) -> LibraryElement:
        await self._may()
        return self.add(path.stem)

    async def _may(self) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.refuses is not None:
            raise self.refuses

    def _put(self, element: LibraryElement) -> LibraryElement:
        self.kept[element.id] = element
        self._tell()
        return element

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()
