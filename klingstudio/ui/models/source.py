"""The chosen video of the draft: reading it, planning how it is made to fit, fitting it, and the sample clip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.errors import Kind, Problem, StudioError
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.domain.media import ClipFacts, FitPlan, Framing, Limits, Trim
    from klingstudio.domain.request import Request
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.studio import Studio

POSTER_PX = 640
STRIP_PICTURES = 16
STRIP_PX = 96
"""Height of the pictures of the strip: enough for a sharp screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The chosen file and what is known of it so far."""

    path: Path
    facts: ClipFacts | None = None
    plan: FitPlan | None = None
    poster: bytes | None = None
    problem: Problem | None = None
    unreadable: Problem | None = None
    """Whatever the provider and the trim are, this file cannot be used."""
    times: tuple[float, ...] | None = None
    """Where it can be cut, in seconds after its first frame; the last one is its end. None: not known yet."""
    strip: tuple[bytes, ...] = ()
    """Small pictures spread evenly over it. Empty: not there yet, or `strip_problem`."""
    strip_problem: Problem | None = None
    """Why it has no strip and cannot be trimmed by hand."""
    clip: Path | None = None
    """What was made of it by the present plan. None: not made yet, or the file is sent as it is."""
    fitting: float | None = None
    """How far the making of `clip` is, 0 to 1. None: it is not being made."""
    fit_problem: Problem | None = None
    """Why the last attempt to make it failed."""

    @property
    def is_reading(self) -> bool:
        return (self.facts is None or self.plan is None) and self.problem is None

    @property
    def is_known(self) -> bool:
        """True once there is nothing more to be found out about the file."""
        has_strip = bool(self.strip) or self.strip_problem is not None
        return self.unreadable is not None or (self.poster is not None and has_strip)

    @property
    def can_be_fitted(self) -> bool:
        """True while there is something to do before this can be sent, and nobody does it."""
        has_to_be = self.plan is not None and not self.plan.is_identity
        return has_to_be and self.clip is None and self.fitting is None


class SourceModel(QObject):
    """At most one file. Can be given one before the studio is open; it is looked at afterwards.

    What was found out about a file is kept: undo and another tab show it again at once.
    """

    changed = Signal()
    sample_made = Signal(str, object)
    """Id of a draft that wished for the sample clip, and its path."""

    def __init__(self, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._limits: Limits | None = None
        self._trim: Trim | None = None
        self._framing: Framing | None = None
        self._keeps_audio = True
        self._seen: dict[Path, Source] = {}
        self._now: Source | None = None
        self._sample_wishes: dict[str, None] = {}
        """Ids of the drafts that wait for the sample clip."""

    @property
    def now(self) -> Source | None:
        """What is chosen."""
        return self._now

    def is_making_sample(self, draft_id: str) -> bool:
        """True from the draft's wish for the sample clip until it is there."""
        return draft_id in self._sample_wishes

    def attach(self, studio: Studio, tasks: TaskOwner) -> None:
        """The studio is open: look at what was chosen before."""
        self._studio, self._tasks = studio, tasks
        if self._sample_wishes:
            self._begin_sample()
        if self._now is not None:
            self._read(self._now.path)

    def use_limits(self, limits: Limits) -> None:
        """Another provider: plan again."""
        self._limits = limits
        self._plan()

    def show(self, path: Path | None, trim: Trim | None, framing: Framing, *, keep_audio: bool) -> None:
        """This file, this part of it, made to fit like this."""
        if self._now is not None and (self._now.path, self._keeps_audio) != (path, keep_audio):
            self._stop_fitting()
        self._trim, self._framing, self._keeps_audio = trim, framing, keep_audio
        if path is None:
            self._now = None
            self.changed.emit()
        elif self._now is None or self._now.path != path:
            known = self._seen.get(path, Source(path=path))
            # What was planned for another draft is none of this one's.
            self._now = replace(known, plan=None, problem=known.unreadable, clip=None, fitting=None, fit_problem=None)
            self.changed.emit()
            if not known.is_known:
                self._read(path)
        self._plan()

    def use_sample(self, draft_id: str) -> None:
        """Make the built-in clip, which is drawn on first use; `sample_made` tells when it is there."""
        self._sample_wishes[draft_id] = None
        self.changed.emit()
        self._begin_sample()

    def forget_sample(self, draft_id: str) -> None:
        """Something else was chosen meanwhile."""
        if draft_id in self._sample_wishes:
            del self._sample_wishes[draft_id]
            if not self._sample_wishes and self._tasks is not None:
                self._tasks.cancel("sample")
            self.changed.emit()

    def read_again(self) -> None:
        """The file may be another one by now."""
        if self._now is not None:
            self._stop_fitting()
            self._now = Source(path=self._now.path)
            self._seen.pop(self._now.path, None)
            self.changed.emit()
            self._read(self._now.path)

    # fitting

    def fit(self) -> None:
        """Make the clip of the present plan now. Without this it is made when the draft is sent."""
        now = self._now
        if self._studio is not None and self._tasks is not None and now is not None and now.can_be_fitted:
            self._change(now.path, fitting=0.0, fit_problem=None)
            self._tasks.restart("fit", self._fit(self._studio, now), on_error=self._fit_failed)

    def cancel_fit(self) -> None:
        """Stop making it."""
        self._stop_fitting()

    def sent_clip(self, request: Request, limits: Limits) -> Path | None:
        """What was made of the source for this request, if the source was looked at and the clip is still there."""
        known, studio = self._seen.get(Path(request.source)), self._studio
        if known is None or known.facts is None or studio is None:
            return None
        from klingstudio.ui.models import rules

        plan, _ = rules.fit(known.facts, limits, request.trim, request.framing)
        if plan is None or plan.is_identity:
            return None
        return studio.fits.known(known.path, plan, limits=limits, keep_audio=request.keep_audio)

    async def _fit(self, studio: Studio, source: Source) -> None:
        plan, limits = source.plan, self._limits
        if plan is None or limits is None:
            return

        def tell(done: float) -> None:
            if self._now is not None and self._now.plan == plan and self._now.fitting is not None:
                self._change(source.path, fitting=done)

        clip = await studio.fits.fit(source.path, plan, limits=limits, keep_audio=self._keeps_audio, on_progress=tell)
        self._change(source.path, fitting=None, clip=Path(clip.path))

    def _fit_failed(self, error: Exception) -> None:
        if self._now is None:
            return
        problem = error.problem if isinstance(error, StudioError) else Problem(kind=Kind.MEDIA_WORKER_FAILED)
        if not isinstance(error, StudioError):
            self._problems.report("fitting the clip", error)
        self._change(self._now.path, fitting=None, fit_problem=problem)

    def _stop_fitting(self) -> None:
        if self._now is not None and self._now.fitting is not None:
            if self._tasks is not None:
                self._tasks.cancel("fit")
            self._change(self._now.path, fitting=None)

    # reading

    def _begin_sample(self) -> None:
        if self._studio is not None and self._tasks is not None:
            self._tasks.start("sample", self._make_sample(self._studio), on_error=self._sample_failed)

    async def _make_sample(self, studio: Studio) -> None:
        path = await studio.sample()
        wishes, self._sample_wishes = self._sample_wishes, {}
        for draft_id in wishes:
            self.sample_made.emit(draft_id, path)

    def _sample_failed(self, error: Exception) -> None:
        self._sample_wishes.clear()
        self._problems.report("sample clip", error)
        self.changed.emit()

    def _read(self, path: Path) -> None:
        if self._studio is not None and self._tasks is not None:
            self._tasks.restart(
                "source", self._look_at(self._studio, path), on_error=lambda error: self._failed(path, error)
            )

    async def _look_at(self, studio: Studio, path: Path) -> None:
        facts = await studio.media.probe(path)
        self._change(path, facts=facts)
        self._plan()
        poster = await studio.media.poster(path, min(0.5, facts.duration_s / 4), POSTER_PX)
        self._change(path, poster=poster)
        try:
            times = await studio.media.frame_times(path)
            self._change(path, times=times)
            strip = await studio.media.filmstrip(path, STRIP_PICTURES, STRIP_PX)
            self._change(path, strip=tuple(strip))
        except StudioError as error:
            # The clip itself can be used all the same.
            self._change(path, strip_problem=error.problem)

    def _failed(self, path: Path, error: Exception) -> None:
        if isinstance(error, StudioError):
            self._change(path, problem=error.problem, unreadable=error.problem)
        else:
            self._problems.report("reading the source", error)
            problem = Problem(kind=Kind.MEDIA_WORKER_FAILED)
            self._change(path, problem=problem, unreadable=problem)

    def _plan(self) -> None:
        from klingstudio.ui.models import rules

        now = self._now
        if now is None or now.facts is None or self._limits is None or now.unreadable is not None:
            return
        plan, problem = rules.fit(now.facts, self._limits, self._trim, self._framing)
        clip = self._made(now.path, plan)
        if (plan, problem, clip) != (now.plan, now.problem, now.clip):
            if plan != now.plan or clip is not None:
                self._stop_fitting()
            self._change(now.path, plan=plan, problem=problem, clip=clip, fit_problem=None)

    def _made(self, path: Path, plan: FitPlan | None) -> Path | None:
        """What was made by this plan earlier."""
        if plan is None or plan.is_identity or self._limits is None or self._studio is None:
            return None
        return self._studio.fits.known(path, plan, limits=self._limits, keep_audio=self._keeps_audio)

    def _change(self, path: Path, **changes: object) -> None:
        known = self._now if self._now is not None and self._now.path == path else self._seen.get(path)
        changed = replace(known or Source(path=path), **changes)  # type: ignore[arg-type]
        self._seen[path] = changed
        if self._now is not None and self._now.path == path:
            self._now = changed
            self.changed.emit()
