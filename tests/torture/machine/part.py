"""Both state machines at length: 3,000 sequences of 60 steps on the table, 300 of 60 on the real engine."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.torture.machine.engine import EngineMachine
from tests.torture.machine.planted import IN_THE_ENGINE, IN_THE_TABLE
from tests.torture.machine.search import search
from tests.torture.machine.table import TableMachine
from tests.torture.parts import Pulse, Stint, Verdict

SEQUENCES = 3000
ENGINE_SEQUENCES = 300
STEPS = 60
BATCH = 100
"""Sequences of one process before it looks at the time."""
PLANTED_WITHIN = 400
"""Sequences within which a planted defect must be found."""
MACHINES = {"table": TableMachine, "engine": EngineMachine}
PLANTED = {"table": IN_THE_TABLE, "engine": IN_THE_ENGINE}


def run(stint: Stint) -> Verdict:
    """Both figures, and each planted defect."""
    batches = [("table", n) for n in range(SEQUENCES // BATCH)]
    batches += [("engine", n) for n in range(ENGINE_SEQUENCES // BATCH)]
    # So that a run that is cut short has seen something of both.
    batches.sort(key=lambda batch: batch[1] * (1 if batch[0] == "table" else SEQUENCES // ENGINE_SEQUENCES))
    violations: list[str] = []
    done = {"table": 0, "engine": 0}
    pulse = Pulse("machine, sequences")
    with ProcessPoolExecutor(stint.workers, mp_context=get_context("spawn")) as pool:
        while batches and not stint.is_over():
            now, batches = batches[: 2 * stint.workers], batches[2 * stint.workers :]
            # Each batch by its own seed: the same whatever the number of workers.
            runs = {batch: pool.submit(search_batch, batch[0], stint.seed * 1000 + batch[1]) for batch in now}
            for (machine, _), future in runs.items():
                done[machine] += BATCH
                violations += [f"{machine}: {text}" for text in [future.result()] if text]
                pulse(**done, broken=len(violations))
        planted = {(machine, name): None for machine, plants in PLANTED.items() for name in plants}
        finds = [pool.submit(is_found, machine, name, stint.seed) for machine, name in planted]
        missed = [key for key, find in zip(planted, finds, strict=True) if not find.result()]
    violations += [f"{machine}: planted and not found: {name}" for machine, name in missed]
    return Verdict(
        part="machine",
        counts={
            "sequences on the table": done["table"],
            "sequences on the engine": done["engine"],
            "steps each": STEPS,
            "planted": len(planted),
            "found": len(planted) - len(missed),
        },
        violations=tuple(violations),
    )


def search_batch(machine: str, seed: int) -> str:
    """One batch; what it found."""
    return search(MACHINES[machine], sequences=BATCH, steps=STEPS, start=seed)


def is_found(machine: str, name: str, seed: int) -> bool:
    """True when the machine sees the planted defect."""
    with PLANTED[machine][name]():
        return bool(search(MACHINES[machine], sequences=PLANTED_WITHIN, steps=STEPS, start=seed, shrink=False))
