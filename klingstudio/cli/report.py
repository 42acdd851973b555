"""What the command line says while jobs run: progress bars for a person, JSON lines for a program."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from klingstudio.cli import INTERRUPTED, WRONG_INPUT, plans
from klingstudio.domain.errors import Charged, Kind, Problem
from klingstudio.domain.job import ATTENTION, QUIET, UNSENT, CancelAnswer, Job, Progress, State
from klingstudio.ui import text

if TYPE_CHECKING:
    from klingstudio.domain.budget import Balance
    from klingstudio.domain.price import Money
    from klingstudio.engine.compare import Offer
    from klingstudio.engine.preflight import Preflight
    from klingstudio.engine.queue import JobQueue
    from klingstudio.engine.restored import Found
    from klingstudio.providers.base import ProviderInfo

LOOKS_BEFORE_ASKING = 3
"""How often the provider's list is read for a lost job before the person is asked."""
TROUBLE_PATIENCE_S = 120.0
"""How long a job may go without a usable answer before the command ends; the job is kept."""
CANCEL_PATIENCE_S = 20.0
NOT_DONE = 4
"""The promised exit code where the provider refuses, or cannot do, what was asked."""
BAR_CELLS = 24
FETCH_EVERY_S = 0.1

_NETWORK = frozenset(
    {
        Kind.NETWORK_DOWN,
        Kind.NETWORK_SLOW,
        Kind.PROVIDER_BUSY,
        Kind.CERTIFICATE_REFUSED,
        Kind.PROXY_UNUSABLE,
    }
)
_KEY = frozenset(
    {
        Kind.KEY_MISSING,
        Kind.KEY_REFUSED,
        Kind.KEY_UNUSABLE,
        Kind.KEY_NOT_KEPT,
        Kind.OTHER_ACCOUNT,
        Kind.HOST_MISSING,
    }
)
_PROVIDER = frozenset(
    {
        Kind.NO_CREDIT,
        Kind.ACCOUNT_LIMIT,
        Kind.REQUEST_REJECTED,
        Kind.CONTENT_REFUSED,
        Kind.INPUT_NOT_READABLE,
        Kind.INPUT_NOT_ACCEPTED,
        Kind.NOTHING_MADE,
        Kind.PROVIDER_FAULT,
        Kind.PROVIDER_TIMEOUT,
        Kind.EDIT_FAILED,
        Kind.EDIT_CANCELLED,
        Kind.MODEL_GONE,
        Kind.UPLOAD_REFUSED,
        Kind.UNEXPECTED_REPLY,
        Kind.RESULT_GONE,
        Kind.RESULT_DAMAGED,
    }
)


def exit_code(problem: Problem | None) -> int:
    """The promised exit code for a problem; 0 for none."""
    match problem:
        case None:
            return 0
        case Problem(kind=kind) if kind in _KEY:
            return 3
        case Problem(kind=kind) if kind in _PROVIDER:
            return 4
        case Problem(kind=Kind.OVER_MAX_COST | Kind.OVER_APPROVAL | Kind.OVER_BUDGET | Kind.PRICE_UNKNOWN):
            return 5
        case Problem(kind=Kind.SUBMIT_UNCONFIRMED | Kind.JOB_NOT_KNOWN):
            return 6
        case Problem(kind=kind) if kind in _NETWORK:
            return 7
        case Problem(kind=Kind.INTERRUPTED | Kind.STOPPED):
            return INTERRUPTED
        case _:
            return WRONG_INPUT


class Report:
    """One command's output. An observer of the queue while it watches."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._draws = not as_json and sys.stderr.isatty()
        self._changed = asyncio.Event()
        self._states: dict[str, State] = {}
        self._wanted: frozenset[str] = frozenset()
        self._others: frozenset[str] = frozenset()
        self._said: dict[str, str] = {}
        self._drawn = False
        self._has_ended = False
        self._fetched_at = 0.0
        self._broken: OSError | None = None
        """Why standard output cannot be written any more."""

    # -------------------------------------------------------------------------------------------------- observing

    @contextlib.contextmanager
    def watching(self, queue: JobQueue, *wanted: str) -> Iterator[None]:
        """Report what changes inside the block: of these older jobs, and of every job that is made in it."""
        self._wanted = frozenset(wanted)
        self._others = frozenset(job.id for job in queue.jobs()) - self._wanted
        unsubscribe = queue.subscribe(self)
        try:
            yield
        finally:
            unsubscribe()
            self._clear()

    def job_changed(self, job: Job) -> None:
        """Print each new state once."""
        self._changed.set()
        if job.id in self._others or self._states.get(job.id) is job.state:
            return
        self._states[job.id] = job.state
        if self._json:
            self._line_while_watching({"event": "state", "job": job.id, "state": job.state})
        elif job.state not in QUIET:
            self._status(job.id, text.phase(job.state), None)

    def job_progress(self, progress: Progress) -> None:
        """Draw a bar, or print a line for a program."""
        if progress.job_id in self._others:
            return
        if self._json:
            self._line_while_watching(
                {
                    "event": "progress",
                    "job": progress.job_id,
                    "phase": progress.phase,
                    "fraction": None if progress.fraction is None else round(progress.fraction, 4),
                }
            )
        else:
            self._status(progress.job_id, text.phase(progress.phase), progress.fraction)

    # ------------------------------------------------------------------------------------------------------ waiting

    async def until_rest(self, queue: JobQueue, job_ids: Sequence[str]) -> int:
        """Wait until each job rests or needs an answer, report each end, and return the first exit code that is not 0.

        Further takes of their requests, which become jobs when a provider accepts it, are waited for as well.
        """
        self._wanted = frozenset(job_ids)
        looks_before = {job_id: queue.job(job_id).looks for job_id in job_ids}
        troubled_since: dict[str, float] = {}
        waiting = list(job_ids)
        codes: list[int] = []
        try:
            while waiting:
                if self._broken is not None:
                    raise self._broken
                born = [job_id for job_id in self._states if job_id not in looks_before]
                looks_before |= dict.fromkeys(born, 0)
                waiting += born
                self._wanted |= frozenset(born)
                for job_id in tuple(waiting):
                    job = queue.job(job_id)
                    if job.problem is not None:
                        troubled_since.setdefault(job_id, time.monotonic())
                    else:
                        troubled_since.pop(job_id, None)
                    trouble_s = time.monotonic() - troubled_since.get(job_id, time.monotonic())
                    if _rests(job, looks_before[job_id]) or trouble_s > TROUBLE_PATIENCE_S:
                        waiting.remove(job_id)
                        codes.append(self._done(job))
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        if waiting:
                            await self._changed.wait()
        except asyncio.CancelledError:
            for job_id in waiting:
                self._interrupted(queue.job(job_id))
            raise
        return next((code for code in codes if code), 0)

    async def after_cancel(self, queue: JobQueue, job_id: str, info: ProviderInfo) -> int:
        """Wait a little for the provider's answer, say what the cancel means, and return the exit code."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_PATIENCE_S):
                while _awaits_cancel(queue.job(job_id)):
                    self._changed.clear()
                    await self._changed.wait()
        job = queue.job(job_id)
        if job.paused and job.problem is not None:
            self.refused(job.problem)
            return exit_code(job.problem)
        if job.cancel_answer is CancelAnswer.IMPOSSIBLE and job.state not in QUIET:
            self.say(f"{text.cancel_answer(job.cancel_answer)} The job is still followed.")
            return NOT_DONE
        match job.state:
            case State.DRAFT:
                words = "Stopped before it was sent; not charged."
            case State.REMOTE_CANCELLED:
                words = f"Cancelled at {info.title}; {text.charged(job.problem or _interruption(job))}."
            case state if state in QUIET:
                words = f"It had already ended: {text.phase(state)}."
            case State.UNCONFIRMED | State.REMOTE_MISSING:
                words = f"{info.title} does not list it; if it is found, it is stopped. It may have been charged."
            case State.REMOTE if job.cancel_answer in (CancelAnswer.STOPPED, CancelAnswer.TOO_LATE):
                words = f"{text.cancel_answer(job.cancel_answer)} The job is still followed."
            case State.REMOTE:
                words = f"Asked {info.title} to stop; the job is still followed. {info.cancel_note}"
            case _:
                words = "Too late: the edit is done. `klingstudio resume` brings the take."
        self.say(words)
        return 0

    # ------------------------------------------------------------------------------------------------------ speaking

    def say(self, line: str) -> None:
        """A sentence for the person; nothing for a program."""
        self._clear()
        if not self._json:
            print(line)

    def estimate(self, checked: Preflight, orders: int) -> None:
        """What is about to be spent, and what may be refused all the same."""
        for caution in checked.cautions:
            print(f"klingstudio: {text.caution(caution)}", file=sys.stderr)
        if not self._json:
            estimate = "unknown" if checked.estimate is None else str(checked.estimate * orders)
            rate = f" ({plans.priced(checked.price)})" if checked.price else ""
            print(f"Estimated price: {estimate}{rate}", file=sys.stderr)

    def found(self, found: Found) -> None:
        """What a provider's list had after a backup was put back."""
        since = f"{found.since.astimezone():%Y-%m-%d %H:%M}"
        if found.problem is not None:
            print(f"klingstudio: {found.provider.title}: {text.one_line(found.problem)}", file=sys.stderr)
        if self._json:
            error = _error(found.problem) if found.problem else None
            self._line({"event": "found", "provider": found.provider.id, "edits": found.jobs, "error": error})
        elif found.problem is None:
            print(text.found_again(found.jobs, found.provider.title, since))

    def hosting(self, host: ProviderInfo) -> None:
        """Who gets the person's files, where that is not the one who edits them."""
        if not self._json:
            print(f"Your files go through {host.title}", file=sys.stderr)

    def fetching(self, fraction: float | None) -> None:
        """How far the source is that comes from an address; there is no job yet."""
        now = time.monotonic()
        if fraction != 1 and now - self._fetched_at < FETCH_EVERY_S:
            return
        self._fetched_at = now
        if self._json:
            shown = None if fraction is None else round(fraction, 4)
            self._line({"event": "progress", "job": None, "phase": "fetching", "fraction": shown})
        else:
            self._status("", "Fetching", fraction)

    def refused(self, problem: Problem) -> None:
        """A request that never became a job."""
        self._clear()
        print(f"klingstudio: {text.one_line(problem)}", file=sys.stderr)
        if self._json:
            self._line(_end(None, None, None, None, problem))

    def interrupted(self) -> None:
        """The end of a command that was interrupted; nothing when the end was told already."""
        if self._has_ended:
            return
        self._clear()
        print("klingstudio: interrupted", file=sys.stderr)
        if self._json:
            self._line(_end(None, None, None, None, Problem(kind=Kind.INTERRUPTED)))

    def plan(self, offer: Offer, balances: Sequence[Balance]) -> None:
        """The dry run's answer."""
        if self._json:
            self._line(plans.as_object(offer, balances))
            return
        for line in plans.page(offer, balances):
            print(line)

    def comparison(self, offers: Sequence[Offer], balances: Sequence[Balance]) -> None:
        """What each provider would make of the request."""
        if self._json:
            for offer in offers:
                self._line(plans.as_object(offer, balances))
            return
        for line in plans.table(offers, balances):
            print(line)

    def listing(self, jobs: Iterable[Job], balances: Sequence[Balance]) -> None:
        """Every job, a line each; what was spent, for a person, beside them."""
        jobs = tuple(jobs)
        if self._json:
            for job in jobs:
                self._line(
                    {
                        "job": job.id,
                        "state": job.state,
                        "provider": job.request.provider,
                        "take": job.take,
                        "charge": _charge(job.charge),
                        "created": job.created_at.isoformat(),
                    }
                )
            return
        if not jobs:
            print("No jobs yet.")
        for job in jobs:
            when = job.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
            end = job.take or (text.one_line(job.problem) if job.problem else "")
            print(f"{job.id[:8]}  {when}  {text.phase(job.state):<24} {job.charge or ''!s:<18} {end}".rstrip())
        for one in balances:
            print(" ".join(text.spent(one)), file=sys.stderr)

    # --------------------------------------------------------------------------------------------------------- inside

    def _done(self, job: Job) -> int:
        self._clear()
        problem = None if job.state is State.COMPLETED else job.problem or _interruption(job)
        if self._json:
            self._line(_end(job.id, job.state, job.take, job.charge, problem))
        elif problem is None:
            print(job.take)
            print(f"Charged: {job.charge or 'the provider does not tell'}", file=sys.stderr)
            if job.problem is not None:
                print(text.passage(job.problem), file=sys.stderr)
        if problem is not None:
            print(f"klingstudio: {text.one_line(problem)}{_next_step(job)}", file=sys.stderr)
        if job.state in (State.UNCONFIRMED, State.REMOTE_MISSING):
            return 6
        code = exit_code(problem)
        # 2 promises that nothing was sent; a full disk after that only interrupts.
        return INTERRUPTED if code == WRONG_INPUT and job.state not in UNSENT | {State.REJECTED} else code

    def _interrupted(self, job: Job) -> None:
        self._clear()
        problem = _interruption(job)
        if self._json:
            self._line(_end(job.id, job.state, job.take, job.charge, problem))
        print(
            f"klingstudio: interrupted; the job is kept, `klingstudio resume` goes on ({job.id[:8]})", file=sys.stderr
        )

    def _line(self, value: dict[str, object]) -> None:
        # ASCII: file names may hold bytes that no encoding of the terminal can write.
        print(json.dumps(value), flush=True)
        self._has_ended |= value.get("event") == "done"

    def _line_while_watching(self, value: dict[str, object]) -> None:
        # The engine calls here; that nobody reads us any more is our matter.
        try:
            self._line(value)
        except OSError as error:
            self._broken = error
            self._changed.set()

    def _status(self, job_id: str, words: str, fraction: float | None) -> None:
        if self._wanted and job_id not in self._wanted:
            return
        label = f"{job_id[:8]} " if len(self._wanted | self._states.keys()) > 1 else ""
        if self._draws:
            bar = ""
            if fraction is not None:
                full = round(fraction * BAR_CELLS)
                bar = f" {'━' * full}{'─' * (BAR_CELLS - full)} {fraction:4.0%}"
            sys.stderr.write(f"\r\x1b[K{label}{words:<16}{bar}")
            sys.stderr.flush()
            self._drawn = True
        elif self._said.get(job_id) != words:
            self._said[job_id] = words
            print(f"{label}{words}", file=sys.stderr)

    def _clear(self) -> None:
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn = False


def _interruption(job: Job) -> Problem:
    charged = Charged.NO if job.state in UNSENT else Charged.MAYBE
    return Problem(kind=Kind.INTERRUPTED, charged=charged)


def _awaits_cancel(job: Job) -> bool:
    """False once nothing more can be learned by waiting a little."""
    return job.is_active and job.cancel_answer is not CancelAnswer.IMPOSSIBLE


def _rests(job: Job, looks_before: int) -> bool:
    if job.state is State.UNCONFIRMED or job.state is State.REMOTE_MISSING:
        return job.looks - looks_before >= LOOKS_BEFORE_ASKING or job.paused
    return not job.is_active or job.state in ATTENTION


def _next_step(job: Job) -> str:
    if job.state in (State.UNCONFIRMED, State.REMOTE_MISSING):
        return f" - `klingstudio resolve {job.id[:8]} again|drop|found REMOTE_ID`"
    if job.state not in QUIET:
        return " - the job is kept, `klingstudio resume` goes on"
    return ""


def _end(
    job_id: str | None, state: State | None, take: str | None, charge: Money | None, problem: Problem | None
) -> dict[str, object]:
    error = None if problem is None else _error(problem)
    return {"event": "done", "job": job_id, "state": state, "take": take, "charge": _charge(charge), "error": error}


def _error(problem: Problem) -> dict[str, str]:
    known = {"kind": problem.kind, "message": text.one_line(problem), "charged": problem.charged}
    return known | {"raw": problem.raw} if problem.raw else known


def _charge(charge: Money | None) -> dict[str, str] | None:
    return None if charge is None else plans.money(charge)
