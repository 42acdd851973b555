"""What was really charged, as the providers told it. Estimates never come here."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from klingstudio.domain.price import Money
from klingstudio.store.database import Database


class Ledger:
    """One row per charged job; currencies are kept apart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, job_id: str, provider: str, money: Money, at: datetime) -> None:
        """Record or correct the charge of a job."""
        row = (job_id, provider, str(money.amount), money.currency, at.isoformat())
        self._database.write(
            lambda sql: sql.execute(
                "INSERT INTO charge(job_id, provider, amount, currency, at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT(job_id) DO UPDATE SET amount = excluded.amount, currency = excluded.currency",
                row,
            )
        )

    def charges_since(self, start: datetime) -> dict[str, Money]:
        """What each job was charged, by its id, as far as that was told at or after `start` (UTC)."""
        rows = self._database.read("SELECT job_id, amount, currency FROM charge WHERE at >= ?", start.isoformat())
        return {row["job_id"]: Money(Decimal(row["amount"]), row["currency"]) for row in rows}

    def spent_since(self, start: datetime) -> tuple[Money, ...]:
        """Sums since `start` (UTC), one per currency, in the order of their first charge."""
        sums: dict[str, Decimal] = {}
        for row in self._database.read(
            "SELECT amount, currency FROM charge WHERE at >= ? ORDER BY at", start.isoformat()
        ):
            sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + Decimal(row["amount"])
        return tuple(Money(amount, currency) for currency, amount in sums.items())
