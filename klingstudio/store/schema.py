"""The journal's tables: which version a file has, and how an older one becomes the present one."""

from __future__ import annotations

import sqlite3
from importlib import resources

from klingstudio.domain.job import TRANSITIONS

APPLICATION_ID = 0x4B4C4E47
"""`KLNG`: a file with another id is somebody else's and is left alone."""


def scripts() -> list[str]:
    """Each leads from one version to the next; their number is the present version."""
    folder = resources.files("klingstudio.store") / "migrations"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name)
    return [entry.read_text("utf-8") for entry in files]


def version_of(connection: sqlite3.Connection) -> int:
    """How many scripts have been applied; 0 for a file without tables."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables to the present version, each step whole or not at all."""
    for number, script in enumerate(scripts()[version_of(connection) :], version_of(connection) + 1):
        mark = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number};"
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script} {mark} COMMIT;")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    _take_over_transitions(connection)


def _take_over_transitions(connection: sqlite3.Connection) -> None:
    """The table in code is the one copy; the database refuses by what the running program knows."""
    wanted = {(str(frm), str(ev), str(dst)) for (frm, ev), dst in TRANSITIONS.items()}
    # Written only where it differs: a start on a full disk has nothing to write then.
    if {tuple(row) for row in connection.execute("SELECT frm, ev, dst FROM transition")} == wanted:
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM transition")
    connection.executemany("INSERT INTO transition VALUES (?, ?, ?)", sorted(wanted))
    connection.execute("COMMIT")
