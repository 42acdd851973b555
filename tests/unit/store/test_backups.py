"""Backups are whole before they count, never in the way, and fewer the older they are."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from klingstudio.domain.errors import Kind, Problem, StudioError
from klingstudio.paths import paths
from klingstudio.store import restore as restoring
from klingstudio.store.backups import back_up, backups_of, is_due, list_backups, thinned
from klingstudio.store.database import Database, open_database
from klingstudio.store.rescue import Way, put_back, rescue_of
from klingstudio.store.restorations import RestorationStore
from klingstudio.studio import Studio
from tests.fakes.journals import content, content_of, fill

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "studio.sqlite3"
    database = open_database(path)
    fill(database, 10)
    database.close()
    return path


def opened(journal: Path) -> Database:
    return open_database(journal)


def named(at: datetime) -> str:
    return f"studio-{at:%Y%m%dT%H%M%S}Z.sqlite3"


def test_a_backup_has_what_was_committed_when_it_was_made(journal: Path) -> None:
    database = opened(journal)
    fill(database, 2, first=10)
    made = back_up(journal)
    wanted = content(database)
    fill(database, 1, first=12)
    database.close()

    assert made is not None
    with_seal_of_its_own = content_of(copy_of(made))
    assert with_seal_of_its_own == wanted
    assert list_backups(journal)[0].jobs == 12


def copy_of(backup: Path) -> Path:
    place = backup.parent.parent / "looked at" / backup.name
    place.parent.mkdir()
    database = Path(restoring.restore(place, backup, NOW))
    assert database.is_dir()
    opened = open_database(place)
    with opened.transaction() as sql:
        sql.execute("DELETE FROM restoration")
    opened.close()
    return place


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
def test_only_the_owner_may_read_a_backup(journal: Path) -> None:
    made = back_up(journal)

    assert made is not None
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.parent.stat().st_mode & 0o777 == 0o700


def test_a_damaged_journal_makes_no_backup_and_takes_none_away(journal: Path) -> None:
    good = back_up(journal)
    data = journal.read_bytes()
    journal.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))

    assert back_up(journal) is None
    assert backups_of(journal) == (good,)
    assert [one.name for one in journal.with_name("backups").iterdir()] == [good.name]  # type: ignore[union-attr]


def test_what_a_kill_left_of_a_backup_never_counts_and_goes(journal: Path) -> None:
    folder = journal.with_name("backups")
    folder.mkdir()
    (folder / "part-0123").write_bytes(b"half")

    assert list_backups(journal) == ()
    made = back_up(journal)
    assert list(folder.iterdir()) == [made]


def test_damaged_backups_are_not_offered(journal: Path) -> None:
    good = back_up(journal)
    damaged = journal.with_name("backups") / named(datetime.now(UTC) + timedelta(days=1))
    damaged.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    journal.unlink()
    problem = Problem(kind=Kind.DATABASE_GONE)

    assert [one.path for one in rescue_of(journal, problem).backups] == [good]


def test_a_backup_is_due_after_a_day_and_when_the_clock_was_set_back(journal: Path) -> None:
    assert is_due(journal, NOW)
    made = back_up(journal)
    assert made is not None
    at = datetime.strptime(made.name[7:22], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)

    assert not is_due(journal, at + timedelta(hours=23))
    assert is_due(journal, at + timedelta(hours=24))
    assert is_due(journal, at - timedelta(hours=1))


def test_the_older_the_fewer() -> None:
    days = [NOW - timedelta(days=n) for n in range(400)]

    kept = set(map(named, days)) - {one.name for one in thinned(Path(named(at)) for at in days)}

    ages = sorted((NOW - datetime.strptime(name[7:22], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)).days for name in kept)
    assert ages[:3] == [0, 1, 2]
    assert len(ages) <= 3 + 4 + 6
    assert 130 < ages[-1] < 190


def test_a_day_of_many_starts_does_not_push_the_old_ones_out() -> None:
    old = [Path(named(NOW - timedelta(weeks=n))) for n in range(1, 20)]
    today = [Path(named(NOW - timedelta(minutes=n))) for n in range(50)]

    kept = {*old, *today} - set(thinned([*old, *today]))

    assert len(kept & set(old)) >= 6


def test_what_was_there_is_set_aside_whole(journal: Path) -> None:
    back_up(journal)
    damaged = bytearray(journal.read_bytes())
    damaged[5000:9000] = bytes(4000)
    journal.write_bytes(damaged)
    with pytest.raises(StudioError) as error:
        open_database(journal)

    aside = put_back(journal, error.value.problem, Way.BACKUP, backups_of(journal)[0], NOW)

    assert (aside / journal.name).read_bytes() == damaged
    assert aside.name.startswith("set-aside-20261120T120000Z")
    database = opened(journal)
    (restoration,) = RestorationStore(database).since(NOW - timedelta(days=1))
    assert restoration.at == NOW
    assert not restoration.is_doubted
    database.close()


def test_a_backup_that_was_damaged_meanwhile_changes_nothing(journal: Path) -> None:
    made = back_up(journal)
    assert made is not None
    journal.write_bytes(b"")
    made.write_bytes(made.read_bytes()[:5000])

    with pytest.raises(StudioError):
        restoring.restore(journal, made, NOW)

    assert journal.read_bytes() == b""
    assert not list(journal.parent.glob("set-aside-*"))


def test_two_restores_in_one_second_keep_both_old_journals(journal: Path) -> None:
    made = back_up(journal)
    assert made is not None
    restoring.restore(journal, made, NOW)
    restoring.restore(journal, made, NOW)

    assert len(list(journal.parent.glob("set-aside-*"))) == 2


FULL = """
import subprocess, sys
from pathlib import Path
from klingstudio.store.backups import back_up
from klingstudio.store.database import open_database
from tests.fakes.journals import fill
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=True)
database = open_database(folder / "studio.sqlite3")
fill(database, 10)
with open(folder / "fill", "wb", buffering=0) as file:
    for size in (65536, 4096, 1):
        try:
            while file.write(b"x" * size):
                pass
        except OSError:
            pass
print(back_up(folder / "studio.sqlite3"), [one.name for one in (folder / "backups").iterdir()])
database.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system of its own")
def test_a_full_disk_makes_no_backup_and_no_trouble(tmp_path: Path) -> None:
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", FULL, str(tmp_path)]
    try:
        allowed = subprocess.run([*command[:4], "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        allowed = False
    if not allowed:
        pytest.skip("no private mounts here")

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == "None []\n", done.stderr


async def test_the_studio_backs_up_at_start_once_a_day(home: Path) -> None:
    folders = paths({"KLINGSTUDIO_HOME": str(home)})
    environ = dict(os.environ)

    async def life() -> int:
        studio = await Studio.open(folders, environ)
        await asyncio.sleep(0)
        await studio.aclose()
        return len(backups_of(folders.database))

    # There is nothing to lose in a journal that has just been made.
    assert [await life(), await life(), await life()] == [0, 1, 1]
