"""Everything that comes in by drag, drop, paste or from a browser, on its way into the draft."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.errors import Kind, Problem, StudioError
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    import asyncio

    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.studio import Studio
    from klingstudio.ui.models.composer import Composer
    from klingstudio.ui.models.drops import Address, Dropped

TakesPaths = Callable[[Sequence[Path]], None]
Encode = Callable[[object], bytes]
"""Makes a file of a picture without one. Called on a thread."""


class HasDrafts(Protocol):
    """Who has all the drafts."""

    @property
    def current(self) -> str:
        """Id of the draft on the screen."""
        ...

    def composer(self, draft_id: str) -> Composer | None:
        """The draft as it can be changed; None for one that is not open any more."""
        ...

    def title(self, draft_id: str) -> str:
        """What it is called."""
        ...

    def open_with_source(self, path: Path) -> str:
        """A new draft with this clip, which is shown; its id."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Where the person wants something to go. Without any of it: where it belongs."""

    new_draft: bool = False
    """A video opens a draft of its own."""
    image: str = ""
    """Id of the image that a picture takes the place of."""
    slot: TakesPaths | None = None
    """Who takes pictures in place of the draft's images, while the draft is on the screen."""
    slot_room: int = 0
    """How many of them."""
    element: str = ""
    """Id of the element that `slot` belongs to; empty for a new one."""
    place: int = 0
    """Of that element: 0 is the front, the angles follow."""


ANYWHERE = Aim()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """An address that the person is asked about, or that is being fetched."""

    address: Address
    aim: Aim = ANYWHERE
    draft_id: str = ""
    """Of the draft that it is wanted for, whichever is on the screen when it comes."""
    is_running: bool = False
    fraction: float | None = None
    """How much of it has come; None: not known."""
    problem: Problem | None = None


class ArrivalsModel(QObject):
    """Looks at what came, takes what can be used in one go, and says in one sentence what was left out."""

    fetch_changed = Signal()
    """There is something new to ask or to tell about `fetch`."""
    elements_came = Signal(object)
    """Files of elements for the library: tuple of Path."""

    def __init__(
        self,
        draft: DraftModel,
        drafts: HasDrafts,
        problems: Problems,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._draft = draft
        self._drafts = drafts
        self._problems = problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._turn: asyncio.Lock | None = None
        self._count = 0
        self._fetch: Fetch | None = None
        self._early: list[Callable[[], None]] = []
        """Pictures without a file that came before there was a place for them."""

    def attach(self, studio: Studio) -> None:
        """The studio is open: from now on files are looked at on a thread."""
        import asyncio

        from klingstudio.engine.tasks import TaskOwner

        self._studio, self._tasks, self._turn = studio, TaskOwner(), asyncio.Lock()
        early, self._early = self._early, []
        for put in early:
            put()

    async def aclose(self) -> None:
        """End what is being looked at or fetched."""
        if self._tasks is not None:
            await self._tasks.aclose()

    # room

    def opens_draft(self, videos: int, aim: Aim) -> bool:
        """True where so many videos, and what comes with them, go into a new draft."""
        return _opens_draft(self._draft, videos, aim)

    def pictures_max(self, videos: int, aim: Aim) -> int:
        """How many pictures can be taken there, beside so many videos."""
        return _pictures_max(self._draft, videos, aim)

    @property
    def full(self) -> str:
        """Why no further image is taken."""
        most = self._draft.references_max
        return f"{most} of {most} references used"

    # files

    def put(
        self, files: Dropped, aim: Aim = ANYWHERE, *, encode: Encode | None = None, draft_id: str | None = None
    ) -> None:
        """Take what can be used of it.

        Args:
            encode: makes a file of `files.pixels`.
            draft_id: of the draft that it is for; None for the one on the screen.
        """
        from klingstudio.ui.models.drops import Address

        wanted_by = draft_id or self._drafts.current
        if files.address and not files.videos and not files.picture_count:
            self.ask(Address(files.address), aim)
            if files.reasons:
                self._problems.say(files.reasons[0])
        elif self._tasks is not None and self._turn is not None:
            self._count += 1
            self._tasks.start(
                f"arrival {self._count}",
                self._look_and_take(self._turn, files, aim, encode, wanted_by),
                on_error=lambda error: self._problems.report("what was dropped", error),
            )
        elif files.bitmap:
            self._early.append(partial(self.put, files, aim, encode=encode, draft_id=wanted_by))
            self._problems.say("Starting…")
        else:
            # Before the studio is open there is nobody to run a task; there are few files then.
            self._take(_checked(files, *self._room(files, aim, self._draft)), aim, self._draft)

    async def _look_and_take(
        self, turn: asyncio.Lock, files: Dropped, aim: Aim, encode: Encode | None, draft_id: str
    ) -> None:
        import asyncio

        # In the order in which they came.
        async with turn:
            if files.bitmap:
                files = await self._kept(files, encode)
            room = self._room(files, aim, self._drafts.composer(draft_id) or self._draft)
            checked = await asyncio.to_thread(_checked, files, *room)
            # Another draft may be on the screen by now.
            there = self._drafts.composer(draft_id)
            if there is None:
                self._problems.say(f"{_name_of(files)} was for a draft that is closed")
                return
            self._take(checked, aim, there)
            if there is not self._draft and _count(checked) == 1:
                self._problems.say(f"{_name_of(checked)} is in “{self._drafts.title(draft_id)}”")

    async def _kept(self, files: Dropped, encode: Encode | None) -> Dropped:
        """The picture that came without a file, as a file."""
        import asyncio

        data = files.pixels
        if data is not None and not isinstance(data, bytes) and encode is not None:
            data = await asyncio.to_thread(encode, data)
        if self._studio is None or not isinstance(data, bytes) or not data:
            return replace(files, bitmap="", reasons=(*files.reasons, "This picture cannot be read"))
        kept = await self._studio.pictures.keep(data, files.bitmap)
        return replace(files, bitmap="", pictures=(*files.pictures, kept))

    def _room(self, files: Dropped, aim: Aim, composer: Composer) -> tuple[int, str]:
        """How many pictures there is room for, and what is said of the rest."""
        full = self.full if not aim.image and aim.slot is None else "There is no room for more there"
        return _pictures_max(composer, len(files.videos), aim), full

    def _take(self, files: Dropped, aim: Aim, composer: Composer) -> None:
        from klingstudio.ui.models.drop_check import left_out

        if _opens_draft(composer, len(files.videos), aim):
            # What came with the clip is for its draft.
            self._drafts.open_with_source(files.videos[0])
            self._take_pictures(files.pictures, aim, self._draft)
        else:
            self._take_pictures(files.pictures, aim, composer)
            self._take_videos(files.videos, composer)
        if files.elements:
            self.elements_came.emit(files.elements)
        is_rest = bool(files.pictures or files.elements or files.videos)
        if words := left_out(files.reasons, is_rest=is_rest):
            self._problems.say(words)
        elif not is_rest:
            self._problems.say(files.reason)

    def _take_pictures(self, pictures: tuple[Path, ...], aim: Aim, composer: Composer) -> None:
        if not pictures:
            return
        places = [str(path.absolute()) for path in pictures]
        if aim.slot is not None and composer is self._draft:
            aim.slot(pictures)
        elif aim.slot is not None and aim.element:
            composer.put_on_element(aim.element, aim.place, places)
        elif aim.slot is not None:
            composer.add_element(pictures[0].stem, places[0], places[1 : 1 + composer.angles_max])
        elif aim.image and aim.image in composer.numbers:
            composer.replace_picture(aim.image, pictures[0])
        else:
            composer.add_pictures(pictures)

    def _take_videos(self, videos: tuple[Path, ...], composer: Composer) -> None:
        """One is the source; several open a draft each, the first the present one where that has none."""
        rest = videos
        if len(videos) == 1 or (videos and not composer.value.source):
            composer.set_source(videos[0])
            rest = videos[1:]
        for path in rest:
            self._drafts.open_with_source(path)

    # addresses

    @property
    def fetch(self) -> Fetch | None:
        """What the person is asked about or waits for."""
        return self._fetch

    def ask(self, address: Address, aim: Aim = ANYWHERE) -> None:
        """Something at this address is wanted: nothing is fetched before the person agrees."""
        if self._fetch is not None and self._fetch.is_running:
            self._problems.say(f"One at a time: {self._fetch.address.name or 'a file'} is still being fetched")
        else:
            self._show(Fetch(address=address, aim=aim, draft_id=self._drafts.current))

    def agree(self) -> None:
        """Fetch it, and take it when it is there."""
        wanted = self._fetch
        if wanted is None or wanted.is_running:
            return
        if self._studio is None or self._tasks is None:
            self._problems.say("Starting…")
            return
        if self._drafts.composer(wanted.draft_id) is None:
            # Its draft was closed while nobody had answered: the answer means the one on the screen.
            wanted = replace(wanted, draft_id=self._drafts.current)
        self._show(replace(wanted, is_running=True, fraction=None, problem=None))
        self._tasks.restart("fetch", self._bring(self._studio, wanted), on_error=self._on_failed)

    def decline(self) -> None:
        """Fetch nothing, or stop fetching it."""
        if self._tasks is not None:
            self._tasks.cancel("fetch")
        self._show(None)

    async def _bring(self, studio: Studio, wanted: Fetch) -> None:
        fetched = await studio.fetch(
            wanted.address.url,
            # The sandbox of this computer may be what such an address means; anybody else's is not reached this way.
            allow_loopback=self._draft.is_free,
            on_fraction=partial(self._on_fraction, wanted.address),
        )
        from klingstudio.ui.models.drops import Dropped

        self._show(None)
        found = Dropped(pictures=(fetched.path,)) if fetched.is_picture else Dropped(videos=(fetched.path,))
        self.put(found, wanted.aim, draft_id=wanted.draft_id)

    def _on_fraction(self, address: Address, fraction: float | None) -> None:
        now = self._fetch
        # A hundredth is what can be seen of it.
        if now is None or now.address != address or (now.fraction or 0) + 0.01 > (fraction or 0) < 1:
            return
        self._show(replace(now, fraction=fraction))

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, StudioError):
            self._problems.report("fetching from the web", error)
        if self._fetch is not None:
            problem = error.problem if isinstance(error, StudioError) else Problem(kind=Kind.ADDRESS_UNREACHABLE)
            self._show(replace(self._fetch, is_running=False, problem=problem))

    def _show(self, fetch: Fetch | None) -> None:
        self._fetch = fetch
        self.fetch_changed.emit()


def _opens_draft(composer: Composer, videos: int, aim: Aim) -> bool:
    return videos == 1 and aim.new_draft and bool(composer.value.source)


def _pictures_max(composer: Composer, videos: int, aim: Aim) -> int:
    if _opens_draft(composer, videos, aim):
        return composer.references_max
    if aim.slot is not None:
        return aim.slot_room
    if aim.image and aim.image in composer.numbers:
        return 1
    return composer.room_for(composer.references_max)


def _checked(files: Dropped, pictures_max: int, full: str) -> Dropped:
    from klingstudio.ui.models.drop_check import VIDEOS_MAX, checked

    return checked(files, videos_max=VIDEOS_MAX, pictures_max=pictures_max, full=full)


def _count(files: Dropped) -> int:
    return len(files.videos) + len(files.pictures)


def _name_of(files: Dropped) -> str:
    """What is said of them in a sentence."""
    from klingstudio.ui.models.drops import shown

    return shown((*files.videos, *files.pictures)[0].name) if _count(files) == 1 else "What was dropped"
