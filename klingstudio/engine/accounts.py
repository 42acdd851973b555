"""Keys, accounts and prices: turns a provider's id into an adapter that holds the right key."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from klingstudio.domain.errors import InputRefused, KeyProblem, Kind, StudioError
from klingstudio.domain.job import Asset, Order
from klingstudio.domain.price import Price
from klingstudio.domain.request import Request, Tier
from klingstudio.engine.prices import listed_prices
from klingstudio.net.address import is_loopback
from klingstudio.net.api import PATIENT, Api, Deadlines, check_base
from klingstudio.net.retry import Courtesy, Patience
from klingstudio.net.trust import tls
from klingstudio.providers import registry
from klingstudio.providers.base import Account, Footage, Provider, ProviderInfo
from klingstudio.vault import Secret, Vault, Where, clean_key

T = TypeVar("T")

SANDBOX_KEY = "sandbox"
PRICE_HOLDS = timedelta(hours=1)
"""How long a price that a provider told is believed."""


class Accounts:
    """One adapter per provider and key, made when first needed."""

    def __init__(
        self,
        vault: Vault,
        *,
        environ: Mapping[str, str],
        patience: Patience,
        now: Callable[[], datetime],
        sandbox_address: Callable[[], Awaitable[str]],
        deadlines: Deadlines = PATIENT,
    ) -> None:
        self._vault = vault
        self._environ = environ
        self._patience = patience
        self._now = now
        self._sandbox_address = sandbox_address
        self._deadlines = deadlines
        self._open: dict[str, tuple[str, Api, Provider]] = {}
        self._prices: dict[tuple[str, Tier], tuple[datetime, Price]] = {}
        self._patient: dict[str, Patience] = {}
        self._making: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def repeat(self, call: Callable[[], Awaitable[T]]) -> T:
        """A free call without a key, repeated as those of providers are."""
        return await self._patience.repeat(call)

    async def aclose(self) -> None:
        """Close every connection."""
        for _, api, _ in self._open.values():
            await api.aclose()
        self._open.clear()

    def info(self, provider_id: str) -> ProviderInfo:
        """The facts of a provider.

        Raises:
            InputRefused: there is no such provider.
        """
        return self._entry(provider_id).info

    def services(self) -> tuple[ProviderInfo, ...]:
        """The services that do the work for money, in the order of the registry."""
        return tuple(entry.info for entry in registry.SERVICES)

    def default_provider(self) -> str:
        """The provider of somebody who never chose one: the first whose key is in the environment, else the first."""
        return self.keyed_provider() or registry.SERVICES[0].info.id

    def keyed_provider(self) -> str | None:
        """The first provider whose key is in the environment."""
        named = (info.id for info in self.services() if self._environ.get(info.key_variable or ""))
        return next(named, None)

    def hosts(self) -> tuple[ProviderInfo, ...]:
        """The services that host files, in the order of the registry."""
        return tuple(info for info in self.services() if info.hosts_files)

    async def host_of(self, request: Request) -> ProviderInfo:
        """Who hosts the files of a request: its provider, else the one it names, else the first that has a key.

        Raises:
            InputRefused: there is none, or the one it names hosts nothing.
        """
        info = self.info(request.provider)
        if info.hosts_files:
            return info
        if request.inputs_via is not None:
            host = self.info(request.inputs_via)
            if host not in self.hosts():
                words = f"{host.title} hosts no files for {info.title}; {those_that_do(self.hosts())}"
                raise InputRefused(Kind.NOT_SUPPORTED, words)
            return host
        for host in self.hosts():
            if (await self.key(host.id)).value is not None:
                return host
        raise InputRefused(
            Kind.HOST_MISSING, f"{info.title} hosts no files; with a key of yours {those_that_do(self.hosts())}"
        )

    def planned_order(self, request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
        """The order that would be sent, made without asking anybody."""
        return self._entry(request.provider).planned_order(request, assets, clip)

    def asks_consent(self, provider_id: str) -> bool:
        """True when uploads become public on the internet: not when the address was moved to this computer."""
        info = self.info(provider_id)
        return info.upload_is_public and not self._environ.get(info.url_variable)

    def is_on_this_computer(self, provider_id: str) -> bool:
        """True for the sandbox, and for a provider whose address was moved here: only then may results be here too."""
        info = self.info(provider_id)
        return info.key_variable is None or is_loopback(self._environ.get(info.url_variable) or "")

    async def key(self, provider_id: str) -> Secret:
        """The key and where it comes from."""
        info = self.info(provider_id)
        if info.key_variable is None:
            return Secret(SANDBOX_KEY, Where.ENVIRONMENT)
        return await self._vault.get(provider_id, info.key_variable)

    async def set_key(self, provider_id: str, value: str) -> Secret:
        """Keep a key; the answer says where it really went.

        Raises:
            KeyProblem: this cannot be a key.
        """
        _check_owner(self.info(provider_id), clean_key(value))
        self._forget_prices(provider_id)
        return await self._vault.put(provider_id, value)

    async def remove_key(self, provider_id: str) -> None:
        """Forget the stored key and close its connections."""
        self.info(provider_id)
        await self._vault.remove(provider_id)
        await self._forget(provider_id)

    async def test(self, provider_id: str) -> Account:
        """Ask the provider whose key this is. Free.

        Raises:
            KeyProblem: there is no key, or it is refused.
            NetworkProblem: the provider cannot be reached.
        """
        entry = self._entry(provider_id)
        # With connections of its own: jobs that are under way keep theirs.
        api, provider = await self._connect(entry, await self._key_of(entry), await self._hosts(entry.info))
        try:
            return await provider.authorize()
        finally:
            await api.aclose()

    async def provider(self, provider_id: str) -> Provider:
        """The adapter with the present key.

        Raises:
            KeyProblem: there is no key.
        """
        entry = self._entry(provider_id)
        # One at a time: of two adapters made at once, one would never be closed.
        async with self._making[provider_id]:
            return await self._make(entry)

    async def _make(self, entry: registry.Entry) -> Provider:
        provider_id = entry.info.id
        key = await self._key_of(entry)
        # The sandbox has another address each time it is started.
        hosts = await self._hosts(entry.info)
        mark = hashlib.sha256(f"{hosts} {key}".encode()).hexdigest()
        known = self._open.get(provider_id)
        if known is not None and known[0] == mark:
            return known[2]
        await self._forget(provider_id)
        api, provider = await self._connect(entry, key, hosts)
        self._open[provider_id] = (mark, api, provider)
        return provider

    async def _key_of(self, entry: registry.Entry) -> str:
        secret = await self.key(entry.info.id)
        if secret.value is None:
            raise KeyProblem(Kind.KEY_MISSING, entry.info.title, subject="key")
        # Also one from the environment: it would be sent to a service that it does not belong to.
        _check_owner(entry.info, secret.value)
        return secret.value

    async def _connect(self, entry: registry.Entry, key: str, hosts: Mapping[str, str]) -> tuple[Api, Provider]:
        api = Api(
            hosts=hosts,
            headers=entry.headers(key),
            tls=await tls(),
            patience=self._patience_with(entry.info),
            now=self._now,
            deadlines=self._deadlines,
        )
        return api, entry.create(entry.info, api, self._now)

    def _patience_with(self, info: ProviderInfo) -> Patience:
        """What all connections to one provider have in common, those of an earlier key too."""
        if info.id not in self._patient:
            self._patient[info.id] = replace(self._patience, courtesy=Courtesy(info.requests_per_minute))
        return self._patient[info.id]

    async def price(self, provider_id: str, tier: Tier) -> Price | None:
        """The live price where the provider tells one, else the dated one of the table, else None."""
        now = self._now()
        read_at, known = self._prices.get((provider_id, tier), (now, None))
        # Both ways: a clock that was set back must not keep a price for a year.
        if known is not None and abs(now - read_at) < PRICE_HOLDS:
            return known
        try:
            live = await (await self.provider(provider_id)).price(tier)
        except StudioError:
            live = None
        if live is None:
            return self.listed_price(provider_id, tier)
        live = replace(live, is_live=True)
        self._prices[provider_id, tier] = now, live
        return live

    def listed_price(self, provider_id: str, tier: Tier) -> Price | None:
        """The dated price of the table; None where the pages name none for this tier."""
        return listed_prices().get((provider_id, tier))

    async def _hosts(self, info: ProviderInfo) -> Mapping[str, str]:
        if info.key_variable is None:
            return dict.fromkeys(info.hosts, await self._sandbox_address())
        replacement = self._environ.get(info.url_variable)
        if replacement:
            return dict.fromkeys(info.hosts, check_base(replacement, info.url_variable))
        return info.hosts

    async def _forget(self, provider_id: str) -> None:
        self._forget_prices(provider_id)
        known = self._open.pop(provider_id, None)
        if known is not None:
            await known[1].aclose()

    def _forget_prices(self, provider_id: str) -> None:
        # They may be those of the account whose key it was.
        self._prices = {key: known for key, known in self._prices.items() if key[0] != provider_id}

    def _entry(self, provider_id: str) -> registry.Entry:
        entry = registry.entry(provider_id)
        if entry is None:
            names = ", ".join(known.info.id for known in registry.ENTRIES)
            raise InputRefused(Kind.SETTING_INVALID, f"no provider {provider_id!r}; there are: {names}")
        return entry


def _check_owner(info: ProviderInfo, key: str) -> None:
    owner = registry.owner_of(key)
    if owner is not None and owner.id != info.id:
        raise KeyProblem(Kind.KEY_UNUSABLE, f"it looks like a key of {owner.title}", subject="key")


def those_that_do(infos: Sequence[ProviderInfo]) -> str:
    """Their titles in a sentence: `This one and that one do`."""
    *others, last = [info.title for info in infos]
    return f"{', '.join(others)} and {last} do" if others else f"{last} does"
