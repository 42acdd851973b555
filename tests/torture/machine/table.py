"""The transition table and the journal under every sequence of events that Hypothesis thinks of.

A small engine that keeps every rule moves jobs in the real `JobStore` on a real database, crashes anywhere, is asked
for forbidden moves, and is interrupted within a transaction. `Habits` are the rules; a planted defect breaks one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from klingstudio.domain.job import (
    ATTENTION,
    TRANSITIONS,
    UNSENT,
    Approval,
    Asset,
    Attempt,
    AttemptState,
    Event,
    IllegalMove,
    Job,
    State,
)
from klingstudio.domain.request import Request
from klingstudio.engine import reconcile
from klingstudio.providers.base import RemoteJob
from klingstudio.store.database import RESERVE_BYTES, Database, open_database
from klingstudio.store.jobs import JobStore
from tests.torture.machine.illegal import try_one
from tests.torture.machine.truth import Truth, Watch

JOBS_MOST = 3
BEGAN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AT_THE_PROVIDER = (State.REMOTE, State.REMOTE_FAILED, State.REMOTE_CANCELLED, State.REMOTE_MISSING)
TO_READY = (Event.PREPARE, Event.PREPARED, Event.UPLOAD, Event.UPLOADED)
MONEY = frozenset(
    {
        *(Event.INTENT, Event.NOT_SENT, Event.REJECTED, Event.ACCEPTED, Event.AMBIGUOUS),
        *(Event.FOUND, Event.USER_RESUBMIT, Event.USER_ABANDON, Event.CRASH, Event.GOOD),
    }
)
"""Events that come with an attempt, an approval or a file, and are made together with it."""
FREE = tuple(event for event in Event if event not in MONEY)


class Fate(StrEnum):
    """What becomes of one POST."""

    NOT_SENT = "not_sent"
    LOST_BEFORE = "lost_before"
    REJECTED = "rejected"
    OK = "ok"
    REPLY_LOST = "reply_lost"
    REPLY_GARBLED = "reply_garbled"
    CRASH_BEFORE_SEND = "crash_before_send"
    CRASH_AFTER_SEND = "crash_after_send"
    CRASH_AFTER_REPLY = "crash_after_reply"


class Habits:
    """What the engine promises about order, each a thing that a defect could have otherwise."""

    intent_before_send = True
    sends_again_when_lost = False
    sends_again_when_not_listed = False
    verifies_before_name = True


class Crash(Exception):
    """The program ends here."""


class TableMachine(RuleBasedStateMachine):
    """`broken` is asked after each step."""

    habits = Habits

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="kling-table-", dir=quick_disk())
        self.path = Path(self.folder.name) / "studio.sqlite3"
        # A hole of its size, so that opening does not write four megabytes.
        with self.path.with_name("reserve").open("wb") as reserve:
            reserve.truncate(RESERVE_BYTES)
        self.truth = Truth(approved=Counter())
        self.states: set[State] = set()
        """Of all jobs, as the last step left them."""
        self.files: dict[str, str] = {}
        self.watch = Watch(self.truth, lambda: self.files)
        self.random = Random(0)
        self.seconds = 0
        self.open()

    def open(self) -> None:
        """As at the start of the program."""
        self.database = open_quickly(self.path)
        self.store = JobStore(self.database)
        # By itself, as the provider's handler would look.
        self.reader = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        self.store.recover(self.now())
        for job in self.jobs():
            # A take whose commit was lost is recognised by its hash.
            name = job.planned_take
            if job.state is State.SUCCEEDED and name in self.files and self.files[name] == job.take_sha256:
                fetched = self.store.move(job, Event.DOWNLOAD, self.now())
                fetched = self.store.move(fetched, Event.BYTES_DONE, self.now())
                self.store.move(fetched, Event.GOOD, self.now(), take=name)

    def close(self) -> None:
        self.reader.close()
        let_go(self.database)

    def teardown(self) -> None:
        self.close()
        self.folder.cleanup()

    def now(self) -> datetime:
        self.seconds += 1
        return BEGAN + timedelta(seconds=self.seconds)

    def has(self, states: Iterable[State]) -> bool:
        """Whether a rule has anything to do: sequences must get deep, not only long."""
        return not self.states.isdisjoint(states)

    def version(self) -> int:
        """Another one after each commit."""
        version: int = self.reader.execute("PRAGMA data_version").fetchone()[0]
        return version

    def jobs(self) -> list[Job]:
        return list(reversed(self.store.all()))

    def pick(self, which: int, *states: State) -> Job | None:
        jobs = [job for job in self.jobs() if not states or job.state in states]
        return jobs[which % len(jobs)] if jobs else None

    # ----------------------------------------------------------------------------------------------------------- rules

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.random = Random(seed)
        self.new()
        self.to_ready(0)

    @precondition(lambda self: len(self.jobs()) < JOBS_MOST)
    @rule()
    def new(self) -> None:
        request = Request(source="/clip.mp4", prompt="snow", provider="there")
        now = self.now()
        self.store.create(
            Job(id=f"job-{len(self.jobs()) + 1}", state=State.DRAFT, request=request, created_at=now, updated_at=now)
        )

    @precondition(lambda self: self.has(UNSENT - {State.READY}))
    @rule(which=st.integers(0, 2))
    def to_ready(self, which: int) -> None:
        if (job := self.pick(which, *UNSENT)) is None:
            return
        for event in TO_READY:
            if (job.state, event) in TRANSITIONS:
                job = self.free(job, event)

    @rule(which=st.integers(0, 2), event=st.sampled_from(FREE))
    def happens(self, which: int, event: Event) -> None:
        """Whatever the table lists is done; what it does not is refused and changes nothing."""
        if (job := self.pick(which)) is None:
            return
        if (job.state, event) in TRANSITIONS:
            self.free(job, event)
            return
        before = self.version()
        with contextlib.suppress(IllegalMove):
            self.store.move(job, event, self.now())
            raise AssertionError(f"{event} in {job.state} was accepted")
        assert self.version() == before

    def free(self, job: Job, event: Event) -> Job:
        changes = {}
        if event is Event.UPLOADED:
            url = f"https://there/{self.seconds}.mp4"
            self.truth.owner[url] = job.id
            changes = {"assets": (Asset(subject="source", url=url, host="there"),)}
        return self.store.move(job, event, self.now(), **changes)

    @precondition(lambda self: self.has({State.READY}))
    @rule(which=st.integers(0, 2), fate=st.sampled_from([Fate.OK, *Fate]))
    def submit(self, which: int, fate: Fate) -> None:
        if (job := self.pick(which, State.READY)) is None:
            return
        try:
            self.send(job, fate)
        except Crash:
            self.crash()

    @rule()
    def crash(self) -> None:
        """Nothing of what was in memory is left, and what is on disk is all there is."""
        self.close()
        self.open()

    @rule(which=st.integers(0, 2), after=st.integers(0, 400), how=st.integers(0, 3))
    def cut(self, which: int, after: int, how: int) -> None:
        """A transaction ends in its middle: all of it happened, or nothing."""
        if (job := self.pick(which)) is None:
            return
        moves = [event for event in FREE if (job.state, event) in TRANSITIONS and event is not Event.UPLOADED]
        before = self.version()
        cuts, said = iter([1]), [""]
        self.database._connection.set_progress_handler(lambda: next(cuts, 0), after + 1)
        self.database._connection.set_trace_callback(said.append)
        try:
            if how == 0 and job.state is State.READY:
                self.store.intend(job, self.attempt(job, "cut"), self.now())
            elif how == 1 and moves:
                self.store.move(job, moves[0], self.now())
            else:
                self.store.amend(job, self.now(), looks=job.looks + 1)
        except sqlite3.OperationalError:
            # Between the end of a COMMIT and the word that it is done, SQLite can be interrupted as well.
            assert self.version() == before or said[-1] == "COMMIT"
        except IllegalMove:
            # READY with an address that was sent already.
            pass
        finally:
            self.database._connection.set_progress_handler(None, 0)
            self.database._connection.set_trace_callback(None)
        if self.pick(0, State.SUBMITTING) is not None:
            # The intent is on disk and the program went on to die: nobody knows that nothing was sent.
            self.crash()

    @precondition(lambda self: self.truth.charged)
    @rule(which=st.integers(0, 2), listed=st.booleans())
    def look(self, which: int, listed: bool) -> None:
        """Read the provider's list, which may lag."""
        if (job := self.pick(which, State.UNCONFIRMED) or self.pick(which)) is None:
            return
        for attempt in reconcile.unanswered(self.store.attempts(job.id)):
            ids = self.truth.charged.get(attempt.asset_url, []) if listed else []
            rows = [RemoteJob(one, attempt.asset_url, None) for one in ids]
            found = reconcile.matches(attempt, rows, self.store.attached_ids("there"))
            job = next(known for known in self.jobs() if known.id == job.id)
            if found and (job.state, Event.FOUND) in TRANSITIONS:
                self.store.settle(job, attempt.id, AttemptState.ACCEPTED, Event.FOUND, self.now(), remote_id=found[0])
            elif not found and self.habits.sends_again_when_not_listed and job.state is State.UNCONFIRMED:
                again = self.store.move(self.resubmit(job), Event.ASSET_EXPIRED, self.now())
                again = self.free(self.free(again, Event.UPLOAD), Event.UPLOADED)
                self.send(again, Fate.OK)

    @precondition(lambda self: self.has(ATTENTION))
    @rule(which=st.integers(0, 2), answer=st.sampled_from(["again", "drop", "found", "again, twice"]))
    def person(self, which: int, answer: str) -> None:
        """The person answers the card of a job that waits for it."""
        if (job := self.pick(which, *ATTENTION)) is None:
            return
        match answer, job.state:
            case "drop", State.UNCONFIRMED:
                unknown = self.unknown(job)
                self.store.settle(job, unknown.id, AttemptState.WAIVED, Event.USER_ABANDON, self.now())
            case "drop", _:
                self.store.move(job, Event.USER_ABANDON, self.now())
            case "found", State.UNCONFIRMED:
                unknown = self.unknown(job)
                if ids := self.truth.charged.get(unknown.asset_url):
                    self.store.settle(job, unknown.id, AttemptState.ACCEPTED, Event.FOUND, self.now(), remote_id=ids[0])
            case "again" | "again, twice", State.UNCONFIRMED:
                self.resubmit(job)
                assert self.truth.approved is not None
                self.truth.approved[job.id] += 1
                if answer == "again, twice":
                    with contextlib.suppress(IllegalMove, StopIteration):
                        self.resubmit(job)
                        raise AssertionError("the second press was taken for another approval")
            case _:
                pass

    @precondition(lambda self: self.has(AT_THE_PROVIDER))
    @rule(
        which=st.integers(0, 2), said=st.sampled_from(["ok", "ok", "queued", "failed", "cancelled", "unknown", "html"])
    )
    def poll(self, which: int, said: str) -> None:
        """The provider may say anything, the same twice, and one thing after its opposite."""
        if (job := self.pick(which, *AT_THE_PROVIDER)) is None:
            return
        event = {
            "ok": Event.REMOTE_OK,
            "failed": Event.REMOTE_FAILED,
            "cancelled": Event.REMOTE_CANCELLED,
            "unknown": Event.REMOTE_MISSING,
            "queued": Event.FOUND,
        }.get(said)
        if event is not None and (job.state, event) in TRANSITIONS:
            self.store.move(job, event, self.now())

    @precondition(lambda self: self.has({State.SUCCEEDED}))
    @rule(which=st.integers(0, 2), fate=st.sampled_from(["good", "bad", "dies before", "dies between", "dies after"]))
    def fetch(self, which: int, fate: str) -> None:
        """From a link to a take under its final name."""
        if (job := self.pick(which, State.SUCCEEDED)) is None:
            return
        job = self.store.move(job, Event.DOWNLOAD, self.now())
        job = self.store.move(job, Event.BYTES_DONE, self.now())
        name, digest = f"{job.id}_v{self.seconds}.mp4", f"sha of {self.seconds}"
        if not self.habits.verifies_before_name:
            self.files[name] = digest
        if fate == "bad":
            self.store.move(job, Event.BAD, self.now())
            return
        if fate == "dies before":
            self.crash()
            return
        job = self.store.amend(job, self.now(), planned_take=name, take_sha256=digest)
        if fate == "dies between":
            self.crash()
            return
        self.files[name] = digest
        if fate == "good":
            self.store.move(job, Event.GOOD, self.now(), take=name)
        else:
            self.crash()

    @rule(which=st.integers(0, 2))
    def forbidden(self, which: int) -> None:
        """The database refuses by itself."""
        if (job := self.pick(which)) is None:
            return
        passed = try_one(self.database._connection, job.id, self.random)
        assert not passed, f"the database let pass: {passed}"

    @invariant()
    def promises(self) -> None:
        self.states = {job.state for job in self.jobs()}
        broken = self.watch.broken(self.database._connection)
        assert not broken, "; ".join(broken)

    # ---------------------------------------------------------------------------------------------------------- sending

    def send(self, job: Job, fate: Fate) -> None:
        url = job.assets[0].url
        spent = {a.asset_url for a in self.store.attempts(job.id) if a.state is not AttemptState.NOT_SENT}
        if url in spent:
            # One address for one attempt.
            self.store.move(job, Event.ASSET_EXPIRED, self.now())
            return
        attempt = self.attempt(job)
        if not self.habits.intent_before_send:
            self.arrive(url, fate)
        try:
            job = self.store.intend(job, attempt, self.now())
        except IllegalMove as error:
            raise AssertionError(f"an attempt that is allowed was refused: {error}") from error
        if self.habits.intent_before_send:
            self.arrive(url, fate)
        self.settle(job, attempt, fate)
        if fate in (Fate.REPLY_LOST, Fate.LOST_BEFORE) and self.habits.sends_again_when_lost:
            self.truth.post(url, self.reader)
            self.truth.charge(url, f"remote of {url}, again")

    def arrive(self, url: str, fate: Fate) -> None:
        """What the POST does at the provider."""
        if fate is Fate.CRASH_BEFORE_SEND:
            raise Crash
        if fate is Fate.NOT_SENT:
            return
        self.truth.post(url, self.reader)
        if fate not in (Fate.LOST_BEFORE, Fate.REJECTED):
            self.truth.charge(url, f"remote of {url}")
        if fate in (Fate.CRASH_AFTER_SEND, Fate.CRASH_AFTER_REPLY):
            raise Crash

    def settle(self, job: Job, attempt: Attempt, fate: Fate) -> None:
        """What the answer means."""
        now = self.now()
        match fate:
            case Fate.NOT_SENT:
                self.store.settle(job, attempt.id, AttemptState.NOT_SENT, Event.NOT_SENT, now)
            case Fate.REJECTED:
                self.store.settle(job, attempt.id, AttemptState.REJECTED, Event.REJECTED, now)
            case Fate.OK:
                remote_id = self.truth.charged[attempt.asset_url][0]
                self.store.settle(job, attempt.id, AttemptState.ACCEPTED, Event.ACCEPTED, now, remote_id=remote_id)
            case _:
                self.store.settle(job, attempt.id, AttemptState.UNKNOWN, Event.AMBIGUOUS, now)

    def attempt(self, job: Job, mark: str = "attempt") -> Attempt:
        approval = self.store.unspent_approval(job.id)
        now = self.now()
        return Attempt(
            id=f"{mark} {self.seconds}",
            job_id=job.id,
            provider="there",
            account="me",
            state=AttemptState.INTENT,
            asset_url=job.assets[0].url,
            body_sha256="00",
            intent_at=now,
            approval_id=approval.id if approval else None,
        )

    def resubmit(self, job: Job) -> Job:
        approval = Approval(id=f"approval {self.seconds}", job_id=job.id, cap_cents=100, at=self.now())
        return self.store.approve(job, approval, self.unknown(job).id, self.now())

    def unknown(self, job: Job) -> Attempt:
        return next(a for a in self.store.attempts(job.id) if a.state is AttemptState.UNKNOWN)


def quick_disk() -> str | None:
    """A folder in memory, where the system has one: no power is cut here."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def open_quickly(path: Path) -> Database:
    """The journal without waiting for the disk."""
    database = open_database(path)
    database._connection.execute("PRAGMA synchronous = OFF")
    return database


def let_go(database: Database) -> None:
    """As the system does for a program that was killed: nothing is tidied up."""
    database._connection.close()
    if database._keeper is not None:
        database._keeper._main.close()
