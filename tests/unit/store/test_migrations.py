"""From every schema that was ever released to the present one: everything is there, and every rule holds."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from klingstudio.domain.errors import Kind, StudioError
from klingstudio.store import backups, database, examine, schema
from klingstudio.store.backups import backups_of, read_backup
from klingstudio.store.connection import connect
from klingstudio.store.database import open_database
from klingstudio.store.rescue import rescue_of
from tests.fakes.journals import content, content_of, released

RELEASED = {
    "0001_journal.sql": "9195ac73b05831084e9dfd32524150e7237d98f56729572e0be77c8873355c05",
    "0002_composing.sql": "0697ff0f6763dc2166e072ed78cb5cfab7f6c6622ba815a112e8561ca8f0fcd2",
}
"""A schema that was released is never edited: a journal that has it would not get the change."""
BEFORE = sorted(range(1, len(schema.scripts())))

FORBIDDEN = {
    "a job that does not start as a draft": "INSERT INTO job VALUES ('x', 999, 'ready', 'p', '', '{}')",
    "a job that is removed": "DELETE FROM job WHERE id = 'job-0'",
    "a state without its event": "UPDATE job SET state = 'remote' WHERE id = 'job-0'",
    "a move that is not in the table": "INSERT INTO event(job_id, frm, ev, dst, at) VALUES ('job-0', 'completed', 'intent', 'submitting', '')",
    "history that is rewritten": "UPDATE event SET at = 'never'",
    "history that is removed": "DELETE FROM event",
    "an attempt that starts accepted": "INSERT INTO attempt VALUES ('x', 'job-5', 'p', 'a', 'ACCEPTED', 'u', 'b', '', NULL, NULL)",
    "an attempt after an accepted one": "INSERT INTO attempt VALUES ('x', 'job-0', 'p', 'a', 'INTENT', 'u', 'b', '', NULL, NULL)",
    "a second open attempt": "INSERT INTO attempt VALUES ('x', 'job-6', 'p', 'a', 'INTENT', 'u', 'b', '', NULL, NULL)",
    "an attempt after a waived one without an approval": "INSERT INTO attempt VALUES ('x', 'job-8', 'p', 'a', 'INTENT', 'u', 'b', '', NULL, NULL)",
    "an unknown attempt that was not sent": "UPDATE attempt SET state = 'NOT_SENT' WHERE id = 'job-7-1'",
    "an attempt that is removed": "DELETE FROM attempt",
    "one remote id of two attempts": "UPDATE attempt SET remote_id = 'remote-job-0' WHERE id = 'job-1-1'",
    "a charge of no job": "INSERT INTO charge VALUES ('nobody', 'p', '1', 'USD', '')",
    "a document that is none": "UPDATE job SET doc = '{' WHERE id = 'job-0'",
    "a setting that is none": "INSERT INTO setting VALUES ('x', '{')",
}


@pytest.fixture(params=BEFORE)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A journal of each released schema."""
    path = tmp_path / "data" / "studio.sqlite3"
    path.parent.mkdir()
    released(path, request.param, jobs=20)
    return path


def test_no_released_schema_was_edited() -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (Path(schema.__file__).parent / "migrations").glob("*.sql")
    }

    assert {name: found[name] for name in RELEASED} == RELEASED


def test_everything_is_there_after_the_migration(old: Path, tmp_path: Path) -> None:
    with closing(connect(old, "mode=ro")) as sql:
        before = content(database.Database(sql))

    after = content_of(old)

    assert {name: after[name] for name in before} == before
    assert len(before["job"]) == 20
    assert all(after[name] == [] for name in after if name not in before)


def test_the_journal_is_backed_up_before_the_migration(old: Path) -> None:
    with closing(connect(old, "mode=ro")) as sql:
        version, before = schema.version_of(sql), content(database.Database(sql))
    open_database(old).close()

    (copy,) = backups_of(old)
    with closing(connect(copy, "mode=ro")) as sql:
        assert schema.version_of(sql) == version
        assert content(database.Database(sql)) == before
    backup = read_backup(copy)
    assert backup is not None
    assert backup.jobs == 20


def test_every_rule_holds_after_the_migration(old: Path) -> None:
    opened = open_database(old)
    broken = []

    for rule, statement in FORBIDDEN.items():
        try:
            with opened.transaction() as sql:
                sql.execute(statement)
        except sqlite3.IntegrityError:
            continue
        broken.append(rule)

    opened.close()
    assert broken == []


def test_a_statement_that_fails_leaves_the_old_schema_whole(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, known = content_of(old), len(schema.scripts())
    scripts = [*schema.scripts(), "CREATE TABLE half(x); DROP TABLE setting; INSERT INTO nowhere VALUES (1);"]
    for module in (schema, database, examine, backups):
        monkeypatch.setattr(module, "scripts", lambda: scripts)

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        open_database(old)

    monkeypatch.undo()
    with closing(connect(old, "mode=ro")) as sql:
        assert schema.version_of(sql) == known
        assert sql.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half'").fetchall() == []
    assert content_of(old) == before


def test_a_newer_schema_is_refused_and_its_jobs_can_still_be_looked_at(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = [*schema.scripts(), "ALTER TABLE job ADD COLUMN mood TEXT;"]
    with monkeypatch.context() as newer:
        for module in (schema, database, examine, backups):
            newer.setattr(module, "scripts", lambda: scripts)
        open_database(old).close()
    before = files(old.parent)

    with pytest.raises(StudioError) as refused:
        open_database(old)

    assert refused.value.problem.kind is Kind.DATABASE_TOO_NEW
    assert files(old.parent) == before
    offered = rescue_of(old, refused.value.problem)
    assert (offered.ways, len(offered.jobs)) == ((), 20)


def files(folder: Path) -> dict[str, bytes]:
    """What is in the files that hold something: who looks leaves an empty log and its index."""
    found = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}
    return {name: data for name, data in found.items() if data and not name.endswith("-shm")}
