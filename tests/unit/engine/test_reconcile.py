"""How often a lost request is looked for."""

from __future__ import annotations

from itertools import pairwise

from klingstudio.engine.reconcile import SCHEDULE_S, pause_before_look


def test_looks_come_ever_more_rarely_and_never_end() -> None:
    pauses = [pause_before_look(looks) for looks in range(100)]

    assert all(earlier <= later for earlier, later in pairwise(pauses))
    assert pauses[: len(SCHEDULE_S)] == list(SCHEDULE_S)
    assert set(pauses[len(SCHEDULE_S) :]) == {SCHEDULE_S[-1]}
