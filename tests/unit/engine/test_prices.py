"""The table that comes with the program, and the prices that providers tell."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from klingstudio.domain.price import Money, Per
from klingstudio.domain.request import Tier
from klingstudio.engine.prices import listed_prices
from klingstudio.paths import resource
from klingstudio.providers.registry import ENTRIES
from tests.fakes.accounts import Clock, some_accounts
from tests.fakes.wire import Handler, Wire, reply

WITHOUT_ROW = {("oxen", Tier.STANDARD), ("pixeldojo", Tier.STANDARD)}
"""No page names a price for these: they are unknown until the service tells one."""


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(resource("prices.toml").read_text("utf-8"))["price"]
    return found


def test_every_tier_of_every_provider_has_a_row_or_is_known_to_have_none() -> None:
    offered = {(entry.info.id, tier) for entry in ENTRIES for tier in entry.info.tiers}

    assert set(listed_prices()) == offered - WITHOUT_ROW
    assert len(rows()) == len(listed_prices()), "a row stands twice"


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['provider']}-{row['tier']}")
def test_every_row_says_how_much_of_what_and_where_and_when_it_was_read(row: dict[str, Any]) -> None:
    assert set(row) - {"note"} == {"provider", "tier", "amount", "currency", "per", "source", "date"}
    assert row["amount"] > 0
    assert row["per"] in set(Per)
    assert isinstance(row["date"], date)
    assert date(2026, 1, 1) <= row["date"] <= datetime.now(UTC).date() + timedelta(days=1)
    assert row["source"].strip()
    assert row.get("note", "a note").strip()


def test_a_row_has_the_currency_of_its_provider() -> None:
    currencies = {entry.info.id: entry.info.currency for entry in ENTRIES}

    assert {key[0]: price.rate.currency for key, price in listed_prices().items()} == currencies


def test_amounts_are_exact_and_dates_iso() -> None:
    price = listed_prices()["oxen", Tier.PRO]

    assert price.rate == Money(Decimal("0.336"), "USD")
    assert price.date == "2026-11-20"
    assert not price.is_live


def model(cost: float | None) -> Handler:
    pricing = {} if cost is None else {"cost_per_second": cost}
    return reply(200, json.dumps({"id": "edit", "pricing": pricing}).encode(), Content_Type="application/json")


async def test_a_live_price_counts_for_an_hour_and_is_then_asked_for_again() -> None:
    clock = Clock()
    async with Wire(model(0.25)) as wire:
        environ = {"KLINGSTUDIO_OXEN_URL": wire.url, "OXEN_API_KEY": "a-key"}
        async with some_accounts(environ, clock) as accounts:
            first = await accounts.price("oxen", Tier.PRO)
            asked = len(wire.asked)
            clock.now += timedelta(minutes=59)
            again = await accounts.price("oxen", Tier.PRO)
            assert len(wire.asked) == asked
            clock.now += timedelta(hours=23)
            later = await accounts.price("oxen", Tier.PRO)

    assert len(wire.asked) > asked
    assert first is not None
    assert later is not None
    assert first.rate == Money(Decimal("0.25"), "USD")
    assert first.is_live
    assert (first.date, later.date) == ("2026-11-21", "2026-11-22")
    assert again == first


async def test_where_no_price_is_told_the_listed_one_is_shown_as_listed_and_not_kept() -> None:
    clock = Clock()
    async with Wire(model(None)) as wire:
        environ = {"KLINGSTUDIO_OXEN_URL": wire.url, "OXEN_API_KEY": "a-key"}
        async with some_accounts(environ, clock) as accounts:
            listed = await accounts.price("oxen", Tier.PRO)
            unknown = await accounts.price("oxen", Tier.STANDARD)
            asked = len(wire.asked)
            await accounts.price("oxen", Tier.PRO)

    assert listed == listed_prices()["oxen", Tier.PRO]
    assert unknown is None
    assert len(wire.asked) > asked


async def test_a_price_that_was_told_for_a_key_goes_with_it() -> None:
    async with Wire(model(0.25)) as wire, some_accounts({"KLINGSTUDIO_OXEN_URL": wire.url}) as accounts:
        await accounts.set_key("oxen", "a-key")
        told = await accounts.price("oxen", Tier.PRO)
        asked = len(wire.asked)
        await accounts.set_key("oxen", "another-key")
        await accounts.price("oxen", Tier.PRO)
        asked_again = len(wire.asked)
        await accounts.remove_key("oxen")
        left = await accounts.price("oxen", Tier.PRO)

    assert told is not None
    assert told.is_live
    assert asked_again > asked
    assert left == listed_prices()["oxen", Tier.PRO]


async def test_without_a_key_the_listed_price_is_told() -> None:
    async with some_accounts({}) as accounts:
        price = await accounts.price("oxen", Tier.PRO)

    assert price == listed_prices()["oxen", Tier.PRO]
