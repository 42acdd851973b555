"""Money, prices and estimates. An unknown price is None, never zero."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency. Currencies and credits are never added together."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        if self.currency == "USD":
            return f"${self.amount:.2f}"
        return f"{self.amount.normalize():f} {self.currency}"

    def __mul__(self, times: int) -> Money:
        return Money(self.amount * times, self.currency)


class Per(StrEnum):
    """What a price is counted by."""

    SECOND = "second"
    """Of the returned video, which is as long as the clip."""
    TAKE = "take"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an edit costs, and where that was read."""

    rate: Money
    """For one second or one take."""
    per: Per = Per.SECOND
    source: str
    """A page or API; shown to the person beside the price."""
    date: str
    """Day it was read, ISO 8601. Prices of this model have halved within a year."""
    note: str = ""
    """What else must be known to believe it: how it was worked out, what was seen elsewhere."""
    is_live: bool = False
    """True: the provider itself told it just now, for this account."""

    def __str__(self) -> str:
        return f"{self.rate.amount.normalize():f} {self.rate.currency} per {self.per}"

    def of(self, duration_s: float) -> Money:
        """The estimate for one take of this length, rounded to the cent."""
        times = Decimal(str(round(duration_s, 3))) if self.per is Per.SECOND else Decimal(1)
        return Money((self.rate.amount * times).quantize(Decimal("0.01"), ROUND_HALF_UP), self.rate.currency)


def amount_of(value: object) -> Decimal | None:
    """The amount that a number or a decimal string of a service's reply says, or None."""
    is_said = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return parse_amount(str(value)) if is_said else None


def parse_amount(text: str) -> Decimal | None:
    """A finite, non-negative decimal, or None. Accepts the decimal strings that providers send."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
