"""A journal is opened as it was left, or it is told what is wrong with it. Nothing begins empty by itself."""

from __future__ import annotations

import contextlib
import errno
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from klingstudio.domain.errors import InputRefused, Kind, StudioError
from klingstudio.domain.job import State
from klingstudio.store import database as opening
from klingstudio.store import keeper
from klingstudio.store.backups import back_up
from klingstudio.store.connection import connect, has_log
from klingstudio.store.database import Database, open_database, open_for_reading
from klingstudio.store.jobs import JobStore, is_readable
from klingstudio.store.network_drive import is_on_network
from klingstudio.store.rescue import Way, put_back, rescue_of
from klingstudio.store.seal import Seal, read_seal, seal_of
from tests.fakes.journals import content, content_of, fill, fill_and_be_killed

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """One with a few jobs, closed."""
    path = tmp_path / "data" / "studio.sqlite3"
    database = open_database(path)
    fill(database, 10)
    database.close()
    return path


def refused(journal: Path) -> Kind:
    with pytest.raises(StudioError) as error:
        open_database(journal)
    return error.value.problem.kind


def test_a_journal_that_is_gone_is_not_begun_anew(journal: Path) -> None:
    journal.unlink()

    assert refused(journal) is Kind.DATABASE_GONE
    assert not journal.exists()


def test_a_journal_of_which_only_backups_are_left_is_not_begun_anew(journal: Path) -> None:
    back_up(journal)
    for one in (journal, seal_of(journal)):
        one.unlink()

    assert refused(journal) is Kind.DATABASE_GONE


def test_an_emptied_journal_is_not_begun_anew(journal: Path) -> None:
    journal.write_bytes(b"")

    assert refused(journal) is Kind.DATABASE_GONE


def test_a_single_changed_letter_is_told(journal: Path) -> None:
    data = journal.read_bytes()
    assert b"Make job-3 snow" in data
    journal.write_bytes(data.replace(b"Make job-3 snow", b"Make job-3 rain", 1))

    assert refused(journal) is Kind.DATABASE_ALTERED


def test_lost_last_changes_are_told_with_their_number(journal: Path) -> None:
    fill_and_be_killed(journal, (10, 2))
    changes = read_seal(journal).commits - commits(journal)  # type: ignore[union-attr]
    journal.with_name("studio.sqlite3-wal").unlink()

    with pytest.raises(StudioError) as error:
        open_database(journal)

    assert error.value.problem.kind is Kind.DATABASE_ALTERED
    assert changes > 5
    assert error.value.problem.detail == f"its last {changes} changes are missing"


def commits(journal: Path) -> int:
    with closing(connect(journal, "mode=ro&immutable=1")) as main_file_alone:
        return int(main_file_alone.execute("SELECT commits FROM tally").fetchone()[0])


def test_a_journal_that_was_copied_alone_is_told_and_can_be_kept(journal: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "studio.sqlite3"
    copy.parent.mkdir()
    shutil.copy(journal, copy)
    with pytest.raises(StudioError) as error:
        open_database(copy)
    problem = error.value.problem
    assert problem.kind is Kind.DATABASE_ALTERED
    assert rescue_of(copy, problem).ways == (Way.KEEP,)

    put_back(copy, problem, Way.KEEP, None, NOW)

    before, after = content_of(journal), content_of(copy)
    assert (before.pop("restoration"), len(after.pop("restoration"))) == ([], 1)
    assert before == after


@pytest.mark.parametrize(
    ("made", "ways"), [("20260101T000000Z", (Way.KEEP, Way.BACKUP)), ("20261101T000000Z", (Way.BACKUP, Way.KEEP))]
)
def test_what_knows_more_is_offered_first(journal: Path, made: str, ways: tuple[Way, ...]) -> None:
    """A journal that only lost its seal is not thrown away for the backup of another day."""
    backup = back_up(journal)
    assert backup is not None
    backup.rename(backup.with_name(f"studio-{made}.sqlite3"))
    seal_of(journal).unlink()
    with pytest.raises(StudioError) as error:
        open_database(journal)

    assert rescue_of(journal, error.value.problem).ways == ways


def test_a_kill_loses_nothing_and_is_no_damage(journal: Path) -> None:
    fill_and_be_killed(journal, (10, 3))

    assert len(content_of(journal)["job"]) == 13


def test_somebody_who_looks_after_a_kill_does_no_harm(journal: Path) -> None:
    """Its connection, when it closes, moves the log into the main file."""
    fill_and_be_killed(journal, (10, 3))
    with closing(sqlite3.connect(journal)) as other:
        assert other.execute("SELECT count(*) FROM job").fetchone() == (13,)

    assert len(content_of(journal)["job"]) == 13


def test_the_log_is_emptied_now_and_then_and_the_seal_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "COMMITS_BETWEEN", 20)
    path = tmp_path / "studio.sqlite3"
    database = open_database(path)
    fill(database, 10)
    sealed = read_seal(path)
    copy = tmp_path / "copy" / "studio.sqlite3"
    # As if the program had been killed now.
    shutil.copytree(tmp_path, copy.parent, ignore=shutil.ignore_patterns("copy", "reserve"))
    wanted = content(database)
    database.close()

    assert sealed is not None
    assert sealed.digest
    assert not sealed.is_closed
    assert content_of(copy) == wanted


def test_somebody_who_still_looks_when_the_studio_closes_does_no_harm(journal: Path) -> None:
    """The log stays for him, and when he goes he moves it into the main file."""
    database = open_database(journal)
    fill(database, 3, seed=1, first=10)
    with closing(sqlite3.connect(journal)) as other:
        assert other.execute("SELECT count(*) FROM job").fetchone() == (13,)
        database.close()
        assert has_log(journal)

    assert not has_log(journal)
    assert len(content_of(journal)["job"]) == 13


def test_a_start_that_fails_is_no_damage(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had changed by then is moved into the main file when its connection is closed."""

    def migrate_and_fail(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE IF NOT EXISTS half(x)")
        raise OSError(errno.ENOSPC, "the disk is full")

    with monkeypatch.context() as full:
        full.setattr(opening, "migrate", migrate_and_fail)
        assert refused(journal) is Kind.DISK_FULL

    assert len(content_of(journal)["job"]) == 10


def test_a_power_cut_and_then_a_full_disk_are_no_damage(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cut took along that the journal was in use, for that is not synced, and left a log that is."""
    closed = seal_of(journal).read_bytes()
    fill_and_be_killed(journal, (10, 3))
    seal_of(journal).write_bytes(closed)
    with monkeypatch.context() as full:
        full.setattr(keeper, "write_seal", no_room)
        with contextlib.suppress(StudioError):
            open_database(journal).close()

    assert len(content_of(journal)["job"]) == 13


def test_what_cannot_be_sealed_is_not_moved_when_the_studio_closes(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a disk that fills up on the way leaves a log and a main file that is not the one that was sealed."""
    database = open_database(journal)
    fill(database, 3, seed=1, first=10)
    before = journal.read_bytes()
    with monkeypatch.context() as full:
        full.setattr(keeper, "write_seal", no_room)
        database.close()

    assert journal.read_bytes() == before
    assert len(content_of(journal)["job"]) == 13


def no_room(_journal: Path, _seal: Seal, *, synced: bool) -> None:
    raise OSError(errno.ENOSPC, "the disk is full")


def test_on_a_network_drive_there_is_no_log(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "is_on_network", lambda _path: True)

    database = open_database(journal)
    modes = [database.read(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous")]
    fill(database, 2, first=10)
    left = [one.name for one in journal.parent.iterdir()]
    database.close()

    assert modes == ["delete", 3]
    assert "studio.sqlite3-wal" not in left
    assert len(content_of(journal)["job"]) == 12


def test_where_sqlite_refuses_a_log_every_commit_is_synced_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A way to files that has no shared memory: the real refusal.
    monkeypatch.setattr(opening, "connect", lambda path: connect(path, "vfs=unix-dotfile"))

    database = open_database(tmp_path / "studio.sqlite3")
    modes = [database.read(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous")]
    database.close()

    assert modes == ["delete", 3]


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:35 / /net rw,relatime - nfs4 server:/x rw
41 22 0:36 / /net/local rw,relatime - ext4 /dev/sdb1 rw
42 22 0:37 / /with\\040space rw,relatime - fuse.sshfs me@there: rw
43 22 0:38 / /netting rw,relatime - tmpfs tmpfs rw
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the mounts of Linux")
@pytest.mark.parametrize(
    ("place", "answer"),
    [
        ("/data/x", False),
        ("/net/x", True),
        ("/net", True),
        ("/net/local/x", False),
        ("/with space/x", True),
        ("/netting/x", False),
    ],
)
def test_a_network_drive_is_known_by_its_mount(tmp_path: Path, place: str, answer: bool) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)

    assert is_on_network(Path(place), mounts) is answer


@pytest.mark.log_ok
def test_a_job_that_cannot_be_read_is_kept_and_does_not_stop_the_others(journal: Path) -> None:
    database = open_database(journal)
    doc = '{"made of": "moonlight"}'
    with database.transaction() as sql:
        sql.execute("UPDATE job SET doc = ? WHERE id = 'job-3'", (doc,))
    store = JobStore(database)

    jobs = {job.id: job for job in store.recover(NOW)}

    assert len(jobs) == 10
    odd = jobs["job-3"]
    assert not is_readable(odd)
    assert (odd.paused, odd.problem.kind) == (True, Kind.JOB_UNREADABLE)  # type: ignore[union-attr]
    with pytest.raises(InputRefused):
        store.amend(odd, NOW, paused=False)
    assert database.read("SELECT doc FROM job WHERE id = 'job-3'")[0][0] == doc
    database.close()


READ_ONLY = """
import os, sys
from pathlib import Path
from klingstudio.domain.errors import StudioError
from klingstudio.store.database import open_database
from klingstudio.store.rescue import rescue_of
from klingstudio.store.jobs import JobStore
from klingstudio.store.database import open_for_reading
journal = Path(sys.argv[1])
import subprocess
subprocess.run(["mount", "--bind", journal.parent, journal.parent], check=True)
subprocess.run(["mount", "-o", "remount,ro,bind", journal.parent], check=True)
try:
    open_database(journal)
except StudioError as error:
    print(error.problem.kind, len(rescue_of(journal, error.problem).jobs))
database = open_for_reading(journal)
print(len(JobStore(database).all()))
database.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a mount of its own")
@pytest.mark.parametrize("is_killed", [False, True])
def test_in_a_folder_that_cannot_be_written_the_jobs_are_still_seen(journal: Path, is_killed: bool) -> None:
    if is_killed:
        fill_and_be_killed(journal, (10, 2))
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", READ_ONLY, str(journal)]
    try:
        allowed = subprocess.run([*command[:4], "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        allowed = False
    if not allowed:
        pytest.skip("no private mounts here")

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    jobs = 12 if is_killed else 10
    assert done.stdout == f"disk_unwritable {jobs}\n{jobs}\n", done.stderr


FULL_AT_START = """
import subprocess, sys
from datetime import UTC, datetime
from pathlib import Path
from klingstudio.store.database import open_database
from klingstudio.store.jobs import JobStore
from klingstudio.store.rescue import rescue_of
from tests.fakes.journals import fill
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=True)
journal = folder / "studio.sqlite3"
database = open_database(journal)
fill(database, 10)
database.close()
has_reserve = sys.argv[2] == "with"
if not has_reserve:
    (folder / "reserve").unlink()
with open(folder / "fill", "wb", buffering=0) as file:
    for size in (65536, 4096, 1):
        try:
            while file.write(b"x" * size):
                pass
        except OSError:
            pass
try:
    database = open_database(journal)
    print("opened", len(JobStore(database).recover(datetime.now(UTC))))
    database.close()
except Exception as error:
    print("told", error.problem.kind, len(rescue_of(journal, error.problem).jobs))
print((folder / "reserve").exists())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system of its own")
@pytest.mark.parametrize("reserve", ["with", "without"])
def test_a_full_disk_is_no_reason_not_to_see_the_jobs(tmp_path: Path, reserve: str) -> None:
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", FULL_AT_START]
    try:
        allowed = subprocess.run([*command[:4], "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        allowed = False
    if not allowed:
        pytest.skip("no private mounts here")

    done = subprocess.run(
        [*command, str(tmp_path), reserve], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    wanted = "opened 10\nFalse\n" if reserve == "with" else "told disk_full 10\nFalse\n"
    assert done.stdout == wanted, done.stderr


def test_a_reader_beside_a_running_studio_sees_its_last_commit(journal: Path) -> None:
    database = open_database(journal)
    fill(database, 1, first=10)

    reader = open_for_reading(journal)

    assert isinstance(reader, Database)
    assert len(JobStore(reader).all()) == 11
    reader.close()
    database.close()
    assert len(content_of(journal)["job"]) == 11


@pytest.mark.log_ok
def test_an_unknown_state_of_a_job_counts_as_one_with_money_at_risk(journal: Path) -> None:
    database = open_database(journal)
    with database.transaction() as sql:
        sql.execute("INSERT INTO transition VALUES ('completed', 'weather', 'snowed in')")
        done = sql.execute("SELECT id FROM job WHERE state = 'completed'").fetchone()["id"]
        sql.execute(
            "INSERT INTO event(job_id, frm, ev, dst, at) VALUES (?, 'completed', 'weather', 'snowed in', '')", (done,)
        )

    (odd,) = (job for job in JobStore(database).all() if not is_readable(job))

    assert (odd.id, odd.state) == (done, State.UNCONFIRMED)
    database.close()
