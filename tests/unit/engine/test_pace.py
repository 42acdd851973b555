"""Many jobs are no heavier for a provider than a few, and one that is away is asked by one job for all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from klingstudio.domain.errors import Kind, NetworkProblem, ProviderRefused, StudioError, UnexpectedReply
from klingstudio.engine.pace import AT_FIRST, AWAY_LONGEST_S, LOOKS_AT_ONCE, Pace, apart_s
from klingstudio.providers import registry
from klingstudio.studio import pause
from tests.fakes.studio import FREE, PAID
from tests.torture.machine.virtual import VirtualLoop


class Job:
    """Looks every ten seconds, as long as it is let."""

    info = PAID

    def __init__(self) -> None:
        self.nudged = asyncio.Event()

    async def rest(self, seconds: float) -> bool:
        if seconds <= 0:
            return False
        self.nudged.clear()
        await pause(seconds, self.nudged)
        return self.nudged.is_set()

    def nudge(self) -> None:
        self.nudged.set()


class Provider:
    """Answers, or does not."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        # A clock that counts from anywhere, as those of computers do.
        self.pace = Pace(lambda: 5000 + loop.time())
        self.fails: StudioError | None = None
        self.asked: list[float] = []
        self.takes_s = 0.0
        self.at_once = self.most_at_once = 0

    async def follow(self, job: Job, every_s: float = 10.0) -> None:
        while True:
            try:
                async with self.pace.look(job):
                    await self.answer()
            except StudioError:
                pass
            await job.rest(every_s)

    async def answer(self) -> None:
        self.asked.append(self.loop.time())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.at_once -= 1
        if self.fails is not None:
            raise self.fails

    def run(self, *jobs: Job, seconds: float) -> None:
        async def all_of_them() -> None:
            tasks = [asyncio.ensure_future(self.follow(job)) for job in jobs]
            await asyncio.sleep(seconds)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.loop.run(all_of_them())


@pytest.fixture
def provider() -> Iterator[Provider]:
    loop = VirtualLoop()
    yield Provider(loop)
    loop.close()


def test_fifty_jobs_ask_once_a_second_and_four_at_once(provider: Provider) -> None:
    provider.takes_s = 30.0
    provider.run(*(Job() for _ in range(50)), seconds=600)

    assert provider.most_at_once == LOOKS_AT_ONCE

    provider.takes_s = 0.2
    provider.asked.clear()
    provider.run(*(Job() for _ in range(50)), seconds=600)

    assert 500 < len(provider.asked) <= 601 + AT_FIRST
    assert min(b - a for a, b in pairwise(provider.asked[AT_FIRST:])) > 0.7


def test_the_first_looks_after_a_start_do_not_wait_for_one_another(provider: Provider) -> None:
    provider.takes_s = 0.2
    provider.run(*(Job() for _ in range(AT_FIRST)), seconds=1)

    assert len(provider.asked) == AT_FIRST


def test_a_limit_of_the_provider_counts_and_the_sandbox_has_none() -> None:
    assert apart_s(replace(PAID, requests_per_minute=10)) == 6
    assert apart_s(FREE) == 0
    assert all(apart_s(entry.info) >= 1 for entry in registry.SERVICES)


@pytest.mark.parametrize("fails", [NetworkProblem(Kind.NETWORK_DOWN), UnexpectedReply("a portal")], ids=str)
def test_one_that_is_away_is_asked_by_one_job_for_all_ever_more_rarely(provider: Provider, fails: StudioError) -> None:
    provider.fails = fails
    provider.run(*(Job() for _ in range(20)), seconds=24 * 3600)
    late = [at for at in provider.asked if at > 2 * 3600]
    in_its_first_hour = [at for at in provider.asked if 60 < at < 3600]

    assert 20 < len(in_its_first_hour) < 60, "it may be back soon"
    assert len([at for at in provider.asked if at > 600]) < 24 * 60, "once a minute for all, not for each"
    assert min(b - a for a, b in pairwise(late)) >= AWAY_LONGEST_S


def test_its_first_answer_calls_all(provider: Provider) -> None:
    provider.fails = NetworkProblem(Kind.NETWORK_DOWN)
    jobs = [Job() for _ in range(20)]

    async def away_for_an_hour() -> None:
        tasks = [asyncio.ensure_future(provider.follow(job)) for job in jobs]
        await asyncio.sleep(3600)
        provider.fails = None
        provider.asked.clear()
        await asyncio.sleep(420)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    provider.loop.run(away_for_an_hour())

    assert provider.asked[0] <= 3600 * 1.11
    assert len([at for at in provider.asked if at <= provider.asked[0] + 25]) >= 20


def test_a_wait_that_is_asked_for_holds_all_jobs_back(provider: Provider) -> None:
    provider.fails = NetworkProblem(Kind.PROVIDER_BUSY, "HTTP 429", retry_after_s=120)
    provider.run(*(Job() for _ in range(10)), seconds=119)

    assert len(provider.asked) <= LOOKS_AT_ONCE


def test_the_person_need_not_wait(provider: Provider) -> None:
    provider.fails = NetworkProblem(Kind.NETWORK_DOWN)
    job = Job()

    async def press_after_an_hour() -> int:
        task = asyncio.ensure_future(provider.follow(job))
        await asyncio.sleep(3600)
        before = len(provider.asked)
        for _ in range(2):
            # Out of its own rest, and out of the wait for the provider.
            job.nudge()
            await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return len(provider.asked) - before

    assert provider.loop.run(press_after_an_hour()) >= 1


def test_an_answer_that_says_no_is_an_answer(provider: Provider) -> None:
    provider.fails = ProviderRefused(Kind.REQUEST_REJECTED)
    provider.run(Job(), seconds=300)

    assert len(provider.asked) >= 29
