"""What can be known of a request before anything is sent: is it acceptable, what will be changed, what will it cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import InputRefused, Kind, SpendingRefused, StudioError
from klingstudio.domain.media import ClipFacts, FitPlan, check_image, plan_fit
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request, check_request
from klingstudio.engine.accounts import Accounts
from klingstudio.media.probe import stat_source
from klingstudio.media.worker import MediaWorker


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """A request that can be sent."""

    facts: ClipFacts
    plan: FitPlan
    estimate: Money | None
    """For one take; None when the person agreed to an unknown price."""


async def preflight(request: Request, *, media: MediaWorker, accounts: Accounts) -> Preflight:
    """Check everything that can be checked on this computer, at the place it belongs to.

    Raises:
        InputRefused: prompt, source, picture or setting.
        SpendingRefused: the price is unknown or above the cap.
    """
    info = accounts.info(request.provider)
    if request.tier not in info.tiers:
        raise InputRefused(Kind.NOT_SUPPORTED, f"{info.title} has no {request.tier} tier")
    if request.elements and not info.takes_elements:
        raise InputRefused(Kind.NOT_SUPPORTED, f"{info.title} takes no elements", subject="element:1")
    if request.inputs_via not in (None, info.id):
        raise InputRefused(Kind.NOT_SUPPORTED, f"{info.title} hosts the files itself")
    check_text(request)
    check_request(request, info.limits)
    stat_source(Path(request.source))
    facts = await media.probe(Path(request.source))
    plan = plan_fit(facts, info.limits, request.trim)
    for subject, place in request.pictures():
        if not is_web_address(place):
            try:
                check_image(await media.image(Path(place)), info.limits, subject)
            except StudioError as error:
                raise error.about(subject) from None
    return Preflight(facts=facts, plan=plan, estimate=await check_price(request, plan.duration_s, accounts))


def check_text(request: Request) -> None:
    """Refuse names and words with bytes that are no text: neither the journal nor a provider can hold them.

    Raises:
        InputRefused: at the place it belongs to.
    """
    places = (("source", request.source), ("prompt", request.prompt), *request.pictures(), ("out", request.out or ""))
    for subject, text in places:
        try:
            text.encode()
        except UnicodeEncodeError:
            shown = ascii(text)[1:-1]
            raise InputRefused(Kind.SETTING_INVALID, f"not valid Unicode: {shown}", subject=subject) from None


async def check_price(request: Request, duration_s: float, accounts: Accounts) -> Money | None:
    """The estimate for one take.

    Raises:
        SpendingRefused: it is above the cap, or unknown and the person did not agree to that.
    """
    price = await accounts.price(request.provider, request.tier)
    if price is None:
        if not request.accepts_unknown_price:
            raise SpendingRefused(Kind.PRICE_UNKNOWN)
        return None
    estimate = price.of(duration_s)
    if request.max_cost is not None and estimate.amount > request.max_cost:
        raise SpendingRefused(
            Kind.OVER_MAX_COST, f"{estimate}; the cap is {Money(request.max_cost, estimate.currency)}"
        )
    return estimate
