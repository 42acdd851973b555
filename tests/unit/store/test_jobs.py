"""The database refuses what the code must not do. Every forbidden move is tried on a real file."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.errors import Charged, Kind, Problem, StudioError
from klingstudio.domain.job import Approval, Attempt, AttemptState, Event, IllegalMove, Job, State
from klingstudio.domain.media import Framing
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request
from klingstudio.store.database import Database, open_database, open_for_reading
from klingstudio.store.jobs import JobStore, Sibling
from klingstudio.store.ledger import Ledger
from klingstudio.store.seal import Seal, digest_of, write_seal
from klingstudio.store.settings import Settings

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TO_READY = (Event.PREPARE, Event.PREPARED, Event.UPLOAD, Event.UPLOADED)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "studio.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> JobStore:
    return JobStore(database)


def a_job(store: JobStore, name: str = "one", *events: Event) -> Job:
    job = Job(
        id=name,
        state=State.DRAFT,
        request=Request(source="/clip.mp4", prompt="snow", provider="somewhere", max_cost=Decimal("2.50")),
        created_at=NOW,
        updated_at=NOW,
    )
    store.create(job)
    for event in events:
        job = store.move(job, event, NOW)
    return job


def an_attempt(job: Job, name: str = "first", **changes: object) -> Attempt:
    attempt = Attempt(
        id=name,
        job_id=job.id,
        provider="somewhere",
        account="me",
        state=AttemptState.INTENT,
        asset_url=f"https://there/{name}.mp4",
        body_sha256="00",
        intent_at=NOW,
    )
    return replace(attempt, **changes)  # type: ignore[arg-type]


def unconfirmed(store: JobStore) -> Job:
    job = store.intend(a_job(store, "one", *TO_READY), an_attempt(a_job_stub()), NOW)
    return store.settle(job, "first", AttemptState.UNKNOWN, Event.AMBIGUOUS, NOW)


def a_job_stub() -> Job:
    return Job(
        id="one",
        state=State.READY,
        request=Request(source="", prompt="", provider="somewhere"),
        created_at=NOW,
        updated_at=NOW,
    )


def test_a_job_comes_back_as_it_was_stored(store: JobStore) -> None:
    job = a_job(store, "one", Event.PREPARE)

    assert store.all() == (job,)


def test_the_newest_job_comes_first_whatever_the_clock_says(store: JobStore) -> None:
    a_job(store, "early")
    a_job(store, "late")

    assert [job.id for job in store.all()] == ["late", "early"]


def test_intent_and_attempt_are_recorded_together_or_not_at_all(store: JobStore) -> None:
    job = a_job(store, "one", Event.PREPARE)

    with pytest.raises(IllegalMove):
        store.intend(job, an_attempt(job), NOW)

    assert store.attempts("one") == ()


def test_a_second_attempt_is_refused_while_one_is_open(store: JobStore) -> None:
    job = a_job(store, "one", *TO_READY)
    store.intend(job, an_attempt(job), NOW)

    with pytest.raises(IllegalMove):
        store.intend(job, an_attempt(job, "second"), NOW)


def test_a_second_attempt_is_refused_after_an_accepted_one(store: JobStore, database: Database) -> None:
    job = store.intend(a_job(store, "one", *TO_READY), an_attempt(a_job_stub()), NOW)
    store.settle(job, "first", AttemptState.ACCEPTED, Event.ACCEPTED, NOW, remote_id="r1")

    with pytest.raises(sqlite3.IntegrityError, match="attempt refused"), database.transaction() as sql:
        sql.execute("INSERT INTO attempt VALUES ('x', 'one', 'somewhere', 'me', 'INTENT', 'u', 'b', 't', NULL, NULL)")


def test_a_waived_attempt_needs_an_unspent_approval_for_the_next(store: JobStore) -> None:
    job = store.approve(unconfirmed(store), Approval(id="yes", job_id="one", cap_cents=168, at=NOW), "first", NOW)

    with pytest.raises(IllegalMove):
        store.intend(job, an_attempt(job, "second"), NOW)


def test_an_approval_is_good_for_one_attempt(store: JobStore) -> None:
    job = store.approve(unconfirmed(store), Approval(id="yes", job_id="one", cap_cents=168, at=NOW), "first", NOW)
    job = store.intend(job, an_attempt(job, "second", approval_id="yes"), NOW)
    job = store.settle(job, "second", AttemptState.UNKNOWN, Event.AMBIGUOUS, NOW)

    assert store.unspent_approval("one") is None
    with pytest.raises(IllegalMove):
        store.intend(job, an_attempt(job, "third", approval_id="yes"), NOW)


def test_the_approval_of_a_request_that_never_left_is_renewed_once(store: JobStore) -> None:
    job = store.approve(unconfirmed(store), Approval(id="yes", job_id="one", cap_cents=168, at=NOW), "first", NOW)
    job = store.intend(job, an_attempt(job, "second", approval_id="yes"), NOW)
    job = store.settle(job, "second", AttemptState.NOT_SENT, Event.NOT_SENT, NOW)

    with pytest.raises(IllegalMove):
        store.intend(job, an_attempt(job, "third", approval_id="yes"), NOW)
    renewed = store.unspent_approval("one")
    assert renewed is not None
    job = store.intend(job, an_attempt(job, "third", approval_id=renewed.id), NOW)
    job = store.settle(job, "third", AttemptState.UNKNOWN, Event.AMBIGUOUS, NOW)

    assert job.state is State.UNCONFIRMED
    assert store.unspent_approval("one") is None


def test_sending_again_forgets_an_older_wish_to_cancel(store: JobStore) -> None:
    job = store.amend(unconfirmed(store), NOW, cancel_requested_at=NOW, looks=7)

    job = store.approve(job, Approval(id="yes", job_id="one", cap_cents=168, at=NOW), "first", NOW)

    assert (job.cancel_requested_at, job.looks) == (None, 0), "the new one is looked for from the beginning"


def siblings(*remote_ids: str) -> list[Sibling]:
    found = []
    for remote_id in remote_ids:
        job = replace(a_job_stub(), id=f"job of {remote_id}", state=State.DRAFT, ordered_with="one")
        found.append((job, an_attempt(job, f"attempt of {remote_id}", remote_id=remote_id)))
    return found


def test_every_take_of_an_accepted_request_has_a_job_from_the_first_moment(store: JobStore) -> None:
    job = store.intend(a_job(store, "one", *TO_READY), an_attempt(a_job_stub()), NOW)

    store.settle(
        job, "first", AttemptState.ACCEPTED, Event.ACCEPTED, NOW, siblings("r2", "r3"), remote_id="r1"
    )  # fmt: skip

    assert {(job.id, job.state, job.remote_id) for job in store.all()} == {
        ("one", State.REMOTE, "r1"),
        ("job of r2", State.REMOTE, "r2"),
        ("job of r3", State.REMOTE, "r3"),
    }
    assert store.attached_ids("somewhere") == {"r1", "r2", "r3"}
    for each in store.all():
        assert [dst for _, _, dst in store.history(each.id)][-2:] == [State.SUBMITTING, State.REMOTE]
        assert [attempt.state for attempt in store.attempts(each.id)] == [AttemptState.ACCEPTED]


def test_an_acceptance_whose_further_takes_cannot_be_stored_is_not_stored_either(store: JobStore) -> None:
    job = store.intend(a_job(store, "one", *TO_READY), an_attempt(a_job_stub()), NOW)

    with pytest.raises(IllegalMove):
        # One id for two takes: a provider that does not know what it says.
        store.settle(job, "first", AttemptState.ACCEPTED, Event.ACCEPTED, NOW, siblings("r1"), remote_id="r1")

    assert [(job.id, job.state) for job in store.all()] == [("one", State.SUBMITTING)]
    assert [attempt.state for attempt in store.attempts("one")] == [AttemptState.INTENT]


def test_a_late_find_becomes_a_job_of_its_own_beside_the_one_that_went_on_without_it(store: JobStore) -> None:
    job = store.approve(unconfirmed(store), Approval(id="yes", job_id="one", cap_cents=168, at=NOW), "first", NOW)
    job = store.intend(job, an_attempt(job, "second", approval_id="yes"), NOW)
    job = store.settle(job, "second", AttemptState.REJECTED, Event.REJECTED, NOW)

    store.attach("first", siblings("r1", "r2"), NOW)

    assert [(each.id, each.state) for each in store.all()] == [
        ("job of r2", State.REMOTE),
        ("job of r1", State.REMOTE),
        (job.id, State.REJECTED),
    ]
    first, _ = store.attempts("one")
    assert first.state is AttemptState.ACCEPTED
    assert store.attached_ids("somewhere") == {"r1", "r2"}


def test_circumstances_of_a_job_that_moved_on_are_not_overwritten(store: JobStore) -> None:
    old = a_job(store, "one", Event.PREPARE)
    store.move(old, Event.PREPARED, NOW, estimate=Money(Decimal(1), "USD"))

    with pytest.raises(IllegalMove):
        store.amend(old, NOW, paused=True)

    assert store.all()[0].estimate == Money(Decimal(1), "USD")


class _Reserve(type(Path())):  # type: ignore[misc]
    """A reserve whose removal gives the database its pages back."""

    database: Database

    def unlink(self, missing_ok: bool = False) -> None:
        super().unlink(missing_ok)
        self.database.read("PRAGMA max_page_count = 1000000")


def test_on_a_full_disk_the_reserve_lets_a_paid_id_be_stored(tmp_path: Path, database: Database) -> None:
    store = JobStore(database)
    job = store.intend(a_job(store, "one", *TO_READY), an_attempt(a_job_stub()), NOW)
    reserve = _Reserve(tmp_path / "reserve")
    reserve.database = database
    database._reserve = reserve
    (pages,) = database.read("PRAGMA page_count")[0]
    database.read(f"PRAGMA max_page_count = {pages}")
    changes: dict[str, Any] = {"remote_id": "r1", "remote_status": "x" * 100_000}

    job = store.settle(job, "first", AttemptState.ACCEPTED, Event.ACCEPTED, NOW, **changes)

    assert not reserve.exists()
    assert store.all() == (job,)
    assert store.attempts("one")[0].remote_id == "r1"
    database.read(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StudioError) as full:
        store.amend(job, NOW, remote_status="y" * 9_000_000)
    assert full.value.problem.kind is Kind.DISK_FULL
    assert store.all() == (job,)


FULL_DISK = """
import os, subprocess, sys
from pathlib import Path
from klingstudio.store.database import open_database
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
database = open_database(folder / "studio.sqlite3")
with open(folder / "fill", "wb", buffering=0) as fill:
    for size in (65536, 4096, 1):
        try:
            while fill.write(b"x" * size):
                pass
        except OSError:
            pass
rows = [("a", "1"), ("b", "2" * 1_000_000)]
database.write(lambda sql: sql.executemany("INSERT INTO setting VALUES (?, ?)", rows))
print(database.read("SELECT value FROM setting ORDER BY key")[0][0], (folder / "reserve").exists())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system of its own")
def test_on_a_disk_that_is_really_full_the_reserve_is_enough(tmp_path: Path) -> None:
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", FULL_DISK, str(tmp_path)]
    try:
        allowed = subprocess.run([*command[:4], "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        allowed = False
    if not allowed:
        pytest.skip("no private mounts here")

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == "1 False\n", done.stderr


def test_a_journal_that_was_only_begun_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "studio.sqlite3"
    path.touch()

    assert open_for_reading(path) is None


def test_an_approval_of_another_job_does_not_help(store: JobStore, database: Database) -> None:
    other = a_job(store, "two", *TO_READY)
    job = store.approve(unconfirmed(store), Approval(id="yes", job_id="one", cap_cents=1, at=NOW), "first", NOW)
    del other

    with pytest.raises(IllegalMove):
        store.intend(job, an_attempt(job, "second", approval_id="no such"), NOW)


@pytest.mark.parametrize("state", ["NOT_SENT", "REJECTED", "INTENT"])
def test_an_unknown_outcome_cannot_be_declared_harmless(store: JobStore, database: Database, state: str) -> None:
    unconfirmed(store)

    with pytest.raises(sqlite3.IntegrityError, match="attempt state"), database.transaction() as sql:
        sql.execute("UPDATE attempt SET state = ?", (state,))


def test_a_waived_attempt_may_still_be_found(store: JobStore) -> None:
    job = unconfirmed(store)
    job = store.settle(job, "first", AttemptState.WAIVED, Event.USER_ABANDON, NOW)

    job = store.settle(job, "first", AttemptState.ACCEPTED, Event.FOUND, NOW, remote_id="r1")

    assert job.state is State.REMOTE
    assert store.attempts("one")[0].remote_id == "r1"


def test_one_remote_id_belongs_to_one_attempt(store: JobStore) -> None:
    first = store.intend(a_job(store, "one", *TO_READY), an_attempt(a_job_stub()), NOW)
    store.settle(first, "first", AttemptState.ACCEPTED, Event.ACCEPTED, NOW, remote_id="r1")
    other = a_job(store, "two", *TO_READY)
    other = store.intend(other, an_attempt(other, "second"), NOW)

    with pytest.raises(IllegalMove):
        store.settle(other, "second", AttemptState.ACCEPTED, Event.ACCEPTED, NOW, remote_id="r1")

    assert store.attached_ids("somewhere") == {"r1"}


def test_a_move_by_somebody_who_is_behind_is_refused(store: JobStore) -> None:
    old = a_job(store, "one", Event.PREPARE)
    store.move(old, Event.PREPARED, NOW)

    with pytest.raises(IllegalMove):
        store.move(old, Event.INPUT_BAD, NOW)

    assert store.all()[0].state is State.PREPARED


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("UPDATE job SET state = 'completed'", "job state without its event"),
        ("INSERT INTO event(job_id, frm, ev, dst, at) VALUES ('one', 'preparing', 'good', 'completed', '')", "illegal"),
        ("INSERT INTO event(job_id, frm, ev, dst, at) VALUES ('one', 'draft', 'prepare', 'preparing', '')", "illegal"),
        ("UPDATE event SET dst = 'completed'", "append-only"),
        ("DELETE FROM event", "append-only"),
        ("DELETE FROM job", "never deleted"),
        ("INSERT INTO job VALUES ('x', 9, 'ready', 'p', 't', '{}')", "starts as a draft"),
    ],
)
def test_history_cannot_be_forged(store: JobStore, database: Database, sql: str, message: str) -> None:
    a_job(store, "one", Event.PREPARE)

    with pytest.raises(sqlite3.IntegrityError, match=message), database.transaction() as connection:
        connection.execute(sql)


def test_a_program_that_ended_while_submitting_leaves_an_unconfirmed_job(store: JobStore) -> None:
    job = store.amend(a_job(store, "one", *TO_READY), NOW, looks=7)
    store.intend(job, an_attempt(job), NOW)

    (recovered,) = store.recover(NOW + timedelta(minutes=1))

    assert (recovered.state, recovered.looks) == (State.UNCONFIRMED, 0)
    assert recovered.problem is not None
    assert (recovered.problem.kind, recovered.problem.charged) == (Kind.SUBMIT_UNCONFIRMED, Charged.MAYBE)
    assert store.attempts("one")[0].state is AttemptState.UNKNOWN


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((Event.PREPARE,), State.DRAFT),
        ((Event.PREPARE, Event.PREPARED), State.PREPARED),
        ((Event.PREPARE, Event.PREPARED, Event.UPLOAD), State.PREPARED),
        (TO_READY, State.READY),
    ],
)
def test_local_work_that_was_cut_starts_over(store: JobStore, events: tuple[Event, ...], state: State) -> None:
    a_job(store, "one", *events)

    assert store.recover(NOW)[0].state is state


def test_the_journal_survives_a_second_opening(tmp_path: Path) -> None:
    path = tmp_path / "studio.sqlite3"
    first = open_database(path)
    job = a_job(JobStore(first), "one", Event.PREPARE)
    first.close()

    second = open_database(path)

    assert JobStore(second).all() == (job,)
    second.close()


def test_every_commit_is_synced_in_full(database: Database) -> None:
    assert database.read("PRAGMA synchronous")[0][0] == 2
    assert database.read("PRAGMA journal_mode")[0][0] == "wal"


def test_a_journal_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "studio.sqlite3"
    open_database(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with FileIO(path) as main:
        write_seal(path, Seal(digest=digest_of(main), is_closed=True), synced=False)
    before = path.read_bytes()

    with pytest.raises(StudioError) as refused:
        open_database(path)

    assert refused.value.problem.kind is Kind.DATABASE_TOO_NEW
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_journal_is_reported_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "studio.sqlite3"
    path.write_bytes(content)

    with pytest.raises(StudioError) as refused:
        open_database(path)

    assert refused.value.problem.kind is Kind.DATABASE_DAMAGED
    assert path.read_bytes() == content


def test_the_journal_can_be_read_beside_a_running_studio(tmp_path: Path) -> None:
    path = tmp_path / "a#b %41?.sqlite3"
    writer = open_database(path)
    job = a_job(JobStore(writer))

    reader = open_for_reading(path)

    assert reader is not None
    assert JobStore(reader).all() == (job,)
    reader.close()
    writer.close()


def test_there_is_nothing_to_read_before_the_first_start(tmp_path: Path) -> None:
    assert open_for_reading(tmp_path / "none.sqlite3") is None
    assert list(tmp_path.iterdir()) == []


def test_charges_add_up_by_currency(database: Database, store: JobStore) -> None:
    ledger = Ledger(database)
    for name, amount, currency in (("a", "1.68", "USD"), ("b", "40", "credits"), ("c", "0.10", "USD")):
        a_job(store, name)
        ledger.record(name, "somewhere", Money(Decimal(amount), currency), NOW)
    ledger.record("c", "somewhere", Money(Decimal("0.12"), "USD"), NOW)

    assert ledger.spent_since(NOW - timedelta(days=1)) == (
        Money(Decimal("1.80"), "USD"),
        Money(Decimal(40), "credits"),
    )
    assert ledger.spent_since(NOW + timedelta(days=1)) == ()


def test_settings_are_kept_and_a_broken_one_falls_back(tmp_path: Path) -> None:
    path = tmp_path / "studio.sqlite3"
    first = open_database(path)
    Settings(first).update(theme="dark", upload_consent=frozenset({"somewhere"}))
    with first.transaction() as sql:
        sql.execute("""INSERT OR REPLACE INTO setting VALUES ('takes', '"many"')""")
    first.close()

    second = open_database(path)
    choices = Settings(second).choices

    assert (choices.theme, choices.upload_consent, choices.takes) == ("dark", {"somewhere"}, 1)
    second.close()


def test_only_the_owner_may_read_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "data" / "studio.sqlite3"

    open_database(path).close()

    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_jobs_of_an_older_program_are_read_as_they_were(store: JobStore, database: Database) -> None:
    job = a_job(store, "one", *TO_READY)
    old = {
        "id": "one",
        "state": "ready",
        "request": {"source": "/clip.mp4", "prompt": "snow", "provider": "oxen", "tier": "pro"},
        "created_at": "2026-11-20T12:00:00Z",
        "updated_at": "2026-11-20T12:00:00Z",
        "assets": [{"subject": "source", "url": "https://hub.oxen.ai/clip.mp4"}],
        "body": '{"model": "kling"}',
        "remote_id": "r1",
        "extra_remote_ids": ["r2"],
    }
    database.write(lambda sql: sql.execute("UPDATE job SET doc = ? WHERE id = ?", (json.dumps(old), job.id)))

    (read,) = store.recover(NOW)
    assert (read.state, read.order, read.remote_id, read.request.takes) == (State.READY, None, "r1", 1)
    assert (read.assets[0].is_upload, read.assets[0].uploaded_at) == (False, None)
    assert read.request.framing is Framing.SCALE
    moved = store.move(read, Event.ASSET_EXPIRED, NOW)
    assert moved.state is State.PREPARED


@pytest.mark.parametrize("framing", Framing)
def test_the_framing_of_a_request_is_kept(framing: Framing, store: JobStore) -> None:
    job = a_job(store, "one")
    store.amend(job, NOW, request=replace(job.request, framing=framing))

    (read,) = store.all()
    assert read.request.framing is framing


def test_an_approval_can_be_raised_until_it_is_spent(store: JobStore) -> None:
    job = a_job(store, "one", *TO_READY)
    job = store.intend(job, an_attempt(job), NOW)
    job = store.settle(job, "first", AttemptState.UNKNOWN, Event.AMBIGUOUS, NOW)
    approval = Approval(id="yes", job_id="one", cap_cents=100, at=NOW)
    job = store.approve(job, approval, "first", NOW)

    job = store.amend(job, NOW, paused=True, problem=Problem(kind=Kind.PRICE_UNKNOWN))
    later = NOW + timedelta(minutes=5)
    job = store.approve_more(job, replace(approval, cap_cents=200), later)
    assert (job.paused, job.problem, job.updated_at) == (False, None, later)
    unspent = store.unspent_approval("one")
    assert unspent is not None
    assert unspent.cap_cents == 200
    job = store.intend(job, an_attempt(job, "second", approval_id="yes"), NOW)
    with pytest.raises(IllegalMove):
        store.approve_more(job, replace(approval, cap_cents=300), NOW)
