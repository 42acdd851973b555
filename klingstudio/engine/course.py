"""One job on its way, and the one funnel for every change of it: first the journal, then memory, then the observers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from klingstudio import logs
from klingstudio.domain.errors import Charged, KeyProblem, Kind, Problem, ProviderRefused, StudioError
from klingstudio.domain.job import (
    ANY_ACCOUNT,
    ENDED,
    UNSENT,
    Attempt,
    AttemptState,
    Clip,
    Event,
    IllegalMove,
    Job,
    Progress,
    Remote,
    State,
)
from klingstudio.domain.price import Money
from klingstudio.engine import reconcile
from klingstudio.engine.accounts import Accounts
from klingstudio.engine.budget import Budget
from klingstudio.engine.doubt import Doubtful
from klingstudio.engine.fitting import Fits
from klingstudio.engine.pace import Pace
from klingstudio.media.worker import MediaWorker
from klingstudio.providers.base import Following, Provider, ProviderInfo
from klingstudio.store.jobs import JobStore, Sibling
from klingstudio.store.ledger import Ledger

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a job's way needs of the world: layers below, clock, chance, folders."""

    store: JobStore
    ledger: Ledger
    budget: Budget
    accounts: Accounts
    media: MediaWorker
    fits: Fits
    work: Path
    """Folder for clips on their way."""
    takes: Path
    """Folder of takes that were not asked for elsewhere."""
    refuge: Path | None = None
    """Folder of takes whose own folder cannot be written; None: there is none."""
    damaged: Path | None = None
    """Folder of results that do not decode as a whole; None: they are not kept."""
    now: Callable[[], datetime]
    pause: Callable[[float, asyncio.Event], Awaitable[None]]
    """Waits that many seconds, or until the event is set."""
    random: Callable[[], float]
    """Uniform in [0, 1)."""
    new_id: Callable[[], str]
    pace: Pace = field(default_factory=Pace)


class Course:
    """A job as it stands and everything that may be done to it.

    `announce` hears of every stored change, `welcome` of every further job that the job's paid request turned out to be.
    """

    def __init__(
        self,
        job: Job,
        around: Surroundings,
        *,
        announce: Callable[[Job], None],
        welcome: Callable[[Job], None],
        report: Callable[[Progress], None],
    ) -> None:
        self.job = job
        self.around = around
        self.answered = asyncio.Event()
        """Set while no paid request of this job is out."""
        self.answered.set()
        self.unsent = 0
        """Requests in a row that did not leave."""
        self.looks = 0
        """Looks in a row at the provider's list; the job itself counts only those that could be made."""
        self.damaged_results = 0
        """Results in a row that did not decode."""
        self.is_told_of = False
        """True once the provider has told of its end by itself; a repeat says nothing new."""
        self.asked_for_link = False
        """True once this run of the program has asked for a fresh link to a dead one."""
        self._announce = announce
        self._welcome = welcome
        self._report = report
        self._nudged = asyncio.Event()
        self._is_retired = False

    def retire(self) -> None:
        """The person moved the job: whatever this run still does on its way out must change nothing any more."""
        self._is_retired = True

    # ------------------------------------------------------------------------------------------------------ changing

    def replace(self, job: Job) -> None:
        """Take over what the journal has just stored."""
        self._must_be_current()
        if job.state is not self.job.state:
            log.info("%s → %s", self.job.state, job.state)
        self.job = job
        self._announce(job)

    def move(self, event: Event, **changes: Any) -> None:
        """Take one step of the transition table.

        Raises:
            IllegalMove: the table does not list it; nothing changed.
        """
        self._must_be_current()
        if "assets" in changes:
            # Of a request that was not sent, or got lost: they are still there, and can be removed.
            changes["left_assets"] = (*self.job.left_assets, *self.job.assets)
        self.replace(self.around.store.move(self.job, event, self.around.now(), **self._all_told(changes)))

    def settle(self, attempt: Attempt, state: AttemptState, event: Event, **changes: Any) -> None:
        """Record what became of a POST, on the attempt and on the job at once."""
        self._must_be_current()
        now, changes = self.around.now(), self._all_told(changes)
        self.replace(self.around.store.settle(self.job, attempt.id, state, event, now, **changes))

    def accept(self, attempt: Attempt, event: Event, remote_ids: Sequence[str], **changes: Any) -> None:
        """Record that a POST was accepted. The job is the first of its takes; each further one becomes a job of its own
        in the same transaction, because it is paid for as well.
        """
        self._must_be_current()
        # An id that is told twice is still one take, and one of another job's is that job's.
        known = self.around.store.attached_ids(attempt.provider)
        remote_ids = tuple(dict.fromkeys(told for told in remote_ids if told not in known)) or remote_ids[:1]
        siblings = self._siblings(attempt, remote_ids[1:])
        store, now = self.around.store, self.around.now()
        changes = {"remote_links": {}} | changes | {"remote_id": remote_ids[0], "estimate": self._estimate_each()}
        self.replace(store.settle(self.job, attempt.id, AttemptState.ACCEPTED, event, now, siblings, **changes))
        self._welcome_all(siblings)

    def attach(self, attempt: Attempt, remote_ids: Sequence[str]) -> None:
        """Keep what an older POST turned out to be: the job has gone on without it, so its takes are jobs of their own."""
        self._must_be_current()
        siblings = self._siblings(attempt, remote_ids)
        self.around.store.attach(attempt.id, siblings, self.around.now())
        self._welcome_all(siblings)

    def add(self, attempt: Attempt, remote_ids: Sequence[str]) -> None:
        """Further takes of the accepted POST have shown up."""
        self._must_be_current()
        siblings = self._siblings(attempt, remote_ids)
        self.around.store.add(siblings, self.around.now())
        self._welcome_all(siblings)

    def correct(self, remote_id: str) -> None:
        """The provider lists the job under another id than the one that was known."""
        self._must_be_current()
        store, now = self.around.store, self.around.now()
        self.replace(store.correct(self.job, self.remote_id, remote_id, now, problem=None, remote_links={}))

    def unwind(self) -> None:
        """Leave the states in which somebody is at work on the job."""
        self._must_be_current()
        unwound = self.around.store.unwind(self.job, self.around.now())
        if unwound is not self.job:
            self.replace(unwound)

    def amend(self, **changes: Any) -> None:
        """Store changed circumstances; the state stays."""
        self._must_be_current()
        self.replace(self.around.store.amend(self.job, self.around.now(), **self._all_told(changes)))

    def pause(self, problem: Problem) -> None:
        """Let the job rest until the person, or a later start, lets it go on. One that has ended stays as it ended."""
        if self.job.state in ENDED:
            log.info("what came after the end changes nothing: %s", problem.kind)
            return
        try:
            self.unwind()
            self.amend(problem=self._honest(problem), paused=True)
        except StudioError as error:
            # The journal cannot be written now. It is not wrong, only older, and the person has to know.
            log.info("the pause could not be stored: %s", error.problem.kind)
            self.replace(replace(self.job, problem=_without_keys(self._honest(problem)), paused=True))

    def note(self, problem: Problem | None) -> None:
        """Show a passing problem, or that it has passed."""
        if problem is not None:
            problem = self.with_older_requests(self._honest(problem))
        if problem != self.job.problem:
            self.amend(problem=problem)

    def tell(self, phase: State, fraction: float | None, elapsed_s: float = 0.0) -> None:
        """Report progress; nothing is stored."""
        self._report(Progress(job_id=self.job.id, phase=phase, fraction=fraction, elapsed_s=elapsed_s))

    # ------------------------------------------------------------------------------------------------------- waiting

    async def rest(self, seconds: float) -> bool:
        """Wait; a nudge ends it. True when there was one."""
        if seconds <= 0:
            return False
        self._nudged.clear()
        await self.around.pause(seconds, self._nudged)
        return self._nudged.is_set()

    def nudge(self) -> None:
        """The person asked for something: end the present wait."""
        self._nudged.set()

    # -------------------------------------------------------------------------------------------------------- asking

    @property
    def info(self) -> ProviderInfo:
        """The facts of the job's provider."""
        return self.around.accounts.info(self.job.request.provider)

    @property
    def clip(self) -> Clip:
        """The fitted clip of a job that has one."""
        if self.job.clip is None:
            raise IllegalMove("no clip")
        return self.job.clip

    @property
    def remote_id(self) -> str:
        """The provider's id of a job that has one."""
        if self.job.remote_id is None:
            raise IllegalMove("no remote id")
        return self.job.remote_id

    @property
    def remote(self) -> Remote:
        """The job as the provider knows it."""
        return Remote(id=self.remote_id, links=self.job.remote_links)

    def attempts(self) -> tuple[Attempt, ...]:
        """Every POST of the job, oldest first."""
        return self.around.store.attempts(self.job.id)

    def ordered_by(self) -> Attempt:
        """The POST that the job's remote id came from, else the newest."""
        attempts = self.attempts()
        if not attempts:
            raise IllegalMove("never sent")
        return next(
            (a for a in attempts if a.remote_id is not None and a.remote_id == self.job.remote_id), attempts[-1]
        )

    async def provider(self) -> Provider:
        """The adapter with the present key, for calls before anything was ordered.

        Raises:
            KeyProblem: there is no key.
        """
        return await self.around.accounts.provider(self.job.request.provider)

    async def host(self) -> Provider:
        """The adapter of whoever hosts the job's files.

        Raises:
            KeyProblem: there is no key.
        """
        return await self.around.accounts.provider(self.job.request.inputs_via or self.job.request.provider)

    @property
    def own_address(self) -> str | None:
        """The person's own address of the clip, where the provider is given that instead of an upload."""
        return self.job.request.source_url if self.clip.is_source else None

    async def ordering_provider(self) -> Following:
        """The adapter, if its key still belongs, or may belong, to the account that ordered the job.

        Raises:
            KeyProblem: it belongs to another account, or there is none.
        """
        return await self.following(self.ordered_by())

    async def following(self, attempt: Attempt) -> Following:
        """The adapter as far as its present key can be believed about one POST.

        Raises:
            KeyProblem: it belongs to another account, or there is none.
        """
        provider = await self.provider()
        try:
            account = await provider.authorize()
        except ProviderRefused as error:
            if error.problem.kind is not Kind.NO_CREDIT:
                raise
            # An account that is empty now has paid for this; it is only not told whose it is.
            return Doubtful(provider, error)
        if attempt.account in (account.fingerprint, ANY_ACCOUNT):
            return provider
        other = KeyProblem(Kind.OTHER_ACCOUNT, subject="key")
        if not account.is_of_key:
            raise other
        return Doubtful(provider, other)

    # -------------------------------------------------------------------------------------------------------- inside

    def _siblings(self, attempt: Attempt, remote_ids: Sequence[str]) -> tuple[Sibling, ...]:
        return tuple(self._sibling(attempt, remote_id) for remote_id in remote_ids)

    def _sibling(self, attempt: Attempt, remote_id: str) -> Sibling:
        job, now = self.job, self.around.now()
        is_of_these = bool(job.assets) and job.assets[0].url == attempt.asset_url
        sibling = Job(
            id=self.around.new_id(),
            state=State.DRAFT,
            request=job.request,
            created_at=now,
            updated_at=now,
            estimate=self._estimate_each(),
            ordered_with=job.id,
            clip=job.clip,
            source_mark=job.source_mark,
            assets=job.assets if is_of_these else (),
            order=job.order,
            # Who stopped the order stopped all of it.
            cancel_requested_at=job.cancel_requested_at,
        )
        share = replace(
            attempt,
            id=self.around.new_id(),
            job_id=sibling.id,
            state=AttemptState.INTENT,
            approval_id=None,
            remote_id=remote_id,
        )
        return sibling, share

    def _welcome_all(self, siblings: Sequence[Sibling]) -> None:
        for sibling, share in siblings:
            self._welcome(replace(sibling, state=State.REMOTE, remote_id=share.remote_id))

    def _estimate_each(self) -> Money | None:
        estimate, takes = self.job.estimate, self.job.request.takes
        if estimate is None or takes == 1 or self.job.remote_id is not None:
            return estimate
        return Money(estimate.amount / takes, estimate.currency)

    def _must_be_current(self) -> None:
        if self._is_retired:
            raise asyncio.CancelledError

    def with_older_requests(self, problem: Problem) -> Problem:
        """The problem as the bill may show it: an older request, of which nobody knows, may have been charged."""
        if problem.charged is not Charged.NO or not reconcile.unanswered(self.attempts()):
            return problem
        return replace(problem, charged=Charged.MAYBE)

    def _all_told(self, changes: dict[str, Any]) -> dict[str, Any]:
        problem = changes.get("problem")
        return changes if problem is None else changes | {"problem": self.with_older_requests(_without_keys(problem))}

    def _honest(self, problem: Problem) -> Problem:
        """What happens after the request is out never says "not charged"."""
        if problem.charged is not Charged.NO or self.job.state in UNSENT:
            return problem
        is_made = self.job.state in (State.SUCCEEDED, State.DOWNLOADING, State.VERIFYING, State.RESULT_UNAVAILABLE)
        return replace(problem, charged=Charged.YES if is_made else Charged.MAYBE)


def _without_keys(problem: Problem) -> Problem:
    """An error of a library may quote what it was given, and a problem is stored and shown."""
    return replace(problem, detail=logs.without_keys(problem.detail), raw=logs.without_keys(problem.raw))
