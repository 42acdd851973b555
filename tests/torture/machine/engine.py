"""The real engine under every sequence of mishaps that Hypothesis thinks of, in virtual time.

Jobs are ordered, answered, lost, listed late, fetched, cut and damaged; the program dies at any step of its loop; the
person presses everything. At the end all faults stop: what was paid for must have found its job, and nothing is stuck.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from klingstudio.domain.errors import StudioError
from klingstudio.domain.job import ATTENTION, QUIET, UNSENT, AttemptState, Job, State
from tests.torture.machine.cloud import Fate, Fetch, Said
from tests.torture.machine.table import quick_disk
from tests.torture.machine.world import World

JOBS_MOST = 3
SETTLING_S = 2 * 24 * 3600.0
"""Virtual time without faults until everything must rest."""


class EngineMachine(RuleBasedStateMachine):
    """Each rule is one mishap, one wish of the person, or some time."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="kling-engine-", dir=quick_disk())
        self.world = World(Path(self.folder.name))
        self.is_settled = False

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.world.close()
            self.folder.cleanup()

    def pick(self, which: int, *states: State) -> Job | None:
        jobs = [job for job in self.world.jobs() if not states or job.state in states]
        return jobs[which % len(jobs)] if jobs else None

    # ----------------------------------------------------------------------------------------------------- the program

    @rule(rounds=st.integers(1, 60))
    def turns(self, rounds: int) -> None:
        """The loop goes round; no time passes."""
        self.world.loop.turn(rounds)

    @rule(seconds=st.sampled_from([1.0, 5.0, 20.0, 70.0, 700.0, 90_000.0]))
    def time(self, seconds: float) -> None:
        self.world.loop.pass_time(seconds)

    @rule(rounds=st.integers(0, 30))
    def dies(self, rounds: int) -> None:
        """At whatever step it has come to."""
        self.world.loop.turn(rounds)
        self.world.crash()

    @rule()
    def quits(self) -> None:
        self.world.quit()

    # ------------------------------------------------------------------------------------------------------ the person

    @precondition(lambda self: len(self.world.jobs()) < JOBS_MOST)
    @rule(fates=st.lists(st.sampled_from(Fate), max_size=3), rounds=st.integers(0, 80))
    def orders(self, fates: list[Fate], rounds: int) -> None:
        self.world.cloud.fates.extend(fates)
        self.world.order()
        self.world.loop.turn(rounds)

    @rule(which=st.integers(0, 2), wish=st.sampled_from(["cancel", "carry_on", "look_again", "send_again", "drop"]))
    def presses(self, which: int, wish: str) -> None:
        """Anything, on any job, whether it makes sense or not; twice, for hands are quick."""
        if (job := self.pick(which)) is None:
            return
        for _ in range(2):
            with contextlib.suppress(StudioError):
                if wish == "send_again":
                    self.world.send_again(self.world.queue.job(job.id))
                else:
                    self.world.act(lambda: getattr(self.world.queue, wish)(job.id))

    @rule(which=st.integers(0, 2), is_right=st.booleans())
    def finds(self, which: int, is_right: bool) -> None:
        """The person types the id that stands on the provider's page, or another one that stands there."""
        if (job := self.pick(which, State.UNCONFIRMED)) is None:
            return
        (unknown,) = [a for a in self.world.store.attempts(job.id) if a.state is AttemptState.UNKNOWN]
        made = [one.remote_id for one in self.world.cloud.made.values() if one.asset_url == unknown.asset_url]
        others = [one for one in self.world.store.attached_ids("cloud") if one not in made]
        if typed := (made if is_right else others):
            with contextlib.suppress(StudioError):
                self.world.act(lambda: self.world.queue.found(job.id, typed[0]))

    # ---------------------------------------------------------------------------------------------------- the provider

    @rule(fates=st.lists(st.sampled_from(Fate), min_size=1, max_size=3))
    def next_posts(self, fates: list[Fate]) -> None:
        self.world.cloud.fates.extend(fates)

    @rule(says=st.lists(st.sampled_from(Said), min_size=1, max_size=6))
    def next_polls(self, says: list[Said]) -> None:
        self.world.cloud.says.extend(says)

    @rule(fetches=st.lists(st.sampled_from(Fetch), min_size=1, max_size=4))
    def next_fetches(self, fetches: list[Fetch]) -> None:
        self.world.cloud.fetches.extend(fetches)

    @rule(is_up=st.booleans(), lag_s=st.sampled_from([0.0, 20.0, 4000.0]), takes_s=st.sampled_from([0.0, 30.0, 2000.0]))
    def weather(self, is_up: bool, lag_s: float, takes_s: float) -> None:
        cloud = self.world.cloud
        cloud.is_up, cloud.lag_s, cloud.takes_s = is_up, lag_s, takes_s

    # ------------------------------------------------------------------------------------------------------ the promises

    @invariant()
    def promises(self) -> None:
        broken = self.world.broken()
        assert not broken, "; ".join(broken)

    def settle(self) -> None:
        """No more faults: everything comes to rest, and what was paid for is found."""
        world = self.world
        cloud = world.cloud
        cloud.fates.clear()
        cloud.says.clear()
        cloud.fetches.clear()
        cloud.is_up, cloud.lag_s, cloud.takes_s = True, 0.0, 30.0
        for job in world.jobs():
            if job.paused and job.state not in UNSENT:
                # The person presses on; what was not sent may wait for ever.
                world.act(lambda job_id=job.id: world.queue.carry_on(job_id))  # type: ignore[misc]
        world.loop.pass_time(SETTLING_S)
        self.promises()
        stuck = [
            f"{job.id[:6]} is {job.state}"
            for job in world.jobs()
            if job.state not in QUIET | ATTENTION and not job.paused
        ]
        assert not stuck, f"I11 {stuck}"
        silent = [f"{job.id[:6]} is {job.state}" for job in world.jobs() if job.paused and job.problem is None]
        assert not silent, f"I12 nobody is told why: {silent}"
        assert not world.unattached(), f"I2 paid, listed, and never found: {world.unattached()}"
