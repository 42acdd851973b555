"""Three hundred mutated answers for each provider; `dev.py torture` tries fifty thousand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from klingstudio.providers.registry import Entry
from tests.fakes.sandbox import Sandbox
from tests.fakes.services import each_service
from tests.torture.replies import sandboxes, torture

REPLIES = 300
SEED = 20261120


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, Sandbox, Path]]:
    with sandboxes() as both:
        yield both


@each_service
async def test_no_answer_is_too_strange(entry: Entry, served: tuple[Sandbox, Sandbox, Path]) -> None:
    tally = await torture(entry, served, replies=REPLIES, seed=SEED)

    assert tally.uncaught == []
    assert tally.wrong == []
    assert tally.replies == REPLIES
    assert len(tally.outcomes) > 12, "the answers were of many kinds"
