"""Hypothesis as a searcher: many sequences of one machine from one seed, and the shortest that breaks a promise."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def search(machine: type[RuleBasedStateMachine], *, sequences: int, steps: int, start: int, shrink: bool = True) -> str:
    """What the first broken promise was, with the steps that lead there; empty where every one was kept.

    Args:
        start: the seed.
        shrink: look for the shortest way there, which takes many more runs.
    """
    chosen = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )

    # Of its own, for the seed is a mark on the class.
    class Machine(machine):  # type: ignore[misc, valid-type]
        pass

    Machine.__name__ = machine.__name__
    try:
        run_state_machine_as_test(seed(start)(Machine), settings=chosen)
    except Exception as error:  # noqa: BLE001 - whatever ends a sequence is what is looked for
        notes = "\n".join(getattr(error, "__notes__", []))
        return f"seed {start}: {type(error).__name__}: {error}\n{notes}"
    return ""
