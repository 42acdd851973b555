"""Four homes of the torture with paid requests, one for each service, and a few lists that lag; `dev.py torture submits`
tries fifty homes of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from klingstudio.providers.registry import Entry
from tests.fakes.sandbox import Sandbox
from tests.fakes.services import each_service
from tests.torture.submits import FOUND_WITHIN_S, fates_of, found_within, one_home, somewhere

SEED = 6


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Sandbox, Path, Path]]:
    with somewhere() as found:
        yield found


@each_service
async def test_a_paid_request_is_sent_once_for_each_approval_and_no_charge_is_lost(
    entry: Entry, place: tuple[Sandbox, Path, Path]
) -> None:
    fates = fates_of(entry.info.id)

    tally = await one_home(entry.info.id, SEED, *place, fates)

    assert tally.wrong == []
    assert len({fate.name for fate in fates}) == 24
    assert set(tally.posts) >= {fate.name for fate in fates}
    assert tally.orders < tally.posts.total() <= tally.attempts
    assert tally.charged > 12
    assert tally.approvals > 0


@each_service
async def test_a_lost_request_is_found_within_two_minutes_although_the_list_lags(
    entry: Entry, place: tuple[Sandbox, Path, Path]
) -> None:
    times = await found_within(entry.info.id, (0.0, 9.0, 33.0, 60.0), *place)

    assert all(lag_s <= took_s <= FOUND_WITHIN_S for lag_s, took_s in times)
    whole_s = [round(took_s) for _lag_s, took_s in times]
    assert whole_s == sorted(whole_s)
