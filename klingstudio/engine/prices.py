"""The dated table of prices that comes with the program."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from klingstudio.domain.price import Money, Per, Price
from klingstudio.domain.request import Tier
from klingstudio.paths import resource


@cache
def listed_prices() -> Mapping[tuple[str, Tier], Price]:
    """Every price of the table by provider and tier, read once. What is not in it is unknown."""
    rows = tomllib.loads(resource("prices.toml").read_text("utf-8"), parse_float=Decimal)["price"]
    return {
        (row["provider"], Tier(row["tier"])): Price(
            rate=Money(Decimal(row["amount"]), row["currency"]),
            per=Per(row["per"]),
            source=row["source"],
            date=row["date"].isoformat(),
            note=row.get("note", ""),
        )
        for row in rows
    }
