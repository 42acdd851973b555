"""After a backup was put back: what was sent since is known to the providers only, so they are asked before anything else.

Two halves. `doubt` changes the jobs of the backup that were not sent then: each may have been sent since, so none of them
goes on as if it had not. `Recovery` reads the providers' lists for edits that the journal does not know, and takes them up.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from klingstudio.domain.errors import TRIED_AS_IT_IS, Charged, Kind, Problem, StudioError
from klingstudio.domain.job import ANY_ACCOUNT, Attempt, AttemptState, Event, Job, State
from klingstudio.domain.request import Request
from klingstudio.engine import reconcile
from klingstudio.engine.accounts import Accounts
from klingstudio.engine.afterwards import LOST_FOR
from klingstudio.providers.base import ProviderInfo, RemoteJob
from klingstudio.store.jobs import JobStore, is_readable
from klingstudio.store.restorations import Restoration, RestorationStore

log = logging.getLogger(__name__)

ASKED_FOR = timedelta(days=30)
"""So long after a backup was put back lists are still read that could not be read before."""


def doubt(store: JobStore, records: RestorationStore, now: datetime, new_id: Callable[[], str]) -> None:
    """Before anything else: no job of the backup is taken for unsent any more. A kill on the way is made good by a repeat."""
    for restoration in records.since(now - ASKED_FOR):
        if restoration.is_doubted:
            continue
        for job in store.recover(now):
            if is_readable(job):
                _doubt(store, job, restoration, now, new_id)
        records.doubted(restoration)


def _doubt(store: JobStore, job: Job, restoration: Restoration, now: datetime, new_id: Callable[[], str]) -> None:
    stopped = Problem(kind=Kind.MAY_BE_SENT, charged=Charged.MAYBE, detail=_when(restoration))
    match job.state:
        case State.READY if job.assets and job.assets[0].url != job.request.source_url:
            # Its upload is known, so the list can prove that it was sent; until then it counts as sent.
            approval = store.unspent_approval(job.id)
            attempt = Attempt(
                id=new_id(),
                job_id=job.id,
                provider=job.request.provider,
                account=ANY_ACCOUNT,
                state=AttemptState.INTENT,
                asset_url=job.assets[0].url,
                body_sha256=hashlib.sha256(job.order.body.encode()).hexdigest() if job.order else "",
                intent_at=restoration.since,
                approval_id=approval.id if approval else None,
            )
            job = store.intend(job, attempt, now)
            lost = Problem(kind=Kind.SUBMIT_UNCONFIRMED, charged=Charged.MAYBE, detail=_when(restoration))
            store.settle(job, attempt.id, AttemptState.UNKNOWN, Event.CRASH, now, problem=lost, looks=0)
        case State.PREPARED | State.READY:
            store.move(job, Event.STOP, now, problem=stopped, paused=False)
        case State.DRAFT if job.problem is None or job.problem.kind in TRIED_AS_IT_IS:
            store.amend(job, now, problem=stopped)
        case _:
            # What was sent is looked after as ever, and what rests for another reason is not sent by a mere press.
            return


def is_awaited(one: RemoteJob, attempts: Iterable[Attempt], now: datetime, *, is_own: bool) -> bool:
    """True where a job of the journal will find this edit in the list, or is just being told of it.

    Args:
        is_own: the address of the clip is the person's own.
    """
    return any(_is_sought(attempt, now) and reconcile.may_find(attempt, one, is_own=is_own) for attempt in attempts)


def _is_sought(attempt: Attempt, now: datetime) -> bool:
    if attempt.state is AttemptState.WAIVED:
        return now - attempt.intent_at < LOST_FOR
    return attempt.state in (AttemptState.INTENT, AttemptState.UNKNOWN)


def _when(restoration: Restoration) -> str:
    return f"the list of edits is that of {restoration.since.astimezone():%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one provider's list had."""

    provider: ProviderInfo
    jobs: int
    """Edits that the journal did not know, taken up now."""
    since: datetime
    """UTC."""
    problem: Problem | None = None
    """Why the list could not be read; it is tried again at the next start."""


class Recovery:
    """Asks every provider with a key for edits that the journal does not know, and has them carried on."""

    def __init__(
        self,
        store: JobStore,
        records: RestorationStore,
        accounts: Accounts,
        *,
        take_up: Callable[[Job], None],
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._records = records
        self._accounts = accounts
        self._take_up = take_up
        self._now = now
        self._sleep = sleep
        self._new_id = new_id
        self._looking = asyncio.Lock()
        self._hears: Callable[[Found], None] | None = None
        self.found: dict[str, Found] = {}
        """What is known so far, by the id of the provider."""

    def hear(self, hears: Callable[[Found], None]) -> None:
        """Be told what each list had: of those that were read before this, too."""
        self._hears = hears
        for found in self.found.values():
            hears(found)

    def is_wanted(self) -> bool:
        """True when a backup was put back and not every list has been read."""
        return bool(self._unseen())

    async def run(self) -> None:
        """Read what has not been read; lists that cannot be are tried again, ever more rarely."""
        for tries in range(len(reconcile.SCHEDULE_S)):
            if await self.look():
                return
            await self._sleep(reconcile.pause_before_look(tries))

    async def look(self) -> bool:
        """Read what has not been read, one time; False where it is worth trying again."""
        # Of two looks at once both would take up the same edits.
        async with self._looking:
            return all([await self._look(restoration, info) for restoration, info in self._unseen()])

    def _unseen(self) -> list[tuple[Restoration, ProviderInfo]]:
        restorations = self._records.since(self._now() - ASKED_FOR)
        return [(one, info) for one in restorations for info in self._accounts.services() if info.id not in one.seen]

    async def _look(self, restoration: Restoration, info: ProviderInfo) -> bool:
        try:
            provider = await self._accounts.provider(info.id)
            account = await provider.authorize()
            listed = await provider.find(restoration.since - reconcile.CLOCK_SLACK)
        except StudioError as error:
            if error.problem.kind is Kind.KEY_MISSING:
                # Asked as soon as there is one: at the next start.
                return True
            log.info("the list of %s could not be read: %s", info.id, error.problem.kind)
            self._tell(Found(provider=info, jobs=0, since=restoration.since, problem=error.problem))
            return False
        own = {job.request.source_url for job in self._store.all()}
        count = sum(self._meet(one, own, info, account.fingerprint, restoration) for one in reversed(listed))
        self._records.saw(restoration, info.id, count)
        self._tell(Found(provider=info, jobs=count, since=restoration.since))
        return True

    def _tell(self, found: Found) -> None:
        before = self.found.get(found.provider.id)
        self.found[found.provider.id] = found
        is_news = before is None or before.problem != found.problem or found.problem is None
        if self._hears is not None and is_news:
            self._hears(found)

    def _meet(
        self, one: RemoteJob, own: Collection[str | None], info: ProviderInfo, account: str, restoration: Restoration
    ) -> bool:
        """True for an edit that nobody here knew; it is a job now. `own`: the addresses of the person's own."""
        begin, end = restoration.since - reconcile.CLOCK_SLACK, restoration.at + reconcile.CLOCK_SLACK
        is_of_that_time = one.created_at is None or begin <= one.created_at <= end
        if not is_of_that_time or one.remote_id in self._store.attached_ids(info.id):
            return False
        now, attempts = self._now(), self._store.attempts_at(info.id, one.input_video)
        if is_awaited(one, attempts, now, is_own=one.input_video in own):
            return False
        job = Job(
            id=self._new_id(),
            state=State.DRAFT,
            request=Request(source=one.input_video, source_url=one.input_video, prompt="", provider=info.id),
            created_at=one.created_at or now,
            updated_at=now,
        )
        attempt = Attempt(
            id=self._new_id(),
            job_id=job.id,
            provider=info.id,
            account=account,
            state=AttemptState.INTENT,
            asset_url=one.input_video,
            body_sha256="",
            intent_at=one.created_at or now,
            remote_id=one.remote_id,
        )
        self._store.add([(job, attempt)], now)
        self._take_up(replace(job, state=State.REMOTE, remote_id=one.remote_id))
        return True
