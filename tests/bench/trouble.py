"""The window while everything goes wrong: does it answer, how soon does it go on after a start, how soon is it gone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from klingstudio.domain.job import Job, State
from tests.bench.child import HERE, NotMeasured, told
from tests.bench.table import Figure
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio, environ_of

RUNS = 3
JOBS = 10
_LIMIT_S = 60

GAP_P99 = Figure(name="gap of the window in all faults, p99", ours=None, peer=None, unit="ms", goal=33, must=100)
GAP_MAX = Figure(name="gap of the window in all faults, max", ours=None, peer=None, unit="ms", must=250)
POLLED = Figure(name="window painted to all active jobs polled", ours=None, peer=None, unit="s", goal=2, must=5)
QUIT = Figure(name="quit with jobs under way", ours=None, peer=None, unit="s", goal=1, must=3)
QUIT_SENDING = Figure(name="quit with a paid request in flight", ours=None, peer=None, unit="s", must=10)


def measure(folder: Path, runs: int | None) -> Iterator[Figure]:
    """Each run is a program of its own, on a real sandbox in another process."""
    with run_sandbox(folder / "troubled") as sandbox:
        yield from _gaps(folder, sandbox)
    # Its jobs never begin, so that there is something to poll.
    with run_sandbox(folder / "waiting", "--queue-delay", "99999") as sandbox:
        yield from _lives(folder, sandbox, runs or RUNS)


def _gaps(folder: Path, sandbox: Sandbox) -> Iterator[Figure]:
    environ = os.environ | environ_of(folder / "home", sandbox)
    # No key for one of them, so that the keychain is asked, and that one never answers.
    environ.pop("PIXELDOJO_API_KEY", None)
    try:
        seen = told("child_in_trouble.py", environ=environ)
    except NotMeasured as error:
        yield from (replace(figure, note=str(error)) for figure in (GAP_P99, GAP_MAX))
        return
    note = f"{seen['ticks']:.0f} ticks of 5 ms, {seen['jobs']:.0f} jobs, {seen['met']:.0f} calls spoiled"
    yield replace(GAP_P99, ours=seen["p99_ms"], peer=seen["idle_p99_ms"], note=note)
    yield replace(GAP_MAX, ours=seen["max_ms"], peer=seen["idle_max_ms"])


def _lives(folder: Path, sandbox: Sandbox, runs: int) -> Iterator[Figure]:
    clip = a_clip(folder / "clip.mp4")
    polled, quits, sending = [], [], []
    try:
        for run in range(runs):
            home = folder / f"home-{run}"
            sandbox.faults([])
            asyncio.run(_order(home, sandbox, clip))
            with _program(home, sandbox) as (child, painted_at):
                polled.append(_all_polled(sandbox) - painted_at)
                quits.append(_quit(child))
            sandbox.faults([{"call": "submit", "kind": "hang", "effect": True}])
            with _program(home, sandbox) as (child, _):
                # Until the studio is open nothing can be ordered.
                _all_polled(sandbox)
                _tell(child, f"order {clip}")
                _wait(lambda: any(one["call"] == "submit" for one in sandbox.requests("POST")))
                sending.append(_quit(child))
    except NotMeasured as error:
        yield from (replace(figure, note=str(error)) for figure in (POLLED, QUIT, QUIT_SENDING))
        return
    for figure, seen in ((POLLED, polled), (QUIT, quits), (QUIT_SENDING, sending)):
        yield replace(figure, ours=median(seen), note=f"{JOBS} jobs, {len(seen)} runs, the worst {max(seen):.2f} s")


async def _order(home: Path, sandbox: Sandbox, clip: Path) -> None:
    """Jobs that the provider has accepted and does not begin."""
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        for n in range(JOBS):
            (job,) = studio.queue.enqueue(a_request(clip, prompt=f"deep snow {n}"))
            await watch.until(job.id, _is_remote)


def _is_remote(job: Job) -> bool:
    return job.state is State.REMOTE


def _all_polled(sandbox: Sandbox) -> float:
    """When the last of the jobs was asked about for the first time, in seconds since 1970."""
    firsts: dict[str, float] = {}

    def are_all() -> bool:
        for one in sandbox.requests("GET"):
            if one["call"] == "poll":
                firsts.setdefault(one["path"], one["at"])
        return len(firsts) >= JOBS

    _wait(are_all)
    return max(firsts.values())


@contextmanager
def _program(home: Path, sandbox: Sandbox) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """The real program, and when its window was painted."""
    environ = os.environ | environ_of(home, sandbox) | {"PYTHONPATH": str(HERE.parents[1])}
    sandbox.forget_requests()
    with subprocess.Popen(
        [sys.executable, str(HERE / "child_program.py")],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdout is not None
        try:
            word, _, at = child.stdout.readline().decode().partition(" ")
            if word != "painted":
                raise NotMeasured("the window was not painted")
            yield child, float(at)
        finally:
            child.kill()


def _tell(child: subprocess.Popen[bytes], words: str) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{words}\n".encode())
    child.stdin.flush()


def _quit(child: subprocess.Popen[bytes]) -> float:
    """Seconds from the wish to close until the process has ended."""
    began_at = time.perf_counter()
    _tell(child, "close")
    try:
        child.wait(_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise NotMeasured("the program did not end") from None
    return time.perf_counter() - began_at


def _wait(is_so: object) -> None:
    assert callable(is_so)
    ends_at = time.monotonic() + _LIMIT_S
    while not is_so():
        if time.monotonic() > ends_at:
            raise NotMeasured("what was waited for did not come")
        time.sleep(0.02)
