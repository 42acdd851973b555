"""Every planted defect by chance, until the harness sees it or two hundred kills have passed; and each where it is aimed
at, with the same lives without it beside, which have to stay clean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count

from klingstudio.providers.registry import SERVICES
from tests.torture.defects.catalogue import DEFECTS, HARMLESS, Planted
from tests.torture.kills.harness import Run, run_once
from tests.torture.kills.ward import Ward, a_ward
from tests.torture.parts import Stint, Verdict

KILLS_MOST = 200
_PROMISE = re.compile(r"life \d+: (I\d+) ")


def aimed(defect: Planted, seed: int, ward: Ward, *, is_planted: bool = True) -> Run:
    """The shortest way to see it."""
    return run_once(
        seed,
        provider=defect.provider,
        plant=defect.plant if is_planted else None,
        ward=ward,
        endings=defect.endings,
        lag=defect.lag,
        clip=0,
        # What does no harm is watched to the end.
        ends_when_broken=bool(defect.breaks),
    )


def broken(run: Run) -> list[str]:
    """Names of the promises that were seen broken, in the order in which they were."""
    return [found[1] for line in run.violations if (found := _PROMISE.search(line))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunt:
    """How one defect was hunted."""

    defect: Planted
    kills: int
    """Until it was seen, or in all."""
    seen: str
    """What was seen first; empty: nothing."""
    wrong: tuple[str, ...] = ()


def run(stint: Stint) -> Verdict:
    """All of them."""
    with ProcessPoolExecutor(stint.workers) as pool:
        hunts = list(pool.map(_hunt, [(number, stint) for number in range(len(DEFECTS))]))
        harmless = list(pool.map(_harmless, [(number, stint) for number in range(len(HARMLESS))]))
    begun = [hunt for hunt in hunts if hunt.kills or hunt.seen]
    seen = [hunt for hunt in begun if hunt.seen]
    counts: dict[str, int | float | str] = {
        "planted": len(begun),
        "seen": len(seen),
        "kills at most": max((hunt.kills for hunt in seen), default=0),
        **{hunt.defect.name: f"{hunt.kills} kills, {hunt.seen}" for hunt in begun},
    }
    wrong = [line for hunt in hunts for line in hunt.wrong]
    wrong += [f"{hunt.defect.name}: not seen in {hunt.kills} kills" for hunt in begun if not hunt.seen]
    wrong += [line for lines in harmless for line in lines]
    return Verdict(part="defects", counts=counts, violations=tuple(f"seed {stint.seed}: {line}" for line in wrong))


def _hunt(batch: tuple[int, Stint]) -> Hunt:
    """For a process of its own."""
    number, stint = batch
    defect, kills = DEFECTS[number], 0
    if stint.is_over():
        return Hunt(defect=defect, kills=0, seen="")
    with a_ward() as ward:
        wrong = _aimed_at(defect, stint.seed + number, ward)
        for step in count():
            one = run_once(
                stint.seed + 1000 * (number + 1) + step,
                provider=_turn(defect, step),
                plant=defect.plant,
                ward=ward,
                ends_when_broken=True,
            )
            kills += one.kills
            if defect.breaks & set(broken(one)):
                return Hunt(defect=defect, kills=kills, seen=", ".join(dict.fromkeys(broken(one))), wrong=tuple(wrong))
            if kills >= KILLS_MOST or stint.is_over():
                return Hunt(defect=defect, kills=kills, seen="", wrong=tuple(wrong))
    raise AssertionError


def _turn(defect: Planted, step: int) -> str:
    """All services take turns, but where only one of them can show it."""
    return defect.provider if defect.is_of_one else SERVICES[step % len(SERVICES)].info.id


def _aimed_at(defect: Planted, seed: int, ward: Ward) -> list[str]:
    wrong = []
    first = broken(aimed(defect, seed, ward))
    if not defect.breaks & set(first):
        wrong.append(f"{defect.name}: aimed at, and only {first or 'nothing'} was seen")
    clean = aimed(defect, seed + 500, ward, is_planted=False)
    return wrong + [f"{defect.name}: without it, too: {line}" for line in clean.violations]


def _harmless(batch: tuple[int, Stint]) -> Sequence[str]:
    """For a process of its own."""
    number, stint = batch
    if stint.is_over():
        return []
    with a_ward() as ward:
        run = aimed(HARMLESS[number], stint.seed + 900 + number, ward)
    return [f"{HARMLESS[number].name}: {promise} was broken" for promise in broken(run)]
