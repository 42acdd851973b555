"""What is being composed: one value with its history, what is known of its files, and what becomes of both."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.draft import Draft, Made
from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import InputRefused, Kind, Problem, StudioError
from klingstudio.domain.prompt import Prompt
from klingstudio.ui.models.composer import Composer
from klingstudio.ui.models.history import History
from klingstudio.ui.models.pictures import PictureFiles
from klingstudio.ui.models.prices import PricesModel
from klingstudio.ui.models.problems import Problems
from klingstudio.ui.models.references import Figure, Picture, figures_of, pictures_of
from klingstudio.ui.models.source import Source, SourceModel

if TYPE_CHECKING:
    from klingstudio.domain.lint import Finding
    from klingstudio.domain.media import Caution
    from klingstudio.domain.price import Money, Price
    from klingstudio.domain.request import Request, Tier
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.providers.base import ProviderInfo
    from klingstudio.studio import Studio

PROMPT_MAX_CHARS = 2500
"""Until a provider is known that says otherwise."""
TAKES = (1, 2, 3, 4)


def new_id() -> str:
    """For a draft or a reference."""
    return uuid.uuid4().hex[:12]


class DraftModel(Composer):
    """The draft that is shown. Another tab is another `History` of the same model: see `load`."""

    providers_changed = Signal()
    switched = Signal()
    """Another draft is shown."""

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
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._source = SourceModel(problems, self)
        self._files = PictureFiles(problems, self)
        self._prices = PricesModel(problems, self)
        self._hosts: tuple[str, ...] | None = None
        self._findings: tuple[Finding, ...] | None = None
        self._source.changed.connect(self._on_source)
        self._source.sample_made.connect(self.set_source)
        self._files.changed.connect(self._on_files)
        self._prices.changed.connect(self.changed)

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
        self._source.forget_sample()
        self._show(before)
        self.switched.emit()

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
        return self._source.is_making_sample

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

    @property
    def tier(self) -> Tier | None:
        """The wish where the provider has it, else what it has. None until the studio is open."""
        info = self.provider
        if info is None:
            return None
        return self.value.tier if self.value.tier in info.tiers else info.tiers[0]

    @property
    def is_attached(self) -> bool:
        return self._studio is not None

    @property
    def providers(self) -> tuple[ProviderInfo, ...]:
        return self._studio.providers if self._studio is not None else ()

    @property
    def provider(self) -> ProviderInfo | None:
        """The chosen provider; None until the studio is open."""
        return self._info(self.value.provider)

    @property
    def prompt_max(self) -> int:
        return self.provider.limits.prompt_max_chars if self.provider else PROMPT_MAX_CHARS

    @property
    def references_max(self) -> int:
        return self.provider.limits.references_max if self.provider else super().references_max

    @property
    def angles_max(self) -> int:
        return self.provider.limits.angles_max if self.provider else super().angles_max

    def _info(self, provider_id: str) -> ProviderInfo | None:
        return next((info for info in self.providers if info.id == provider_id), None)

    # money

    @property
    def is_free(self) -> bool:
        """True for a provider that needs no key: nothing is ever charged."""
        return self.provider is not None and self.provider.key_variable is None

    @property
    def price(self) -> Price | None:
        return self._prices.of(self.value.provider, self.tier)

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

    def read_price_again(self) -> None:
        """A key was added or removed: a live price may have become readable."""
        self._prices.forget()
        self._prices.read(self.value.provider, self.tier)

    # files of a provider that hosts none

    @property
    def needs_host(self) -> bool:
        """True while the files of the draft have to be hosted by another provider than the one that edits them."""
        return self.provider is not None and not self.provider.hosts_files

    @property
    def hosts(self) -> tuple[ProviderInfo, ...]:
        """Every service that hosts files, with or without a key."""
        return tuple(info for info in self.providers if info.hosts_files and info.key_variable is not None)

    @property
    def host(self) -> ProviderInfo | None:
        """Where the files will go: the wish, else the first that can be used. None where none can, or none is needed."""
        usable = self._hosts or ()
        if not self.needs_host or not usable:
            return None
        return self._info(self.value.inputs_via if self.value.inputs_via in usable else usable[0])

    def offer_hosts(self, provider_ids: Sequence[str]) -> None:
        """Which of `hosts` have a key. Until this is told nothing is said to be missing."""
        if self._hosts != tuple(provider_ids):
            self._hosts = tuple(provider_ids)
            self.changed.emit()

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

    def _with_choices(self, draft: Draft) -> Draft:
        """The draft with the settings that were used last."""
        studio = self._studio
        if studio is None:
            return draft
        choices = studio.settings.choices
        known = {info.id for info in studio.providers}
        free = next((info.id for info in studio.providers if info.key_variable is None), "")
        wishes = (choices.provider, studio.accounts.keyed_provider() or free)
        return replace(
            draft,
            provider=next((wish for wish in wishes if wish in known), ""),
            tier=choices.tier,
            keep_audio=choices.keep_audio,
            takes=choices.takes if choices.takes in TAKES else 1,
            inputs_via=choices.inputs_via,
        )

    async def aclose(self) -> None:
        """Stop reading files and prices."""
        if self._tasks is not None:
            await self._tasks.aclose()

    # the clip

    def set_source(self, path: Path, *, url: str | None = None) -> None:
        """Use this file. It is only read, never altered. `url`: the person's own address that it was fetched from."""
        self._source.forget_sample()
        place = str(path.absolute())
        if place == self.value.source:
            self.read_source_again()
            return
        label = "replace the clip" if self.value.source else f"use {path.name}"
        self._change(label, source=place, source_url=url, trim=None)

    def use_sample(self) -> None:
        """Use the built-in clip, which is drawn on first use."""
        self._source.use_sample()

    def remove_source(self) -> None:
        self._source.forget_sample()
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

    # settings

    def choose_provider(self, provider_id: str, *, remember: bool = True) -> None:
        if provider_id != self.value.provider and (info := self._info(provider_id)) is not None:
            if remember:
                self._remember(provider=provider_id)
            self._change(f"use {info.title}", provider=provider_id)

    def _use_provider(self) -> None:
        info = self.provider
        self._findings = None
        if info is not None:
            self._prices.read(info.id, self.tier)
            self._source.use_limits(info.limits)
        self.providers_changed.emit()

    def choose_tier(self, tier: Tier) -> None:
        if tier is not self.value.tier:
            self._remember(tier=tier)
            self._change("change the quality", tier=tier)

    def choose_keep_audio(self, keep: bool) -> None:
        if keep is not self.keep_audio:
            self._remember(keep_audio=keep)
            self._change("keep the sound" if keep else "leave the sound out", keep_audio=keep)

    def choose_takes(self, takes: int) -> None:
        if takes != self.takes:
            self._remember(takes=takes)
            self._change("change the number of takes", takes=takes)

    def choose_inputs_via(self, provider_id: str) -> None:
        if provider_id != self.value.inputs_via:
            self._remember(inputs_via=provider_id)
            self._change("host the files elsewhere", inputs_via=provider_id)

    def use_keyed_provider(self, provider_id: str) -> None:
        """A key was added: go to its provider, if the person is still where everybody begins."""
        if self._studio is not None and not self._studio.settings.choices.provider:
            self.choose_provider(provider_id)

    def use_free_provider(self, *, remember: bool = True) -> None:
        """Go to the provider that needs no key."""
        free = next((info.id for info in self.providers if info.key_variable is None), None)
        if free is not None:
            self.choose_provider(free, remember=remember)

    def _remember(self, **choices: object) -> None:
        if self._studio is not None:
            try:
                self._studio.settings.update(**choices)
            except StudioError as error:
                self._problems.report("settings", error)

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
