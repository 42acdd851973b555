"""Two programs on one data folder: the second is refused while the first lives, and were it not, nothing is sent twice."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from functools import partial
from pathlib import Path
from random import Random

from klingstudio.domain.errors import StudioError
from klingstudio.domain.job import IllegalMove, State
from tests.fakes.command_line import CommandLine, until_state
from tests.torture.machine.cloud import Fate
from tests.torture.machine.table import quick_disk
from tests.torture.machine.world import World

SECOND_PROGRAM_S = 8
"""How long an edit must take at least: two more programs start and are refused meanwhile."""


def interleave(seed: int, *, guarded: bool = True) -> list[str]:
    """Two engines, let onto one journal by force, both told to send the same job; every promise that was broken.

    Args:
        guarded: False takes the journal's own rules away, to see that they are what keeps the promises.
    """
    random = Random(seed)
    with tempfile.TemporaryDirectory(prefix="kling-two-", dir=quick_disk()) as folder:
        world = World(Path(folder))
        try:
            return [f"seed {seed}: {broken}" for broken in _rivals(world, random, guarded=guarded)]
        finally:
            world.close()


def _rivals(world: World, random: Random, *, guarded: bool) -> list[str]:
    world.order()
    # As far as chance lets it come: from its first step to its last.
    world.loop.turn(random.randrange(60))
    world.crash()
    world.cloud.fates.extend(random.choices(list(Fate), k=2))
    rival = world.open_engine()
    world.act(rival.open)
    if not guarded:
        world.database._connection.executescript(
            "DROP INDEX one_open; DROP TRIGGER attempt_starts; DROP TRIGGER event_legal; DROP TRIGGER job_follows_events"
        )
    engines = [world.queue, rival]
    for _ in range(random.randrange(4, 14)):
        engine = random.choice(engines)
        wish = random.choice(["carry_on", "carry_on", "look_again", "cancel"])
        for job in world.jobs():
            try:
                if engine is world.queue and random.random() < 0.25:
                    world.send_again(job)
                else:
                    world.act(partial(getattr(engine, wish), job.id))
            except (StudioError, IllegalMove):
                # The other one was quicker: the journal refused.
                continue
            except RuntimeError as error:
                # It looked for the attempt in question, and the other one had dealt with that.
                if not isinstance(error.__cause__, StopIteration):
                    raise
        world.loop.turn(random.randrange(40))
        world.loop.pass_time(random.choice([0.0, 0.0, 1.0, 15.0]))
    world.loop.pass_time(60)
    # To lose a race is no bug here.
    world.bugs[:] = [bug for bug in world.bugs if not isinstance(bug, IllegalMove)]
    # Nobody else's steps are seen by an engine, so only the journal is looked at.
    return world.watch.broken(world.database._connection) + [
        f"bug {bug!r}" for bug in world.bugs if not _is_planned(bug)
    ]


def _is_planned(bug: Exception) -> bool:
    return isinstance(bug, ValueError)


def second_program(run: CommandLine, clip: Path) -> list[str]:
    """Programs of their own: the second while the first works, while it is stopped, and after it was killed."""
    found = []
    first = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    until_state(first, State.REMOTE)
    second = run("edit", str(clip), "--prompt", "rain", "--json")
    if second.returncode == 0 or "completed" in second.stdout:
        found.append(f"the second was let in while the first was at work: {second.stdout[-300:]}")
    os.kill(first.pid, signal.SIGSTOP)
    try:
        third = run("edit", str(clip), "--prompt", "rain", "--json")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    if third.returncode == 0:
        found.append("another was let in while the first was stopped")
    first.kill()
    first.wait()
    last = run("resume", "--json")
    ended = json.loads(last.stdout.splitlines()[-1]) if last.stdout else {}
    if last.returncode != 0 or ended.get("state") != "completed":
        found.append(
            f"after a kill the folder was not free: {last.returncode} {last.stdout[-300:]} {last.stderr[-300:]}"
        )
    return found
