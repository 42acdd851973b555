"""How a dry run is told: one object per provider for a program, a page or a table for a person."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from klingstudio.domain.price import Money, Price
from klingstudio.ui import text

if TYPE_CHECKING:
    from klingstudio.domain.budget import Balance
    from klingstudio.domain.media import FitPlan
    from klingstudio.engine.compare import Offer

WIDTH = 100
"""Columns of a terminal that is not narrow."""
LABEL = 11


def as_object(offer: Offer, balances: Sequence[Balance] = ()) -> dict[str, object]:
    """The plan as JSON has it. What is not known is null, never 0."""
    info, wait = offer.info, offer.wait
    return {
        "event": "plan",
        "provider": info.id,
        "fit": None if offer.plan is None else _fit(offer.plan),
        "estimate": None if offer.estimate is None else money(offer.estimate),
        "body": None if offer.order is None else json.loads(offer.order.body),
        "takes": offer.takes,
        "has_key": offer.has_key,
        "price": None if offer.price is None else _price(offer.price),
        "budget": [_balance(one, offer) for one in _of_currency(balances, offer)],
        "usual_wait_s": None if wait is None else round(wait.usual_s, 1),
        "wait_jobs": 0 if wait is None else wait.jobs,
        "losses": [
            {"kind": loss.lack, "amount": loss.amount, "message": text.loss(loss.lack, loss.amount)}
            for loss in offer.losses
        ],
        "warnings": [
            {
                "subject": caution.subject,
                "value": caution.value,
                "limit": caution.limit,
                "source": caution.source,
                "message": text.caution(caution),
            }
            for caution in offer.cautions
        ],
        "error": None
        if offer.problem is None
        else {"kind": offer.problem.kind, "message": text.one_line(offer.problem)},
        "inputs_via": None if offer.host in (None, info) else offer.host.id,
        "hosting": offer.host and offer.host.upload_note,
        "input_lifetime": offer.host and offer.host.upload_lifetime,
        "result_lifetime": info.result_lifetime,
        "cancel": info.cancel_note,
    }


def money(amount: Money) -> dict[str, str]:
    """An amount as JSON has it: exact, and with its currency."""
    return {"amount": f"{amount.amount:f}", "currency": amount.currency}


def _price(price: Price) -> dict[str, object]:
    return {
        **money(price.rate),
        "per": price.per,
        "source": price.source,
        "date": price.date,
        "live": price.is_live,
        "note": price.note,
    }


def _of_currency(balances: Sequence[Balance], offer: Offer) -> Iterator[Balance]:
    """What holds the provider's kind of money back; nothing at the free sandbox."""
    if offer.info.key_variable is not None:
        currency = offer.estimate.currency if offer.estimate is not None else offer.info.currency
        yield from (one for one in balances if one.booked.currency == currency and one.limit is not None)


def _balance(balance: Balance, offer: Offer) -> dict[str, object]:
    return {
        "period": balance.period,
        "limit": None if balance.limit is None else money(balance.limit),
        "booked": money(balance.booked),
        "reserved": money(balance.reserved),
        "fits": _fits(balance, offer),
    }


def _fits(balance: Balance, offer: Offer) -> bool:
    return balance.has_room(None if offer.estimate is None else offer.estimate.amount)


def _fit(plan: FitPlan) -> dict[str, object]:
    return {
        "start_s": round(plan.start_s, 6),
        "end_s": round(plan.end_s, 6),
        "width_px": plan.width_px,
        "height_px": plan.height_px,
        "fps": round(float(plan.fps), 6),
        "framing": plan.framing,
        "unchanged": plan.is_identity,
        "steps": list(plan.steps),
    }


def page(offer: Offer, balances: Sequence[Balance] = ()) -> Iterator[str]:
    """One provider's plan in lines."""
    yield _row("Provider", f"{offer.info.id}, {offer.request.tier}")
    yield from _details(offer, balances)
    if offer.order is not None:
        yield _row("Request", offer.order.body)


def table(offers: Sequence[Offer], balances: Sequence[Balance] = ()) -> Iterator[str]:
    """Every provider on a line of its own, then what a line has no room for."""
    rows = [("", "Key", "Estimate", "Price", "Usual wait"), *(_cells(offer) for offer in offers)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for offer in offers:
        yield ""
        yield offer.info.title
        yield from (f"  {line}" for line in _details(offer, balances, width=WIDTH - 2))


def _cells(offer: Offer) -> tuple[str, str, str, str, str]:
    has_key = "yes" if offer.has_key else "no"
    estimate = "cannot" if offer.problem else str(offer.estimate or "unknown")
    return offer.info.title, has_key, estimate, _dated(offer.price), text.wait(offer.wait)


def priced(price: Price | None) -> str:
    """A price with its age and where it was read."""
    if price is None:
        return "unknown"
    return f"{_dated(price)}, {price.source}"


def _dated(price: Price | None) -> str:
    if price is None:
        return "unknown"
    return f"{price}, live" if price.is_live else f"{price}, as of {price.date}"


def _details(offer: Offer, balances: Sequence[Balance], width: int = WIDTH) -> Iterator[str]:
    info = offer.info
    if offer.plan is not None:
        yield from _wrapped("Fit", " · ".join(offer.plan.steps) or "fits as it is", width)
    takes = f" for {offer.takes} takes" if offer.takes > 1 else ""
    estimate = "unknown" if offer.estimate is None else f"{offer.estimate}{takes}: {priced(offer.price)}"
    yield from _wrapped("Price", estimate, width)
    if offer.price is not None and offer.price.note:
        yield from _wrapped("", offer.price.note, width)
    for one in _of_currency(balances, offer):
        refused = "" if _fits(one, offer) else "; this would be refused"
        yield from _wrapped("Limit", f"{' '.join(text.spent(one))}{refused}", width)
    yield from _wrapped("Wait", text.wait(offer.wait), width)
    if offer.host is not None:
        through = "" if offer.host is info else f"Through {offer.host.title}. "
        yield from _wrapped("Files", f"{through}{offer.host.upload_note}", width)
        yield from _wrapped("Kept", offer.host.upload_lifetime, width)
    yield from _wrapped("Take", info.result_lifetime, width)
    yield from _wrapped("Cancel", info.cancel_note, width)
    for loss in offer.losses:
        yield from _wrapped("Lost", text.loss(loss.lack, loss.amount), width)
    for caution in offer.cautions:
        yield from _wrapped("Warning", text.caution(caution), width)
    if offer.problem is not None:
        yield from _wrapped("Cannot", text.one_line(offer.problem), width)


def _wrapped(label: str, words: str, width: int) -> Iterator[str]:
    lines = textwrap.wrap(words, width - LABEL, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines):
        yield _row(label if number == 0 else "", line)


def _row(label: str, words: str) -> str:
    return f"{label:<{LABEL}}{words}"
