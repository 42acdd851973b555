"""The clock of the wall is set to another day or year while a job is at any of its phases, in virtual time.

Every phase, in both directions, with an answer that came and one that got lost, with and without a restart after it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path

from klingstudio.domain.job import Job, Progress, State
from tests.torture.machine.cloud import Fate, Fetch, Said
from tests.torture.machine.table import quick_disk
from tests.torture.machine.world import World

JUMPS = tuple(timedelta(days=days) for days in (1, -1, 365, -365))
PHASES = (
    *(State.PREPARING, State.PREPARED, State.UPLOADING, State.READY, State.SUBMITTING, State.UNCONFIRMED),
    *(State.REMOTE, State.SUCCEEDED, State.DOWNLOADING, State.VERIFYING, State.COMPLETED),
)
ENOUGH_S = 3 * 3600.0
"""Virtual time until every job must have its take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """One setting of the clock."""

    phase: State
    by: timedelta
    fate: Fate
    restarts: bool
    """The program ends and is started again right after it."""
    goes_back: bool
    """After ten minutes somebody sets it right again."""

    def __str__(self) -> str:
        return (
            f"{self.by.days:+} days at {self.phase}, {self.fate}"
            f"{', restarted' * self.restarts}{', set right again' * self.goes_back}"
        )


def every_jump() -> Iterator[Jump]:
    """All of them."""
    for phase, by, fate, restarts, goes_back in product(
        PHASES, JUMPS, (Fate.OK, Fate.REPLY_LOST), (False, True), (False, True)
    ):
        if phase is not State.UNCONFIRMED or fate is Fate.REPLY_LOST:
            yield Jump(phase=phase, by=by, fate=fate, restarts=restarts, goes_back=goes_back)


class _AtPhase:
    """Sets the clock when the job reaches it."""

    def __init__(self, world: World, jump: Jump) -> None:
        self._world = world
        self._jump = jump
        self.is_over = False

    def job_changed(self, job: Job) -> None:
        if job.state is self._jump.phase and not self.is_over:
            self.is_over = True
            self._world.clock.wrong_by = self._jump.by

    def job_progress(self, progress: Progress) -> None:
        pass


def jump(how: Jump) -> list[str]:
    """One job's life with one jump; every promise that was broken."""
    with tempfile.TemporaryDirectory(prefix="kling-clock-", dir=quick_disk()) as folder:
        world = World(Path(folder))
        try:
            return [f"{how}: {broken}" for broken in _live(world, how)]
        finally:
            world.close()


def _live(world: World, how: Jump) -> list[str]:
    cloud = world.cloud
    # Links that die are those that tell when; a first download is cut, and a first poll unanswered.
    cloud.link_lives_s = 600.0
    cloud.fates.append(how.fate)
    cloud.fetches.append(Fetch.CUT)
    cloud.says.append(Said.BUSY)
    at_phase = _AtPhase(world, how)
    world.queue.subscribe(at_phase)
    world.order()
    began = world.loop.time()
    while not at_phase.is_over and world.loop.time() - began < ENOUGH_S:
        world.loop.turn(1)
        if not world.loop.is_busy():
            world.loop.pass_time(1)
    if not at_phase.is_over:
        return ["the phase was never reached"]
    if how.restarts:
        world.crash()
    world.loop.pass_time(600)
    if how.goes_back:
        world.clock.wrong_by = timedelta(0)
    for job in world.jobs():
        if job.paused or job.state is State.DRAFT:
            # What was not sent before the restart waits for the person.
            world.act(lambda job_id=job.id: world.queue.carry_on(job_id))  # type: ignore[misc]
        elif job.state is State.UNCONFIRMED and how.restarts and not world.cloud.made:
            # Nobody can know that it was never sent.
            world.send_again(job)
    world.loop.pass_time(ENOUGH_S)
    found = world.broken() + [f"paid and never found: {one}" for one in world.unattached()]
    (job,) = world.jobs()
    if job.state is not State.COMPLETED:
        found.append(f"the job is {job.state}: {job.problem}")
    if sum(world.truth.paid_posts.values()) != 1:
        found.append(f"{sum(world.truth.paid_posts.values())} charges")
    return found


def jumps(chosen: Sequence[Jump]) -> list[str]:
    """Broken promises of all of these."""
    return [broken for how in chosen for broken in jump(how)]
