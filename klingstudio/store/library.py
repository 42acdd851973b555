"""The elements that are kept to be used again. Their pictures lie beside the database, as files."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import msgspec

from klingstudio.domain.element import LibraryElement
from klingstudio.store.database import Database

log = logging.getLogger(__name__)


class LibraryStore:
    """One row per element."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[LibraryElement, ...]:
        """Every element, in the order of their making."""
        return tuple(sorted(self._read(), key=lambda one: (one.created_at, one.id)))

    def put(self, element: LibraryElement) -> None:
        """Keep an element, in place of what was kept under its id."""
        row = (element.id, element.changed_at.isoformat(), msgspec.json.encode(element).decode())
        self._database.write(
            lambda sql: sql.execute("INSERT OR REPLACE INTO element(id, changed_at, doc) VALUES (?, ?, ?)", row)
        )

    def remove(self, element_id: str) -> None:
        """Forget an element; nothing happens where there is none."""
        self._database.write(lambda sql: sql.execute("DELETE FROM element WHERE id = ?", (element_id,)))

    def _read(self) -> Iterator[LibraryElement]:
        for row in self._database.read("SELECT id, doc FROM element"):
            try:
                yield msgspec.json.decode(row["doc"], type=LibraryElement)
            except msgspec.MsgspecError as error:
                # Of a newer program perhaps. The others can be used all the same, and this one is left as it is.
                log.warning("element %s cannot be read: %s", row["id"], error)
