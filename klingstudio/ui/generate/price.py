"""How the price on the button was reached, and what a press holds back of the limits."""

from __future__ import annotations

from dataclasses import replace

from klingstudio.ui.generate.readiness import WHEN
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.spending import PERIODS, SpendingModel


def price_words(draft: DraftModel) -> str:
    """What stands on the button; empty without a clip."""
    if draft.source is None or draft.source.plan is None:
        return ""
    return "free" if draft.is_free else str(draft.estimate) if draft.estimate else "price unknown"


def how_reached(draft: DraftModel, spending: SpendingModel) -> str:
    """Length, rate, takes and date of the price, and what is left of the limits."""
    plan = draft.source.plan if draft.source else None
    if draft.is_free:
        return "The sandbox runs on this computer and costs nothing"
    if draft.price is None or plan is None:
        return "The provider does not tell the price of this. What it charges is shown with the take."
    price = draft.price
    takes = f" × {draft.takes} takes" if draft.takes > 1 else ""
    read = f"told live by {price.source}, {price.date}" if price.is_live else f"read {price.date} at {price.source}"
    note = f"\n{price.note}" if price.note else ""
    return f"{plan.duration_s:.1f} s at {price}{takes}\nEstimate; {read}{note}{_left_words(draft, spending)}"


def _left_words(draft: DraftModel, spending: SpendingModel) -> str:
    """What is held back of the limits by a press, and what of them is left."""
    price, most = draft.price, spending.most(draft)
    if price is None or most is None:
        return ""
    worst = replace(price.rate, amount=most)
    lines = []
    for period in PERIODS:
        stands = spending.balance(price.rate.currency, period)
        if stands is not None and stands.left is not None:
            lines.append(f"{stands.left} left {WHEN[period]} of {stands.limit}")
    if lines:
        lines.insert(0, f"At most {worst}, which is reserved until it is known what was charged")
    return "".join(f"\n{line}" for line in lines)
