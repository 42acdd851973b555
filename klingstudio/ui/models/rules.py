"""The rules of the domain as the draft needs them. Loaded with the first thing there is to check, not with the window."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from klingstudio.domain.draft import Draft
from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import InputRefused, Problem
from klingstudio.domain.fit import plan_fit
from klingstudio.domain.lint import Finding, Known, lint
from klingstudio.domain.media import ClipFacts, FitPlan, Framing, Limits, Trim
from klingstudio.domain.price import Price
from klingstudio.domain.request import Request
from klingstudio.engine.accounts import those_that_do
from klingstudio.providers.base import ProviderInfo
from klingstudio.ui.models.pictures import Look


def fit(
    facts: ClipFacts, limits: Limits, trim: Trim | None, framing: Framing | None
) -> tuple[FitPlan | None, Problem | None]:
    """How the clip is made to fit, or why it cannot be."""
    try:
        return plan_fit(facts, limits, trim, framing or Framing.SCALE), None
    except InputRefused as error:
        return None, error.problem


def findings(
    draft: Draft,
    info: ProviderInfo,
    services: Iterable[ProviderInfo],
    *,
    plan: FitPlan | None,
    clip_problem: Problem | None,
    looks: dict[str, Look],
) -> tuple[Finding, ...]:
    """Everything there is to say about the draft before it is sent to this provider."""
    known = Known(
        plan=plan,
        clip_problem=clip_problem,
        facts={place: look.facts for place, look in looks.items() if look.facts is not None},
        problems={place: look.problem for place, look in looks.items() if look.problem is not None},
    )
    return lint(draft, known, info.limits, no_elements=no_elements(info, services))


def no_elements(info: ProviderInfo, services: Iterable[ProviderInfo]) -> str:
    """Why the provider takes no elements; empty where it does."""
    if info.takes_elements:
        return ""
    others = [other for other in services if other.takes_elements and other.key_variable is not None]
    return f"{info.title} takes no elements{f'; {those_that_do(others)}' if others else ''}"


def cap(price: Price, plan: FitPlan) -> Decimal:
    """What was agreed to by pressing the button with the price on it, for one take."""
    # Two frames more: a new frame rate may round the clip up, and that must not stop an agreed job.
    return price.of(plan.duration_s + float(2 / plan.fps)).amount


def request_of(
    draft: Draft, info: ProviderInfo, *, inputs_via: str | None, billed_to: str, max_cost: Decimal | None
) -> Request:
    """The request as the draft stands, not checked: an element without a front picture is left out."""
    elements = tuple(
        Element(frontal=one.frontal, angles=one.angles, name=one.name, library_id=one.library_id)
        for one in draft.elements
        if one.frontal
    )
    return Request(
        source=draft.source,
        source_url=draft.source_url,
        prompt=draft.text,
        provider=info.id,
        tier=draft.tier if draft.tier in info.tiers else info.tiers[0],
        images=tuple(Image(place=image.place) for image in draft.images),
        elements=elements,
        keep_audio=draft.keep_audio,
        trim=draft.trim,
        framing=draft.framing,
        inputs_via=inputs_via,
        billed_to=billed_to or None,
        max_cost=max_cost,
        # An unknown price is said on the button; pressing it is the agreement.
        accepts_unknown_price=max_cost is None,
    )
