"""Money, prices and estimates. An unknown price is None, never zero."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one second of the returned video costs, and where that was read."""

    per_second: Money
    source: str
    """A page or API; shown to the person beside the price."""
    date: str
    """Day it was read, ISO 8601. Prices of this model have halved within a year."""

    def of(self, duration_s: float) -> Money:
        """The estimate for one take of this length, rounded to the cent."""
        amount = self.per_second.amount * Decimal(str(round(duration_s, 3)))
        return Money(amount.quantize(Decimal("0.01"), ROUND_HALF_UP), self.per_second.currency)


def parse_amount(text: str) -> Decimal | None:
    """A finite, non-negative decimal, or None. Accepts the decimal strings that providers send."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
