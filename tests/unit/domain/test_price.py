"""Money is exact, and an unknown price is never a number."""

from __future__ import annotations

from decimal import Decimal

import pytest

from klingstudio.domain.price import Money, Per, Price, parse_amount


def test_an_estimate_is_rounded_to_the_cent() -> None:
    price = Price(rate=Money(Decimal("0.336"), "USD"), source="page", date="2026-11-20")

    assert price.of(5.0) == Money(Decimal("1.68"), "USD")
    assert str(price.of(8.7)) == "$2.92"


def test_other_currencies_name_themselves() -> None:
    assert str(Money(Decimal("40.0"), "credits")) == "40 credits"


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "-1", "1,5", "None"])
def test_what_is_no_amount_is_unknown(text: str) -> None:
    assert parse_amount(text) is None


def test_a_decimal_string_is_read_exactly() -> None:
    assert parse_amount(" 1.680 ") == Decimal("1.680")


def test_a_price_per_take_does_not_grow_with_the_clip() -> None:
    price = Price(rate=Money(Decimal(40), "credits"), per=Per.TAKE, source="page", date="2026-11-20")

    assert price.of(3) == price.of(10) == Money(Decimal("40.00"), "credits")
    assert str(price) == "40 credits per take"


def test_a_price_says_what_it_is_counted_by() -> None:
    price = Price(rate=Money(Decimal("0.3360"), "USD"), source="page", date="2026-11-20")

    assert str(price) == "0.336 USD per second"
