"""Short sequences of both state machines, and proof that each can fail; `dev.py torture machine` does 3,000 of 60."""

from __future__ import annotations

import pytest

from tests.torture.machine.engine import EngineMachine
from tests.torture.machine.part import PLANTED
from tests.torture.machine.search import search
from tests.torture.machine.table import TableMachine

SEED = 20261121


def test_no_sequence_of_events_loses_or_doubles_a_payment() -> None:
    assert search(TableMachine, sequences=150, steps=40, start=SEED) == ""


def test_no_sequence_of_mishaps_makes_the_engine_break_a_promise() -> None:
    assert search(EngineMachine, sequences=25, steps=40, start=SEED) == ""


@pytest.mark.parametrize(
    ("machine", "defect", "promise"),
    [
        ("table", "the intent is recorded after sending", "I4"),
        ("table", "a restart makes it ready", "I2"),
        ("table", "what is not listed is sent again", "I1"),
        ("table", "the final name is given before the check", "I7"),
        ("engine", "the intent is recorded after sending", "I4"),
        ("engine", "what got lost is sent again", "I"),
        ("engine", "a restart makes it ready", "I"),
        ("engine", "the second take is forgotten", "I2"),
    ],
)
def test_a_planted_defect_is_found(machine: str, defect: str, promise: str) -> None:
    searched = {"table": TableMachine, "engine": EngineMachine}[machine]
    with PLANTED[machine][defect]():
        found = search(searched, sequences=400, steps=60, start=SEED, shrink=False)

    assert f"AssertionError: {promise}" in found
