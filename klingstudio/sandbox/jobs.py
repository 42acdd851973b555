"""The one job core behind all dialects: accepts orders, charges them, edits, refunds what fails."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from klingstudio.sandbox.ledger import Ledger
from klingstudio.sandbox.process import EditProcess
from klingstudio.sandbox.state import State, read_json, write_json


class Status(StrEnum):
    """Where a job stands. Each dialect has its own words for these."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = frozenset({Status.QUEUED, Status.PROCESSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a dialect read from a submit. Nothing of it was looked at more closely: the services check late."""

    dialect: str
    account: str
    billed_to: str
    model: str
    prompt: str
    input_video: str
    images: tuple[str, ...] = ()
    """Images, then the frontal pictures of the elements."""
    angles: tuple[str, ...] = ()
    keep_audio: bool
    price_per_s: str
    """A decimal number."""
    price: str = ""
    """A decimal number: what the order costs however long the clip turns out to be. Empty: its seconds count."""
    currency: str
    parameters: dict[str, Any]
    """The submit as it was sent, to be echoed."""
    late_problem: str | None = None
    """What the model would find wrong with the parameters, once it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One accepted order. Times are seconds since 1970."""

    id: str
    order: Order
    status: Status
    enqueued_at: float
    started_at: float | None = None
    completed_at: float | None = None
    error: str | None = None
    listed_from: float = 0.0
    """Lists do not show the job before this time."""
    fails_with: str | None = None


class Jobs:
    """All jobs of all dialects.

    Args:
        state: where they are kept; jobs that had not ended there are begun again.
        queue_s: how long a job stays queued at least.
        parallel: how many edits run at once. None: one for each processor, two at least.
    """

    def __init__(self, state: State, ledger: Ledger, *, queue_s: float = 0.4, parallel: int | None = None) -> None:
        self._state = state
        self._ledger = ledger
        self._queue_s = queue_s
        self._parallel = parallel or max(2, os.cpu_count() or 1)
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._processes: dict[str, EditProcess] = {}
        self._watchers: set[asyncio.Queue[Job | None]] = set()
        self._closing = asyncio.Event()
        kept = [_read(path) for path in state.jobs.glob("*.json")]
        self._jobs = {job.id: job for job in sorted(kept, key=lambda job: job.enqueued_at)}
        for job in list(self._jobs.values()):
            if job.status in ACTIVE:
                self._change(job, status=Status.QUEUED, started_at=None)
                self._queue.put_nowait(job.id)

    def accept(self, order: Order, *, fails_with: str | None = None, hidden_s: float = 0.0) -> Job:
        """Take an order and charge it."""
        now = time.time()
        job = Job(
            id=str(uuid.uuid4()),
            order=order,
            status=Status.QUEUED,
            enqueued_at=now,
            fails_with=fails_with,
            listed_from=now + hidden_s,
        )
        self._keep(job)
        self._ledger.charge(
            job.id,
            currency=order.currency,
            input_video=order.input_video,
            model=order.model,
            prompt=order.prompt,
            dialect=order.dialect,
            account=order.account,
            billed_to=order.billed_to,
        )
        self._queue.put_nowait(job.id)
        return job

    def cancel(self, job: Job) -> bool:
        """Stop a job that has not ended and refund it. False: it had ended, and nothing changes."""
        if self._jobs[job.id].status not in ACTIVE:
            return False
        self._end(job, Status.CANCELLED)
        if process := self._processes.get(job.id):
            process.kill()
        return True

    def find(self, job_id: str) -> Job | None:
        """The job as it is now."""
        return self._jobs.get(job_id)

    def all(self) -> list[Job]:
        """Every job, newest first."""
        return list(reversed(self._jobs.values()))

    def cost(self, job: Job) -> Decimal | None:
        """What the job costs, None as long as that is open."""
        return self._ledger.amount(job.id)

    def working(self) -> int:
        """How many edits have a process."""
        return len(self._processes)

    def result(self, job: Job) -> Path:
        """Where the video of a job lies that succeeded."""
        return self._state.results / f"{job.id}.mp4"

    @contextmanager
    def watch(self) -> Iterator[asyncio.Queue[Job | None]]:
        """Every job that ends from now on; None when the sandbox ends."""
        watcher: asyncio.Queue[Job | None] = asyncio.Queue()
        self._watchers.add(watcher)
        if self._closing.is_set():
            watcher.put_nowait(None)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def run(self) -> None:
        """Work on what is queued, until `close`."""
        await asyncio.gather(*(self._work() for _ in range(self._parallel)))

    def close(self) -> None:
        """Stop working. Jobs that have not ended are begun again by the next sandbox on the same state."""
        self._closing.set()
        for process in self._processes.values():
            process.kill()
        for _ in range(self._parallel):
            self._queue.put_nowait(None)
        for watcher in self._watchers:
            watcher.put_nowait(None)

    async def _work(self) -> None:
        while (job_id := await self._queue.get()) is not None:
            if not self._may_begin(job_id):
                continue
            waited_s = time.time() - self._jobs[job_id].enqueued_at
            await self._pause(min(max(self._queue_s - waited_s, 0.0), self._queue_s))
            if self._may_begin(job_id):
                await self._edit(self._change(self._jobs[job_id], status=Status.PROCESSING, started_at=time.time()))

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            pass

    def _may_begin(self, job_id: str) -> bool:
        return not self._closing.is_set() and self._jobs[job_id].status is Status.QUEUED

    async def _edit(self, job: Job) -> None:
        if problem := job.fails_with or job.order.late_problem:
            self._end(job, Status.FAILED, error=problem)
            return
        folder = self._state.work / job.id
        folder.mkdir()
        process = self._processes[job.id] = EditProcess()
        try:
            outcome = await process.run(
                {
                    "folder": str(folder),
                    "prompt": job.order.prompt,
                    "input_video": job.order.input_video,
                    "images": job.order.images,
                    "angles": job.order.angles,
                    "keep_audio": job.order.keep_audio,
                }
            )
            if self._closing.is_set() or self._jobs[job.id].status is not Status.PROCESSING:
                return
            if outcome.error is not None:
                self._end(job, Status.FAILED, error=outcome.error)
                return
            (folder / "result.mp4").replace(self.result(job))
            price = Decimal(job.order.price_per_s) * Decimal(str(round(outcome.duration_s, 3)))
            price = Decimal(job.order.price or price)
            self._ledger.settle(job.id, price.quantize(Decimal("0.01"), ROUND_HALF_UP))
            self._end(job, Status.SUCCEEDED)
        except OSError as error:
            self._end(job, Status.FAILED, error=f"internal server error: {error}")
        finally:
            del self._processes[job.id]
            shutil.rmtree(folder, ignore_errors=True)

    def _end(self, job: Job, status: Status, error: str | None = None) -> None:
        if status is not Status.SUCCEEDED:
            self._ledger.refund(job.id, error or status)
        ended = self._change(self._jobs[job.id], status=status, error=error, completed_at=time.time())
        for watcher in self._watchers:
            watcher.put_nowait(ended)

    def _change(self, job: Job, **changes: Any) -> Job:
        changed = replace(job, **changes)
        self._keep(changed)
        return changed

    def _keep(self, job: Job) -> None:
        self._jobs[job.id] = job
        write_json(self._state.jobs / f"{job.id}.json", asdict(job))


def _read(path: Path) -> Job:
    data = read_json(path, {})
    order = data.pop("order")
    order["images"], order["angles"] = tuple(order["images"]), tuple(order["angles"])
    return Job(order=Order(**order), status=Status(data.pop("status")), **data)
