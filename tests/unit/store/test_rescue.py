"""A journal that is lost: only what helps is offered, and what was there is never taken away."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from klingstudio.domain.errors import InputRefused, Kind, Problem, StudioError
from klingstudio.store.backups import MONTHS_KEPT, NEWEST_KEPT, WEEKS_KEPT, back_up, backups_of, list_backups
from klingstudio.store.database import open_database
from klingstudio.store.rescue import Way, put_back, rescue_of
from klingstudio.store.restorations import RestorationStore
from klingstudio.store.restore import LOOK_BACK, begin_empty, keep_as_it_is
from klingstudio.store.seal import seal_of
from tests.fakes.journals import content_of, fill

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """One with a few jobs, closed."""
    path = tmp_path / "data" / "studio.sqlite3"
    database = open_database(path)
    fill(database, 6)
    database.close()
    return path


def spoil(journal: Path) -> Problem:
    journal.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(StudioError) as error:
        open_database(journal)
    return error.value.problem


def test_beginning_empty_is_offered_only_where_there_is_nothing_better(journal: Path) -> None:
    back_up(journal)
    problem = spoil(journal)
    assert rescue_of(journal, problem).ways == (Way.BACKUP,)

    shutil.rmtree(journal.with_name("backups"))

    assert rescue_of(journal, problem).ways == (Way.EMPTY,)


def test_an_empty_journal_says_for_how_long_it_knows_nothing(journal: Path) -> None:
    problem = spoil(journal)
    spoilt = journal.read_bytes()

    aside = put_back(journal, problem, Way.EMPTY, None, NOW)

    assert (aside / journal.name).read_bytes() == spoilt
    database = open_database(journal)
    (restoration,) = RestorationStore(database).since(NOW - timedelta(days=1))
    database.close()
    assert (restoration.at, restoration.since) == (NOW, NOW - LOOK_BACK)
    assert content_of(journal)["job"] == []


def test_how_far_the_providers_were_asked_is_kept(journal: Path) -> None:
    begin_empty(journal, NOW)
    database = open_database(journal)
    store = RestorationStore(database)
    (restoration,) = store.since(NOW)

    store.doubted(restoration)
    store.saw(restoration, "somewhere", 2)
    store.saw(restoration, "else.where", 0)

    (restoration,) = store.since(NOW)
    assert restoration.is_doubted
    assert restoration.seen == {"somewhere": 2, "else.where": 0}
    assert store.since(NOW + timedelta(seconds=1)) == ()
    database.close()


@pytest.mark.parametrize("way", [Way.EMPTY, Way.KEEP, Way.BACKUP])
def test_a_way_that_is_not_offered_is_refused_and_changes_nothing(journal: Path, way: Way) -> None:
    back_up(journal)
    problem = spoil(journal)
    stranger = journal.with_name("mine.sqlite3")
    before = journal.read_bytes()

    with pytest.raises(InputRefused):
        put_back(journal, problem, way, stranger if way is Way.BACKUP else None, NOW)

    assert journal.read_bytes() == before
    assert not list(journal.parent.glob("set-aside-*"))


def test_a_journal_that_cannot_be_read_cannot_be_kept(journal: Path) -> None:
    spoil(journal)
    before = journal.read_bytes()

    with pytest.raises(StudioError) as error:
        keep_as_it_is(journal, NOW)

    assert error.value.problem.kind is Kind.DATABASE_DAMAGED
    assert journal.read_bytes() == before
    assert not list(journal.parent.glob("restoring-*"))


def test_what_a_kill_left_of_a_restore_goes_with_the_next(journal: Path) -> None:
    left = journal.with_name("restoring-0badcafe")
    left.write_bytes(b"half of it")
    spoil(journal)

    begin_empty(journal, NOW)

    assert not left.exists()
    assert not list(journal.parent.glob("restoring-*"))


@pytest.mark.skipif(sys.platform == "win32", reason="errors of POSIX")
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.touch()

    with pytest.raises(StudioError) as error:
        begin_empty(file / "studio.sqlite3", NOW)

    assert error.value.problem.kind is Kind.DISK_UNWRITABLE


def test_on_a_disk_without_hard_links_what_was_there_is_copied(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = spoil(journal)
    spoilt = journal.read_bytes()
    there = {one.name for one in journal.parent.iterdir()}

    def refuse(original: Path, copy: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(original), None, str(copy))

    monkeypatch.setattr(os, "link", refuse)

    aside = put_back(journal, problem, Way.EMPTY, None, NOW)

    assert (aside / journal.name).read_bytes() == spoilt
    assert {one.name for one in aside.iterdir()} <= there
    assert (aside / seal_of(journal).name).exists()


def test_of_a_year_of_backups_the_last_ones_and_some_of_each_age_stay(journal: Path) -> None:
    folder = journal.with_name("backups")
    folder.mkdir()
    year = [datetime.now(UTC) - timedelta(days=n) for n in range(1, 365)]
    for at in year:
        (folder / f"studio-{at:%Y%m%dT%H%M%S}Z.sqlite3").touch()
    (folder / "mine.sqlite3").touch()

    made = back_up(journal)

    left = backups_of(journal)
    assert left[0] == made
    assert NEWEST_KEPT < len(left) <= NEWEST_KEPT + WEEKS_KEPT + MONTHS_KEPT
    # Nobody asked for the person's own file to go.
    assert (folder / "mine.sqlite3").exists()


@pytest.mark.parametrize("version", [0, 99])
def test_a_sound_file_that_is_no_journal_of_this_program_is_no_backup(journal: Path, version: int) -> None:
    good = back_up(journal)
    assert good is not None
    other = good.with_name("studio-20991231T000000Z.sqlite3")
    shutil.copy(good, other)
    with closing(sqlite3.connect(other)) as sql:
        sql.execute(f"PRAGMA user_version = {version}")

    assert [one.path for one in list_backups(journal)] == [good]
