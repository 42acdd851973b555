"""One life of the engine: open the studio, order an edit or go on with one, rest, close; and what the person was told.

Lives are forked off a process that has imported everything, so that one costs a tenth of a second and not one and a half.
It takes an `Order` a line on standard input and answers with a `Told` a line.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NoReturn

from klingstudio import logs
from klingstudio.domain.errors import Problem, StudioError
from klingstudio.domain.job import QUIET, UNSENT, Job, State
from klingstudio.domain.request import Request
from klingstudio.engine import submit
from klingstudio.paths import paths
from klingstudio.studio import Studio
from tests.fakes.studio_run import Watch, hurried
from tests.torture.files import calls, disks, forked, journal_calls
from tests.torture.files.trap import Fault, Lasting, Trap
from tests.torture.files.witness import Witness

REST_S = 60.0
"""How long a life may take to come to rest."""
REMEDIES = 4
"""How often the person presses "Continue" in one life before giving up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one life is about."""

    folder: str
    """Everything in it is counted: the program's home, the source and the takes."""
    environ: dict[str, str]
    source: str
    out: str = ""
    """Where the take goes; empty: into the program's own folder of takes."""
    number: int = 0
    """Of the operation that fails; 0: none."""
    error: int = 0
    is_lasting: bool = False
    before: str = ""
    """A pattern: right before the first operation whose words match, something befalls a disk."""
    befalls: str = ""
    """`fill`, `read-only` or `unplug`, and the folder where that disk is mounted."""
    goes_on: bool = False
    """True: the person presses "Continue" in this very life as long as that may help."""
    only_opens: bool = False
    """True: the studio is opened and closed, and nothing is ordered."""
    witnessed: str = ""
    """Folder for what a power cut could leave of this life; see `power_cut`."""
    lists: bool = False
    """True: every operation is told."""


@dataclass(slots=True)
class Told:
    """What could be seen of one life from outside."""

    count: int = 0
    sprung: str = ""
    """The operation that failed."""
    heard: list[str] = field(default_factory=list)
    refused: str = ""
    """Why the studio did not open, or did not take the order: the kind of the problem."""
    state: str = ""
    kinds: list[str] = field(default_factory=list)
    """Of every problem that was shown on the job's card, in order."""
    detail: str = ""
    """Of the last one."""
    charged: str = ""
    is_paused: bool = False
    take: str = ""
    remote_id: str = ""
    bugs: list[str] = field(default_factory=list)
    """What no program should show: tracebacks, and lines of the log that call for its maker."""
    took_s: float = 0.0


class _Bugs(logging.Handler):
    def __init__(self, told: Told) -> None:
        super().__init__(logging.WARNING)
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        text = logging.Formatter().format(record)
        self._told.bugs.append(f"{record.levelname} {record.name}: {text}"[:3000])


def live(order: Order, told: Told, trap: Trap) -> None:
    """One life in this process, which must have been made for it."""
    begun = time.monotonic()
    end_log = logs.start(paths(order.environ).logs)
    logging.getLogger().addHandler(_Bugs(told))
    sys.unraisablehook = lambda seen: told.bugs.append(f"unraisable: {seen.exc_value!r} in {seen.object!r}")
    try:
        asyncio.run(_live(order, told))
    except StudioError as error:
        told.refused = error.problem.kind
    except BaseException:  # noqa: BLE001 - this is what is looked for
        told.bugs.append(traceback.format_exc()[-3000:])
    finally:
        told.count, told.sprung, told.heard = trap.count, trap.sprung, trap.heard or []
        told.took_s = time.monotonic() - begun
        end_log()


async def _live(order: Order, told: Told) -> None:
    studio = await Studio.open(
        paths(order.environ),
        order.environ,
        pause=hurried,
        on_bug=lambda error: told.bugs.append("".join(traceback.format_exception(error))[-3000:]),
    )
    try:
        if not order.only_opens:
            await _see_through(order, studio, told)
    finally:
        await studio.aclose()


async def _see_through(order: Order, studio: Studio, told: Told) -> None:
    watch = Watch(studio)
    if jobs := studio.queue.jobs():
        job = jobs[0]
    else:
        wish = Request(source=order.source, prompt="deep snow", provider="oxen", out=order.out or None)
        (job,) = studio.queue.enqueue(wish)
    seen: list[Problem] = []

    def rests(job: Job) -> bool:
        if job.problem is not None and (not seen or seen[-1] != job.problem):
            seen.append(job.problem)
        return not job.is_active or job.state in _WAIT

    for _ in range(REMEDIES):
        try:
            job = await watch.until(job.id, rests, REST_S)
        except TimeoutError:
            told.bugs.append(f"still {studio.queue.job(job.id).state} after {REST_S:g} s")
        if not order.goes_on or job.state in _ENDED or not (job.paused or job.state in UNSENT):
            break
        studio.queue.carry_on(job.id)
    job = studio.queue.job(job.id)
    told.kinds = [problem.kind for problem in seen]
    told.state, told.is_paused = job.state, job.paused
    told.detail = seen[-1].detail if seen else ""
    told.charged = job.problem.charged if job.problem else ""
    told.take, told.remote_id = job.take or "", job.remote_id or ""


_ENDED = QUIET - {State.DRAFT}
_WAIT = frozenset({State.RESULT_UNAVAILABLE})


# --- the process that lives are forked off ----------------------------------------------------------------------------


def main() -> None:
    """Fork a life for each line of standard input."""
    import av  # noqa: F401
    import httpx  # noqa: F401

    from klingstudio.media import fit, images, probe, verify  # noqa: F401
    from klingstudio.net import api  # noqa: F401

    for line in sys.stdin:
        order = Order(**json.loads(line))
        reads, writes = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reads)
            _be(order, writes)
        os.close(writes)
        with os.fdopen(reads, "rb") as answers:
            told = answers.read()
        os.waitpid(pid, 0)
        if not told:
            told = json.dumps(asdict(Told(bugs=["the process died"]))).encode()
        sys.stdout.buffer.write(told + b"\n")
        sys.stdout.flush()


def _be(order: Order, answers: int) -> NoReturn:
    told = Told()
    try:
        os.setpgid(0, 0)
        signal.alarm(300)
        trap = Trap(Path(order.folder))
        if order.lists:
            trap.heard = []
        lasting = Lasting.FROM_THERE_ON if order.is_lasting else Lasting.ONCE
        if order.witnessed:
            trap.witness = Witness(Path(order.environ["KLINGSTUDIO_HOME"]), Path(order.witnessed))
        if order.before:
            # These disks are smaller than what the program wants to be left free.
            submit.DISK_RESERVE_BYTES, submit.JOURNAL_RESERVE_BYTES = 300_000, 4_500_000
            trap.lay(order.before, lambda: disks.befall(order.befalls))
        trap.arm(Fault(number=order.number, error=order.error, lasting=lasting) if order.number else None)
        forked.fork_workers()
        if not journal_calls.spread(trap):
            told.heard.append("SQLite cannot be reached")
        calls.spread(trap)
        calls.hear_sends(trap)
        live(order, told, trap)
    except BaseException:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        told.bugs.append(traceback.format_exc()[-3000:])
    finally:
        with suppress(OSError):
            os.write(answers, json.dumps(asdict(told)).encode())
        os._exit(0)


if __name__ == "__main__":
    main()
