"""What takes long: edits of many hours, ids that are unknown for a while, ends that are taken back, fifty jobs at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from klingstudio.domain.job import Job, State
from tests.torture.hours.outage import a_world, put, wait_until
from tests.torture.hours.service import Away
from tests.torture.machine.cloud import Cloud, Fate, Said
from tests.torture.machine.table import quick_disk
from tests.torture.machine.world import World


@contextmanager
def a_cloudy_world() -> Iterator[World]:
    """The engine with the provider in memory."""
    with tempfile.TemporaryDirectory(prefix="kling-patience-", dir=quick_disk()) as folder:
        world = World(Path(folder))
        try:
            yield world
        finally:
            world.close()


def until(world: World, state: State, *, limit_s: float = 24 * 3600.0) -> Job:
    """The only job, in this state or as it is at the limit."""
    wait_until(world, lambda: world.jobs()[0].state is state, limit_s=limit_s)
    return world.jobs()[0]


def an_edit_of_hours(hours: float) -> list[str]:
    """POL-12: asked ever more slowly, never sent again, never given up."""
    with a_cloudy_world() as world:
        world.cloud.takes_s = hours * 3600
        world.order()
        world.loop.pass_time((hours - 0.1) * 3600)
        job = world.jobs()[0]
        found = [] if job.state is State.REMOTE and job.problem is None else [f"it was given up: {job.state}"]
        polls = asked(world.cloud, "poll")
        if polls > hours * 3600 / world.info.poll_every_s + 10:
            found.append(f"{polls} polls in {hours} hours")
        if until(world, State.COMPLETED).state is not State.COMPLETED:
            found.append(f"its end was not seen: {world.jobs()[0].state}")
        return found + world.broken() + _sent_once(world)


def unknown_for(count: int) -> tuple[State, float]:
    """POL-4: the state that so many answers "unknown id" lead to, and the seconds that it took."""
    with a_cloudy_world() as world:
        world.cloud.takes_s = 10**9
        world.order()
        until(world, State.REMOTE)
        world.loop.pass_time(60)
        world.cloud.says.extend([Said.MISSING] * count)
        began = world.loop.time()
        wait_until(world, lambda: world.jobs()[0].state is not State.REMOTE or not world.cloud.says, limit_s=3600)
        assert not world.broken(), world.broken()
        return world.jobs()[0].state, world.loop.time() - began


def taken_back(said: Said, after_s: float) -> list[str]:
    """POL-15: the provider says that it failed, or was cancelled, and after so long that it did not."""
    with a_cloudy_world() as world:
        world.cloud.takes_s = 100.0
        world.order()
        until(world, State.REMOTE)
        world.cloud.always = said
        ended = until(world, {Said.FAILED: State.REMOTE_FAILED, Said.CANCELLED: State.REMOTE_CANCELLED}[said])
        world.loop.pass_time(after_s)
        world.cloud.always = None
        found = [] if ended.state is not State.REMOTE else ["the end was not believed"]
        if until(world, State.COMPLETED, limit_s=8 * 3600).state is not State.COMPLETED:
            found.append(f"the take was not taken {after_s:.0f} s after {said}: {world.jobs()[0].state}")
        return found + world.broken() + _sent_once(world)


def inputs_of_last_week(wrong_by: timedelta) -> list[str]:
    """UPL-22: a job waits for the person until what was uploaded for it is gone; by a clock that is right, or not."""
    with a_cloudy_world() as world:
        world.cloud.uploads_live_s = float(world.info.inputs_live_s or 0)
        # No request leaves this computer, so it waits for the person.
        world.cloud.fates.extend([Fate.NOT_SENT] * 3)
        world.order()
        wait_until(world, lambda: world.jobs()[0].paused, limit_s=600)
        if world.jobs()[0].state is not State.READY:
            return [f"it does not wait for the person: {world.jobs()[0].state}"]
        world.loop.pass_time(8 * 24 * 3600.0)
        world.clock.wrong_by = wrong_by
        world.act(lambda: world.queue.carry_on(world.jobs()[0].id))
        world.loop.pass_time(3600)
        (job,) = world.jobs()
        found = (
            [] if job.state is State.COMPLETED else [f"clock {wrong_by}: paid for inputs that are gone: {job.problem}"]
        )
        return found + world.broken() + _sent_once(world)


def fifty_at_once(jobs: int = 50, minutes: float = 10.0) -> tuple[float, int, float]:
    """POL-18: polls a second over all, the most at once, and the longest time that one job waited for its poll."""
    with a_world() as (world, service):
        service.takes_s = 0.3
        for number in range(jobs):
            put(world, number, State.REMOTE)
        world.crash()
        world.loop.pass_time(minutes * 60)
        polls = [one for one in service.arrivals if "remote-" in one.path]
        last: dict[str, float] = {}
        gap_s = 0.0
        for one in polls:
            gap_s = max(gap_s, one.at_s - last.get(one.path, 0.0))
            last[one.path] = one.at_s
        assert len(last) == jobs, "every job was polled"
        # The stream of events is one more.
        return len(polls) / (minutes * 60), max(one.in_flight for one in polls) - 1, gap_s


def asked_to_wait(value: str) -> float:
    """Seconds between the first answer 429 with this Retry-After and the next request for any of ten jobs."""
    with a_world() as (world, service):
        for number in range(10):
            put(world, number, State.REMOTE)
        world.crash()
        world.loop.pass_time(30)
        service.away, service.retry_after = Away.ASKS_TO_WAIT, value
        before = len(service.arrivals)
        world.loop.pass_time(400)
        polls = [one.at_s for one in service.arrivals[before:] if "remote-" in one.path]
        return polls[1] - polls[0]


def asked(cloud: Cloud, name: str) -> int:
    """How often it was asked for this."""
    return sum(one == name for _, one in cloud.asked)


def _sent_once(world: World) -> list[str]:
    posts = sum(world.truth.posts.values())
    return [] if posts == 1 else [f"{posts} requests were sent"]
