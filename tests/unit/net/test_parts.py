"""Parts go a few at a time; what one of them says in failing is what is heard."""

from __future__ import annotations

import asyncio

import pytest

from klingstudio.domain.errors import Kind, NetworkProblem
from klingstudio.net.parts import Part, Tally, parts_of, send_parts


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (0, ()),
        (1, (Part(1, 0, 1),)),
        (10, (Part(1, 0, 10),)),
        (21, (Part(1, 0, 10), Part(2, 10, 10), Part(3, 20, 1))),
    ],
)
def test_only_the_last_part_is_shorter(size: int, parts: tuple[Part, ...]) -> None:
    assert parts_of(size, 10) == parts


async def test_every_part_is_sent_once_and_never_more_than_so_many_at_a_time() -> None:
    sent: list[int] = []
    under_way = most = 0

    async def send(part: Part) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        sent.append(part.number)
        under_way -= 1

    await send_parts(parts_of(95, 10), send, at_once=3)

    assert sorted(sent) == list(range(1, 11))
    assert most == 3


async def test_a_part_that_fails_for_good_stops_the_others_and_its_reason_is_told() -> None:
    begun: list[int] = []

    async def send(part: Part) -> None:
        begun.append(part.number)
        if part.number == 2:
            raise NetworkProblem(Kind.NETWORK_SLOW, "part 2")
        await asyncio.Event().wait()

    with pytest.raises(NetworkProblem) as failed:
        await send_parts(parts_of(95, 10), send, at_once=3)

    assert failed.value.problem.detail == "part 2"
    assert begun == [1, 2, 3]


async def test_whoever_stops_the_upload_stops_its_parts() -> None:
    stopped: list[int] = []

    async def send(part: Part) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append(part.number)
            raise

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await send_parts(parts_of(95, 10), send, at_once=2)

    assert sorted(stopped) == [1, 2]


def test_a_part_that_is_sent_again_is_counted_once() -> None:
    told: list[tuple[int, int]] = []
    tally = Tally(25, lambda done, total: told.append((done, total)))
    first, second, third = parts_of(25, 10)

    tally.has_arrived(first)
    tally.of(second)(8, 10)
    tally.of(third)(5, 5)
    tally.of(second)(4, 10)
    tally.of(second)(10, 10)

    assert told == [(18, 25), (23, 25), (19, 25), (25, 25)]
