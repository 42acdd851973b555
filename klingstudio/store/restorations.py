"""What is not known because a backup was put back, and how far the providers were asked about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from klingstudio.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """One time that a backup, or nothing, took the journal's place."""

    at: datetime
    """UTC."""
    since: datetime
    """UTC. What happened from here until `at` the journal does not know."""
    is_doubted: bool = False
    """True: every job that may have been sent in that time says so."""
    seen: Mapping[str, int] = field(default_factory=dict)
    """Edits that the journal did not know, by the id of the provider whose list was read."""


class RestorationStore:
    """One row each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, earliest: datetime) -> tuple[Restoration, ...]:
        """Those at or after `earliest` (UTC), oldest first."""
        rows = self._database.read("SELECT * FROM restoration WHERE at >= ? ORDER BY at", earliest.isoformat())
        return tuple(
            Restoration(
                at=datetime.fromisoformat(row["at"]),
                since=datetime.fromisoformat(row["since"]),
                is_doubted=bool(row["is_doubted"]),
                seen=json.loads(row["seen"]),
            )
            for row in rows
        )

    def doubted(self, restoration: Restoration) -> None:
        """Every job that may have been sent says so."""
        at = restoration.at.isoformat()
        self._database.write(lambda sql: sql.execute("UPDATE restoration SET is_doubted = 1 WHERE at = ?", (at,)))

    def saw(self, restoration: Restoration, provider: str, count: int) -> None:
        """The list of one more provider was read."""
        row = (f'$."{provider}"', count, restoration.at.isoformat())
        self._database.write(
            lambda sql: sql.execute("UPDATE restoration SET seen = json_set(seen, ?, ?) WHERE at = ?", row)
        )
