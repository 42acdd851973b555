"""What can be read is read, wherever it lies; what cannot is told for what it is."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from klingstudio.domain.errors import Charged, Kind, Problem, StudioError
from klingstudio.domain.job import State
from klingstudio.store import connection
from klingstudio.store.connection import connect, copied_to_memory
from klingstudio.store.database import RESERVE_BYTES, open_database, open_for_reading
from klingstudio.store.jobs import JobStore, is_readable
from klingstudio.store.network_drive import is_on_network
from klingstudio.store.schema import APPLICATION_ID, scripts
from klingstudio.store.settings import Settings
from tests.fakes.journals import fill, fill_and_be_killed, released

posix = pytest.mark.skipif(sys.platform == "win32", reason="rights and devices of POSIX")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """One with a few jobs, closed."""
    path = tmp_path / "data" / "studio.sqlite3"
    database = open_database(path)
    fill(database, 6)
    database.close()
    return path


def told(opens: Callable[[Path], object], journal: Path) -> Kind:
    with pytest.raises(StudioError) as error:
        opens(journal)
    return error.value.problem.kind


@posix
@pytest.mark.parametrize("is_killed", [False, True])
def test_the_jobs_are_read_where_no_file_can_be_made_beside_them(journal: Path, is_killed: bool) -> None:
    if is_killed:
        fill_and_be_killed(journal, (6, 2))
    shared = journal.with_name("studio.sqlite3-shm")
    shared.unlink(missing_ok=True)
    # SQLite can neither make nor follow it: the refusal that a folder without rights gives to those who are not root.
    shared.symlink_to("nowhere/at all")

    assert told(open_database, journal) is Kind.DISK_UNWRITABLE
    reader = open_for_reading(journal)

    assert reader is not None
    assert len(JobStore(reader).all()) == (8 if is_killed else 6)
    reader.close()


def test_what_is_no_database_cannot_be_taken_for_one(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database at all" * 100)

    with closing(connect(file)) as opened, pytest.raises(sqlite3.DatabaseError):
        copied_to_memory(opened)
    assert told(open_for_reading, file) is Kind.DATABASE_DAMAGED


def test_a_reader_tells_a_newer_a_damaged_and_an_empty_journal_apart(journal: Path, tmp_path: Path) -> None:
    with closing(connect(journal)) as sql:
        sql.execute(f"PRAGMA user_version = {len(scripts()) + 1}")
    assert told(open_for_reading, journal) is Kind.DATABASE_TOO_NEW

    with closing(connect(journal)) as sql:
        sql.execute(f"PRAGMA user_version = {len(scripts())}")
        page_bytes = sql.execute("PRAGMA page_size").fetchone()[0]
    data = bytearray(journal.read_bytes())
    # Some pages of tables and indexes: the first one still says that all is well.
    data[page_bytes * 2 : page_bytes * 12] = bytes(page_bytes * 10)
    journal.write_bytes(data)
    assert told(open_for_reading, journal) is Kind.DATABASE_DAMAGED

    begun = tmp_path / "begun.sqlite3"
    with closing(connect(begun)) as sql:
        sql.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    assert open_for_reading(begun) is None


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "studio.sqlite3"
    with closing(connect(path)) as sql:
        sql.execute("PRAGMA application_id = 1735289200")
        sql.execute("CREATE TABLE photo(name TEXT)")
    before = path.read_bytes()

    assert told(open_database, path) is Kind.DATABASE_DAMAGED
    assert path.read_bytes() == before


def test_a_journal_whose_beginning_was_damaged_is_not_taken_for_another_programs(journal: Path) -> None:
    data = bytearray(journal.read_bytes())
    data[68:72] = b"\x12\x34\x56\x78"
    journal.write_bytes(data)

    with pytest.raises(StudioError, match="its beginning is damaged"):
        open_database(journal)


@posix
def test_a_folder_in_the_place_of_the_journal_or_of_its_reserve_is_told(journal: Path, tmp_path: Path) -> None:
    folder = tmp_path / "odd" / "studio.sqlite3"
    folder.mkdir(parents=True)
    (folder / "something").touch()
    assert told(open_database, folder) is Kind.DISK_UNWRITABLE

    reserve = journal.with_name("reserve")
    reserve.unlink()
    reserve.mkdir()
    assert told(open_database, journal) is Kind.DISK_UNWRITABLE


@posix
def test_a_name_that_no_disk_takes_is_told(tmp_path: Path) -> None:
    assert told(open_database, tmp_path / ("x" * 300)) is Kind.DISK_UNWRITABLE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_no_room_for_the_reserve_is_no_reason_not_to_open(journal: Path) -> None:
    reserve = journal.with_name("reserve")
    reserve.unlink()
    reserve.symlink_to("/dev/full")

    database = open_database(journal)

    assert len(JobStore(database).all()) == 6
    # Half of one would only take the last room from the journal; the next start makes a whole one.
    assert not os.path.lexists(reserve)
    database.close()
    open_database(journal).close()
    assert reserve.stat().st_size == RESERVE_BYTES


def test_a_journal_that_another_program_writes_to_is_busy_and_stays_as_it_is(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_S", 0.05)
    database = open_database(journal)
    with closing(connect(journal)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StudioError) as error:
            Settings(database).update(takes=3)
    assert error.value.problem.kind is Kind.STUDIO_BUSY
    assert Settings(database).choices.takes != 3
    database.close()


def test_a_migration_that_cannot_begin_leaves_the_old_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_S", 0.05)
    path = tmp_path / "studio.sqlite3"
    released(path, 1, jobs=2)
    with closing(connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert told(open_database, path) is Kind.STUDIO_BUSY
        other.execute("ROLLBACK")
        assert other.execute("PRAGMA user_version").fetchone()[0] == 1

    open_database(path).close()


def test_a_mistake_in_a_question_is_not_blamed_on_the_disk(journal: Path) -> None:
    database = open_database(journal)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        database.read("SELECT * FROM weather")
    with pytest.raises(sqlite3.OperationalError), database.transaction() as sql:
        sql.execute("INSERT INTO weather VALUES (1)")
    assert len(JobStore(database).all()) == 6
    database.close()


@posix
def test_where_the_mounts_cannot_be_read_a_folder_counts_as_one_of_this_computer(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    assert not is_on_network(Path("/data"), mounts)

    mounts.write_text("odd\n22 1 8:1 / / rw shared:1 - nfs4 server:/x rw\n")
    # A line of another kind hides no other.
    assert is_on_network(Path("/data"), mounts) is (sys.platform != "win32")


@pytest.mark.log_ok
def test_a_job_of_which_nothing_can_be_read_is_shown_as_the_oldest(
    journal: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = open_database(journal)
    (was,) = (job for job in JobStore(database).all() if job.id == "job-3")
    with database.transaction() as sql:
        sql.execute("UPDATE job SET doc = '{}', created_at = 'long ago' WHERE id = 'job-3'")

    (odd,) = (job for job in JobStore(database).all() if not is_readable(job))

    assert (odd.id, odd.created_at.year, odd.paused) == ("job-3", 1970, True)
    assert (odd.state, odd.request.provider) == (was.state, was.request.provider)
    assert odd.problem == Problem(kind=Kind.JOB_UNREADABLE, detail="job-3", charged=Charged.MAYBE)
    assert "job job-3 cannot be read: Object missing required field" in caplog.text
    database.close()


def test_the_columns_of_a_job_that_sql_guards_count_more_than_its_text(journal: Path) -> None:
    database = open_database(journal)
    (was,) = (job for job in JobStore(database).all() if job.id == "job-3")
    with database.transaction() as sql:
        sql.execute("UPDATE job SET doc = json_set(doc, '$.id', 'job-1', '$.state', 'draft') WHERE id = 'job-3'")

    (job,) = (job for job in JobStore(database).all() if job.id == "job-3")

    assert was.state is not State.DRAFT
    assert job == was
    database.close()


def test_a_setting_that_this_program_does_not_know_is_passed_over_and_kept(journal: Path) -> None:
    database = open_database(journal)
    with database.transaction() as sql:
        sql.execute("INSERT INTO setting VALUES ('weather', '\"snow\"')")

    settings = Settings(database)
    settings.update(takes=4)

    assert (settings.choices.takes, settings.choices.theme) == (4, "dark")
    assert database.read("SELECT value FROM setting WHERE key = 'weather'")[0][0] == '"snow"'
    database.close()
