"""The rules of the domain as the draft needs them. Loaded with the first thing there is to check, not with the window."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import InputRefused, Problem
from klingstudio.domain.media import (
    Caution,
    ClipFacts,
    FitPlan,
    ImageFacts,
    Limits,
    check_image,
    clip_cautions,
    plan_fit,
)
from klingstudio.domain.price import Price
from klingstudio.domain.prompt import check_prompt, numbered, parse
from klingstudio.domain.request import Request, Tier, check_request, reference_cautions
from klingstudio.ui.models.references import Order


def fit(facts: ClipFacts, limits: Limits) -> tuple[FitPlan | None, Problem | None]:
    """How the clip is made to fit, or why it cannot be."""
    try:
        return plan_fit(facts, limits), None
    except InputRefused as error:
        return None, error.problem


def picture_problem(facts: ImageFacts, limits: Limits, number: int) -> Problem | None:
    """Why the provider would refuse this picture; None where it would not."""
    try:
        check_image(facts, limits, f"image:{number}")
    except InputRefused as error:
        return error.problem
    return None


def prompt_problem(text: str, *, images: int, elements: int, max_chars: int) -> Problem | None:
    """What is wrong with the prompt, empty included."""
    try:
        check_prompt(text, images=images, elements=elements, max_chars=max_chars)
    except InputRefused as error:
        return error.problem
    return None


def renumber(text: str, before: Order, after: Order) -> str:
    """The same prompt for other places of the references: each token keeps pointing at its own."""
    numbers = {id_: n for ids in (after.pictures, after.elements) for n, id_ in enumerate(ids, 1)}
    return numbered(parse(text, before.pictures, before.elements), numbers)


def cap(price: Price, plan: FitPlan) -> Decimal:
    """What was agreed to by pressing the button with the price on it, for one take."""
    # Two frames more: a new frame rate may round the clip up, and that must not stop an agreed job.
    return price.of(plan.duration_s + float(2 / plan.fps)).amount


def make_request(
    *,
    source: Path,
    prompt: str,
    provider: str,
    tier: Tier,
    pictures: Sequence[str],
    elements: Sequence[Element],
    keep_audio: bool,
    inputs_via: str | None,
    billed_to: str,
    max_cost: Decimal | None,
) -> Request:
    """The request as it stands, not checked yet."""
    return Request(
        source=str(source),
        prompt=prompt,
        provider=provider,
        tier=tier,
        images=tuple(Image(place=place) for place in pictures),
        elements=tuple(elements),
        keep_audio=keep_audio,
        inputs_via=inputs_via,
        billed_to=billed_to or None,
        max_cost=max_cost,
        # An unknown price is said on the button; pressing it is the agreement.
        accepts_unknown_price=max_cost is None,
    )


def request_problem(request: Request, limits: Limits) -> Problem | None:
    """What can be refused without opening a file: prompt, references, angles."""
    try:
        check_request(request, limits)
    except InputRefused as error:
        return error.problem
    return None


def cautions(request: Request, plan: FitPlan | None, limits: Limits) -> tuple[Caution, ...]:
    """What is sent although only some documents of the provider accept it."""
    return (*(clip_cautions(plan, limits) if plan else ()), *reference_cautions(request, limits))
