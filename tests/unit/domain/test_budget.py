"""Limits, days and months. Random orders of spending never get past a limit, whatever the clock and the zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.domain.budget import Balance, Booking, Cap, Period, balance, begins, cap_of, refusal, renews
from klingstudio.domain.price import Money

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati", "Africa/Cairo")]


def booked(amount: str | None, *, at: datetime = NOW, currency: str = "USD", is_reserved: bool = False) -> Booking:
    return Booking(
        currency=currency, amount=None if amount is None else Decimal(amount), at=at, is_reserved=is_reserved
    )


def stands(period: Period, *bookings: Booking, caps: tuple[Cap, ...] = ()) -> Balance:
    return balance(period, "USD", bookings=bookings, caps=caps, now=NOW, zone=UTC)


def refused(amount: str | None, *bookings: Booking, day: str | None = None, month: str | None = None) -> Balance | None:
    cap = Cap(currency="USD", day=day and Decimal(day), month=month and Decimal(month))  # type: ignore[arg-type]
    wanted = None if amount is None else Decimal(amount)
    return refusal(wanted, "USD", bookings=bookings, caps=[cap], now=NOW, zone=UTC)


def test_without_a_limit_nothing_is_refused() -> None:
    assert refused("999999", booked("999999")) is None
    assert refused(None, booked(None)) is None


def test_what_fills_the_limit_to_the_cent_fits_and_a_cent_more_does_not() -> None:
    assert refused("1.68", booked("18.32"), day="20") is None
    assert refused("1.69", booked("18.32"), day="20") is not None


def test_a_month_that_is_used_up_is_named_before_the_day_that_renews_sooner() -> None:
    full = refused("1", booked("20"), day="20", month="20")

    assert full is not None
    assert full.period is Period.MONTH
    assert full.renews_at == datetime(2026, 12, 1, tzinfo=UTC)


def test_an_unknown_price_needs_something_to_be_left() -> None:
    assert refused(None, booked("19.99"), day="20") is None
    assert refused(None, booked("20"), day="20") is not None
    assert refused(None, day="0") is not None


def test_currencies_are_never_added() -> None:
    other = booked("1000", currency="credits")
    stood = stands(Period.DAY, other, booked("2"))

    assert stood.booked == Money(Decimal(2), "USD")
    assert refused("18", other, booked("2"), day="20") is None


def test_a_currency_without_limits_of_its_own_has_none() -> None:
    assert cap_of([Cap(currency="USD", day=Decimal(1))], "credits").day is None


def test_what_is_reserved_is_told_apart_from_what_was_charged() -> None:
    stood = stands(Period.DAY, booked("1"), booked("2.50", is_reserved=True), booked(None, is_reserved=True))

    assert (stood.booked.amount, stood.reserved.amount, stood.unknown) == (Decimal("3.50"), Decimal("2.50"), 1)


def test_what_is_left_is_never_less_than_nothing() -> None:
    cap = Cap(currency="USD", day=Decimal(2))

    assert stands(Period.DAY, booked("3"), caps=(cap,)).left == Money(Decimal(0), "USD")
    assert stands(Period.MONTH, booked("3"), caps=(cap,)).left is None


def test_yesterday_counts_for_the_month_only() -> None:
    yesterday = booked("5", at=NOW - timedelta(days=1))

    assert stands(Period.DAY, yesterday).booked.amount == 0
    assert stands(Period.MONTH, yesterday).booked.amount == 5


def test_the_day_is_that_of_the_person_and_not_of_greenwich() -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)

    assert begins(Period.DAY, late, BERLIN) == datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    assert renews(Period.DAY, late, BERLIN) == datetime(2026, 11, 21, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25)])
def test_the_days_on_which_clocks_change_have_their_own_length(month: int, day: int, hours: int) -> None:
    now = datetime(2026, month, day, 9, tzinfo=BERLIN)

    length = renews(Period.DAY, now, BERLIN).astimezone(UTC) - begins(Period.DAY, now, BERLIN).astimezone(UTC)

    assert length == timedelta(hours=hours)


def test_spending_from_the_future_counts_because_clocks_are_set_back() -> None:
    assert stands(Period.DAY, booked("5", at=NOW + timedelta(days=3))).booked.amount == 5


moments = st.integers(-3 * 366 * 86400, 3 * 366 * 86400).map(lambda seconds: NOW + timedelta(seconds=seconds))


@given(now=moments, zone=st.sampled_from(ZONES), period=st.sampled_from(list(Period)))
def test_every_moment_lies_in_its_period_and_the_next_begins_where_it_ends(
    now: datetime, zone: ZoneInfo, period: Period
) -> None:
    begun, renewed = begins(period, now, zone), renews(period, now, zone)

    assert begun <= now < renewed
    assert begins(period, renewed, zone) == renewed
    assert begins(period, begun, zone) == begun
    assert begins(Period.MONTH, now, zone) <= begins(Period.DAY, now, zone)


amounts = st.decimals(Decimal("0.01"), Decimal(9), places=2)
wishes = st.lists(
    st.tuples(
        amounts,
        # Settled to any part of what was reserved, to nothing, or not at all.
        st.one_of(st.none(), st.decimals(0, 1, places=2)),
        st.integers(0, 40 * 3600),
        st.sampled_from(["USD", "credits"]),
    ),
    max_size=40,
)


@given(wishes=wishes, day=amounts, month=amounts, zone=st.sampled_from(ZONES))
def test_no_order_of_wishes_and_settlements_passes_a_limit(
    wishes: list[tuple[Decimal, Decimal | None, int, str]], day: Decimal, month: Decimal, zone: ZoneInfo
) -> None:
    caps = [Cap(currency="USD", day=day, month=month), Cap(currency="credits", day=day)]
    bookings: list[Booking] = []
    now = NOW
    for amount, settled, seconds, currency in wishes:
        now += timedelta(seconds=seconds)
        if refusal(amount, currency, bookings=bookings, caps=caps, now=now, zone=zone) is None:
            bookings.append(Booking(currency=currency, amount=amount, at=now, is_reserved=True))
        if settled is not None and bookings:
            last = bookings.pop()
            assert last.amount is not None
            charged = last.amount * settled
            bookings.append(Booking(currency=last.currency, amount=charged, at=last.at, is_reserved=False))
        for cap in caps:
            for period in Period:
                stood = balance(period, cap.currency, bookings=bookings, caps=caps, now=now, zone=zone)
                assert stood.limit is None or stood.booked.amount <= stood.limit.amount


@given(st.lists(st.tuples(amounts, st.booleans()), max_size=12))
def test_the_parts_of_a_balance_are_its_sum(rows: list[tuple[Decimal, bool]]) -> None:
    bookings = [booked(str(amount), is_reserved=is_reserved) for amount, is_reserved in rows]

    stood = stands(Period.MONTH, *bookings)

    charged = sum((amount for amount, is_reserved in rows if not is_reserved), Decimal(0))
    assert stood.booked.amount == stood.reserved.amount + charged
