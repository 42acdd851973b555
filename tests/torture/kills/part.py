"""The long versions: the whole product of points and faults and then chance, until a thousand lives of the engine were
killed; and fifty windows. Each worker has a ward of its own and does its share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from random import Random

from klingstudio.providers.registry import SERVICES
from tests.torture.kills import product
from tests.torture.kills.harness import Ending, Run, fault_by_chance, run_once
from tests.torture.kills.points import POINTS
from tests.torture.kills.ward import a_ward
from tests.torture.parts import Pulse, Stint, Verdict

KILLS = 1000
WINDOWS, WINDOWS_A_RUN = 50, 5
PROVIDERS = tuple(entry.info.id for entry in SERVICES)


def kills(stint: Stint) -> Verdict:
    """A thousand kills, and not one broken promise."""
    runs = _all(share, stint)
    passed: Counter[str] = sum((run.points for run in runs), Counter())
    violations = [line for run in runs for line in run.violations]
    if not stint.is_over():
        violations += [f"the point {point!r} was never passed" for point in POINTS if not passed[point]]
    return verdict("kills", runs, violations)


def window_kills(stint: Stint) -> Verdict:
    """Fifty windows, killed at random times while jobs run in them."""
    runs = _all(_window_share, stint)
    return verdict("window_kills", runs, [line for run in runs for line in run.violations])


def _all(work: Callable[[Stint, int, int], list[Run]], stint: Stint) -> list[Run]:
    workers = max(1, stint.workers)
    with ProcessPoolExecutor(workers) as pool:
        shares = pool.map(work, [stint] * workers, range(workers), [workers] * workers)
        return [run for share in shares for run in share]


def share(stint: Stint, number: int, of: int) -> list[Run]:
    """What one of several workers does."""
    with a_ward() as ward:
        runs: list[Run] = []
        pulse = Pulse(f"kills, worker {number + 1} of {of}")
        for case in list(product.cases(PROVIDERS))[number::of]:
            if stint.is_over():
                return runs
            runs.append(
                run_once(
                    stint.seed, provider=case.provider, ward=ward, endings=case.endings, lag=case.lag, clip=case.clip
                )
            )
            _tell(pulse, runs)
        for seed in _seeds(stint, number):
            if stint.is_over() or sum(run.kills for run in runs) >= KILLS / of:
                break
            runs.append(run_once(seed, provider=PROVIDERS[seed % len(PROVIDERS)], ward=ward))
            _tell(pulse, runs)
    return runs


def _tell(pulse: Pulse, runs: Sequence[Run]) -> None:
    pulse(runs=len(runs), kills=sum(run.kills for run in runs), broken=sum(len(run.violations) for run in runs))


def _window_share(stint: Stint, number: int, of: int) -> list[Run]:
    runs: list[Run] = []
    pulse = Pulse(f"window_kills, worker {number + 1} of {of}")
    with a_ward() as ward:
        for index in range(number, WINDOWS // WINDOWS_A_RUN, of):
            if stint.is_over():
                break
            seed = Random(f"{stint.seed} window {index}").randrange(10**9)
            endings = windows(seed, WINDOWS_A_RUN)
            runs.append(run_once(seed, provider=PROVIDERS[index % len(PROVIDERS)], ward=ward, endings=endings))
            _tell(pulse, runs)
    return runs


def _seeds(stint: Stint, number: int) -> Iterator[int]:
    random = Random(f"{stint.seed} {number}")
    while True:
        yield random.randrange(10**9)


def verdict(part: str, runs: Sequence[Run], violations: Sequence[str]) -> Verdict:
    """What came of many runs."""
    killed_at: Counter[str] = sum((run.killed_at for run in runs), Counter())
    ends: Counter[str] = sum((run.ends for run in runs), Counter())
    counts: dict[str, int | float | str] = {
        "runs": len(runs),
        "lives": sum(run.lives for run in runs),
        "kills": sum(run.kills for run in runs),
        "at a named point": sum(count for point, count in killed_at.items() if point in POINTS),
        "named points": len([point for point in killed_at if point in POINTS]),
        "by time": killed_at["by time"],
        "jobs": sum(ends.values()),
        "completed": ends["completed"],
        "paid requests": sum(run.posts for run in runs),
        "charges": sum(run.charges for run in runs),
        "seconds": round(sum(run.seconds for run in runs), 1),
    }
    return Verdict(part=part, counts=counts, violations=tuple(violations))


def windows(seed: int, count: int) -> list[Ending]:
    """So many windows that are killed while one or two jobs are at work in them."""
    random = Random(seed)
    return [
        Ending(
            after_points=round(2 ** random.uniform(3, 8)),
            faults=tuple(fault_by_chance(random) for _ in range(random.choice([0, 1, 1, 2]))),
            jobs=random.choice([1, 2]),
            is_window=True,
        )
        for _ in range(count)
    ]
