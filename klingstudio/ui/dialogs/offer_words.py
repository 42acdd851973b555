"""What the comparison says of one provider. Pure: the same offer gives the same words."""

from __future__ import annotations

from dataclasses import dataclass

from klingstudio.domain.errors import Kind, Problem
from klingstudio.domain.price import Money, Price
from klingstudio.engine.compare import Lack, Offer
from klingstudio.ui import text

UNKNOWN = "unknown"
ROWS = ("Price", "Usual wait", "What changes", "Your files", "Take kept", "Cancel", "Key")
"""What is compared, in this order."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer: what stands first, and what is said below it."""

    words: str
    more: str = ""
    tone: str = ""
    """Token of the first line: "" for the usual, good, warning, bad, secondary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferWords:
    """Everything that is said of one provider."""

    title: str
    cells: tuple[Cell, ...]
    """One per row of `ROWS`."""
    reason: str
    """Why it cannot be used; empty where it can."""


def offer_words(offer: Offer) -> OfferWords:
    """The words of one column."""
    info = offer.info
    return OfferWords(
        title=info.title,
        cells=(
            _price(offer.price, offer.estimate, offer.takes),
            Cell(_begun(text.wait(offer.wait)), tone="" if offer.wait else "secondary"),
            _changes(offer),
            _files(offer),
            Cell(info.result_lifetime.removesuffix(".")),
            Cell("Can be cancelled" if info.can_cancel else "Cannot be cancelled", info.cancel_note),
            Cell("There is a key", tone="good") if offer.has_key else Cell("No key", tone="warning"),
        ),
        reason=text.reason(offer.problem) if stops(offer.problem) and offer.problem else "",
    )


def stops(problem: Problem | None) -> bool:
    """True for what this provider cannot do. That the prompt is still to be written says nothing about it."""
    return problem is not None and problem.kind not in {Kind.PROMPT_EMPTY, Kind.PROMPT_TOO_LONG}


def _price(price: Price | None, estimate: Money | None, takes: int) -> Cell:
    if price is None:
        return Cell(UNKNOWN, "No page or API tells it. What is charged is shown with the take.", tone="secondary")
    first = f"about {estimate}" if estimate else str(price)
    several = f" for {takes} takes" if estimate and takes > 1 else ""
    where = f"live, {price.date}, from {price.source}" if price.is_live else f"listed {price.date}: {price.source}"
    rate = f"{price}; " if estimate else ""
    return Cell(first + several, " ".join(part for part in (f"{rate}{where}.", price.note) if part))


def _changes(offer: Offer) -> Cell:
    lost = [text.loss(loss.lack.value, loss.amount) for loss in offer.losses if loss.lack is not Lack.HOSTING]
    doubts = ". ".join(text.caution(one) for one in offer.cautions)
    if not lost:
        return Cell("Nothing is lost", doubts, tone="warning" if doubts else "good")
    return Cell(_begun("; ".join(lost)), doubts, tone="warning")


def _files(offer: Offer) -> Cell:
    host = offer.host
    if host is None:
        is_missing = offer.problem is not None and offer.problem.kind is Kind.HOST_MISSING
        words = "Nobody can host them yet" if is_missing else "Nothing to host"
        return Cell(words, offer.info.upload_note if is_missing else "", tone="warning" if is_missing else "")
    through = "Hosted there" if host is offer.info or host.id == offer.info.id else f"Through {host.title}"
    return Cell(through, f"{host.upload_note} Kept: {host.upload_lifetime[:1].lower()}{host.upload_lifetime[1:]}")


def _begun(words: str) -> str:
    """With a capital: it stands alone in its cell."""
    return words[:1].upper() + words[1:]
