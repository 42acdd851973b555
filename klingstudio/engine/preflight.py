"""What can be known of a request before anything is sent: is it acceptable, what will be changed, what will it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import InputRefused, Kind, SpendingRefused, StudioError
from klingstudio.domain.fit import plan_fit
from klingstudio.domain.media import Caution, ClipFacts, FitPlan, ImageFacts, check_image, clip_cautions
from klingstudio.domain.price import Money, Price
from klingstudio.domain.request import Request, check_request, not_text, reference_cautions
from klingstudio.engine.accounts import Accounts, those_that_do
from klingstudio.media.source_file import stat_source
from klingstudio.media.worker import MediaWorker
from klingstudio.providers.base import ProviderInfo


@dataclass(frozen=True, slots=True)
class Measured:
    """The files of a request, measured once for whichever provider is looked at."""

    clip: ClipFacts
    pictures: tuple[tuple[str, ImageFacts], ...]
    """Of the local ones: (subject, facts)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """A request that can be sent."""

    facts: ClipFacts
    plan: FitPlan
    host: ProviderInfo | None
    """Who hosts the files of this computer. None: nothing has to be uploaded."""
    cautions: tuple[Caution, ...]
    """What is sent although the provider may refuse it."""
    price: Price | None
    estimate: Money | None
    """For the takes of one request; None when the person agreed to an unknown price."""


async def preflight(request: Request, *, media: MediaWorker, accounts: Accounts) -> Preflight:
    """Check everything that can be checked on this computer, at the place it belongs to.

    Raises:
        InputRefused: prompt, source, picture or setting.
        SpendingRefused: the price is unknown or above the cap.
    """
    info = accounts.info(request.provider)
    check_abilities(request, info, accounts.services())
    check_text(request)
    check_request(request, info.limits)
    measured = await measure(request, media)
    plan = check_files(measured, request, info)
    host = await host_of(request, plan, accounts)
    price = await accounts.price(request.provider, request.tier)
    return Preflight(
        facts=measured.clip,
        plan=plan,
        host=host,
        cautions=cautions(request, plan, info),
        price=price,
        estimate=_checked_estimate(request, plan.duration_s, price),
    )


async def host_of(request: Request, plan: FitPlan, accounts: Accounts) -> ProviderInfo | None:
    """Who hosts the files of this computer; None where nothing has to be uploaded.

    Raises:
        InputRefused: nobody can, or not the one that the request names.
    """
    return await accounts.host_of(request) if request.uploads(is_source=plan.is_identity) else None


def check_abilities(request: Request, info: ProviderInfo, services: Sequence[ProviderInfo]) -> None:
    """Refuse what the provider does not offer at all, naming those of the services that do.

    Raises:
        InputRefused: at the place it belongs to.
    """
    if request.tier not in info.tiers:
        raise InputRefused(Kind.NOT_SUPPORTED, f"{info.title} has no {request.tier} tier")
    if request.elements and not info.takes_elements:
        others = those_that_do([other for other in services if other.takes_elements])
        raise InputRefused(Kind.NOT_SUPPORTED, f"{info.title} takes no elements; {others}", subject="element:1")
    if info.hosts_files and request.inputs_via not in (None, info.id):
        raise InputRefused(Kind.NOT_SUPPORTED, f"{info.title} hosts the files itself")


async def measure(request: Request, media: MediaWorker) -> Measured:
    """Look into the files of the request.

    Raises:
        StudioError: one of them cannot be used with any provider.
    """
    stat_source(Path(request.source))
    clip = await media.probe(Path(request.source))
    pictures = []
    for subject, place in request.pictures():
        if not is_web_address(place):
            try:
                pictures.append((subject, await media.image(Path(place))))
            except StudioError as error:
                raise error.about(subject) from None
    return Measured(clip, tuple(pictures))


def check_files(measured: Measured, request: Request, info: ProviderInfo) -> FitPlan:
    """How the clip becomes one that the provider accepts.

    Raises:
        InputRefused: that is not possible, or a picture is refused.
    """
    plan = plan_fit(measured.clip, info.limits, request.trim, request.framing)
    for subject, facts in measured.pictures:
        check_image(facts, info.limits, subject)
    return plan


def cautions(request: Request, plan: FitPlan, info: ProviderInfo) -> tuple[Caution, ...]:
    """What is sent although the provider may refuse it, because its documents disagree."""
    return (*clip_cautions(plan, info.limits), *reference_cautions(request.references(), info.limits))


def check_text(request: Request) -> None:
    """Refuse names and words with bytes that are no text: neither the journal nor a provider can hold them.

    Raises:
        InputRefused: at the place it belongs to.
    """
    names = [(f"element:{n}", element.name) for n, element in enumerate(request.elements, 1)]
    places = (("source", request.source), ("prompt", request.prompt), *request.pictures(), ("out", request.out or ""))
    for subject, text in (*places, *names):
        if shown := not_text(text):
            raise InputRefused(Kind.SETTING_INVALID, f"not valid Unicode: {shown}", subject=subject)


async def check_price(request: Request, duration_s: float, accounts: Accounts) -> Money | None:
    """The estimate for every take of the request.

    Raises:
        SpendingRefused: it is above the cap, or unknown and the person did not agree to that.
    """
    return _checked_estimate(request, duration_s, await accounts.price(request.provider, request.tier))


def _checked_estimate(request: Request, duration_s: float, price: Price | None) -> Money | None:
    if price is None:
        if not request.accepts_unknown_price:
            raise SpendingRefused(Kind.PRICE_UNKNOWN)
        return None
    estimate = price.of(duration_s) * request.takes
    if request.max_cost is not None and estimate.amount > request.max_cost:
        raise SpendingRefused(
            Kind.OVER_MAX_COST, f"{estimate}; the cap is {Money(request.max_cost, estimate.currency)}"
        )
    return estimate
