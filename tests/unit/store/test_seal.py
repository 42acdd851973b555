"""The seal is about noticing damage. Where it cannot be kept, nothing that was paid for waits for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from klingstudio.domain.errors import Kind, StudioError
from klingstudio.store import keeper
from klingstudio.store.database import Database, open_database, open_for_reading
from klingstudio.store.seal import Seal, break_seal, read_seal, seal_of, write_seal
from klingstudio.store.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="takes the place of an open file")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """One with a setting in it, closed."""
    path = tmp_path / "studio.sqlite3"
    database = open_database(path)
    Settings(database).update(takes=3)
    database.close()
    return path


def opened(journal: Path) -> Database:
    return open_database(journal)


def takes_in(journal: Path) -> int:
    reader = open_for_reading(journal)
    assert reader is not None
    try:
        return Settings(reader).choices.takes
    finally:
        reader.close()


def take_away(file: object) -> None:
    """The open file cannot be read any more, as on a disk that was pulled out."""
    folder = os.open("/", os.O_RDONLY)
    os.dup2(folder, file.fileno())  # type: ignore[attr-defined]
    os.close(folder)


def test_what_is_committed_stays_where_the_seal_cannot_be_written(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "COMMITS_BETWEEN", 1)
    database = opened(journal)
    seal_of(journal).unlink()
    seal_of(journal).mkdir()

    Settings(database).update(takes=4)

    # Without a seal that says so, the main file is not touched.
    assert journal.with_name("studio.sqlite3-wal").stat().st_size > 0
    assert takes_in(journal) == 4
    database.close()
    assert takes_in(journal) == 4


def test_a_main_file_that_cannot_be_read_back_is_left_without_a_digest(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "COMMITS_BETWEEN", 1)
    database = opened(journal)
    assert database._keeper is not None
    take_away(database._keeper._main)

    Settings(database).update(takes=4)
    in_use = read_seal(journal)
    database.close()

    closed = read_seal(journal)
    assert in_use is not None
    assert closed is not None
    assert (in_use.digest, closed.digest, closed.is_closed) == ("", "", False)
    # Nobody vouches for it, so it gets the long check, and passes.
    again = opened(journal)
    assert Settings(again).choices.takes == 4
    again.close()


@pytest.mark.parametrize("line", ["", "KLNG1 1 2 closed", "KLNG0 {rest}", "KLNG1 {rest}x", "\xff\xfe"])
def test_a_seal_that_was_tampered_with_is_none(journal: Path, line: str) -> None:
    write_seal(journal, Seal(commits=1, digest="0" * 25, is_closed=True), synced=False)
    rest = seal_of(journal).read_text().split(" ", 1)[1].strip()
    seal_of(journal).write_bytes(line.replace("{rest}", rest).encode("latin-1"))

    assert read_seal(journal) is None
    with pytest.raises(StudioError) as error:
        open_database(journal)
    assert error.value.problem.kind is Kind.DATABASE_ALTERED


def test_a_broken_seal_vouches_for_nothing_but_still_counts(journal: Path) -> None:
    before = read_seal(journal)

    break_seal(journal)

    assert before is not None
    assert before.is_closed
    assert read_seal(journal) == Seal(commits=before.commits)
    seal_of(journal).unlink()
    break_seal(journal)
    assert read_seal(journal) is None


def test_a_whole_seal_is_read_as_it_was_written(journal: Path) -> None:
    seal = Seal(commits=17, digest=f"{4096:016}:0badcafe", is_closed=True)

    write_seal(journal, seal, synced=True)

    assert read_seal(journal) == seal
