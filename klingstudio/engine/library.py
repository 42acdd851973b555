"""The element library: elements that are kept to be used again, each with pictures of its own.

A picture is copied once, without what it tells of place and camera, and lies under the name of its content. So the
library survives moved originals, and a changed picture is another file: no upload of the older one is ever taken for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from klingstudio.domain.element import (
    ANGLES_KEPT_MAX,
    Element,
    LibraryElement,
    is_web_address,
    tidy_name,
    tidy_notes,
    tidy_tags,
)
from klingstudio.domain.errors import InputRefused, Kind, StudioError
from klingstudio.domain.media import IMAGE_FORMATS
from klingstudio.engine.element_file import ENDING, PICTURE_MAX_BYTES, pack, unpack
from klingstudio.engine.finish import clean_name
from klingstudio.media.digest import sha256_of
from klingstudio.media.whole_file import PART_PREFIX, writing
from klingstudio.media.worker import MediaWorker
from klingstudio.net.upload import disk_problem
from klingstudio.store.library import LibraryStore

T = TypeVar("T")

_ENDINGS = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}
_NAME_OF_NONE = "Element"


class Library:
    """Every method that reads or writes a picture does so on a thread or in a worker process."""

    def __init__(
        self,
        store: LibraryStore,
        folder: Path,
        media: MediaWorker,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._folder = folder
        self._media = media
        self._now = now
        self._new_id = new_id
        self._elements = {one.id: one for one in store.all()}
        self._removed: dict[str, LibraryElement] = {}
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called after every change; what is returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def all(self) -> tuple[LibraryElement, ...]:
        """Every element, by name."""
        return tuple(sorted(self._elements.values(), key=lambda one: (one.name.casefold(), one.created_at, one.id)))

    def find(self, words: str) -> tuple[LibraryElement, ...]:
        """Those that have each of the words in name, tags or notes."""
        return tuple(one for one in self.all() if one.matches(words))

    def get(self, element_id: str) -> LibraryElement | None:
        """The element as it is kept now; None where it is not."""
        return self._elements.get(element_id)

    def places(self) -> frozenset[str]:
        """Every picture that the library needs; what else lies in its folder may go when no draft and no job names it."""
        return frozenset(place for one in self._elements.values() for place in one.places)

    async def save(self, element: Element, *, tags: Sequence[str] = (), notes: str = "") -> LibraryElement:
        """Keep an element.

        Raises:
            InputRefused: it has no frontal picture, or one of its pictures cannot be kept; nothing was added.
            DiskProblem: the library cannot be written; nothing was added.
        """
        frontal, *angles = await self._keep(_places(element))
        at = self._now()
        return self._put(
            LibraryElement(
                id=self._new_id(),
                name=tidy_name(element.name) or _NAME_OF_NONE,
                tags=tidy_tags(tags),
                notes=tidy_notes(notes),
                frontal=frontal,
                angles=tuple(angles),
                created_at=at,
                changed_at=at,
            )
        )

    async def update(self, element_id: str, element: Element) -> LibraryElement:
        """Let the kept element have the name and pictures of this one; tags and notes stay.

        Raises:
            InputRefused: as `save`, or the element is no longer kept.
            DiskProblem: as `save`.
        """
        self._kept(element_id)
        frontal, *angles = await self._keep(_places(element))
        # It may have been described anew, or removed, meanwhile.
        kept = self._kept(element_id)
        name = tidy_name(element.name) or kept.name
        return self._put(replace(kept, name=name, frontal=frontal, angles=tuple(angles), changed_at=self._now()))

    def describe(self, element_id: str, *, name: str, tags: Sequence[str], notes: str) -> LibraryElement:
        """Give it other words. An empty name changes nothing.

        Raises:
            InputRefused: the element is no longer kept.
            StudioError: the library cannot be written.
        """
        kept = self._kept(element_id)
        words = {"name": tidy_name(name) or kept.name, "tags": tidy_tags(tags), "notes": tidy_notes(notes)}
        described = replace(kept, **words)  # type: ignore[arg-type]
        return kept if described == kept else self._put(replace(described, changed_at=self._now()))

    def remove(self, element_id: str) -> None:
        """Keep it no longer. Until the program ends it can be restored; drafts that use it still have its pictures.

        Raises:
            StudioError: the library cannot be written.
        """
        if (kept := self._elements.get(element_id)) is not None:
            self._store.remove(element_id)
            del self._elements[element_id]
            self._removed[element_id] = kept
            self._tell()

    def restore(self, element_id: str) -> LibraryElement:
        """Take `remove` back.

        Raises:
            InputRefused: it was not removed since the program was started.
            StudioError: the library cannot be written.
        """
        if (removed := self._removed.get(element_id)) is None:
            raise InputRefused(Kind.ELEMENT_GONE)
        self._put(removed)
        del self._removed[element_id]
        return removed

    async def export(self, element_id: str, out: Path) -> Path:
        """Write the element as one file; where it is, with the ending such a file has.

        Raises:
            InputRefused: the element or a picture of it is gone.
            DiskProblem: the file cannot be written; an older one of the name is still there.
        """
        kept = self._kept(element_id)
        out = out if out.suffix.lower() == ENDING else out.with_name(out.name + ENDING)
        await asyncio.to_thread(pack, kept, out)
        return out

    async def import_file(self, path: Path) -> LibraryElement:
        """Keep the element of a file; where the library has the very same one, that.

        Raises:
            InputRefused: the file or a picture in it cannot be used; nothing was added.
            DiskProblem: the library cannot be written; nothing was added.
        """
        async with self._incoming() as folder:
            found = await asyncio.to_thread(_on_disk, lambda: unpack(path, folder))
            frontal, *angles = await self._keep([str(picture) for picture in found.pictures])
        at = self._now()
        made = LibraryElement(
            id=self._new_id(),
            name=found.name or tidy_name(path.stem) or _NAME_OF_NONE,
            tags=found.tags,
            notes=found.notes,
            frontal=frontal,
            angles=tuple(angles),
            created_at=at,
            changed_at=at,
        )
        same = (one for one in self._elements.values() if _content(one) == _content(made))
        return next(same, None) or self._put(made)

    # within

    def _kept(self, element_id: str) -> LibraryElement:
        if (kept := self._elements.get(element_id)) is None:
            raise InputRefused(Kind.ELEMENT_GONE)
        return kept

    def _put(self, element: LibraryElement) -> LibraryElement:
        self._store.put(element)
        self._elements[element.id] = element
        self._tell()
        return element

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    async def _keep(self, places: Sequence[str]) -> list[str]:
        """The library's own copies of these pictures. All of them are looked at before the first is put in its place."""
        async with self._incoming() as folder:
            checked = [await self._check(place, folder / str(n)) for n, place in enumerate(places)]
            return await asyncio.to_thread(_on_disk, lambda: [_put_away(one, self._folder) for one in checked])

    async def _check(self, place: str, folder: Path) -> _Checked:
        if is_web_address(place):
            raise InputRefused(Kind.ELEMENT_ON_THE_WEB)
        original = Path(place)
        name = clean_name(original.stem) or "picture"
        if original.is_relative_to(self._folder) and await asyncio.to_thread(_is_as_named, original):
            return _Checked(original, None)
        # The copy is looked at, not the original, which may change at any moment.
        copy = await asyncio.to_thread(_on_disk, lambda: _copy(original, folder))
        clean = await self._media.clean_image(copy, folder / "clean", IMAGE_FORMATS)
        facts = await self._media.image(clean)
        return _Checked(clean, f"{name}{_ENDINGS[facts.format]}")

    @asynccontextmanager
    async def _incoming(self) -> AsyncIterator[Path]:
        """A folder beside the pictures, on the same disk, gone when the block is left."""
        folder = self._folder / f"{PART_PREFIX}{self._new_id()}"
        await asyncio.to_thread(_on_disk, lambda: folder.mkdir(parents=True))
        try:
            yield folder
        finally:
            # Not on a thread: a cancelled task would leave before that is done.
            shutil.rmtree(folder, ignore_errors=True)


class _Checked:
    """A picture that may be kept: where it lies now, and what it will be called; None where it stays."""

    def __init__(self, path: Path, name: str | None) -> None:
        self.path = path
        self.name = name


def _places(element: Element) -> list[str]:
    if not element.frontal:
        raise InputRefused(Kind.FRONT_MISSING, tidy_name(element.name))
    if len(element.angles) > ANGLES_KEPT_MAX:
        raise InputRefused(Kind.TOO_MANY_ANGLES, f"{len(element.angles)} of {ANGLES_KEPT_MAX}")
    return [element.frontal, *element.angles]


def _content(element: LibraryElement) -> tuple[object, ...]:
    return element.name, element.tags, element.notes, element.places


def _copy(original: Path, folder: Path) -> Path:
    folder.mkdir()
    copy = folder / f"copy{original.suffix.lower()}"
    try:
        if not original.is_file():
            raise InputRefused(Kind.IMAGE_MISSING, original.name)
        size_bytes = original.stat().st_size
        if size_bytes > PICTURE_MAX_BYTES:
            words = f"{original.name}: {size_bytes / 1e6:.1f} MB; the most is {PICTURE_MAX_BYTES / 1e6:g} MB"
            raise InputRefused(Kind.IMAGE_TOO_HEAVY, words)
        source = original.open("rb")
    except (OSError, ValueError) as error:
        raise InputRefused(Kind.IMAGE_UNREADABLE, original.name) from error
    with source, copy.open("wb") as out:
        shutil.copyfileobj(source, out)
    return copy


def _put_away(checked: _Checked, folder: Path) -> str:
    if checked.name is None:
        return str(checked.path)
    digest = sha256_of(checked.path)
    home = folder / digest[:32]
    with contextlib.suppress(OSError):
        for there in home.iterdir():
            if _is_as_named(there):
                return str(there)
    home.mkdir(parents=True, exist_ok=True)
    kept = home / checked.name
    with writing(checked.path, kept):
        pass
    return str(kept)


def _is_as_named(picture: Path) -> bool:
    """True while a picture of the library is what the name of its folder says."""
    try:
        return sha256_of(picture)[:32] == picture.parent.name
    except OSError:
        return False


def _on_disk(work: Callable[[], T]) -> T:
    """Do something in the library's folder, and say what is wrong with the disk where it cannot be done."""
    try:
        return work()
    except StudioError:
        raise
    except OSError as error:
        raise disk_problem(error) from error
