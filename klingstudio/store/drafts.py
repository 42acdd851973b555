"""Drafts: the open ones in the order of their tabs, and those closed last. Each method is one transaction."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from klingstudio.domain.draft import Draft, sound
from klingstudio.store.database import Database

CLOSED_MOST = 50
"""So many closed drafts are kept; the one that was closed first goes."""

log = logging.getLogger(__name__)


class DraftStore:
    """What is being composed. Callers hand in the time; nothing here reads a clock.

    On a full disk nothing is stored: the reserve beside the database is for what was paid.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all_open(self) -> tuple[Draft, ...]:
        """In the order of their tabs. One that cannot be read is left where it is, and is not among them."""
        return _drafts(self._database.read("SELECT id, doc FROM draft WHERE is_open = 1 ORDER BY position, rowid"))

    def closed(self, limit: int = CLOSED_MOST) -> tuple[Draft, ...]:
        """The last ones that were closed, newest first."""
        rows = self._database.read("SELECT id, doc FROM draft WHERE is_open = 0 ORDER BY changed_at DESC, rowid DESC")
        return _drafts(rows)[:limit]

    def save(self, draft: Draft, *, position: int, is_open: bool, at: datetime) -> None:
        """Store a draft as it stands.

        Raises:
            StudioError: it could not be written; nothing changed.
        """
        row = (draft.id, position, is_open, at.isoformat(), _doc(draft))
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT INTO draft(id, position, is_open, changed_at, doc) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT(id) DO UPDATE SET position = excluded.position, is_open = excluded.is_open,"
                " changed_at = excluded.changed_at, doc = excluded.doc",
                row,
            )
            if not is_open:
                _forget_oldest(sql)

    def arrange(self, draft_ids: Sequence[str]) -> None:
        """Store the order of the tabs.

        Raises:
            StudioError: it could not be written; nothing changed.
        """
        with self._database.transaction() as sql:
            sql.executemany("UPDATE draft SET position = ? WHERE id = ?", list(enumerate(draft_ids)))

    def remove(self, draft_id: str) -> None:
        """Forget a draft for good.

        Raises:
            StudioError: it could not be written; nothing changed.
        """
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM draft WHERE id = ?", (draft_id,))

    def speaks_of(self, path: str) -> bool:
        """True when the path, or what is in it, belongs to a draft that is kept, also to one that cannot be read."""
        needle = json.dumps(path)[1:-1]
        return bool(self._database.read("SELECT 1 FROM draft WHERE instr(doc, ?) > 0 LIMIT 1", needle))


def _doc(draft: Draft) -> str:
    # ASCII, as a file name on Linux need not be text: what is not comes back as it was.
    return json.dumps(msgspec.to_builtins(draft))


def _drafts(rows: Iterable[sqlite3.Row]) -> tuple[Draft, ...]:
    return tuple(draft for row in rows if (draft := _draft(row)) is not None)


def _draft(row: sqlite3.Row) -> Draft | None:
    try:
        draft = msgspec.convert(json.loads(row["doc"]), type=Draft)
        return sound(replace(draft, id=row["id"]))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        # Of a newer program, or damaged: it stays as it is, for one that can read it.
        log.warning("draft %s cannot be read: %s", row["id"], error)
        return None


def _forget_oldest(sql: sqlite3.Connection) -> None:
    rows = sql.execute(
        "SELECT id, doc FROM draft WHERE is_open = 0 ORDER BY changed_at DESC, rowid DESC LIMIT -1 OFFSET ?",
        (CLOSED_MOST,),
    ).fetchall()
    sql.executemany("DELETE FROM draft WHERE id = ?", [(draft.id,) for draft in _drafts(rows)])
