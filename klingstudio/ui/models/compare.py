"""What every service would make of the present draft. Asked for while somebody looks at it, and not otherwise."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from klingstudio.domain.errors import Problem, StudioError
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.domain.request import Request
    from klingstudio.engine.compare import Offer
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.studio import Studio

SETTLE_MS = 300
"""How long the draft must rest before it is compared: a slider moves in many small steps."""


class Stage(Enum):
    """How far the comparison is."""

    EMPTY = auto()
    """There is no clip to compare anything for."""
    ASKING = auto()
    READY = auto()
    FAILED = auto()


class CompareModel(QObject):
    """Follows the draft while it is watched. The last offers stay while newer ones are fetched."""

    changed = Signal()

    def __init__(self, draft: DraftModel, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._problems = draft, problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._is_watched = False
        self._asked: tuple[Request, int] | None = None
        self._offers: tuple[Offer, ...] = ()
        self._stage = Stage.EMPTY
        self._problem: Problem | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._look)
        draft.changed.connect(self._on_draft)

    @property
    def stage(self) -> Stage:
        return self._stage

    @property
    def offers(self) -> tuple[Offer, ...]:
        """One per service; of an older draft while the stage is ASKING."""
        return self._offers

    @property
    def problem(self) -> Problem | None:
        """Why there is nothing to compare, where the stage is FAILED."""
        return self._problem

    def attach(self, studio: Studio) -> None:
        from klingstudio.engine.tasks import TaskOwner

        self._studio = studio
        self._tasks = TaskOwner()

    async def aclose(self) -> None:
        """Stop asking."""
        self._settle.stop()
        if self._tasks is not None:
            await self._tasks.aclose()

    def watch(self) -> None:
        """Somebody looks: compare now, and whenever the draft changes."""
        self._is_watched = True
        self.refresh()

    def rest(self) -> None:
        """Nobody looks any more."""
        self._is_watched = False
        self._settle.stop()
        if self._tasks is not None:
            self._tasks.cancel("compare")
        self._asked = None

    def refresh(self) -> None:
        """Compare now, whether or not anything changed: a key was added, or a price may have moved."""
        self._asked = None
        if self._is_watched:
            self._look()

    def _on_draft(self) -> None:
        if self._is_watched:
            self._settle.start()

    def _look(self) -> None:
        studio, tasks = self._studio, self._tasks
        request = self._draft.sketch()
        if studio is None or tasks is None or request is None:
            source = self._draft.source
            self._asked = None
            is_reading = source is not None and source.is_reading
            self._show(Stage.ASKING if is_reading else Stage.EMPTY)
            return
        # The words of the prompt change nothing here, only whether there are any.
        question = replace(request, prompt=request.prompt.strip()[:1]), self._draft.takes
        if question != self._asked:
            self._asked = question
            self._show(Stage.ASKING)
            tasks.restart("compare", self._ask(studio, request, self._draft.takes), on_error=self._failed)

    async def _ask(self, studio: Studio, request: Request, takes: int) -> None:
        self._offers = await studio.compare(request, takes=takes)
        self._show(Stage.READY)

    def _failed(self, error: Exception) -> None:
        self._asked = None
        if isinstance(error, StudioError):
            self._show(Stage.FAILED, error.problem)
        else:
            self._problems.report("comparing providers", error)
            self._show(Stage.READY if self._offers else Stage.EMPTY)

    def _show(self, stage: Stage, problem: Problem | None = None) -> None:
        self._stage, self._problem = stage, problem
        if stage in {Stage.EMPTY, Stage.FAILED}:
            self._offers = ()
        self.changed.emit()
