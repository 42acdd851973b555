"""What is being composed: the source, the pictures, the prompt and the settings, until it becomes a frozen request."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.errors import InputRefused, Kind, Problem, StudioError
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.domain.media import ClipFacts, FitPlan, ImageFacts
    from klingstudio.domain.price import Money, Price
    from klingstudio.domain.request import Request, Tier
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.providers.base import ProviderInfo
    from klingstudio.studio import Studio

PROMPT_MAX_CHARS = 2500
"""Until a provider is known that says otherwise."""
REFERENCES_MAX = 4
POSTER_PX = 640
TAKES = (1, 2, 3, 4)


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
        return self.facts is None and self.problem is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A reference picture and what is known of it so far."""

    id: str
    place: str
    facts: ImageFacts | None = None
    problem: Problem | None = None

    @property
    def name(self) -> str:
        return Path(self.place).name


class DraftModel(QObject):
    """The draft. Every change is told by one signal per part; `changed` follows each of them."""

    changed = Signal()
    source_changed = Signal()
    pictures_changed = Signal()
    prompt_replaced = Signal(str)
    """The text was changed from outside the field: tokens renumbered, or a job's prompt taken over."""
    providers_changed = Signal()

    def __init__(self, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._ids = itertools.count(1)
        self._source: Source | None = None
        self._pictures: tuple[Picture, ...] = ()
        self._prompt = ""
        self._provider = ""
        self._tier: Tier | None = None
        self._keep_audio = True
        self._takes = 1
        self._prices: dict[tuple[str, Tier | None], Price | None] = {}
        self._wants_sample = False

    # what stands now

    @property
    def source(self) -> Source | None:
        return self._source

    @property
    def is_making_sample(self) -> bool:
        """True from the wish for the sample clip until it is there."""
        return self._wants_sample

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return self._pictures

    @property
    def prompt(self) -> str:
        return self._prompt

    @property
    def tier(self) -> Tier | None:
        """None until the studio is open."""
        return self._tier

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
        return next((info for info in self.providers if info.id == self._provider), None)

    @property
    def prompt_max(self) -> int:
        return self.provider.limits.prompt_max_chars if self.provider else PROMPT_MAX_CHARS

    @property
    def references_max(self) -> int:
        return self.provider.limits.references_max if self.provider else REFERENCES_MAX

    # money

    @property
    def is_free(self) -> bool:
        """True for a provider that needs no key: nothing is ever charged."""
        return self.provider is not None and self.provider.key_variable is None

    @property
    def price(self) -> Price | None:
        return self._prices.get((self._provider, self._tier))

    @property
    def estimate_each(self) -> Money | None:
        """What one take will cost, as far as it can be known."""
        plan = self._source.plan if self._source else None
        return self.price.of(plan.duration_s) if self.price and plan else None

    @property
    def estimate(self) -> Money | None:
        """What pressing Generate will cost. None: not known, which is never the same as nothing."""
        each = self.estimate_each
        return each * self._takes if each else None

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
        self.providers_changed.emit()
        self._read_price()
        if self._wants_sample:
            self.use_sample()
        elif self._source is not None:
            self._read_source(self._source.path)
        for picture in self._pictures:
            self._read_picture(picture.id)
        self.changed.emit()

    async def aclose(self) -> None:
        """Stop reading files and prices."""
        if self._tasks is not None:
            await self._tasks.aclose()

    # the source

    def set_source(self, path: Path) -> None:
        """Use this file. It is only read, never altered."""
        self._wants_sample = False
        self._source = Source(path=path.absolute())
        self.source_changed.emit()
        self.changed.emit()
        self._read_source(self._source.path)

    def use_sample(self) -> None:
        """Use the built-in clip, which is drawn on first use."""
        self._wants_sample = True
        self.source_changed.emit()
        if self._studio is not None and self._tasks is not None:
            self._tasks.restart("sample", self._make_sample(self._studio), on_error=self._sample_failed)

    def remove_source(self) -> None:
        self._wants_sample = False
        if self._tasks is not None:
            self._tasks.cancel("source")
            self._tasks.cancel("sample")
        self._source = None
        self.source_changed.emit()
        self.changed.emit()

    def read_source_again(self) -> None:
        if self._source is not None:
            self.set_source(self._source.path)

    async def _make_sample(self, studio: Studio) -> None:
        path = await studio.sample()
        if self._wants_sample:
            self.set_source(path)

    def _sample_failed(self, error: Exception) -> None:
        self._wants_sample = False
        self._problems.report("sample clip", error)
        self.source_changed.emit()

    def _read_source(self, path: Path) -> None:
        if self._studio is not None and self._tasks is not None:
            self._tasks.restart("source", self._look_at_source(self._studio, path), on_error=self._source_failed)

    async def _look_at_source(self, studio: Studio, path: Path) -> None:
        facts = await studio.media.probe(path)
        self._change_source(path, facts=facts)
        self._plan()
        poster = await studio.media.poster(path, min(0.5, facts.duration_s / 4), POSTER_PX)
        self._change_source(path, poster=poster)

    def _source_failed(self, error: Exception) -> None:
        if isinstance(error, StudioError) and self._source is not None:
            self._change_source(self._source.path, problem=error.problem)
        else:
            self._problems.report("reading the source", error)
            self._change_source(
                self._source.path if self._source else Path(), problem=Problem(kind=Kind.MEDIA_WORKER_FAILED)
            )

    def _plan(self) -> None:
        from klingstudio.ui.models import rules

        source, info = self._source, self.provider
        if source is None or source.facts is None or info is None:
            return
        plan, problem = rules.fit(source.facts, info.limits)
        self._source = replace(source, plan=plan, problem=problem)
        self.source_changed.emit()
        self.changed.emit()

    def _change_source(self, path: Path, **changes: object) -> None:
        if self._source is not None and self._source.path == path:
            self._source = replace(self._source, **changes)  # type: ignore[arg-type]
            self.source_changed.emit()
            self.changed.emit()

    # the pictures

    def room_for(self, count: int) -> int:
        """How many of `count` more pictures can be added."""
        return max(0, min(count, self.references_max - len(self._pictures)))

    def add_pictures(self, places: Sequence[Path]) -> None:
        """Add pictures in this order, as many as there is room for."""
        room = self.room_for(len(places))
        added = tuple(Picture(id=f"picture-{next(self._ids)}", place=str(place.absolute())) for place in places[:room])
        if room < len(places):
            self._problems.say(f"{self.references_max} of {self.references_max} references used")
        if not added:
            return
        self._set_pictures((*self._pictures, *added))
        for picture in added:
            self._read_picture(picture.id)

    def remove_picture(self, picture_id: str) -> None:
        """Take a picture away. Tokens of the others keep pointing at the same picture."""
        if self._tasks is not None:
            self._tasks.cancel(picture_id)
        self._set_pictures(tuple(p for p in self._pictures if p.id != picture_id))

    def move_picture(self, picture_id: str, by: int) -> None:
        """Let a picture change places with its neighbour."""
        order = list(self._pictures)
        at = next((n for n, picture in enumerate(order) if picture.id == picture_id), None)
        if at is None or not 0 <= at + by < len(order):
            return
        order[at], order[at + by] = order[at + by], order[at]
        self._set_pictures(tuple(order))

    def _set_pictures(self, pictures: tuple[Picture, ...]) -> None:
        from klingstudio.ui.models import rules

        text = rules.renumber(self._prompt, [one.id for one in self._pictures], [one.id for one in pictures])
        self._pictures = pictures
        if text != self._prompt:
            self._prompt = text
            self.prompt_replaced.emit(text)
        self.pictures_changed.emit()
        self.changed.emit()

    def _read_picture(self, picture_id: str) -> None:
        if self._studio is None or self._tasks is None:
            return
        self._tasks.restart(
            picture_id,
            self._look_at_picture(self._studio, picture_id),
            on_error=lambda error: self._picture_failed(picture_id, error),
        )

    async def _look_at_picture(self, studio: Studio, picture_id: str) -> None:
        picture = self._picture(picture_id)
        if picture is None:
            return
        facts = await studio.media.image(Path(picture.place))
        self._change_picture(picture_id, facts=facts)
        self._check_pictures()

    def _picture_failed(self, picture_id: str, error: Exception) -> None:
        picture = self._picture(picture_id)
        if not isinstance(error, StudioError):
            self._problems.report("reading a picture", error)
        elif picture is not None and picture.facts is None:
            self._change_picture(picture_id, problem=error.problem)

    def _check_pictures(self) -> None:
        from klingstudio.ui.models import rules

        info = self.provider
        if info is None:
            return
        checked = [
            replace(picture, problem=rules.picture_problem(picture.facts, info.limits, n)) if picture.facts else picture
            for n, picture in enumerate(self._pictures, 1)
        ]
        if tuple(checked) != self._pictures:
            self._pictures = tuple(checked)
            self.pictures_changed.emit()
            self.changed.emit()

    def _picture(self, picture_id: str) -> Picture | None:
        return next((picture for picture in self._pictures if picture.id == picture_id), None)

    def _change_picture(self, picture_id: str, **changes: object) -> None:
        self._pictures = tuple(
            replace(picture, **changes) if picture.id == picture_id else picture  # type: ignore[arg-type]
            for picture in self._pictures
        )
        self.pictures_changed.emit()
        self.changed.emit()

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

    def choose_provider(self, provider_id: str, *, remember: bool = True) -> None:
        if provider_id != self._provider and any(info.id == provider_id for info in self.providers):
            self._provider = provider_id
            if remember:
                self._remember(provider=provider_id)
            if self.provider and self._tier and self._tier not in self.provider.tiers:
                self._tier = self.provider.tiers[0]
            self._read_price()
            self._plan()
            self._check_pictures()
            self.providers_changed.emit()
            self.changed.emit()

    def choose_tier(self, tier: Tier) -> None:
        if tier is not self._tier:
            self._tier = tier
            self._remember(tier=tier)
            self._read_price()
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

    def read_price_again(self) -> None:
        """A key was added or removed: a live price may have become readable."""
        self._prices.clear()
        self._read_price()

    def _read_price(self) -> None:
        info = self.provider
        tier = self._tier
        if self._studio is None or self._tasks is None or info is None or tier is None:
            return
        if (info.id, tier) in self._prices:
            return
        self._tasks.start(
            f"price {info.id} {tier}",
            self._look_at_price(self._studio, info.id, tier),
            on_error=lambda error: self._problems.report("reading the price", error),
        )

    async def _look_at_price(self, studio: Studio, provider_id: str, tier: Tier) -> None:
        self._prices[provider_id, tier] = await studio.accounts.price(provider_id, tier)
        self.changed.emit()

    # becoming a request

    def problem(self) -> Problem | None:
        """The first reason why this cannot be generated, at its place; None when it can."""
        if self._source is None:
            return Problem(kind=Kind.SOURCE_MISSING, subject="source")
        if self._source.problem is not None:
            return self._source.problem
        for n, picture in enumerate(self._pictures, 1):
            if picture.problem is not None:
                return replace(picture.problem, subject=f"image:{n}")
        return self.prompt_problem()

    def prompt_problem(self) -> Problem | None:
        """What is wrong with the prompt, empty included."""
        if not self._prompt.strip():
            return Problem(kind=Kind.PROMPT_EMPTY, subject="prompt")
        from klingstudio.ui.models import rules

        return rules.prompt_problem(self._prompt, images=len(self._pictures), max_chars=self.prompt_max)

    @property
    def is_reading(self) -> bool:
        """True while a file is still being looked at."""
        source = self._source
        return (source is not None and (source.is_reading or (source.plan is None and source.problem is None))) or any(
            picture.facts is None and picture.problem is None for picture in self._pictures
        )

    def request(self) -> Request:
        """The frozen request.

        Raises:
            InputRefused: something is missing or does not fit; nothing may be sent.
        """
        from klingstudio.ui.models import rules

        problem, info, source = self.problem(), self.provider, self._source
        if problem is not None:
            raise InputRefused(problem.kind, problem.detail, subject=problem.subject)
        if self._studio is None or source is None or source.plan is None or info is None or self._tier is None:
            raise InputRefused(Kind.SOURCE_MISSING, subject="source")
        return rules.build_request(
            source=source.path,
            prompt=self._prompt,
            provider=info.id,
            tier=self._tier,
            pictures=[picture.place for picture in self._pictures],
            keep_audio=self._keep_audio,
            billed_to=self._studio.settings.choices.billed_to,
            max_cost=rules.cap(self.price, source.plan) if self.price else None,
            limits=info.limits,
        )

    def fill_from(self, request: Request) -> None:
        """Take over everything of an earlier run."""
        self.choose_provider(request.provider)
        self.choose_tier(request.tier)
        self.choose_keep_audio(request.keep_audio)
        if self._source is None or str(self._source.path) != request.source:
            self.set_source(Path(request.source))
        for picture in self._pictures:
            self.remove_picture(picture.id)
        self.add_pictures([Path(image.place) for image in request.images])
        self.replace_prompt(request.prompt)
