"""Everything about time, at length: naps, clocks, second programs, outages, and what takes hours.

A figure each: 50 naps at each phase, every setting of the clock, 200 interleavings of two programs, a day's outage of
each kind with one job and with fifty.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

from klingstudio.domain.job import State
from tests.fakes.command_line import command_line
from tests.fakes.sandbox import run_quick_sandbox
from tests.fakes.studio_run import a_clip, environ_of
from tests.torture.hours.asleep import NAPS, sleep_through
from tests.torture.hours.clock import every_jump, jump
from tests.torture.hours.instances import SECOND_PROGRAM_S, interleave, second_program
from tests.torture.hours.outage import a_day_away
from tests.torture.hours.patience import an_edit_of_hours, fifty_at_once, inputs_of_last_week, taken_back
from tests.torture.hours.service import Away
from tests.torture.machine.cloud import Said
from tests.torture.parts import Pulse, Stint, Verdict

NAPS_EACH = 50
NAP_S = 1.0
INTERLEAVINGS = 200
PER_MINUTE_MOST = 1.0
"""Requests of one job to a provider that is away, in any minute after the first ten."""
LOG_MOST_BYTES = 25_000_000


def run(stint: Stint) -> Verdict:
    """All of it; what takes real time last."""
    violations: list[str] = []
    counts: dict[str, int | float | str] = {}
    with ProcessPoolExecutor(stint.workers, mp_context=get_context("spawn")) as pool:
        for name, work in (("clock settings", _clocks), ("interleavings", _rivals), ("patience", _patience)):
            counts[name], found = _gathered(name, stint, work(pool, stint))
            violations += found
        found = _outages(pool, counts)
        violations += found
    counts["naps"], found = _naps(stint)
    violations += found
    return Verdict(part="hours", counts=counts, violations=tuple(violations))


def _gathered(name: str, stint: Stint, runs: list[Future[list[str]]]) -> tuple[int, list[str]]:
    done, found, pulse = 0, [], Pulse(f"hours, {name}")
    for future in runs:
        if stint.is_over():
            future.cancel()
            continue
        found += future.result()
        done += 1
        pulse(done=done, of=len(runs), broken=len(found))
    return done, found


def _clocks(pool: ProcessPoolExecutor, stint: Stint) -> list[Future[list[str]]]:
    return [pool.submit(jump, how) for how in every_jump()]


def _rivals(pool: ProcessPoolExecutor, stint: Stint) -> list[Future[list[str]]]:
    return [pool.submit(interleave, stint.seed * 1000 + number) for number in range(INTERLEAVINGS)]


def _patience(pool: ProcessPoolExecutor, stint: Stint) -> list[Future[list[str]]]:
    calls: list[tuple[Callable[..., list[str]], tuple[object, ...]]] = [(an_edit_of_hours, (48.0,))]
    calls += [(taken_back, (said, s)) for said in (Said.FAILED, Said.CANCELLED) for s in (1.0, 100.0, 3000.0, 20_000.0)]
    calls += [(inputs_of_last_week, (timedelta(days=days),)) for days in (0, 1, -1, 365, -365)]
    return [pool.submit(call, *arguments) for call, arguments in calls]


def _outages(pool: ProcessPoolExecutor, counts: dict[str, int | float | str]) -> list[str]:
    found = []
    kinds = [(away, jobs, state) for away in Away for jobs in (1, 50) for state in (State.REMOTE, State.UNCONFIRMED)]
    days = {kind: pool.submit(a_day_away, kind[0], jobs=kind[1], state=kind[2]) for kind in kinds}
    worst = average = 0.0
    log_bytes, back_s = 0, 0.0
    for kind, future in days.items():
        day = future.result()
        name = f"{kind[0]}, {kind[1]} {kind[2]}"
        worst, average = max(worst, day.per_minute_max), max(average, day.per_minute)
        log_bytes, back_s = max(log_bytes, day.log_bytes), max(back_s, day.back_after_s)
        if day.per_minute > PER_MINUTE_MOST:
            found.append(f"{name}: {day.per_minute:.2f} requests of each job and minute")
        if day.log_bytes > LOG_MOST_BYTES:
            found.append(f"{name}: {day.log_bytes} bytes of log")
        if day.states != {State.COMPLETED}:
            found.append(f"{name}: when it was back, jobs ended as {sorted(day.states)}")
        found += [f"{name}: {broken}" for broken in day.broken]
    per_second, at_once, _ = fifty_at_once()
    if per_second > 1.01 or at_once > 4:
        found.append(f"fifty jobs: {per_second:.2f} requests a second, {at_once} at once")
    counts["outages of a day"] = len(days)
    counts["requests of a job and minute, on the average"] = round(average, 3)
    counts["in the busiest minute"] = round(worst, 2)
    counts["log in MB"] = round(log_bytes / 1e6, 3)
    counts["back after s"] = round(back_s)
    counts["polls a second of 50 jobs"] = round(per_second, 2)
    counts["at once"] = at_once
    return found


def _second_program() -> list[str]:
    with tempfile.TemporaryDirectory(prefix="kling-second-") as made:
        folder = Path(made)
        busy = run_quick_sandbox(folder / "sandbox", "--queue-delay", str(SECOND_PROGRAM_S), edits=folder)
        with busy as sandbox, command_line(environ_of(folder / "home", sandbox)) as program:
            return second_program(program, a_clip(folder / "clip.mp4"))


def _naps(stint: Stint) -> tuple[int, list[str]]:
    done, found, pulse = 0, _second_program(), Pulse("hours, naps")
    with (
        tempfile.TemporaryDirectory(prefix="kling-naps-") as made,
        run_quick_sandbox(Path(made) / "sandbox", edits=Path(made)) as sandbox,
    ):
        clip = a_clip(Path(made) / "clip.mp4")
        with command_line(environ_of(Path(made) / "home", sandbox)) as program:
            for _ in range(NAPS_EACH):
                for name, nap in NAPS.items():
                    if stint.is_over():
                        return done, found
                    broken = sleep_through(program, sandbox, clip, nap, seconds=NAP_S)
                    found += [f"{name}: {one}" for one in broken]
                    done += 1
                    pulse(done=done, of=NAPS_EACH * len(NAPS), broken=len(found))
                    # Processes that have ended are not kept for the whole night.
                    program.started.clear()
    return done, found
