"""What each service would make of one request: its price, its wait, what is lost. Nothing is sent, nothing uploaded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import InputRefused, Problem
from klingstudio.domain.job import Asset, Order, Wait
from klingstudio.domain.media import Caution, FitPlan
from klingstudio.domain.price import Money, Price
from klingstudio.domain.request import Request, Tier, check_request
from klingstudio.engine.accounts import Accounts
from klingstudio.engine.preflight import Measured, cautions, check_abilities, check_files, check_text, host_of, measure
from klingstudio.media.worker import MediaWorker
from klingstudio.providers.base import ProviderInfo

PRICE_PATIENCE_S = 4.0
"""How long a provider may take to tell its price before the listed one has to do."""

Waits = Callable[[str, Tier], Wait | None]
"""The usual wait of a provider and tier from the person's own history."""


class Lack(StrEnum):
    """What a provider does not have."""

    TIER = "tier"
    ELEMENTS = "elements"
    HOSTING = "hosting"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of the request that this provider would not give. `ui/text.py` words it."""

    lack: Lack
    amount: str = ""
    """How much of it: `standard`, `2`, `12.4 s → 10.0 s`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One provider's side of the comparison."""

    info: ProviderInfo
    request: Request
    """As it would be sent to this provider; its `takes` are how many one order makes there."""
    takes: int
    """How many takes are compared."""
    has_key: bool
    price: Price | None
    estimate: Money | None
    """For all takes together. None: not known, never shown as nothing."""
    wait: Wait | None
    """None: no edit of this tier was made there yet."""
    losses: tuple[Loss, ...]
    cautions: tuple[Caution, ...]
    problem: Problem | None
    """Why this provider cannot do it. A missing key is no problem here."""
    plan: FitPlan | None
    """None: the clip cannot be made to fit."""
    host: ProviderInfo | None
    """Who would host local files. None: there are none, or nobody can."""
    order: Order | None
    """The paid request as planned, local files as `file:` addresses. None where there is a problem."""


async def compare(
    request: Request,
    infos: Sequence[ProviderInfo],
    *,
    takes: int,
    media: MediaWorker,
    accounts: Accounts,
    waits: Waits,
) -> tuple[Offer, ...]:
    """An offer from each of the providers, in their order. Only prices are asked for, and only where there is a key.

    Raises:
        StudioError: the source or a picture can be used with none of them.
    """
    check_text(request)
    measured = await measure(request, media)
    return tuple(
        await asyncio.gather(*(_offer(request, info, measured, takes, accounts, waits) for info in infos)),
    )


async def _offer(
    request: Request, info: ProviderInfo, measured: Measured, takes: int, accounts: Accounts, waits: Waits
) -> Offer:
    request = replace(
        request,
        provider=info.id,
        inputs_via=None if info.hosts_files else request.inputs_via,
        takes=min(takes, info.takes_per_order),
    )
    has_key = (await accounts.key(info.id)).value is not None
    price = await _price(info, request.tier, accounts) if has_key else accounts.listed_price(info.id, request.tier)
    plan, problem = _judged(request, info, measured, accounts.services())
    host, unhosted = await _host(request, plan, accounts)
    problem = problem or unhosted
    return Offer(
        info=info,
        request=request,
        takes=takes,
        has_key=has_key,
        price=price,
        estimate=price.of(plan.duration_s) * takes if price and plan else None,
        wait=waits(info.id, request.tier),
        losses=_losses(request, info, measured, plan),
        cautions=cautions(request, plan, info) if plan else (),
        problem=problem,
        plan=plan,
        host=host,
        order=accounts.planned_order(request, planned_assets(request, plan), plan) if plan and not problem else None,
    )


async def _price(info: ProviderInfo, tier: Tier, accounts: Accounts) -> Price | None:
    try:
        async with asyncio.timeout(PRICE_PATIENCE_S):
            return await accounts.price(info.id, tier)
    except TimeoutError:
        return accounts.listed_price(info.id, tier)


async def _host(
    request: Request, plan: FitPlan | None, accounts: Accounts
) -> tuple[ProviderInfo | None, Problem | None]:
    try:
        return (await host_of(request, plan, accounts) if plan else None), None
    except InputRefused as error:
        return None, error.problem


def _judged(
    request: Request, info: ProviderInfo, measured: Measured, services: Sequence[ProviderInfo]
) -> tuple[FitPlan | None, Problem | None]:
    """The plan and why it cannot be carried out: a clip can fit a provider that refuses something else."""
    plan = problem = None
    try:
        plan = check_files(measured, request, info)
    except InputRefused as error:
        problem = error.problem
    try:
        check_abilities(request, info, services)
        check_request(request, info.limits)
    except InputRefused as error:
        problem = error.problem
    return plan, problem


def _losses(request: Request, info: ProviderInfo, measured: Measured, plan: FitPlan | None) -> tuple[Loss, ...]:
    lost = []
    if request.tier not in info.tiers:
        lost.append(Loss(Lack.TIER, request.tier))
    if request.elements and not info.takes_elements:
        lost.append(Loss(Lack.ELEMENTS, str(len(request.elements))))
    if not info.hosts_files and request.uploads(is_source=plan is not None and plan.is_identity):
        lost.append(Loss(Lack.HOSTING))
    whole_s = measured.clip.duration_s
    if plan and request.trim is None and plan.duration_s < whole_s - 0.0005:
        lost.append(Loss(Lack.LENGTH, f"{whole_s:.1f} s → {plan.duration_s:.1f} s"))
    return tuple(lost)


def planned_assets(request: Request, plan: FitPlan) -> tuple[Asset, ...]:
    """The files of the request as a plan shows them: what is on this computer as a `file:` address."""
    own_address = request.source_url if plan.is_identity else None
    places = (("source", own_address or request.source), *request.pictures())
    return tuple(
        Asset(subject=subject, url=place if _is_on_the_web(place, own_address) else Path(place).as_uri(), place=place)
        for subject, place in places
    )


def _is_on_the_web(place: str, own_address: str | None) -> bool:
    return is_web_address(place) or place == own_address
