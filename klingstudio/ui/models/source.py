"""The chosen video of the draft: reading it, planning how it is made to fit, and the sample clip in its place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.errors import Kind, Problem, StudioError
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.domain.media import ClipFacts, FitPlan, Limits
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.studio import Studio

POSTER_PX = 640


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The chosen file and what is known of it so far."""

    path: Path
    facts: ClipFacts | None = None
    plan: FitPlan | None = None
    poster: bytes | None = None
    problem: Problem | None = None

    @property
    def is_reading(self) -> bool:
        return (self.facts is None or self.plan is None) and self.problem is None


class SourceModel(QObject):
    """At most one file. Can be given one before the studio is open; it is looked at afterwards."""

    changed = Signal()

    def __init__(self, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._limits: Limits | None = None
        self._now: Source | None = None
        self._wants_sample = False

    @property
    def now(self) -> Source | None:
        """What is chosen."""
        return self._now

    @property
    def is_making_sample(self) -> bool:
        """True from the wish for the sample clip until it is there."""
        return self._wants_sample

    def attach(self, studio: Studio, tasks: TaskOwner) -> None:
        """The studio is open: look at what was chosen before."""
        self._studio, self._tasks = studio, tasks
        if self._wants_sample:
            self.use_sample()
        elif self._now is not None:
            self._read(self._now.path)

    def use_limits(self, limits: Limits) -> None:
        """Another provider: plan again."""
        self._limits = limits
        self._plan()

    def choose(self, path: Path) -> None:
        """Use this file. It is only read, never altered."""
        self._wants_sample = False
        self._now = Source(path=path.absolute())
        self.changed.emit()
        self._read(self._now.path)

    def use_sample(self) -> None:
        """Use the built-in clip, which is drawn on first use."""
        self._wants_sample = True
        self.changed.emit()
        if self._studio is not None and self._tasks is not None:
            self._tasks.restart("sample", self._make_sample(self._studio), on_error=self._sample_failed)

    def remove(self) -> None:
        self._wants_sample = False
        if self._tasks is not None:
            self._tasks.cancel("source")
            self._tasks.cancel("sample")
        self._now = None
        self.changed.emit()

    def read_again(self) -> None:
        if self._now is not None:
            self.choose(self._now.path)

    async def _make_sample(self, studio: Studio) -> None:
        path = await studio.sample()
        if self._wants_sample:
            self.choose(path)

    def _sample_failed(self, error: Exception) -> None:
        self._wants_sample = False
        self._problems.report("sample clip", error)
        self.changed.emit()

    def _read(self, path: Path) -> None:
        if self._studio is not None and self._tasks is not None:
            self._tasks.restart("source", self._look_at(self._studio, path), on_error=self._failed)

    async def _look_at(self, studio: Studio, path: Path) -> None:
        facts = await studio.media.probe(path)
        self._change(path, facts=facts)
        self._plan()
        poster = await studio.media.poster(path, min(0.5, facts.duration_s / 4), POSTER_PX)
        self._change(path, poster=poster)

    def _failed(self, error: Exception) -> None:
        path = self._now.path if self._now else Path()
        if isinstance(error, StudioError):
            self._change(path, problem=error.problem)
        else:
            self._problems.report("reading the source", error)
            self._change(path, problem=Problem(kind=Kind.MEDIA_WORKER_FAILED))

    def _plan(self) -> None:
        from klingstudio.ui.models import rules

        now = self._now
        if now is None or now.facts is None or self._limits is None:
            return
        plan, problem = rules.fit(now.facts, self._limits)
        self._change(now.path, plan=plan, problem=problem)

    def _change(self, path: Path, **changes: object) -> None:
        if self._now is not None and self._now.path == path:
            self._now = replace(self._now, **changes)  # type: ignore[arg-type]
            self.changed.emit()
