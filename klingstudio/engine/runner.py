"""Carries one job from state to state until it rests: one loop, one `match`, one funnel for every change.

What each step promises is in the table of `domain/job.py`. The rule above all: once bytes of the paid POST may have
left, this module never sends it again. The only way back to READY from there is `NOT_SENT` (proved by the transport)
or the person's approval, which the database spends with the attempt.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, assert_never

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import (
    Charged,
    DiskProblem,
    InputRefused,
    KeyProblem,
    Kind,
    NetworkProblem,
    Problem,
    ProviderRefused,
    ResultGone,
    StudioError,
    UnexpectedReply,
)
from klingstudio.domain.job import (
    UNSENT,
    Asset,
    Attempt,
    AttemptState,
    Clip,
    Event,
    IllegalMove,
    Job,
    Progress,
    State,
)
from klingstudio.domain.price import Money
from klingstudio.engine import reconcile
from klingstudio.engine.accounts import Accounts
from klingstudio.engine.finish import Finish
from klingstudio.engine.preflight import check_price, preflight
from klingstudio.media.probe import mark_source, stat_source
from klingstudio.media.worker import MediaWorker
from klingstudio.net.transfer import disk_problem
from klingstudio.providers.base import (
    Cancelled,
    Failed,
    Finished,
    Missing,
    Provider,
    Waiting,
)
from klingstudio.store.jobs import JobStore
from klingstudio.store.ledger import Ledger

log = logging.getLogger(__name__)

NOT_SENT_MOST = 3
NOT_SENT_WITHIN = timedelta(minutes=2)
MISSING_MOST = 3
MISSING_FOR = timedelta(minutes=5)
POLL_FIRST_S = 1.0
"""Providers find a bad parameter only when they run the job, so the first polls come soon and then ever later."""
POLL_LONGEST_S = 60.0
RESULT_TRIES = 3
REFRESH_EVERY_S = 24 * 3600.0
CANCEL_TRIES = 3
DISK_RESERVE_BYTES = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a job's way needs of the world: layers below, clock, chance, folders."""

    store: JobStore
    ledger: Ledger
    accounts: Accounts
    media: MediaWorker
    work: Path
    """Folder for clips on their way."""
    takes: Path
    """Folder of takes that were not asked for elsewhere."""
    now: Callable[[], datetime]
    pause: Callable[[float, asyncio.Event], Awaitable[None]]
    """Waits that many seconds, or until the event is set."""
    random: Callable[[], float]
    new_id: Callable[[], str]


class Runner:
    """One job's way. `announce` hears of every stored change, `report` of progress between them."""

    def __init__(
        self,
        job: Job,
        surroundings: Surroundings,
        *,
        announce: Callable[[Job], None],
        report: Callable[[Progress], None],
    ) -> None:
        self.job = job
        self._around = surroundings
        self._announce = announce
        self._report = report
        self._nudged = asyncio.Event()
        self.answered = asyncio.Event()
        """Set while no paid request of this job is out."""
        self.answered.set()
        self._link_was_refreshed = False

    def nudge(self) -> None:
        """Something the person asked for has changed: end the present pause."""
        self._nudged.set()

    async def run(self) -> None:
        """Go on until the job rests, is paused, or this task is cancelled."""
        await self._run_while(frozenset(State))

    async def run_until_sent(self) -> None:
        """Go on until the request is out, or the job rests or is paused before that."""
        await self._run_while(UNSENT)

    async def _run_while(self, states: frozenset[State]) -> None:
        while self.job.is_active and self.job.state in states:
            try:
                await self._step()
            except StudioError as error:
                self._pause(error.problem)

    async def _step(self) -> None:
        match self.job.state:
            case State.PREPARING:
                await self._prepare()
            case State.PREPARED:
                if self._source_is_unchanged():
                    await (await self._around.accounts.provider(self.job.request.provider)).authorize()
                    self._move(Event.UPLOAD)
            case State.UPLOADING:
                await self._upload()
            case State.READY:
                await self._submit()
            case State.UNCONFIRMED | State.REMOTE_MISSING:
                await self._look()
            case State.REMOTE:
                await self._poll()
            case State.SUCCEEDED:
                await self._fetch()
            case State.RESULT_UNAVAILABLE:
                await self._refresh()
            case State.SUBMITTING | State.DOWNLOADING | State.VERIFYING:
                raise IllegalMove(f"{self.job.state} belongs to another run")
            case State.DRAFT | State.COMPLETED | State.REJECTED:
                raise IllegalMove(f"{self.job.state} rests")
            case State.REMOTE_FAILED | State.REMOTE_CANCELLED | State.ABANDONED:
                raise IllegalMove(f"{self.job.state} rests")
            case other:
                assert_never(other)

    # ---------------------------------------------------------------------------------------------- before the POST

    async def _prepare(self) -> None:
        request, around = self.job.request, self._around
        try:
            source = Path(request.source)
            checked = await preflight(request, media=around.media, accounts=around.accounts)
            mark = await asyncio.to_thread(mark_source, source)
            around.work.mkdir(parents=True, exist_ok=True)
            clip = await around.media.fit(
                source,
                checked.plan,
                limits=around.accounts.info(request.provider).limits,
                keep_audio=request.keep_audio,
                out=around.work / f"{self.job.id}.mp4",
                on_progress=lambda fraction: self._tell(State.PREPARING, fraction),
            )
        except StudioError as error:
            self._move(Event.INPUT_BAD, problem=error.problem)
        except OSError as error:
            self._move(Event.INPUT_BAD, problem=disk_problem(error).problem)
        else:
            self._move(
                Event.PREPARED,
                clip=clip,
                source_mark=mark,
                estimate=checked.estimate or self.job.estimate,
                problem=None,
            )

    def _source_is_unchanged(self) -> bool:
        """False, and the job is a draft again, when the source or the fitted clip is not what was prepared."""
        mark, source = self.job.source_mark, Path(self.job.request.source)
        try:
            stat = stat_source(source)
            if mark is None or (stat.st_size, stat.st_mtime_ns) != (mark.size_bytes, mark.modified_ns):
                raise InputRefused(Kind.SOURCE_CHANGED, source.name, subject="source")
            if not Path(self._clip().path).exists():
                raise InputRefused(Kind.SOURCE_CHANGED, "the fitted clip was removed", subject="source")
        except InputRefused as error:
            self._move(Event.SOURCE_CHANGED, problem=error.problem)
            return False
        return True

    async def _upload(self) -> None:
        try:
            provider = await self._around.accounts.provider(self.job.request.provider)
            assets = await self._upload_all(provider)
            body = await provider.body(self.job.request, assets, self._clip().duration_s)
        except InputRefused as error:
            self._move(Event.SOURCE_CHANGED, problem=error.problem)
        except StudioError as error:
            self._move(Event.UPLOAD_FAILED, problem=error.problem, paused=True)
        except OSError as error:
            self._move(Event.UPLOAD_FAILED, problem=disk_problem(error).problem, paused=True)
        else:
            if self._source_is_unchanged():
                self._move(Event.UPLOADED, assets=assets, body=body, problem=None)

    async def _upload_all(self, provider: Provider) -> tuple[Asset, ...]:
        clip = self._clip()
        # A name of its own per upload: the clip's address is what tells this attempt from any other later.
        run = self._around.new_id()[:12]
        local: list[tuple[str, str, Path]] = [("source", clip.path, Path(clip.path))]
        assets: dict[int, Asset] = {}
        for number, (subject, place) in enumerate(self.job.request.pictures(), 1):
            if is_web_address(place):
                assets[number] = Asset(subject=subject, url=place, place=place)
                local.append((subject, place, Path()))
            else:
                out = self._around.work / f"{run}-{number}{Path(place).suffix.lower()}"
                local.append((subject, place, await self._around.media.clean_image(Path(place), out)))
        total = sum(path.stat().st_size for n, (_, _, path) in enumerate(local) if n not in assets)
        before = 0
        for number, (subject, place, path) in enumerate(local):
            if number in assets:
                continue
            suffix = path.suffix.lower() or ".mp4"
            name = f"{run}{suffix}" if number == 0 else f"{run}-{number}{suffix}"
            size = path.stat().st_size

            def on_progress(done: int, _: int, before: int = before) -> None:
                self._tell(State.UPLOADING, (before + done) / max(1, total))

            url = await provider.upload(path, name, on_progress)
            assets[number] = Asset(subject=subject, url=url, place=place)
            before += size
        return tuple(assets[number] for number in sorted(assets))

    # --------------------------------------------------------------------------------------------------- the one POST

    async def _submit(self) -> None:
        attempts = self._around.store.attempts(self.job.id)
        if any(a.asset_url == self.job.assets[0].url and a.state is not AttemptState.NOT_SENT for a in attempts):
            self._move(Event.ASSET_EXPIRED)
            return
        since = self._around.now() - NOT_SENT_WITHIN
        if sum(a.state is AttemptState.NOT_SENT and a.intent_at >= since for a in attempts) >= NOT_SENT_MOST:
            self._pause(self.job.problem or Problem(kind=Kind.NETWORK_DOWN))
            return
        if not self._source_is_unchanged():
            return
        # Nothing is left to fail after paying: price, disk and key are looked at once more.
        clip = self._clip()
        await check_price(self.job.request, clip.duration_s, self._around.accounts)
        self._check_free_space(2 * clip.size_bytes + DISK_RESERVE_BYTES)
        provider = await self._around.accounts.provider(self.job.request.provider)
        account = (await provider.authorize()).fingerprint
        body = self.job.body or ""
        attempt = Attempt(
            id=self._around.new_id(),
            job_id=self.job.id,
            provider=self.job.request.provider,
            account=account,
            state=AttemptState.INTENT,
            asset_url=self.job.assets[0].url,
            body_sha256=hashlib.sha256(body.encode()).hexdigest(),
            intent_at=self._around.now(),
            approval_id=self._around.store.unspent_approval(self.job.id),
        )
        self._set(self._around.store.intend(self.job, attempt, self._around.now()))
        await self._send(provider, attempt, body)

    async def _send(self, provider: Provider, attempt: Attempt, body: str) -> None:
        self.answered.clear()
        try:
            ids = await provider.submit(body)
        except NetworkProblem as error:
            self._settle(attempt, AttemptState.NOT_SENT, Event.NOT_SENT, problem=error.problem)
            await self._rest(error.retry_after_s or 2.0)
        except (ProviderRefused, KeyProblem) as error:
            self._settle(attempt, AttemptState.REJECTED, Event.REJECTED, problem=error.problem)
        except StudioError as error:
            problem = Problem(kind=Kind.SUBMIT_UNCONFIRMED, detail=error.problem.detail, charged=Charged.MAYBE)
            self._settle(attempt, AttemptState.UNKNOWN, Event.AMBIGUOUS, problem=problem, looks=0)
        except Exception as error:
            # A bug between the first byte and the id must not look like "not sent".
            problem = Problem(kind=Kind.SUBMIT_UNCONFIRMED, detail=type(error).__name__, charged=Charged.MAYBE)
            self._settle(attempt, AttemptState.UNKNOWN, Event.AMBIGUOUS, problem=problem)
            raise
        else:
            self._settle(
                attempt,
                AttemptState.ACCEPTED,
                Event.ACCEPTED,
                remote_id=ids[0],
                extra_remote_ids=ids[1:],
                problem=None,
            )
            log.info("accepted as %s", ids[0])
        finally:
            self.answered.set()

    # --------------------------------------------------------------------------------------------------- at the provider

    async def _look(self) -> None:
        """Read the provider's list until the lost job shows up. Its absence changes nothing."""
        await self._rest(reconcile.pause_before_look(self.job.looks))
        attempts = self._around.store.attempts(self.job.id)
        try:
            provider = await self._bound_provider()
            if self.job.state is State.REMOTE_MISSING:
                known = not isinstance(await provider.poll(self.job.remote_id or ""), Missing)
                if known:
                    self._move(Event.FOUND, problem=None)
                    return
            for attempt in reconcile.unanswered(attempts):
                listed = await provider.find(reconcile.look_from(attempt))
                attached = self._around.store.attached_ids(attempt.provider, attempt.account)
                if ids := reconcile.matches(attempt, listed, attached):
                    self._settle(
                        attempt,
                        AttemptState.ACCEPTED,
                        Event.FOUND,
                        remote_id=ids[0],
                        extra_remote_ids=ids[1:],
                        problem=None,
                    )
                    log.info("found as %s", ids[0])
                    return
        except KeyProblem:
            raise
        except StudioError as error:
            log.info("could not look: %s", error.problem.kind)
        self._amend(looks=self.job.looks + 1, looked_at=self._around.now())

    async def _poll(self) -> None:
        every_s = self._around.accounts.info(self.job.request.provider).poll_every_s
        sent_at = max((a.intent_at for a in self._around.store.attempts(self.job.id)), default=self.job.created_at)
        wait_s, usual_s, missing, missing_since, cancels = 0.0, POLL_FIRST_S, 0, self._around.now(), 0
        while self.job.state is State.REMOTE:
            elapsed_s = (self._around.now() - sent_at).total_seconds()
            self._tell(State.REMOTE, None, max(0.0, elapsed_s))
            await self._rest(wait_s)
            try:
                provider = await self._bound_provider()
                if self.job.cancel_requested_at is not None and cancels < CANCEL_TRIES:
                    cancels += 1
                    await provider.cancel(self.job.remote_id or "")
                status = await provider.poll(self.job.remote_id or "")
            except (NetworkProblem, UnexpectedReply) as error:
                # A poll that fails says nothing about the job: wait longer, never give up, never call it failed.
                self._note(error.problem)
                wait_s = min(POLL_LONGEST_S, max(every_s, wait_s * 1.5))
                continue
            wait_s, usual_s = min(every_s, usual_s), usual_s * 2
            self._note(None)
            if not isinstance(status, Missing):
                missing, missing_since = 0, self._around.now()
            match status:
                case Waiting(word=word):
                    if word != self.job.remote_status:
                        self._amend(remote_status=word)
                case Missing():
                    missing += 1
                    if missing >= MISSING_MOST and self._around.now() - missing_since >= MISSING_FOR:
                        self._move(
                            Event.REMOTE_MISSING, problem=Problem(kind=Kind.JOB_NOT_KNOWN, charged=Charged.MAYBE)
                        )
                case Finished(url=url):
                    charge = await self._charge(provider)
                    self._move(Event.REMOTE_OK, result_url=url, charge=charge, problem=None)
                case Failed(reason=reason):
                    charge = await self._charge(provider)
                    problem = Problem(kind=Kind.EDIT_FAILED, detail=reason, charged=_charged(charge))
                    self._move(Event.REMOTE_FAILED, charge=charge, problem=problem)
                case Cancelled():
                    charge = await self._charge(provider)
                    problem = Problem(kind=Kind.EDIT_CANCELLED, charged=_charged(charge))
                    self._move(Event.REMOTE_CANCELLED, charge=charge, problem=problem)
                case other:
                    assert_never(other)

    async def _charge(self, provider: Provider) -> Money | None:
        """The real charge, if it is told at once; the take must not wait for it."""
        try:
            charge = await provider.charge(self.job.remote_id or "")
        except StudioError:
            return self.job.charge
        if charge is not None:
            self._around.ledger.record(self.job.id, self.job.request.provider, charge, self._around.now())
        return charge if charge is not None else self.job.charge

    async def _bound_provider(self) -> Provider:
        """The adapter, if its key still belongs to the account that ordered the job."""
        provider = await self._around.accounts.provider(self.job.request.provider)
        attempts = self._around.store.attempts(self.job.id)
        if attempts and (await provider.authorize()).fingerprint != attempts[-1].account:
            raise KeyProblem(Kind.OTHER_ACCOUNT, subject="key")
        return provider

    # -------------------------------------------------------------------------------------------------- after the edit

    async def _fetch(self) -> None:
        finish = Finish(self.job, takes=self._around.takes, media=self._around.media, now=self._around.now)
        if (adopted := await finish.adopt()) is not None:
            self._move(Event.DOWNLOAD)
            self._move(Event.BYTES_DONE)
            self._move(Event.GOOD, take=str(adopted), problem=None)
            return
        self._move(Event.DOWNLOAD, problem=None)
        if not await self._download(finish):
            return
        self._move(Event.BYTES_DONE)
        try:
            await finish.verify(lambda fraction: self._tell(State.VERIFYING, fraction))
            planned, digest = await finish.plan_name()
            # Stored before the rename, so that a take whose commit was lost is recognised by its hash.
            self._amend(planned_take=str(planned), take_sha256=digest)
            take = await finish.keep(planned)
        except DiskProblem as error:
            self._move(Event.BAD, problem=error.problem, paused=True)
        except StudioError as error:
            finish.discard()
            again = self.job.problem is None or self.job.problem.kind is not Kind.RESULT_DAMAGED
            self._move(Event.BAD, problem=error.problem, paused=not again)
        else:
            charge = self.job.charge
            self._move(Event.GOOD, take=str(take), problem=None)
            if charge is None:
                await self._late_charge()
            self._clean_up()

    async def _download(self, finish: Finish) -> bool:
        refreshed, wait_s = 0, 1.0
        while True:
            try:
                await finish.download(self.job.result_url or "", lambda f: self._tell(State.DOWNLOADING, f))
            except ResultGone as error:
                if refreshed >= RESULT_TRIES or not await self._renew_link():
                    problem = replace(error.problem, charged=Charged.YES)
                    self._move(Event.LINK_DEAD, problem=problem, looks=0)
                    self._link_was_refreshed = True
                    return False
                refreshed += 1
            except DiskProblem as error:
                self._move(Event.DOWNLOAD_FAILED, problem=error.problem, paused=True)
                return False
            except (NetworkProblem, UnexpectedReply) as error:
                # The link dies, so this goes on for as long as the program runs; every answer may be a portal's page.
                self._note(error.problem)
                await self._rest(wait_s * (0.5 + self._around.random() / 2))
                wait_s = min(POLL_LONGEST_S, wait_s * 2)
                if isinstance(error, UnexpectedReply):
                    await self._renew_link()
            else:
                self._note(None)
                return True

    async def _renew_link(self) -> bool:
        """Ask the provider for a fresh link to the same result."""
        try:
            status = await (await self._bound_provider()).poll(self.job.remote_id or "")
        except StudioError:
            return False
        if isinstance(status, Finished):
            self._amend(result_url=status.url)
            return True
        return False

    async def _refresh(self) -> None:
        """A dead link is asked for again at each start, once a day, and when the person wants it."""
        if self._link_was_refreshed:
            await self._rest(REFRESH_EVERY_S)
        self._link_was_refreshed = True
        if await self._renew_link():
            self._move(Event.REFRESHED)
        else:
            self._amend(looks=self.job.looks + 1, looked_at=self._around.now())

    async def _late_charge(self) -> None:
        try:
            provider = await self._bound_provider()
        except StudioError:
            return
        charge = await self._charge(provider)
        if charge is not None:
            self._amend(charge=charge)

    def _clean_up(self) -> None:
        clip = self.job.clip
        if clip is not None and not clip.is_source:
            Path(clip.path).unlink(missing_ok=True)

    # ---------------------------------------------------------------------------------------------------- the one funnel

    def _set(self, job: Job) -> None:
        if job.state is not self.job.state:
            log.info("%s → %s", self.job.state, job.state)
        self.job = job
        self._announce(job)

    def amend(self, **changes: Any) -> None:
        """Store a circumstance from outside, for example that a cancel was asked for."""
        self._amend(**changes)

    def move(self, event: Event, **changes: Any) -> None:
        """Take a step from outside, while this runner's task is not running."""
        self._move(event, **changes)

    def _move(self, event: Event, **changes: Any) -> None:
        self._set(self._around.store.move(self.job, event, self._around.now(), **changes))

    def _settle(self, attempt: Attempt, state: AttemptState, event: Event, **changes: Any) -> None:
        self._set(self._around.store.settle(self.job, attempt.id, state, event, self._around.now(), **changes))

    def _amend(self, **changes: Any) -> None:
        self._set(self._around.store.amend(self.job, self._around.now(), **changes))

    def _pause(self, problem: Problem) -> None:
        self._amend(problem=problem, paused=True)

    def _note(self, problem: Problem | None) -> None:
        if problem != self.job.problem:
            self._amend(problem=problem)

    def _tell(self, phase: State, fraction: float | None, elapsed_s: float = 0.0) -> None:
        self._report(Progress(job_id=self.job.id, phase=phase, fraction=fraction, elapsed_s=elapsed_s))

    async def _rest(self, seconds: float) -> None:
        """Pause; a nudge ends it."""
        if seconds > 0:
            self._nudged.clear()
            await self._around.pause(seconds, self._nudged)

    def _clip(self) -> Clip:
        if self.job.clip is None:
            raise IllegalMove("no clip")
        return self.job.clip

    def _check_free_space(self, needed: int) -> None:
        folder = self._around.takes
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise DiskProblem(Kind.DISK_FULL, f"{needed / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free in {folder}")


def _charged(charge: Money | None) -> Charged:
    if charge is None:
        return Charged.MAYBE
    return Charged.YES if charge.amount > 0 else Charged.NO
