"""Money is exact, and an unknown price is never a number."""

from __future__ import annotations

from decimal import Decimal

import pytest

from klingstudio.domain.price import Money, Price, parse_amount


def test_an_estimate_is_rounded_to_the_cent() -> None:
    price = Price(per_second=Money(Decimal("0.336"), "USD"), source="page", date="2026-11-20")

    assert price.of(5.0) == Money(Decimal("1.68"), "USD")
    assert str(price.of(8.7)) == "$2.92"


def test_other_currencies_name_themselves() -> None:
    assert str(Money(Decimal("40.0"), "credits")) == "40 credits"


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "-1", "1,5", "None"])
def test_what_is_no_amount_is_unknown(text: str) -> None:
    assert parse_amount(text) is None


def test_a_decimal_string_is_read_exactly() -> None:
    assert parse_amount(" 1.680 ") == Decimal("1.680")
