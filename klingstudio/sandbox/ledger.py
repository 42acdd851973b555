"""What the sandbox charged. Rows are only ever added, so that a test can tell one charge from two."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any


class Ledger:
    """Three kinds of row: `charge` when an order is accepted, `settle` when its price is known, `refund`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[dict[str, Any]] = []
        self._amounts: dict[str, Decimal] = {}
        if path.exists():
            whole, _, torn = path.read_text("utf-8").rpartition("\n")
            for line in whole.splitlines():
                self._note(json.loads(line))
            if torn:
                # The sandbox was killed while it wrote its last row.
                path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in self._rows), "utf-8")

    def charge(self, generation_id: str, **facts: Any) -> None:
        """An order was accepted. What it costs depends on the length of a video that nobody has looked at yet."""
        self._add({"row": "charge", "generation_id": generation_id, **facts})

    def settle(self, generation_id: str, amount: Decimal) -> None:
        """The price of an accepted order became known."""
        self._add({"row": "settle", "generation_id": generation_id, "amount": str(amount)})

    def refund(self, generation_id: str, reason: str) -> None:
        """An accepted order costs nothing after all."""
        self._add({"row": "refund", "generation_id": generation_id, "reason": reason})

    def amount(self, generation_id: str) -> Decimal | None:
        """What an order costs in the end, or None as long as that is open."""
        return self._amounts.get(generation_id)

    def report(self) -> dict[str, Any]:
        """One entry for every charge, refunded ones among them, and the bare rows."""
        refunded = {row["generation_id"] for row in self._rows if row["row"] == "refund"}
        charges = []
        for row in self._rows:
            if row["row"] == "charge":
                amount = self.amount(row["generation_id"])
                facts = {key: value for key, value in row.items() if key != "row"}
                is_refunded = row["generation_id"] in refunded
                charges.append(facts | {"amount": None if amount is None else str(amount), "refunded": is_refunded})
        return {"charges": charges, "rows": self._rows}

    def _note(self, row: dict[str, Any]) -> None:
        """What an order costs is asked for in every list of jobs, so it is not counted together each time."""
        self._rows.append(row)
        match row["row"]:
            case "settle":
                self._amounts[row["generation_id"]] = Decimal(row["amount"])
            case "refund":
                self._amounts[row["generation_id"]] = Decimal("0.00")
            case _:
                pass

    def _add(self, row: dict[str, Any]) -> None:
        self._note(row)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
