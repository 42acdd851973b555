"""A provider that is away for a day, in virtual time, behind the real adapter and real sockets.

What is counted is what arrives on the wire: the repeats of every layer and the stream of events are in it.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klingstudio import logs
from klingstudio.domain.job import Asset, Attempt, AttemptState, Clip, Event, Job, State
from klingstudio.domain.request import Request
from klingstudio.providers import oxen
from tests.torture.hours.service import Away, Service
from tests.torture.machine.table import TO_READY, quick_disk
from tests.torture.machine.virtual import VirtualLoop
from tests.torture.machine.world import World

ACCOUNT = hashlib.sha256(b"oxen:ada").hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What was seen of one outage."""

    per_minute_max: float
    """Requests of one job in one minute, the busiest after the first ten."""
    per_minute: float
    """Requests of one job and minute, over all after the first ten."""
    log_bytes: int
    back_after_s: float
    """From the service's return until the last take was there."""
    states: frozenset[State]
    broken: tuple[str, ...] = ()
    kinds: Counter[str] = field(default_factory=Counter)


@contextmanager
def a_world(folder: Path | None = None) -> Iterator[tuple[World, Service]]:
    """The engine with the first provider's adapter, and that provider."""
    with tempfile.TemporaryDirectory(prefix="kling-hours-", dir=quick_disk()) as made:
        loop = VirtualLoop()
        service = Service(loop)
        loop.run(service.wire.__aenter__())
        world = World(folder or Path(made), info=oxen.INFO, environ=service.environ, loop=loop)
        try:
            yield world, service
        finally:
            loop.run(service.wire.__aexit__(None, None, None))
            world.close()


def put(world: World, number: int, state: State) -> Job:
    """A job as an earlier life of the program left it: at the provider, or lost there."""
    now = world.clock()
    url = f"https://there.invalid/{number}.mp4"
    job = Job(
        id=f"{number:032x}",
        state=State.DRAFT,
        request=Request(source=str(world.source), prompt="snow", provider=world.info.id),
        created_at=now,
        updated_at=now,
        clip=Clip(
            path=str(world.source),
            sha256="",
            size_bytes=world.source.stat().st_size,
            duration_s=5.0,
            width_px=1280,
            height_px=720,
            frame_count=125,
            is_source=True,
        ),
    )
    attempt = Attempt(
        id=f"attempt {number}",
        job_id=job.id,
        provider=world.info.id,
        account=ACCOUNT,
        state=AttemptState.INTENT,
        asset_url=url,
        body_sha256="00",
        intent_at=now,
    )
    store = world.store
    store.create(job)
    for event in TO_READY:
        changes: dict[str, Any] = {}
        if event is Event.UPLOADED:
            changes = {"assets": (Asset(subject="source", url=url, host=world.info.id),)}
        job = store.move(job, event, now, **changes)
    job = store.intend(job, attempt, now)
    if state is State.REMOTE:
        return store.settle(job, attempt.id, AttemptState.ACCEPTED, Event.ACCEPTED, now, remote_id=f"remote-{number}")
    return store.settle(job, attempt.id, AttemptState.UNKNOWN, Event.AMBIGUOUS, now)


def a_day_away(away: Away, *, jobs: int = 1, hours: float = 24.0, state: State = State.REMOTE) -> Day:
    """The program is started, the service goes away, comes back after `hours`, and every job comes to its end."""
    with a_world() as (world, service), tempfile.TemporaryDirectory() as log_folder:
        for number in range(jobs):
            put(world, number, state)
            row = {"generation_id": f"remote-{number}", "input_video": f"https://there.invalid/{number}.mp4"}
            service.listed.append(row)
        stop_log = logs.start(Path(log_folder))
        level = logging.getLogger().level
        try:
            service.away = away
            world.crash()
            world.loop.pass_time(hours * 3600)
            arrivals = [one for one in service.arrivals if one.at_s > 600]
            minutes = Counter(int(one.at_s // 60) for one in arrivals)
            left = world.loop.time()
            service.away, service.is_done = None, True
            while not _is_over(world) and world.loop.time() < left + 7200:
                world.loop.pass_time(5)
            back_after_s = world.loop.time() - left
        finally:
            stop_log()
            logging.getLogger().setLevel(level)
        return Day(
            per_minute_max=max(minutes.values(), default=0) / jobs,
            per_minute=len(arrivals) / jobs / (hours * 60 - 10),
            log_bytes=sum(path.stat().st_size for path in Path(log_folder).iterdir()),
            back_after_s=back_after_s,
            states=frozenset(job.state for job in world.jobs()),
            broken=tuple(world.broken()),
            kinds=Counter(one.path.split("?")[0].rsplit("/", 1)[0] for one in arrivals),
        )


def _is_over(world: World) -> bool:
    return all(job.state is State.COMPLETED for job in world.jobs())


def wait_until(world: World, wanted: Callable[[], bool], *, limit_s: float, step_s: float = 1.0) -> float:
    """Virtual seconds until it is true, or the limit."""
    began = world.loop.time()
    while not wanted() and world.loop.time() - began < limit_s:
        world.loop.pass_time(step_s)
    return world.loop.time() - began
