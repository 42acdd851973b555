"""What the person asked for and what the service made, and whether the program did no more, and kept no less."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from klingstudio.domain.job import ATTENTION, State
from tests.torture.kills.disk import Disk
from tests.torture.kills.person import View
from tests.torture.kills.truth import Truth


@dataclass(slots=True)
class Asked:
    """Counts what was told to lives. One that was killed may not have heard it, so it is the most that may be done."""

    takes_per_order: int
    orders: int = 0
    approvals: Counter[str] = field(default_factory=Counter)

    def note(self, deed: Mapping[str, Any]) -> None:
        """One thing that was told to a life."""
        match deed:
            case {"do": "enqueue", "takes": takes}:
                self.orders += -(-takes // self.takes_per_order)
            case {"do": "send_again", "job": job_id}:
                self.approvals[job_id] += 1
            case _:
                pass


def nothing_unasked(disk: Disk, asked: Asked) -> Iterator[str]:
    """I1, the person's part: no order and no approval that nobody gave."""
    orders = [job.id for job in disk.jobs if job.ordered_with is None]
    if len(orders) > asked.orders:
        yield f"I1 {len(orders)} orders, and the person gave {asked.orders}"
    spent = Counter(permit.job_id for permit in disk.permits if permit.spent_by is not None)
    for job_id, count in spent.items():
        if count > asked.approvals[job_id]:
            yield f"I1 {count} approvals of {job_id} were spent, and the person gave {asked.approvals[job_id]}"


def takes_as_made(disk: Disk, results: Path) -> Iterator[str]:
    """I7, the content: a take is, byte for byte, what the service made for its job."""
    for job in disk.jobs:
        if job.state is State.COMPLETED and job.remote_id is not None:
            made = results / f"{job.remote_id}.mp4"
            if made.exists() and _sha256(made) != job.take_sha256:
                yield f"I7 the take of {job.id} is not what the service made"


def charges_kept(disk: Disk, truth: Truth) -> Iterator[str]:
    """I16, the books: what a job says that it cost is what the service took, and stands in the ledger."""
    for charge in truth.charges:
        for job in disk.jobs:
            if job.remote_id == charge.remote_id and job.state is State.COMPLETED and job.charge is not None:
                kept = disk.charges.get(job.id)
                if not kept == job.charge.amount == charge.amount:
                    yield f"I16 {job.id} cost {charge.amount}, says {job.charge.amount}, and the ledger has {kept}"


def everything_shown(before: Disk | None, view: View) -> Iterator[str]:
    """I12, after a start: whatever was on disk has a card again, above all what needs the person."""
    for job in before.jobs if before is not None else ():
        if job.id not in view.jobs:
            yield f"I12 {job.id} has no card{' and needs the person' if job.state in ATTENTION else ''}"


@lru_cache(maxsize=1000)
def _sha256(made: Path) -> str:
    return hashlib.sha256(made.read_bytes()).hexdigest()
