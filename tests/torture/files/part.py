"""Every file operation of a whole job fails once, as on a full, broken or forbidden disk; then everything from there on.

A first pass counts the operations of one job, from an empty home to the take. Then, for every one of them and each of
three errors, a life in which that operation fails, and a second life whose disk is well again. After both: one paid
request at most for each order, the take under its final name and whole, the source as it was, a sound journal, nothing left
behind, no traceback, and a person who was told what happened.
"""

from __future__ import annotations

import errno
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from klingstudio.domain.job import State
from tests.torture.files import judge, names, power_cut
from tests.torture.files.bench import Bench, a_bench
from tests.torture.files.life import Told
from tests.torture.parts import Pulse, Stint, Verdict

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
LASTING_EVERY = 7
"""Of the operations, the n-th ones from which on nothing works any more."""
OPENS_EVERY = 8
"""Of the lives that did not even open, the n-th ones are followed by a whole job."""
NAMES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way in which a disk fails."""

    number: int
    error: int
    is_lasting: bool = False

    def __str__(self) -> str:
        return f"{errno.errorcode[self.error]} at operation {self.number}{' and on' if self.is_lasting else ''}"

    @property
    def goes_on(self) -> bool:
        """Whether the person presses "Continue" in the same life; in the other half the program is started again."""
        return not self.is_lasting and (self.number + ERRORS.index(self.error)) % 2 == 0


@dataclass(slots=True)
class Seen:
    """What came of the cases so far."""

    cases: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """Operations that failed, by what they do."""
    ends: Counter[str] = field(default_factory=Counter)
    """How the first lives ended."""
    violations: list[str] = field(default_factory=list)
    pulse: Pulse = field(default_factory=lambda: Pulse("files"))
    lock: threading.Lock = field(default_factory=threading.Lock)


def run(stint: Stint) -> Verdict:
    """Every operation and every error; every state that a power cut may leave of a download; many names."""
    with tempfile.TemporaryDirectory(prefix="klingstudio-files-") as folder:
        failed = fail(Path(folder), stint, every=1)
        with a_bench(Path(folder) / "more") as bench:
            cuts, cut_badly = cut_power(bench, stint, every=1)
            named, named_badly = name_sources(bench, stint, NAMES)
    counts = {**failed.counts, "states after a power cut": cuts, "names of sources": named}
    return Verdict(part="files", counts=counts, violations=(*failed.violations, *cut_badly, *named_badly))


def cut_power(bench: Bench, stint: Stint, *, every: int) -> tuple[int, list[str]]:
    """Start again from every n-th state that a power cut may leave; how many, and the broken promises."""
    folder, moments = power_cut.witnessed(bench)
    tried, violations = 0, []
    for moment in moments[stint.seed % every :: every]:
        if stint.is_over():
            break
        violations += [f"power cut {moment}: {words}" for words in power_cut.try_moment(bench, folder, moment)]
        tried += 1
    return tried, violations


def name_sources(bench: Bench, stint: Stint, count: int) -> tuple[int, list[str]]:
    """So many names, each for a whole job; how many, and the broken promises."""
    tried, violations = 0, []
    for name in names.names(count, stint.seed):
        if stint.is_over():
            break
        violations += [f"seed {stint.seed}, a source called {name!r}: {words}" for words in try_name(bench, name)]
        tried += 1
    return tried, violations


def fail(folder: Path, stint: Stint, *, every: int) -> Verdict:
    """Let every n-th operation fail, beginning with one that the seed says."""
    with ExitStack() as stack:
        workers = max(1, min(stint.workers, 4))
        benches = [stack.enter_context(a_bench(folder / str(n))) for n in range(workers)]
        operations = max(_operations(bench) for bench in benches)
        seen = Seen()
        waiting = cases(operations, stint.seed, every)
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda bench: _work(bench, waiting, seen, stint), benches))
    counts: dict[str, int | float | str] = {
        "operations of one job": operations,
        "cases": seen.cases,
        "operations that failed": ", ".join(f"{what} {count}" for what, count in sorted(seen.failed.items())),
        "first lives that ended as": ", ".join(f"{how} {count}" for how, count in seen.ends.most_common()),
    }
    return Verdict(part="files", counts=counts, violations=tuple(sorted(seen.violations)))


def cases(operations: int, seed: int, every: int) -> Iterator[Case]:
    """The ways to fail, spread evenly."""
    for number in range(1 + seed % every, operations + 1, every):
        for error in ERRORS:
            yield Case(number=number, error=error)
        if number // every % LASTING_EVERY == 0:
            for error in ERRORS:
                yield Case(number=number, error=error, is_lasting=True)


def _operations(bench: Bench) -> int:
    """How many things a job does to the disk. Of the second one: the sandbox has drawn the edit by then."""
    counts = []
    for _ in range(2):
        bench.begin()
        told = bench.live(bench.order())
        assert told.state == State.COMPLETED, (told.state, told.kinds, told.bugs)
        counts.append(told.count)
    return counts[-1]


def _work(bench: Bench, waiting: Iterator[Case], seen: Seen, stint: Stint) -> None:
    while not stint.is_over():
        with seen.lock:
            case = next(waiting, None)
        if case is None:
            return
        first, violations = try_case(bench, case)
        with seen.lock:
            seen.cases += 1
            seen.failed[first.sprung.partition(" ")[0] or "nothing"] += 1
            seen.ends[_end(first)] += 1
            seen.violations += [f"seed {stint.seed}, {case} ({first.sprung}): {words}" for words in violations]
            seen.pulse(cases=seen.cases, broken=len(seen.violations))


def _end(told: Told) -> str:
    return f"refused ({told.refused})" if told.refused else f"{told.state}{' paused' if told.is_paused else ''}"


def try_case(bench: Bench, case: Case) -> tuple[Told, list[str]]:
    """One life whose disk fails, one whose disk is well; what was seen of the first, and the broken promises."""
    bench.begin()
    first = bench.live(
        bench.order(number=case.number, error=case.error, is_lasting=case.is_lasting, goes_on=case.goes_on)
    )
    violations = list(judge.of_first(first, case.error))
    if first.refused and case.number % OPENS_EVERY:
        # Nothing was ordered yet, so the next life has nothing to see through.
        last = bench.live(bench.order(only_opens=True))
        violations += judge.of_opening(last)
    else:
        last = bench.live(bench.order(goes_on=True))
        violations += judge.of_last(bench, last, sends=1)
    return first, violations


def try_name(bench: Bench, name: str) -> list[str]:
    """A source of this name goes through a whole job."""
    bench.begin()
    source = bench.source.with_name(name)
    bench.source.rename(source)
    told = bench.live(bench.order(source=str(source), goes_on=True))
    source.rename(bench.source)
    return list(judge.of_last(bench, told, sends=1))
