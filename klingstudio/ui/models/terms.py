"""The terms of the draft: who edits it, in what quality, at what price, and who hosts its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.draft import Draft
from klingstudio.domain.errors import StudioError
from klingstudio.ui.models.composer import ANGLES_MAX, REFERENCES_MAX, Composer
from klingstudio.ui.models.history import History
from klingstudio.ui.models.prices import PricesModel
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.domain.price import Price
    from klingstudio.domain.request import Tier
    from klingstudio.providers.base import ProviderInfo
    from klingstudio.studio import Studio

PROMPT_MAX_CHARS = 2500
"""Until a provider is known that says otherwise."""
TAKES = (1, 2, 3, 4)


class Terms(Composer):
    """What is chosen last is what the next draft begins with. Nothing is known of any provider before the studio is open."""

    providers_changed = Signal()

    def __init__(
        self, problems: Problems, history: History[Draft], ids: Callable[[], str], parent: QObject | None
    ) -> None:
        super().__init__(problems, history, ids, parent)
        self._studio: Studio | None = None
        self._prices = PricesModel(problems, self)
        self._hosts: tuple[str, ...] | None = None
        self._prices.changed.connect(self.changed)

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
        return self.provider.limits.references_max if self.provider else REFERENCES_MAX

    @property
    def angles_max(self) -> int:
        return self.provider.limits.angles_max if self.provider else ANGLES_MAX

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

    # choices

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

    def choose_provider(self, provider_id: str, *, remember: bool = True) -> None:
        if provider_id != self.value.provider and (info := self._info(provider_id)) is not None:
            if remember:
                self._remember(provider=provider_id)
            self._change(f"use {info.title}", provider=provider_id)

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
