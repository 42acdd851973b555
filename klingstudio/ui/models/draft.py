"""What is being composed: one value with its history, what is known of its files, and what becomes of both."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.draft import Draft, Made
from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import InputRefused, Kind, Problem
from klingstudio.domain.prompt import Prompt
from klingstudio.ui.models.aside import Aside
from klingstudio.ui.models.composer import ANGLES_MAX, REFERENCES_MAX, Composer
from klingstudio.ui.models.history import History
from klingstudio.ui.models.pictures import PictureFiles
from klingstudio.ui.models.problems import Problems
from klingstudio.ui.models.references import Figure, Picture, figures_of, pictures_of
from klingstudio.ui.models.source import Source, SourceModel
from klingstudio.ui.models.terms import Terms

if TYPE_CHECKING:
    from klingstudio.domain.lint import Finding
    from klingstudio.domain.media import Caution
    from klingstudio.domain.price import Money
    from klingstudio.domain.request import Request
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.studio import Studio


def new_id() -> str:
    """For a draft or a reference."""
    return uuid.uuid4().hex[:12]


class DraftModel(Terms):
    """The draft that is shown. Another tab is another `History` of the same model: see `load`."""

    switched = Signal()
    """Another draft is shown."""
    sample_came = Signal(str, object)
    """The sample clip is there for a draft that is not shown: its id, and the path."""

    def __init__(
        self,
        problems: Problems,
        parent: QObject | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        ids: Callable[[], str] = new_id,
    ) -> None:
        super().__init__(problems, History(Draft(id=ids()), clock), ids, parent)
        self._clock = clock
        self._tasks: TaskOwner | None = None
        self._source = SourceModel(problems, self)
        self._files = PictureFiles(problems, self)
        self._findings: tuple[Finding, ...] | None = None
        self._source.changed.connect(self._on_source)
        self._source.sample_made.connect(self._on_sample)
        self._files.changed.connect(self._on_files)

    def begin(self, draft_id: str = "") -> History[Draft]:
        """The history of a new draft, with the choices made last."""
        return History(self._with_choices(Draft(id=draft_id or self._ids())), self._clock)

    def load(self, history: History[Draft]) -> None:
        """Show another draft."""
        before = self.value
        self._history = history
        if self._studio is not None and self.provider is None:
            # Of a program that knew another provider.
            history.amend(replace(history.now, provider=self._with_choices(history.now).provider))
        self._show(before)
        if self._source.is_making_sample(before.id) or self.is_making_sample:
            self._on_source()
        self.switched.emit()

    def aside(self, history: History[Draft]) -> Composer:
        """Another draft, to be changed while it is not shown."""
        info = self._info(history.now.provider)
        most = (info.limits.references_max, info.limits.angles_max) if info else (REFERENCES_MAX, ANGLES_MAX)
        return Aside(self._problems, history, self._ids, references=most[0], angles=most[1])

    def _show(self, before: Draft, typed: Prompt | None = None) -> None:
        now = self.value
        self._findings = None
        if _of_clip(now) != _of_clip(before):
            place = Path(now.source) if now.source else None
            self._source.show(place, now.trim, now.framing, keep_audio=now.keep_audio)
        if now.pictures != before.pictures:
            self._files.want(now.pictures)
        if now.provider != before.provider:
            self._use_provider()
        elif now.tier is not before.tier:
            self._prices.read(now.provider, self.tier)
        super()._show(before, typed)

    def _on_source(self) -> None:
        self._findings = None
        self.source_changed.emit()
        self.changed.emit()

    def _on_sample(self, draft_id: str, path: Path) -> None:
        if draft_id == self.value.id:
            self.set_source(path)
        else:
            self.sample_came.emit(draft_id, path)

    def _on_files(self) -> None:
        self._findings = None
        self.pictures_changed.emit()
        self.changed.emit()

    # what stands now

    @property
    def source(self) -> Source | None:
        return self._source.now

    @property
    def is_making_sample(self) -> bool:
        """True from the wish for the sample clip until it is there."""
        return self._source.is_making_sample(self.value.id)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return pictures_of(self.value, self._files)

    @property
    def figures(self) -> tuple[Figure, ...]:
        return figures_of(self.value, self._files)

    def reference(self, reference_id: str) -> Picture | Figure | None:
        """The image or element with this id; None for one that is gone."""
        every: tuple[Picture | Figure, ...] = (*self.pictures, *self.figures)
        return next((one for one in every if one.id == reference_id), None)

    # money

    @property
    def estimate_each(self) -> Money | None:
        """What one take will cost, as far as it can be known."""
        plan = self.source.plan if self.source else None
        return self.price.of(plan.duration_s) if self.price and plan else None

    @property
    def estimate(self) -> Money | None:
        """What pressing Generate will cost. None: not known, which is never the same as nothing."""
        each = self.estimate_each
        return each * self.takes if each else None

    # wiring

    def attach(self, studio: Studio) -> None:
        """The studio is open: take over the last choices and look at what was dropped before."""
        from klingstudio.engine.tasks import TaskOwner

        self._studio = studio
        self._tasks = TaskOwner()
        if not self.value.provider:
            self._history.amend(self._with_choices(self.value))
        self._prices.attach(studio, self._tasks)
        self._use_provider()
        self._source.attach(studio, self._tasks)
        self._files.attach(studio, self._tasks)
        self.changed.emit()

    async def aclose(self) -> None:
        """Stop reading files and prices."""
        if self._tasks is not None:
            await self._tasks.aclose()

    # the clip

    def set_source(self, path: Path, *, url: str | None = None) -> None:
        """Use this file. It is only read, never altered. `url`: the person's own address that it was fetched from."""
        self._source.forget_sample(self.value.id)
        if str(path.absolute()) == self.value.source:
            self.read_source_again()
        else:
            super().set_source(path, url=url)

    def use_sample(self) -> None:
        """Use the built-in clip, which is drawn on first use."""
        self._source.use_sample(self.value.id)

    def remove_source(self) -> None:
        self._source.forget_sample(self.value.id)
        self._change("remove the clip", source="", source_url=None, trim=None)

    def read_source_again(self) -> None:
        self._source.read_again()

    @property
    def clip(self) -> Path | None:
        """What was made of the source by the present plan; None: not made yet, or the source is sent as it is."""
        return self.source.clip if self.source is not None else None

    def fit(self) -> None:
        """Make the clip of the present plan now, so that it can be looked at before it is sent."""
        self._source.fit()

    def cancel_fit(self) -> None:
        self._source.cancel_fit()

    def sent_clip(self, request: Request) -> Path | None:
        """What was made of a request's source when it was sent, if that is still there."""
        info = self._info(request.provider)
        return self._source.sent_clip(request, info.limits) if info is not None else None

    def replace_picture(self, picture_id: str, place: Path, made: Made | None = None) -> None:
        before = self.value
        super().replace_picture(picture_id, place, made)
        if self.value == before:
            self.read_pictures_again(picture_id)

    def read_pictures_again(self, reference_id: str) -> None:
        """The files of this reference may be others by now."""
        one = self.reference(reference_id)
        for slot in () if one is None else (one.slot,) if isinstance(one, Picture) else one.slots:
            self._files.read_again(slot.place)

    def _use_provider(self) -> None:
        info = self.provider
        self._findings = None
        if info is not None:
            self._prices.read(info.id, self.tier)
            self._source.use_limits(info.limits)
        self.providers_changed.emit()

    # becoming a request

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything there is to say about the draft before it is sent. Empty until a provider is known."""
        info = self.provider
        if info is None:
            return ()
        if self._findings is None:
            from klingstudio.ui.models import rules

            source = self.source
            self._findings = rules.findings(
                self.value,
                info,
                self.providers,
                plan=source.plan if source else None,
                clip_problem=source.problem if source else None,
                looks={place: self._files.look(place) for place in self.value.pictures},
            )
        return self._findings

    def findings_at(self, subject: str) -> tuple[Finding, ...]:
        """Those of one place: `image:2`, `element:1` with its pictures, `prompt` with its parts."""
        return tuple(one for one in self.findings if one.subject == subject or one.subject.startswith(f"{subject}:"))

    def problem(self) -> Problem | None:
        """The first reason why this cannot be generated, at its place; None when it can."""
        if self.provider is None:
            return Problem(kind=Kind.SOURCE_MISSING, subject="source") if self.source is None else None
        from klingstudio.domain.lint import blocking

        return blocking(self.findings) or self._host_problem()

    def cautions(self) -> tuple[Caution, ...]:
        """What may be refused although it is sent, each at its place."""
        return tuple(one.caution for one in self.findings if one.caution is not None)

    def _host_problem(self) -> Problem | None:
        if not self.needs_host or self._hosts is None or self.host is not None:
            return None
        return Problem(kind=Kind.HOST_MISSING, detail=self.provider.title if self.provider else "", subject="host")

    @property
    def is_reading(self) -> bool:
        """True while a file is still being looked at."""
        is_source_read = self.source is None or not self.source.is_reading
        return not is_source_read or any(self._files.is_reading(place) for place in self.value.pictures)

    def request(self) -> Request:
        """The frozen request.

        Raises:
            InputRefused: something is missing or does not fit; nothing may be sent.
        """
        problem, info, source = self.problem(), self.provider, self.source
        if problem is not None:
            raise InputRefused(problem.kind, problem.detail, subject=problem.subject)
        if self._studio is None or source is None or source.plan is None or info is None:
            raise InputRefused(Kind.SOURCE_MISSING, subject="source")
        from klingstudio.ui.models import rules

        return rules.request_of(
            self.value,
            info,
            inputs_via=self.host.id if self.host else None,
            billed_to=self._studio.settings.choices.billed_to if info.bills_organisations else "",
            max_cost=rules.cap(self.price, source.plan) if self.price else None,
        )

    def sketch(self) -> Request | None:
        """The draft as far as it goes, to be compared and not to be sent. None without a clip that can be read."""
        info, source = self.provider, self.source
        if source is None or source.facts is None or info is None:
            return None
        from klingstudio.ui.models import rules

        host = self.value.inputs_via if self.value.inputs_via in (self._hosts or ()) else None
        return rules.request_of(self.value, info, inputs_via=host, billed_to="", max_cost=None)

    def fill_from(self, request: Request) -> None:
        """Take over everything of an earlier run."""
        from klingstudio.domain.draft import draft_of

        if is_web_address(request.source):
            self._problems.say("The clip of that run is on the internet: download it and choose the file")
            request = replace(request, source=self.value.source)
        before = self.value
        self._history.push(
            replace(draft_of(request, before.id, self._ids), name=before.name), "take over an earlier run"
        )
        self._show(before)


def _of_clip(draft: Draft) -> tuple[object, ...]:
    return draft.source, draft.trim, draft.framing, draft.keep_audio
