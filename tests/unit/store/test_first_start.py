"""The very first start, killed while it begins the journal: the next one begins it again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from klingstudio.domain.errors import Kind, StudioError
from klingstudio.store.database import open_database

BEGIN = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    connection.execute(statement)
os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""
WRITE = "PRAGMA application_id = 5"


def killed_after(path: Path, *statements: str) -> None:
    path.parent.mkdir()
    subprocess.run([sys.executable, "-c", BEGIN, str(path), *statements], check=False, timeout=30)


def test_a_first_start_that_was_killed_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "data" / "studio.sqlite3"
    killed_after(path, "BEGIN IMMEDIATE", WRITE)
    assert path.with_name("studio.sqlite3-journal").stat().st_size, "the kill came in the middle of the first write"
    assert not path.stat().st_size

    database = open_database(path)

    assert database.read("SELECT count(*) FROM job")[0][0] == 0
    database.close()


def test_a_journal_that_was_emptied_in_the_middle_of_a_write_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "data" / "studio.sqlite3"
    killed_after(path, "CREATE TABLE paid(id)", "BEGIN IMMEDIATE", WRITE)
    assert path.with_name("studio.sqlite3-journal").stat().st_size
    path.write_bytes(b"")

    with pytest.raises(StudioError) as caught:
        open_database(path)

    assert caught.value.problem.kind is Kind.DATABASE_GONE
