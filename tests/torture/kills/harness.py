"""One run: a home, some jobs, many lives that end badly and a last one that may bring everything to rest.

After each life every invariant is checked against the disk and against what the other side knows.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from klingstudio.paths import paths
from klingstudio.providers.registry import SERVICES
from tests.torture import secrets
from tests.torture.kills import invariants, orders
from tests.torture.kills.birth import Birth
from tests.torture.kills.disk import Disk, file_of, read_disk
from tests.torture.kills.nursery import Life
from tests.torture.kills.person import Person, View
from tests.torture.kills.points import ROUGH, SMOOTH
from tests.torture.kills.truth import Seen, Truth, read_truth
from tests.torture.kills.ward import Ward, a_ward

LIVES_MOST = 25
RESTS_WITHIN_S = 240.0
"""So long the last life may take to bring everything to rest, on the slowest machine."""
STUCK_AFTER_S = 30.0
"""Nothing has changed about any job for so long: nothing will."""
LIFE_S = 15.0
"""The longest of a life that is to end badly; most end before."""
STILL_S = 4.0
"""A life of which nothing was heard for so long will not come to its point."""
REQUESTS_A_SECOND = 50
"""Of one kind at one service for each job. Waiting is a hundred times shorter here than in the program, and the person is
impatient.
"""
PROMPTS = ("deep snow", "at dusk")
"""Few, so that the sandbox has most edits ready."""
TELLS_ACCOUNTS = "oxen"
"""The service that tells an account from its key."""
_KILLED = -9

Faults = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one life is to end, and what befalls its requests meanwhile."""

    point: str = ""
    """Where it kills itself; empty: nowhere."""
    nth: int = 1
    after_points: int = 0
    """It is killed soon after it has passed so many named points; 0: this does not end it."""
    after_s: float = LIFE_S
    """It is killed after this in any case."""
    faults: Faults = ()
    jobs: int = 1
    """So many are under way at least, once it has opened."""
    fresh: int = 0
    """Ordered in any case."""
    takes: int = 1
    wish: str = ""
    """What the person does to whatever it can be done to: `on`, `resume`, `again`, `drop`, `cancel`, `stop`, or `wait`.
    Empty: anything, by chance.
    """
    is_polite: bool = False
    """Closed instead of killed."""
    is_other_account: bool = False
    """Lived with a key of somebody else, who looks on and touches nothing."""
    is_window: bool = False
    """The whole program with its window lives, instead of the engine alone."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What came of it."""

    seed: int
    provider: str
    violations: list[str] = field(default_factory=list)
    kills: int = 0
    lives: int = 0
    points: Counter[str] = field(default_factory=Counter)
    """How often each named point was passed."""
    killed_at: Counter[str] = field(default_factory=Counter)
    """Where lives ended; `by time` for those that were killed by the parent."""
    refused: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    """States in which jobs came to rest."""
    posts: int = 0
    charges: int = 0
    seconds: float = 0.0


def run_once(
    seed: int,
    *,
    provider: str,
    plant: str | None = None,
    ward: Ward | None = None,
    endings: Sequence[Ending] | None = None,
    lag: Faults | None = None,
    clip: int | None = None,
    ends_when_broken: bool = False,
) -> Run:
    """One home from its first life to its rest.

    Args:
        provider: id of the service.
        plant: `package.module:function`, which each life calls after its imports and before the studio opens.
        ward: what may be shared with other runs; without it one is made for this run alone.
        endings: how the lives end; without it chance decides.
        lag: what is wrong with the service's lists as long as there are faults; without it chance decides.
        clip: which of the ward's clips; without it chance decides.
        ends_when_broken: leave the rest of the run out once a promise was broken.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        ward = ward or stack.enter_context(a_ward())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir=ward.folder)))
        random = Random(seed)
        chosen = list(endings) if endings is not None else list(by_chance(random))
        course = _Course(seed, provider, plant or "", ward, folder, random, lag, clip)
        course.ends_when_broken = ends_when_broken
        course.go(chosen)
    course.run.seconds = time.monotonic() - began
    return course.run


def by_chance(random: Random, lives: int | None = None) -> Iterator[Ending]:
    """A few bad endings: six of ten at a named point, the others at any time."""
    for number in range(lives or random.randint(3, 9)):
        is_named = random.random() < 0.6
        is_other = number > 0 and random.random() < 0.1
        yield Ending(
            point=random.choice([*SMOOTH, *SMOOTH, *ROUGH]) if is_named and not is_other else "",
            nth=random.choice([1, 1, 1, 2, 3]),
            # Counted in what it does: the time that this takes is another one on each machine.
            after_points=0 if is_named and not is_other else round(2 ** random.uniform(1, 8)),
            faults=tuple(fault_by_chance(random) for _ in range(random.choice([0, 0, 1, 1, 2, 3]))),
            jobs=0 if is_other else random.choice([1, 1, 1, 2]),
            takes=random.choice([1, 1, 1, 2]),
            wish="wait" if is_other else "",
            is_polite=not is_named and random.random() < 0.1,
            is_other_account=is_other,
        )


def fault_by_chance(random: Random) -> Mapping[str, Any]:
    """One reply that goes wrong."""
    return dict(random.choice(REPLY_FAULTS)) | {"after": random.choice([0, 0, 0, 1])}


REPLY_FAULTS: tuple[Mapping[str, Any], ...] = (
    {"call": "submit", "kind": "reset_before"},
    {"call": "submit", "kind": "reset_after"},
    {"call": "submit", "kind": "drop_after"},
    {"call": "submit", "kind": "hang"},
    {"call": "submit", "kind": "hang", "effect": True},
    {"call": "submit", "kind": "truncated"},
    {"call": "submit", "kind": "not_json"},
    {"call": "submit", "kind": "html", "effect": True},
    {"call": "submit", "kind": "status", "code": 502, "effect": True},
    {"call": "submit", "kind": "status", "code": 503},
    {"call": "submit", "kind": "status", "code": 409, "effect": True},
    {"call": "submit", "kind": "status", "code": 429, "headers": {"Retry-After": "1"}},
    {"call": "submit", "kind": "status", "code": 422},
    {"call": "submit", "kind": "redirect", "code": 307},
    {"call": "submit", "kind": "no_id"},
    {"call": "submit", "kind": "two_ids"},
    {"call": "submit", "kind": "fail_job"},
    {"call": "submit", "kind": "slow", "seconds": 0.4},
    {"call": "upload", "kind": "reset_before"},
    {"call": "upload", "kind": "status", "code": 503, "times": 2},
    {"call": "poll", "kind": "reset_before", "times": 3},
    {"call": "poll", "kind": "html", "times": 3},
    {"call": "poll", "kind": "status", "code": 404, "times": 4},
    {"call": "poll", "kind": "unknown_status", "times": 4},
    {"call": "poll", "kind": "no_link", "times": 3},
    {"call": "poll", "kind": "slow", "seconds": 0.3, "times": 3},
    {"call": "result", "kind": "truncated"},
    {"call": "result", "kind": "half_file"},
    {"call": "result", "kind": "wrong_file"},
    {"call": "result", "kind": "no_length"},
    {"call": "result", "kind": "expired_link"},
    {"call": "result", "kind": "reset_before", "times": 4},
    {"call": "list", "kind": "status", "code": 500, "times": 2},
    {"call": "charge", "kind": "hang"},
    {"call": "authorize", "kind": "status", "code": 503, "times": 2},
)
"""Replies that go wrong, besides what is wrong with the lists."""
LAGS: tuple[Faults, ...] = (
    (),
    (),
    ({"call": "submit", "kind": "list_lag", "seconds": 0.4, "times": 0},),
    ({"call": "list", "kind": "list_empty", "times": 0},),
    ({"call": "list", "kind": "list_bare", "times": 0},),
)


class _Course:
    """One run on its way."""

    def __init__(
        self,
        seed: int,
        provider: str,
        plant: str,
        ward: Ward,
        folder: Path,
        random: Random,
        lag: Faults | None,
        clip: int | None,
    ) -> None:
        self.run = Run(seed=seed, provider=provider)
        self._plant = plant
        self._ward = ward
        self._random = random
        # Never used before, also where a run is repeated on the same sandbox.
        self._account = f"r{uuid.uuid4().hex[:20]}"
        self._key = f"canary-5ecret-{self._account}"
        self._home = folder / "home"
        self._paths = paths({"KLINGSTUDIO_HOME": str(self._home)})
        self._source = random.choice(ward.clips) if clip is None else ward.clips[clip]
        self._source_was = file_of(self._source)
        self._lag = random.choice(LAGS) if lag is None else lag
        self._person = Person(random)
        self.ends_when_broken = False
        self._requests: tuple[Seen, ...] = ()
        self._before: Disk | None = None
        self._asked = orders.Asked(next(e.info.takes_per_order for e in SERVICES if e.info.id == provider))

    def go(self, endings: Sequence[Ending]) -> None:
        """Every bad ending, and then the life that may finish."""
        self._ward.watch(self._paths.database)
        for ending in itertools.islice(endings, LIVES_MOST - 1):
            self._live_badly(ending)
            if self.ends_when_broken and self.run.violations:
                return
        self._live_to_the_end()

    # ------------------------------------------------------------------------------------------------------------ lives

    def _live_badly(self, ending: Ending) -> None:
        # A list lags for seconds and an edit takes minutes. Here both are short, and a second job that one order became
        # would be listed when nobody looks for it any more.
        befalls = [fault for fault in ending.faults if not (self._lag and fault["kind"] == "two_ids")]
        self._ward.sandbox.faults([dict(fault) for fault in (*self._lag, *befalls)])
        life = self._born(ending)
        view, heard = View(), _Ears(self.run)
        deadline, heard_at, ordered = time.monotonic() + ending.after_s, time.monotonic(), 0
        # Who grants more than the usual time waits for the point, however slow this computer is.
        still_s = ending.after_s if ending.after_s > LIFE_S else STILL_S
        while not life.is_over and time.monotonic() < min(deadline, heard_at + (still_s if heard.is_open else LIFE_S)):
            for message in life.hear(0.15):
                heard_at = time.monotonic()
                heard.hear(message, view)
                if "open" in message:
                    deeds = [
                        self._order(ending.takes) for _ in range(max(ending.fresh, ending.jobs - view.unfinished()))
                    ]
                    ordered = len(deeds)
                    woken = [] if ending.is_other_account else self._person.wake(view, ending.wish)
                    for deed in (*deeds, *woken):
                        self._tell(life, deed)
            if 0 < ordered <= heard.orders and view.is_at_rest() and time.monotonic() - heard_at > 0.5:
                # Nothing more will happen.
                break
            if ending.after_points and heard.passed >= ending.after_points:
                time.sleep(self._random.uniform(0, 0.02))
                break
            if heard.is_open and not life.is_over:
                for deed in self._person.meddle(view, ending.wish):
                    self._tell(life, deed)
        if ending.is_polite:
            life.tell(do="close")
        else:
            life.kill()
        self._end(life, heard, view, ending)

    def _live_to_the_end(self) -> None:
        self._ward.sandbox.faults([])
        life = self._born(Ending())
        view, heard = View(), _Ears(self.run)
        began = changed_at = time.monotonic()
        asked_at, still_since = 0.0, None
        while not life.is_over and self._is_hopeful(began, changed_at):
            for message in life.hear(0.05):
                still_since = None
                heard.hear(message, view)
                changed_at = time.monotonic() if "state" in message else changed_at
            now = time.monotonic()
            if not heard.is_open:
                continue
            if self.ends_when_broken and self.run.violations:
                break
            if view.is_at_rest():
                # Somebody may be looking for a lost request of a job that rests.
                still_since = still_since or now
                if now - still_since > 0.25:
                    break
            elif now - asked_at > 0.2:
                asked_at = now
                for deed in self._person.settle(view):
                    self._tell(life, deed)
        for complaint in invariants.nothing_stuck((i, s, p, w) for i, s, p, w in view.rows()):
            self._complain(complaint)
        self.run.ends.update(str(state) for _, state, _, _ in view.rows())
        life.tell(do="close")
        self._end(life, heard, view, Ending(is_polite=True), is_end=True)

    def _is_hopeful(self, began: float, changed_at: float) -> bool:
        """False once everything had the time to rest. What the service is still at work on is no fault of ours."""
        now = time.monotonic()
        return now - began < RESTS_WITHIN_S and (now - changed_at < STUCK_AFTER_S or self._ward.is_at_work())

    def _born(self, ending: Ending) -> Life:
        self.run.lives += 1
        environ = {"KLINGSTUDIO_HOME": str(self._home)}
        for info in (entry.info for entry in SERVICES):
            environ[info.url_variable] = self._ward.sandbox.at(info.id)
            if info.key_variable:
                environ[info.key_variable] = self._key + ("other" if ending.is_other_account else "")
        birth = Birth(
            home=str(self._home),
            environ=environ,
            seed=self._random.randrange(10**9),
            point=ending.point,
            nth=ending.nth,
            plant=self._plant,
            is_window=ending.is_window,
        )
        return self._ward.nursery.bear(birth)

    def _tell(self, life: Life, deed: Mapping[str, Any]) -> None:
        self._asked.note(deed)
        life.tell(**deed)

    def _order(self, takes: int) -> dict[str, Any]:
        request = {
            "source": str(self._source),
            "prompt": self._random.choice(PROMPTS),
            "provider": self.run.provider,
            "accepts_unknown_price": True,
        }
        return {"do": "enqueue", "request": request, "takes": takes}

    # ----------------------------------------------------------------------------------------------------------- checks

    def _end(self, life: Life, heard: _Ears, view: View, ending: Ending, *, is_end: bool = False) -> None:
        status, left, last = life.bury()
        for message in last:
            heard.hear(message, view)
        if status == _KILLED:
            self.run.kills += 1
            was_aimed = ending.point and heard.last_point == ending.point
            self.run.killed_at[ending.point if was_aimed else "by time"] += 1
        elif status or (not ending.is_polite and not heard.is_closed):
            self._complain(f"I11 a life ended by itself with {status}")
        for bug in heard.bugs:
            self._complain(f"a bug in the program: {bug}")
        if heard.is_shut:
            self._complain(f"I14 the studio did not open: {heard.is_shut}")
        for complaint in orders.everything_shown(self._before, view) if heard.is_open else ():
            self._complain(complaint)
        self._check(left, is_end=is_end)

    def _check(self, left: Sequence[str], *, is_end: bool) -> None:
        truth = read_truth(self._ward.sandbox, self._ward.folder, frozenset({self._account}), self._requests)
        self._requests = truth.requests
        disk = read_disk(self._paths, self._source)
        checks: list[Callable[..., Iterator[str]]] = [
            check for check in invariants.ALWAYS if check not in (invariants.no_paid_job_lost, invariants.stable_ends)
        ]
        checks += [
            partial(invariants.no_paid_job_lost, is_end=is_end),
            partial(invariants.stable_ends, before=self._before),
            partial(invariants.source_untouched, source=self._source_was),
            partial(invariants.bounded_traffic, most=REQUESTS_A_SECOND),
            invariants.honest_money,
            partial(invariants.account_binding, accounts=self._account_of(truth)),
            lambda disk, _truth: orders.nothing_unasked(disk, self._asked),
            orders.charges_kept,
            lambda disk, _truth: orders.takes_as_made(disk, self._ward.folder / "sandbox" / "results"),
        ]
        if is_end:
            checks.append(invariants.swept)
        for check in checks:
            for complaint in check(disk, truth):
                self._complain(complaint)
        for complaint in invariants.no_leftovers(left):
            self._complain(complaint)
        for leak in secrets.scan_files([self._home], [secrets.MARK]):
            self._complain(f"I9 {leak}")
        self._before = disk
        self.run.posts, self.run.charges = len(truth.posts), len(truth.charges)

    def _account_of(self, truth: Truth) -> Mapping[str, str]:
        """Who ordered what, where the service tells whose key it is asked with. Nobody knows elsewhere, and may look."""
        is_told = self.run.provider == TELLS_ACCOUNTS
        return {charge.remote_id: charge.account for charge in truth.charges} if is_told else {}

    def _complain(self, complaint: str) -> None:
        self.run.violations.append(f"{self.run.provider}, seed {self.run.seed}, life {self.run.lives}: {complaint}")


class _Ears:
    """What one life said of itself."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.is_open = False
        self.is_closed = False
        self.is_shut = ""
        self.last_point = ""
        self.passed = 0
        self.orders = 0
        """How many orders it has taken, or refused."""
        self.bugs: list[str] = []

    def hear(self, message: Mapping[str, Any], view: View) -> None:
        """One message."""
        match message:
            case {"at": point}:
                self.last_point = point
                self.passed += 1
                self._run.points[point] += 1
            case {"open": True}:
                self.is_open = True
            case {"closed": True}:
                self.is_closed = True
            case {"shut": kind}:
                self.is_shut = kind
            case {"bug": words}:
                self.bugs.append(words)
            case {"made": _}:
                self.orders += 1
            case {"refused": kind, "told": told}:
                self._run.refused[kind] += 1
                self.orders += told["do"] == "enqueue"
            case _:
                view.take_in(message)
