"""What may be spent in a day and in a month, what is booked of it, and whether one more edit fits.

Currencies are never added or converted: each has limits of its own, and one without a limit is not limited. Days and
months are those of the person's own clock, so the zone is handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum

from klingstudio.domain.price import Money


class Period(StrEnum):
    """What a limit holds for."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The most that may be spent of one currency. None: no limit."""

    currency: str
    day: Decimal | None = None
    month: Decimal | None = None

    def of(self, period: Period) -> Money | None:
        """The limit for a day or for a month."""
        amount = self.day if period is Period.DAY else self.month
        return None if amount is None else Money(amount, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What one edit takes of the budget."""

    currency: str
    amount: Decimal | None
    """None: its price is not known, so that no limit can count it."""
    at: datetime
    """When it was sent; for one that is still to be sent the present."""
    is_reserved: bool
    """True: the most it may cost, until it is known what was charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How one day or month stands in one currency."""

    period: Period
    limit: Money | None
    booked: Money
    """Charged and reserved together."""
    reserved: Money
    """The part of `booked` of which nobody knows yet whether it will be charged."""
    unknown: int
    """Edits without a known price; not in `booked`."""
    renews_at: datetime
    """When the next day or month begins, in the person's zone."""

    @property
    def left(self) -> Money | None:
        """What may still be spent; None without a limit."""
        if self.limit is None:
            return None
        return Money(max(self.limit.amount - self.booked.amount, Decimal(0)), self.limit.currency)

    def has_room(self, amount: Decimal | None) -> bool:
        """True when that much more does not pass the limit. An amount nobody knows needs something to be left."""
        if self.limit is None:
            return True
        if amount is None:
            return self.booked.amount < self.limit.amount
        return self.booked.amount + amount <= self.limit.amount


def begins(period: Period, now: datetime, zone: tzinfo) -> datetime:
    """The first moment of the day or month that `now` lies in."""
    day = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return day if period is Period.DAY else day.replace(day=1)


def renews(period: Period, now: datetime, zone: tzinfo) -> datetime:
    """The first moment of the next day or month."""
    begun = begins(period, now, zone)
    if period is Period.DAY:
        return begun + timedelta(days=1)
    return (begun + timedelta(days=32)).replace(day=1)


def cap_of(caps: Sequence[Cap], currency: str) -> Cap:
    """The limits of this currency; without any where the person set none."""
    return next((cap for cap in caps if cap.currency == currency), Cap(currency=currency))


def balance(
    period: Period, currency: str, *, bookings: Iterable[Booking], caps: Sequence[Cap], now: datetime, zone: tzinfo
) -> Balance:
    """How the day or month of `now` stands. What is dated later than `now` counts as well: clocks are set back."""
    start = begins(period, now, zone)
    counted = [one for one in bookings if one.currency == currency and one.at >= start]
    known = [(one.amount, one.is_reserved) for one in counted if one.amount is not None]
    return Balance(
        period=period,
        limit=cap_of(caps, currency).of(period),
        booked=Money(sum((amount for amount, _ in known), Decimal(0)), currency),
        reserved=Money(sum((amount for amount, is_reserved in known if is_reserved), Decimal(0)), currency),
        unknown=len(counted) - len(known),
        renews_at=renews(period, now, zone),
    )


def refusal(
    amount: Decimal | None,
    currency: str,
    *,
    bookings: Sequence[Booking],
    caps: Sequence[Cap],
    now: datetime,
    zone: tzinfo,
) -> Balance | None:
    """The limit that has no room for this amount, the one that lasts longer first; None where all have."""
    # A month that is used up is not helped by a new day.
    for period in (Period.MONTH, Period.DAY):
        stands = balance(period, currency, bookings=bookings, caps=caps, now=now, zone=zone)
        if not stands.has_room(amount):
            return stands
    return None
