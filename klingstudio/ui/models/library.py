"""The element library as the window sees it: what is kept, what is looked for, and what is under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.errors import Problem, StudioError
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.jobs import JobsModel
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.domain.draft import DraftElement
    from klingstudio.domain.element import Element, LibraryElement
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.studio import Studio

ENDING = ".klingelement"


class Kept(Enum):
    """How an element of the draft and the library stand to each other."""

    NOT = auto()
    """It is in the draft only."""
    SAME = auto()
    CHANGED = auto()
    """It was taken from the library, or saved to it, and is another one now."""


def no_element(draft: DraftModel) -> str:
    """Why no further element can be added to the draft; empty where one can."""
    info = draft.provider
    if info is not None and not info.takes_elements:
        from klingstudio.ui.models import rules

        return rules.no_elements(info, draft.providers)
    most = draft.references_max
    return "" if draft.room_for(1) else f"{most} of {most} references used"


class LibraryModel(QObject):
    """Reads the library of the studio; every change goes through here."""

    changed = Signal()
    """What is kept or found, or what is under way."""
    added = Signal(str)
    """Library id: a new one, to be shown to the person."""

    def __init__(self, draft: DraftModel, jobs: JobsModel, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._jobs, self._problems = draft, jobs, problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._words = ""
        self._tag = ""
        self._busy = ""
        self._problem: Problem | None = None
        self._removed: LibraryElement | None = None
        self._is_watched = False
        self._uses: Counter[str] | None = None
        for signal in (jobs.was_attached, jobs.completed, jobs.added):
            signal.connect(self._on_jobs)

    # wiring

    def attach(self, studio: Studio) -> None:
        """The studio is open."""
        from klingstudio.engine.tasks import TaskOwner

        self._studio = studio
        self._tasks = TaskOwner()
        self._unsubscribe = studio.library.subscribe(self._on_library)
        self.changed.emit()

    async def aclose(self) -> None:
        """Stop what is under way; nothing is left half done."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._tasks is not None:
            await self._tasks.aclose()

    def watch(self) -> None:
        """Somebody looks at the library: problems are shown there."""
        self._is_watched = True

    def rest(self) -> None:
        """Nobody looks any more: what was removed stays so, and problems are said elsewhere."""
        self._is_watched = False
        self._problem = self._removed = None

    # what stands now

    @property
    def is_attached(self) -> bool:
        return self._studio is not None

    @property
    def every(self) -> tuple[LibraryElement, ...]:
        """All that is kept, by name."""
        return self._studio.library.all() if self._studio is not None else ()

    @property
    def found(self) -> tuple[LibraryElement, ...]:
        """Of them what has the words and the tag that are looked for."""
        return tuple(one for one in self.every if one.matches(self._words) and (not self._tag or self._has_tag(one)))

    def element(self, element_id: str) -> LibraryElement | None:
        """The element as it is kept now; None where it is not."""
        return self._studio.library.get(element_id) if self._studio is not None else None

    @property
    def tags(self) -> tuple[str, ...]:
        """Every tag that is used, in the order of the alphabet."""
        tags = {tag.casefold(): tag for one in self.every for tag in one.tags}
        return tuple(tags[key] for key in sorted(tags))

    @property
    def words(self) -> str:
        """What is looked for."""
        return self._words

    @property
    def tag(self) -> str:
        """The tag that is looked for; empty: any."""
        return self._tag

    @property
    def busy(self) -> str:
        """What is under way, in words; empty where nothing is."""
        return self._busy

    @property
    def problem(self) -> Problem | None:
        """What went wrong last, for the place where the library is looked at."""
        return self._problem

    @property
    def removed(self) -> LibraryElement | None:
        """What was removed last and can be put back."""
        return self._removed

    def uses(self, element_id: str) -> int:
        """How many finished takes were made with it."""
        if self._uses is None:
            from klingstudio.domain.job import State

            done = (job for job in map(self._jobs.job, self._jobs.ids()) if job.state is State.COMPLETED)
            self._uses = Counter(id_ for job in done for id_ in {one.library_id for one in job.request.elements})
        return self._uses[element_id]

    def kept(self, element_id: str) -> Kept:
        """How this element of the draft stands to the library."""
        element = self._of_draft(element_id)
        there = self.element(element.library_id) if element is not None and element.library_id else None
        if element is None or there is None:
            return Kept.NOT
        is_same = (element.frontal, element.angles) == (there.frontal, there.angles)
        return Kept.SAME if is_same and element.name in ("", there.name) else Kept.CHANGED

    def refusal(self) -> str:
        """Why none of the library can be added to the draft; empty where one can."""
        return no_element(self._draft)

    # looking

    def search(self, words: str) -> None:
        if words != self._words:
            self._words = words
            self.changed.emit()

    def choose_tag(self, tag: str) -> None:
        """Show only what has this tag; empty: all."""
        if tag != self._tag:
            self._tag = tag
            self.changed.emit()

    # the person's wishes

    def add_to_draft(self, element_id: str) -> bool:
        """Use an element of the library in the draft; False where that is not possible."""
        one, refusal = self.element(element_id), self.refusal()
        if refusal:
            self._problems.say(refusal)
        if one is None or refusal:
            return False
        self._draft.add_element(one.name, one.frontal, one.angles, one.id)
        return True

    def save(self, element_id: str) -> None:
        """Keep an element of the draft; one that is kept already is brought up to date."""
        element = self._of_draft(element_id)
        if element is None:
            return
        figure = next(one for one in self._draft.figures if one.id == element_id)
        wanted = _element(element, figure.name)
        is_kept = self.kept(element_id) is not Kept.NOT
        draft_id = self._draft.value.id

        async def run(studio: Studio) -> None:
            library = studio.library
            kept = await (library.update(element.library_id, wanted) if is_kept else library.save(wanted))
            # A copy of the draft has the same elements under the same ids.
            if self._draft.value.id == draft_id:
                self._link(element, kept)
            self._problems.say(
                f"{kept.name} in the library is up to date" if is_kept else f"{kept.name} is in the library"
            )

        self._do(f"Saving {figure.name}", run)

    def describe(self, element_id: str, *, name: str, tags: Sequence[str], notes: str) -> None:
        """Give an element of the library other words."""
        self._do_now(lambda studio: studio.library.describe(element_id, name=name, tags=tags, notes=notes))

    def remove(self, element_id: str) -> None:
        """Take an element out of the library. Drafts and takes that use it stay as they are."""
        one = self.element(element_id)
        if one is not None:
            self._removed = one
            self._do_now(lambda studio: studio.library.remove(element_id))

    def put_back(self) -> None:
        """Undo the last `remove`."""
        if (one := self._removed) is not None:
            self._removed = None
            self._do_now(lambda studio: studio.library.restore(one.id))
            self.added.emit(one.id)

    def file_name(self, element_id: str) -> str:
        """What the file of an element would be called."""
        from klingstudio.engine.finish import clean_name

        one = self.element(element_id)
        return f"{clean_name(one.name) or 'element'}{ENDING}" if one is not None else f"element{ENDING}"

    def export(self, element_id: str, out: Path) -> None:
        """Write one element as one file."""

        async def run(studio: Studio) -> None:
            written = await studio.library.export(element_id, out)
            self._problems.say(f"Saved as {written.name}")

        self._do(f"Writing {out.name}", run)

    def import_files(self, paths: Sequence[Path]) -> None:
        """Keep the elements of these files; one that cannot be used does not hold up the others."""

        async def run(studio: Studio) -> None:
            names: list[str] = []
            problems: list[StudioError] = []
            for path in paths:
                self._say_busy(f"Adding {path.name}")
                try:
                    one = await studio.library.import_file(path)
                except StudioError as error:
                    problems.append(error)
                else:
                    names.append(one.name)
                    self.added.emit(one.id)
            if names:
                what = f"{names[0]} is" if len(names) == 1 else f"{len(names)} elements are"
                self._problems.say(f"{what} in the library")
            if problems:
                raise problems[0]

        self._do("Adding elements", run)

    def stop(self) -> None:
        """Leave what is under way undone."""
        if self._tasks is not None:
            self._tasks.cancel("library")
            self._say_busy("")

    # within

    def _of_draft(self, element_id: str) -> DraftElement | None:
        return next((one for one in self._draft.value.elements if one.id == element_id), None)

    def _link(self, before: DraftElement, kept: LibraryElement) -> None:
        now = self._of_draft(before.id)
        if now is None:
            # It was removed meanwhile. It is in the library all the same.
            return
        shown = kept if now == before else now
        self._draft.link_element(
            before.id, library_id=kept.id, name=shown.name, frontal=shown.frontal, angles=shown.angles
        )

    def _has_tag(self, element: LibraryElement) -> bool:
        return self._tag.casefold() in {tag.casefold() for tag in element.tags}

    def _do(self, busy: str, act: Callable[[Studio], Coroutine[Any, Any, None]]) -> None:
        studio, tasks = self._studio, self._tasks
        if studio is None or tasks is None:
            self._problems.say("Starting…")
            return
        if tasks.running("library"):
            self._problems.say(f"{self._busy}… One thing at a time")
            return

        async def run() -> None:
            try:
                await act(studio)
            finally:
                self._say_busy("")

        self._problem = None
        self._say_busy(busy)
        tasks.start("library", run(), on_error=self._failed)

    def _do_now(self, act: Callable[[Studio], object]) -> None:
        if self._studio is None:
            return
        self._problem = None
        try:
            act(self._studio)
        except StudioError as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        if self._is_watched and isinstance(error, StudioError):
            self._problem = error.problem
            self.changed.emit()
        else:
            self._problems.report("library", error)

    def _say_busy(self, words: str) -> None:
        self._busy = words
        self.changed.emit()

    def _on_library(self) -> None:
        if self._tag and self._tag.casefold() not in {tag.casefold() for tag in self.tags}:
            self._tag = ""
        self.changed.emit()

    def _on_jobs(self) -> None:
        self._uses = None
        self.changed.emit()


def _element(element: DraftElement, name: str) -> Element:
    from klingstudio.domain.element import Element

    return Element(name=name, frontal=element.frontal, angles=element.angles)
