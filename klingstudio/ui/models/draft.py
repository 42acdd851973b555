"""What is being composed: the inputs, the prompt and the settings, until it becomes a frozen request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import InputRefused, Kind, Problem, StudioError
from klingstudio.ui.models.prices import PricesModel
from klingstudio.ui.models.problems import Problems
from klingstudio.ui.models.references import Figure, Order, Picture, ReferencesModel
from klingstudio.ui.models.source import Source, SourceModel

if TYPE_CHECKING:
    from klingstudio.domain.media import Caution
    from klingstudio.domain.price import Money, Price
    from klingstudio.domain.request import Request, Tier
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.providers.base import ProviderInfo
    from klingstudio.studio import Studio

PROMPT_MAX_CHARS = 2500
"""Until a provider is known that says otherwise."""
TAKES = (1, 2, 3, 4)


class DraftModel(QObject):
    """The draft. Every change is told by one signal per part; `changed` follows each of them."""

    changed = Signal()
    source_changed = Signal()
    pictures_changed = Signal()
    """Pictures or elements."""
    prompt_replaced = Signal(str)
    """The text was changed from outside the field: tokens renumbered, or a job's prompt taken over."""
    providers_changed = Signal()

    def __init__(self, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._source = SourceModel(problems, self)
        self._references = ReferencesModel(problems, self)
        self._prices = PricesModel(problems, self)
        self._prompt = ""
        self._provider = ""
        self._tier: Tier | None = None
        self._keep_audio = True
        self._takes = 1
        self._inputs_via = ""
        self._hosts: tuple[str, ...] | None = None
        self._source.changed.connect(self.source_changed)
        self._references.reordered.connect(self._renumber)
        self._references.changed.connect(self.pictures_changed)
        for signal in (self._source.changed, self._references.changed, self._prices.changed):
            signal.connect(self.changed)

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
        return self._references.pictures

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The elements, which only an earlier run brings along."""
        return self._references.figures

    @property
    def prompt(self) -> str:
        return self._prompt

    @property
    def tier(self) -> Tier | None:
        """The wish where the provider has it, else what it has. None until the studio is open."""
        info = self.provider
        return self._tier if info is None or self._tier in info.tiers else info.tiers[0]

    @property
    def keep_audio(self) -> bool:
        return self._keep_audio

    @property
    def takes(self) -> int:
        return self._takes

    @property
    def is_attached(self) -> bool:
        return self._studio is not None

    @property
    def providers(self) -> tuple[ProviderInfo, ...]:
        return self._studio.providers if self._studio is not None else ()

    @property
    def provider(self) -> ProviderInfo | None:
        """The chosen provider; None until the studio is open."""
        return self._info(self._provider)

    @property
    def prompt_max(self) -> int:
        return self.provider.limits.prompt_max_chars if self.provider else PROMPT_MAX_CHARS

    @property
    def references_max(self) -> int:
        return self._references.most

    def _info(self, provider_id: str) -> ProviderInfo | None:
        return next((info for info in self.providers if info.id == provider_id), None)

    # money

    @property
    def is_free(self) -> bool:
        """True for a provider that needs no key: nothing is ever charged."""
        return self.provider is not None and self.provider.key_variable is None

    @property
    def price(self) -> Price | None:
        return self._prices.of(self._provider, self.tier)

    @property
    def estimate_each(self) -> Money | None:
        """What one take will cost, as far as it can be known."""
        plan = self.source.plan if self.source else None
        return self.price.of(plan.duration_s) if self.price and plan else None

    @property
    def estimate(self) -> Money | None:
        """What pressing Generate will cost. None: not known, which is never the same as nothing."""
        each = self.estimate_each
        return each * self._takes if each else None

    def read_price_again(self) -> None:
        """A key was added or removed: a live price may have become readable."""
        self._prices.forget()
        self._prices.read(self._provider, self.tier)

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
        return self._info(self._inputs_via if self._inputs_via in usable else usable[0])

    def offer_hosts(self, provider_ids: Sequence[str]) -> None:
        """Which of `hosts` have a key. Until this is told nothing is said to be missing."""
        if self._hosts != tuple(provider_ids):
            self._hosts = tuple(provider_ids)
            self.changed.emit()

    def choose_inputs_via(self, provider_id: str) -> None:
        if provider_id != self._inputs_via:
            self._inputs_via = provider_id
            self._remember(inputs_via=provider_id)
            self.changed.emit()

    # wiring

    def attach(self, studio: Studio) -> None:
        """The studio is open: take over the last choices and look at what was dropped before."""
        from klingstudio.engine.tasks import TaskOwner

        self._studio = studio
        self._tasks = TaskOwner()
        choices = studio.settings.choices
        known = {info.id for info in studio.providers}
        free = next((info.id for info in studio.providers if info.key_variable is None), "")
        wishes = (choices.provider, studio.accounts.keyed_provider() or free)
        self._provider = next((wish for wish in wishes if wish in known), "")
        self._tier = choices.tier
        self._keep_audio = choices.keep_audio
        self._takes = choices.takes if choices.takes in TAKES else 1
        self._inputs_via = choices.inputs_via
        self._prices.attach(studio, self._tasks)
        self._use_provider()
        self._source.attach(studio, self._tasks)
        self._references.attach(studio, self._tasks)
        self.changed.emit()

    async def aclose(self) -> None:
        """Stop reading files and prices."""
        if self._tasks is not None:
            await self._tasks.aclose()

    # the inputs

    def set_source(self, path: Path) -> None:
        """Use this file. It is only read, never altered."""
        self._source.choose(path)

    def use_sample(self) -> None:
        """Use the built-in clip, which is drawn on first use."""
        self._source.use_sample()

    def remove_source(self) -> None:
        self._source.remove()

    def read_source_again(self) -> None:
        self._source.read_again()

    def room_for(self, count: int) -> int:
        """How many of `count` more pictures can be added."""
        return self._references.room_for(count)

    def add_pictures(self, places: Sequence[Path]) -> None:
        """Add pictures in this order, as many as there is room for."""
        self._references.add(places)

    def remove_reference(self, reference_id: str) -> None:
        """Take a picture or an element away. Tokens of the others keep pointing at the same one."""
        self._references.remove(reference_id)

    def move_picture(self, picture_id: str, by: int) -> None:
        """Let a picture change places with its neighbour."""
        self._references.move(picture_id, by)

    # words and settings

    def set_prompt(self, text: str) -> None:
        """The person typed."""
        if text != self._prompt:
            self._prompt = text
            self.changed.emit()

    def replace_prompt(self, text: str) -> None:
        """Put another text into the field."""
        self._prompt = text
        self.prompt_replaced.emit(text)
        self.changed.emit()

    def _renumber(self, before: Order, after: Order) -> None:
        from klingstudio.ui.models import rules

        text = rules.renumber(self._prompt, before, after)
        if text != self._prompt:
            self._prompt = text
            self.prompt_replaced.emit(text)

    def choose_provider(self, provider_id: str, *, remember: bool = True) -> None:
        if provider_id != self._provider and self._info(provider_id) is not None:
            self._provider = provider_id
            if remember:
                self._remember(provider=provider_id)
            self._use_provider()
            self.changed.emit()

    def _use_provider(self) -> None:
        info = self.provider
        if info is not None:
            self._prices.read(info.id, self.tier)
            self._source.use_limits(info.limits)
            self._references.use_limits(info.limits)
        self.providers_changed.emit()

    def choose_tier(self, tier: Tier) -> None:
        if tier is not self._tier:
            self._tier = tier
            self._remember(tier=tier)
            self._prices.read(self._provider, self.tier)
            self.changed.emit()

    def choose_keep_audio(self, keep: bool) -> None:
        if keep is not self._keep_audio:
            self._keep_audio = keep
            self._remember(keep_audio=keep)
            self.changed.emit()

    def choose_takes(self, takes: int) -> None:
        if takes != self._takes:
            self._takes = takes
            self._remember(takes=takes)
            self.changed.emit()

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

    def problem(self) -> Problem | None:
        """The first reason why this cannot be generated, at its place; None when it can."""
        if self.source is None:
            return Problem(kind=Kind.SOURCE_MISSING, subject="source")
        if self.source.problem is not None:
            return self.source.problem
        for n, picture in enumerate(self.pictures, 1):
            if picture.problem is not None:
                return replace(picture.problem, subject=f"image:{n}")
        return self.references_problem() or self.prompt_problem() or self._host_problem()

    def references_problem(self) -> Problem | None:
        """Why the provider would refuse the pictures and elements together, at the first one that it is about."""
        request, info = self.sketch(), self.provider
        if request is None or info is None or not self.pictures + self.figures:
            return None
        from klingstudio.ui.models import rules

        problem = self._elements_problem() or rules.request_problem(request, info.limits)
        return problem if problem is not None and problem.subject.startswith(("image", "element")) else None

    def _elements_problem(self) -> Problem | None:
        """Why the provider cannot use the elements; None where it can, or where there are none."""
        info = self.provider
        if not self.figures or info is None or info.takes_elements:
            return None
        from klingstudio.engine.accounts import those_that_do

        others = [other for other in self.providers if other.takes_elements and other.key_variable is not None]
        detail = f"{info.title} takes no elements{f'; {those_that_do(others)}' if others else ''}"
        return Problem(kind=Kind.NOT_SUPPORTED, detail=detail, subject="element:1")

    def prompt_problem(self) -> Problem | None:
        """What is wrong with the prompt, empty included."""
        if not self._prompt.strip():
            return Problem(kind=Kind.PROMPT_EMPTY, subject="prompt")
        from klingstudio.ui.models import rules

        counts = {"images": len(self.pictures), "elements": len(self.figures)}
        return rules.prompt_problem(self._prompt, **counts, max_chars=self.prompt_max)

    def cautions(self) -> tuple[Caution, ...]:
        """What may be refused although it is sent, each at its place."""
        request, info, source = self.sketch(), self.provider, self.source
        if request is None or info is None or source is None:
            return ()
        from klingstudio.ui.models import rules

        return rules.cautions(request, source.plan, info.limits)

    def _host_problem(self) -> Problem | None:
        if not self.needs_host or self._hosts is None or self.host is not None:
            return None
        return Problem(kind=Kind.HOST_MISSING, detail=self.provider.title if self.provider else "", subject="host")

    @property
    def is_reading(self) -> bool:
        """True while a file is still being looked at."""
        is_source_read = self.source is None or not self.source.is_reading
        return not is_source_read or any(picture.is_reading for picture in self.pictures)

    def request(self) -> Request:
        """The frozen request.

        Raises:
            InputRefused: something is missing or does not fit; nothing may be sent.
        """
        problem, info, source, tier = self.problem(), self.provider, self.source, self.tier
        if problem is not None:
            raise InputRefused(problem.kind, problem.detail, subject=problem.subject)
        if self._studio is None or source is None or source.plan is None or info is None or tier is None:
            raise InputRefused(Kind.SOURCE_MISSING, subject="source")
        from klingstudio.ui.models import rules

        return rules.make_request(
            source=source.path,
            prompt=self._prompt,
            provider=info.id,
            tier=tier,
            pictures=[picture.place for picture in self.pictures],
            elements=[figure.element for figure in self.figures],
            keep_audio=self._keep_audio,
            inputs_via=self.host.id if self.host else None,
            billed_to=self._studio.settings.choices.billed_to if info.bills_organisations else "",
            max_cost=rules.cap(self.price, source.plan) if self.price else None,
        )

    def sketch(self) -> Request | None:
        """The draft as far as it goes, to be compared and not to be sent. None without a clip that can be read."""
        info, source, tier = self.provider, self.source, self.tier
        if source is None or source.facts is None or info is None or tier is None:
            return None
        from klingstudio.ui.models import rules

        return rules.make_request(
            source=source.path,
            prompt=self._prompt,
            provider=info.id,
            tier=tier,
            pictures=[picture.place for picture in self.pictures],
            elements=[figure.element for figure in self.figures],
            keep_audio=self._keep_audio,
            inputs_via=self._inputs_via if self._inputs_via in (self._hosts or ()) else None,
            billed_to="",
            max_cost=None,
        )

    def fill_from(self, request: Request) -> None:
        """Take over everything of an earlier run."""
        self.choose_provider(request.provider)
        self.choose_tier(request.tier)
        self.choose_keep_audio(request.keep_audio)
        if request.inputs_via:
            self.choose_inputs_via(request.inputs_via)
        if is_web_address(request.source):
            self._problems.say("The clip of that run is on the internet: download it and choose the file")
        elif self.source is None or str(self.source.path) != request.source:
            self.set_source(Path(request.source))
        self._references.take_over([image.place for image in request.images], request.elements)
        self.replace_prompt(request.prompt)
