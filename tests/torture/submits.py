"""Paid requests through the whole engine while the answer to each goes wrong: one request for each approval, and whatever
was charged ends attached to a job, or in question, and is never called free.

Everything is real but three things: a gate before the service writes the answers, the clip is measured once for all
jobs, and waiting takes no time. Twenty-four ways to go wrong × four services × fifty seeds in the long form.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from unittest.mock import patch

from klingstudio.domain.errors import Charged, InputRefused
from klingstudio.domain.job import Clip, Job, State
from klingstudio.domain.media import ClipFacts
from klingstudio.engine.pace import Pace
from klingstudio.logs import _job_id
from klingstudio.media.worker import MediaWorker
from klingstudio.net.api import Deadlines
from klingstudio.paths import paths
from klingstudio.providers.registry import SERVICES
from klingstudio.sandbox.fal import Fal
from klingstudio.sandbox.oxen import Oxen
from klingstudio.sandbox.pixeldojo import PixelDojo
from klingstudio.sandbox.segmind import Segmind
from klingstudio.studio import Studio
from tests.fakes import spoil
from tests.fakes.gate import Fate, Gate, Paid
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.spoil import SPOILT, WHOLE, Status
from tests.fakes.studio_run import Watch, a_clip, a_request, environ_of
from tests.fakes.wire import Asked, reset
from tests.torture.kills.disk import Disk, Try, read_disk
from tests.torture.parts import Pulse, Stint, Verdict

SEEDS = 50
LAGS = 100
"""For each service."""
LAGS_AT_ONCE = 10
LOOKS = 2
"""Looks at the list that a lost request is granted before the person is asked."""
AGAIN = 1 / 3
"""How often the answer to a request that was sent again goes wrong, too."""
HASTY = Deadlines(reply_s=20.0, order_s=1.0)

_CALL_OF: Mapping[str, Callable[[str, str], str]] = {
    "oxen": Oxen.call_of,
    "fal": Fal.call_of,
    "segmind": Segmind.call_of,
    "pixeldojo": PixelDojo.call_of,
}


async def _reset(_answer: object, asked: Asked, writer: asyncio.StreamWriter) -> None:
    await reset(asked, writer)


def _status(code: int, name: str = "") -> spoil.Spoil:
    return spoil.STATUSES[name or f"status {code}"].spoil


FATES: tuple[Fate, ...] = (
    # The connection: each both before and after the service has done its work, by the seed.
    Fate("reset", _reset),
    Fate("closed", SPOILT["closed without a word"]),
    Fate("silence", spoil.silent),
    Fate("reset in the head", SPOILT["reset in the head"]),
    Fate("500", _status(500)),
    Fate("503", _status(503, "503 with a page")),
    Fate("524", _status(524)),
    Fate("408", _status(408)),
    Fate("409", _status(409)),
    Fate("page of a gateway", SPOILT["page of a gateway"]),
    Fate("307 to another host", _status(307, "307 to another host")),
    # The answer: the service has done its work.
    Fate("reset in the body", SPOILT["reset in the body"]),
    Fate("shorter than its length", SPOILT["shorter than its length"]),
    Fate("chunk cut", SPOILT["chunk cut"]),
    Fate("no length and an early end", SPOILT["no length and an early end"]),
    Fate("header of 200 kB", SPOILT["header of 200 kB"]),
    Fate("gzip", SPOILT["gzip"]),
    Fate("empty", SPOILT["empty"]),
    Fate("bad UTF-8", SPOILT["bad UTF-8"]),
    Fate("no id", None, rule={"call": "submit", "kind": "no_id"}),
    Fate("two ids", None, rule={"call": "submit", "kind": "two_ids"}),
    Fate("1xx first", WHOLE["1xx first"]),
    # A definite no.
    Fate("402", _status(402), is_done=False),
    Fate("429", Status(429, (("retry-after", "2"),)).spoil, is_done=False),
)
BOTH_HALVES = 11
"""So many of them, from the beginning, exist before and after the effect."""
FINE = Fate("fine", None)


def fates_of(provider: str) -> tuple[Fate, ...]:
    """Twenty-four for each service. An answer of most has room for one id: a second one cannot be told there."""
    other = Fate("names twice", WHOLE["names twice"])
    return tuple(other if one.name == "two ids" and provider != "oxen" else one for one in FATES)


@dataclass(slots=True)
class Tally:
    """What came of many requests."""

    orders: int = 0
    """Jobs that a person has ordered."""
    posts: Counter[str] = field(default_factory=Counter)
    """Paid requests by what befell them."""
    attempts: int = 0
    approvals: int = 0
    charged: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count another one in."""
        self.orders += other.orders
        self.posts += other.posts
        self.attempts += other.attempts
        self.approvals += other.approvals
        self.charged += other.charged
        self.ends += other.ends
        self.wrong += other.wrong


# --- a studio that waits for nothing ----------------------------------------------------------------------------------


class Remembering(MediaWorker):
    """Measures each file once: all jobs send the same clip, and a process for each would cost more than all the rest."""

    known: ClassVar[dict[tuple[str, str], Any]] = {}

    async def probe(self, path: Path) -> ClipFacts:
        if ("probe", str(path)) not in self.known:
            self.known["probe", str(path)] = await super().probe(path)
        facts: ClipFacts = self.known["probe", str(path)]
        return facts

    async def fit(self, source: Path, *args: Any, **options: Any) -> Clip:
        if ("fit", str(source)) not in self.known:
            self.known["fit", str(source)] = await super().fit(source, *args, **options)
        clip: Clip = self.known["fit", str(source)]
        return clip


class Waiting:
    """How time passes: not at all, but a job that is at the provider, or was looked for often enough, waits for ever."""

    def __init__(self) -> None:
        self.studio: Studio | None = None

    async def __call__(self, seconds: float, until: asyncio.Event) -> None:
        job_id = _job_id.get()
        job = self.studio.queue.job(job_id) if self.studio is not None and job_id else None
        if (job is not None and job.state not in _REST and job.looks < LOOKS) or (job is None and seconds < 5):
            await asyncio.sleep(0)
        else:
            await until.wait()


_REST = frozenset({State.REMOTE, State.COMPLETED, State.REJECTED})


def _is_settled(job: Job) -> bool:
    return job.state in _REST or job.paused or (job.state is State.UNCONFIRMED and job.looks >= LOOKS)


@contextlib.asynccontextmanager
async def a_calm_studio(home: Path, environ: Mapping[str, str], pause: Waiting | Lagging) -> AsyncIterator[Studio]:
    """The real studio, with these exceptions."""
    with patch("klingstudio.studio.MediaWorker", Remembering):
        studio = await Studio.open(paths(environ), environ, pause=pause, deadlines=HASTY)
    pause.studio = studio
    try:
        yield studio
    finally:
        await studio.aclose()


# --- one home ---------------------------------------------------------------------------------------------------------


async def one_home(
    provider: str, seed: int, sandbox: Sandbox, folder: Path, clip: Path, fates: Sequence[Fate]
) -> Tally:
    """A job for each fate in one studio, and what the person does about those that nobody finds."""
    random = Random(f"{provider} {seed}")
    home, account = folder / f"{provider}-{seed}", f"{provider}{seed}"
    key, tally = f"canary-5ecret-{account}", Tally(orders=len(fates))
    journal, deal = paths({"KLINGSTUDIO_HOME": str(home)}).database, _dealt(random, fates)

    def fate(asked: Asked) -> Fate:
        if not _is_recorded(journal, asked):
            tally.wrong.append("a paid request left before the journal had it")
        return deal()

    gate = Gate(
        sandbox.at(provider),
        is_paid=lambda asked: _CALL_OF[provider](asked.method, asked.path.partition("?")[0]) == "submit",
        fate=fate,
        order=lambda rule: asyncio.to_thread(sandbox.faults, [dict(rule)]),
    )
    try:
        async with gate:
            environ = environ_of(home, sandbox, key) | {_variable(provider): gate.url}
            async with a_calm_studio(home, environ, Waiting()) as studio:
                jobs = [
                    studio.queue.enqueue(a_request(clip, provider=provider, accepts_unknown_price=True))[0]
                    for _ in fates
                ]
                await _settle(studio, jobs)
                tally.approvals += _send_again(studio, random, tally)
                await _settle(studio, jobs)
        disk = read_disk(paths(environ), clip)
        charges = [one for one in sandbox.ledger() if one["account"] == account]
        _judge(provider, disk, gate, charges, tally)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    tally.wrong = [f"{provider}, seed {seed}: {line}" for line in tally.wrong]
    return tally


def _dealt(random: Random, fates: Sequence[Fate]) -> Callable[[], Fate]:
    """To each job's first paid request one of the fates, in any order; later ones are mostly fine."""
    coming = [
        Fate(one.name, one.spoil, is_done=random.random() < 0.5) if one in FATES[:BOTH_HALVES] else one for one in fates
    ]
    random.shuffle(coming)

    def deal() -> Fate:
        if coming:
            return coming.pop()
        return random.choice(fates) if random.random() < AGAIN else FINE

    return deal


def _is_recorded(journal: Path, asked: Asked) -> bool:
    """Whether the journal, as it is on the disk while the request arrives, has its attempt, and nothing became of it."""
    with contextlib.closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as sql:
        open_ones = sql.execute("SELECT asset_url FROM attempt WHERE state = 'INTENT'").fetchall()
    return sum(Paid(asked.body.decode(), FINE).names(address) for (address,) in open_ones) == 1


def _variable(provider: str) -> str:
    return next(entry.info.url_variable for entry in SERVICES if entry.info.id == provider)


async def _settle(studio: Studio, jobs: Iterable[Job]) -> None:
    watch = Watch(studio)
    for job in jobs:
        await watch.until(job.id, _is_settled, 60)


def _send_again(studio: Studio, random: Random, tally: Tally) -> int:
    """The person answers half of the questions, with a double click."""
    approvals = 0
    for job in studio.queue.jobs():
        if job.state is State.UNCONFIRMED and random.random() < 0.5:
            studio.queue.send_again(job.id)
            approvals += 1
            with contextlib.suppress(InputRefused):
                studio.queue.send_again(job.id)
                tally.wrong.append(f"{job.id}: a second click was a second approval")
    return approvals


# --- what may come of it ----------------------------------------------------------------------------------------------

_IN_QUESTION = frozenset({"INTENT", "UNKNOWN", "WAIVED"})


def _judge(provider: str, disk: Disk, gate: Gate, charges: Sequence[Mapping[str, Any]], tally: Tally) -> None:
    tries = [one for one in disk.tries if one.provider == provider]
    by_address: dict[str, list[Try]] = {}
    for one in tries:
        by_address.setdefault(one.asset_url, []).append(one)
    originals = [job for job in disk.jobs if job.ordered_with is None]
    tally.posts.update(paid.fate.name for paid in gate.paid)
    tally.attempts = sum(one.job_id in {job.id for job in originals} for one in tries)
    tally.charged = len(charges)
    tally.ends.update(job.state for job in disk.jobs)

    # One request for each attempt, and one attempt for each order and each approval, but for those that never left.
    for address, those in by_address.items():
        posts = [paid for paid in gate.paid if paid.names(address)]
        own = {one.id for one in those if one.job_id in {job.id for job in originals}}
        if len(posts) > len(own):
            names = ", ".join(paid.fate.name for paid in posts)
            tally.wrong.append(f"{len(posts)} paid requests for {len(own)} attempts: {names}")
    if unknown := [paid for paid in gate.paid if not any(paid.names(address) for address in by_address)]:
        tally.wrong.append(f"{len(unknown)} paid requests of which the journal knows nothing")
    for job in originals:
        sent = [one for one in tries if one.job_id == job.id and one.state != "NOT_SENT"]
        permits = sum(permit.job_id == job.id and permit.spent_by is not None for permit in disk.permits)
        if len(sent) > 1 + permits:
            tally.wrong.append(f"{job.id}: {len(sent)} paid requests with {permits} approvals")

    # Whatever was charged has its job, or is in question.
    attached = Counter(one.remote_id for one in tries if one.remote_id)
    tally.wrong += [f"{remote_id} is attached {count} times" for remote_id, count in attached.items() if count > 1]
    for charge in charges:
        those = by_address.get(charge["input_video"], [])
        if charge["generation_id"] not in attached and not any(one.state in _IN_QUESTION for one in those):
            tally.wrong.append(f"{charge['generation_id']} was charged, and no job knows it: {_shown(those, gate)}")
        for job in (job for job in disk.jobs if any(one.job_id == job.id for one in those)):
            if job.problem is not None and job.problem.charged is Charged.NO:
                tally.wrong.append(f"{job.id} was charged, and says that it was not: {job.problem.kind}")
            if job.state is State.REJECTED:
                tally.wrong.append(f"{job.id} was charged, and is called refused: {_shown(those, gate)}")


def _shown(those: Sequence[Try], gate: Gate) -> str:
    fates = [paid.fate.name for paid in gate.paid if those and paid.names(those[0].asset_url)]
    return f"{', '.join(one.state for one in those)} after {', '.join(fates)}"


# --- how soon a lost request is found ----------------------------------------------------------------------------------

LAGS_MOST_S = 60.0
FOUND_WITHIN_S = 120.0


class Lagging:
    """Counts the seconds that one lost job is asked to wait, and lets the list show it after `lag_s` of them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.studio: Studio | None = None
        self.lag_s, self.waited_s = 0.0, 0.0
        self._sandbox, self._hides = sandbox, False
        self._passed_s = 0.0

    @contextlib.contextmanager
    def tells_the_time(self) -> Iterator[None]:
        """To all that spreads requests over a minute: by the true clock hundreds would want to be in the same second."""
        by_this = patch.object(Pace.__init__, "__defaults__", (self._clock,))
        with by_this, patch("klingstudio.net.retry._loop_time", self._clock):
            yield

    def _clock(self) -> float:
        return time.monotonic() + self._passed_s

    def begin(self, lag_s: float) -> None:
        self.lag_s, self.waited_s, self._hides = lag_s, 0.0, True
        self._sandbox.faults([{"call": "list", "kind": "list_empty", "times": 0}])

    async def __call__(self, seconds: float, until: asyncio.Event) -> None:
        job_id = _job_id.get()
        job = self.studio.queue.job(job_id) if self.studio is not None and job_id else None
        if (job is None and seconds >= 5) or (job is not None and job.state in _REST):
            await until.wait()
        self._passed_s += seconds
        if job is not None and job.state is State.UNCONFIRMED:
            self.waited_s += seconds
            if self._hides and self.waited_s >= self.lag_s:
                self._hides = False
                await asyncio.to_thread(self._sandbox.faults, [])
        await asyncio.sleep(0)


async def found_within(
    provider: str, lags_s: Iterable[float], sandbox: Sandbox, folder: Path, clip: Path
) -> list[tuple[float, float]]:
    """For each lag of the list, how many seconds it took until the lost request was found there, and nobody was asked."""
    home = folder / f"lag-{provider}"
    gate = Gate(
        sandbox.at(provider),
        is_paid=lambda asked: _CALL_OF[provider](asked.method, asked.path.partition("?")[0]) == "submit",
        fate=lambda _asked: Fate("reset", _reset),
        order=_no_rule,
    )
    times, pause = [], Lagging(sandbox)
    try:
        async with gate:
            environ = environ_of(home, sandbox, f"canary-5ecret-lag{provider}") | {_variable(provider): gate.url}
            with pause.tells_the_time():
                async with a_calm_studio(home, environ, pause) as studio:
                    watch = Watch(studio)
                    for lag_s in lags_s:
                        pause.begin(lag_s)
                        request = a_request(clip, provider=provider, accepts_unknown_price=True)
                        (job,) = studio.queue.enqueue(request)
                        await watch.until(job.id, lambda job: job.state is State.REMOTE or pause.waited_s > 3600, 60)
                        times.append((lag_s, pause.waited_s))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return times


async def _no_rule(_rule: Mapping[str, object]) -> None:
    raise AssertionError("no fate here has a rule")


# --- the part ---------------------------------------------------------------------------------------------------------


def run(stint: Stint) -> Verdict:
    """Every fate at every service with fifty seeds, or as many as there is time for."""
    chunk = 5
    batches = [
        (entry.info.id, range(first, first + chunk), stint) for first in range(0, SEEDS, chunk) for entry in SERVICES
    ]
    total, pulse = Tally(), Pulse("submits")
    with ProcessPoolExecutor(stint.workers) as pool:
        for tally in pool.map(_alone, batches):
            total.add(tally)
            pulse(orders=total.orders, requests=total.posts.total(), broken=len(total.wrong))
        times = [one for those in pool.map(_lags_alone, lags_of(stint)) for one in those]
    late = [(lag_s, took_s) for lag_s, took_s in times if took_s > FOUND_WITHIN_S]
    if len(late) > len(times) / 100:
        total.wrong.append(f"{len(late)} of {len(times)} lost requests were found too late: {late[:5]}")
    counts: dict[str, int | float | str] = {
        "orders": total.orders,
        "requests": total.posts.total(),
        "attempts": total.attempts,
        "approvals": total.approvals,
        "charged": total.charged,
        "ways to go wrong": len([name for name in total.posts if name != FINE.name]),
        "requests for one attempt": round(total.posts.total() / max(1, total.attempts), 4),
        **{f"ended {state}": count for state, count in sorted(total.ends.items())},
        "lags": len(times),
        "found within 2 min": len(times) - len(late),
        "slowest s": max((took_s for _lag_s, took_s in times), default=0.0),
    }
    return Verdict(part="submits", counts=counts, violations=tuple(f"seed {stint.seed}: {one}" for one in total.wrong))


def lags_of(stint: Stint) -> list[tuple[str, int, Stint]]:
    """A few for each account: a list that has a hundred edits of the same minute has pages, and nobody has that."""
    return [(entry.info.id, number, stint) for number in range(LAGS // LAGS_AT_ONCE) for entry in SERVICES]


def _lags_alone(batch: tuple[str, int, Stint]) -> list[tuple[float, float]]:
    """For a process of its own."""
    provider, number, stint = batch
    random = Random(f"{provider} {stint.seed} {number}")
    lags = [] if stint.is_over() else [random.uniform(0, LAGS_MOST_S) for _ in range(LAGS_AT_ONCE)]
    with somewhere() as (sandbox, folder, clip):
        return asyncio.run(found_within(provider, lags, sandbox, folder, clip))


def _alone(batch: tuple[str, range, Stint]) -> Tally:
    """For a process of its own."""
    provider, numbers, stint = batch
    total = Tally()
    with somewhere() as (sandbox, folder, clip):
        for number in numbers:
            if stint.is_over():
                break
            total.add(asyncio.run(one_home(provider, stint.seed + number, sandbox, folder, clip, fates_of(provider))))
    return total


@contextlib.contextmanager
def somewhere() -> Iterator[tuple[Sandbox, Path, Path]]:
    """A sandbox whose jobs never begin, a folder, and a clip that fits everywhere."""
    with TemporaryDirectory(prefix="klingstudio-submits-") as name:
        folder = Path(name)
        clip = a_clip(folder / "clip.mp4")
        with run_sandbox(folder / "sandbox", "--queue-delay", "99999") as sandbox:
            yield sandbox, folder, clip
