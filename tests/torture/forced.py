"""A whole job that fails at each place where it waits, while everything that can tell of it is told to tell all.

The log runs at DEBUG, a developer's own handler beside it, and every failure is also written as the hooks of the
interpreter write it. Afterwards no file may hold the key. Half of the failures carry the key in their own words, as
those of libraries do that quote a header; what is not ours to clean is then not written.
"""

from __future__ import annotations

import asyncio
import errno
import faulthandler
import logging
import random
import shutil
import sys
import tempfile
import traceback
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

from klingstudio import diagnostics, logs
from klingstudio.diagnostics import Around
from klingstudio.engine.tasks import TaskOwner
from klingstudio.paths import paths
from klingstudio.ui.models.problems import Bug
from tests.fakes.sandbox import Sandbox, run_quick_sandbox
from tests.fakes.services import key_of
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio
from tests.torture.parts import Stint, Verdict
from tests.torture.secrets import MARK, scan_bytes, scan_files

KEY = key_of("forced")
_REST_S = 20
_STEPS_MOST = 5000


class Step(Coroutine[Any, Any, Any]):
    """A coroutine that counts how often it waits, and fails in the middle of one wait."""

    def __init__(self, inner: Coroutine[Any, Any, Any], plan: Plan) -> None:
        self._inner, self._plan = inner, plan

    def send(self, value: Any) -> Any:
        waited_for = self._inner.send(value)
        failure = self._plan.next()
        return waited_for if failure is None else self._inner.throw(failure)

    def throw(self, *error: Any) -> Any:
        return self._inner.throw(*error)

    def close(self) -> None:
        self._inner.close()

    def __next__(self) -> Any:
        return self.send(None)

    def __iter__(self) -> Step:
        return self

    def __await__(self) -> Generator[Any, Any, Any]:
        return self


class Plan:
    """Fails once, at the n-th wait of all tasks together."""

    def __init__(self, at: int, *, quotes_key: bool) -> None:
        self.at, self.waits = at, 0
        self._quotes_key = quotes_key

    @property
    def has_failed(self) -> bool:
        return self.waits >= self.at

    def next(self) -> Exception | None:
        self.waits += 1
        if self.waits != self.at:
            return None
        words = f"Illegal header value b'Bearer {KEY}'" if self._quotes_key else "forced"
        kinds = (RuntimeError(words), OSError(errno.EIO, words), ValueError(words), TimeoutError(words))
        return kinds[self.at % len(kinds)]


async def fail_at(plan: Plan, home: Path, sandbox: Sandbox, clip: Path) -> list[str]:
    """One job in a data folder of its own; every line tells of a place where the key was seen."""
    start = TaskOwner.start

    def stepping(owner: TaskOwner, key: str, coroutine: Coroutine[Any, Any, None], **rest: Any) -> bool:
        return start(owner, key, Step(coroutine, plan), **rest)

    seen: list[str] = []
    failures: list[Exception] = []
    with mock.patch.object(TaskOwner, "start", stepping), _telling_all(home, by_others=not plan._quotes_key):
        async with a_studio(home, sandbox, key=KEY, on_bug=failures.append) as studio:
            watch = Watch(studio)
            (job,) = studio.queue.enqueue(a_request(clip))
            with suppress(TimeoutError):
                async with asyncio.timeout(_REST_S):
                    await watch.until(job.id, lambda now: bool(failures) or now.paused or not now.is_active)
            last = studio.queue.job(job.id)
        for failure in failures:
            # What the window shows of it, and what is copied from there.
            seen += scan_bytes("the message", Bug("a job", failure).summary.encode(), [KEY, MARK])
            if not plan._quotes_key:
                with (home / "hook.txt").open("a") as file:
                    traceback.print_exception(failure, file=file, chain=True)
        with (home / "dump.txt").open("a") as file:
            faulthandler.dump_traceback(file, all_threads=True)
    if last.problem is not None:
        seen += scan_bytes("the problem", f"{last.problem}".encode(), [KEY, MARK])
    environ = {"KLINGSTUDIO_HOME": str(home)}
    report = diagnostics.report(paths(environ), Around(keys={}), with_names=True)
    seen += scan_bytes("the report", report.encode(), [KEY, MARK])
    return seen + scan_files([home], [KEY, MARK])


@contextmanager
def _telling_all(home: Path, *, by_others: bool) -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("klingstudio")
    before = root.level
    end = logs.start(home / "logs", level=logging.DEBUG)
    home.mkdir(parents=True, exist_ok=True)
    theirs = logging.FileHandler(home / "developer.log") if by_others else logging.NullHandler()
    root.addHandler(theirs)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(theirs)
        theirs.close()
        end()
        assert ours.level != logging.DEBUG


def run(stint: Stint) -> Verdict:
    """Fail at each wait of a whole job, in an order that the seed gives."""
    return asyncio.run(_run(stint, most=_STEPS_MOST))


async def _run(stint: Stint, *, most: int) -> Verdict:
    chosen = random.Random(stint.seed)
    violations: list[str] = []
    lives = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        _hooks(Path(folder)),
        run_quick_sandbox(Path(folder, "sandbox"), edits=Path(folder)) as sandbox,
    ):
        clip = a_clip(Path(folder, "clip.mp4"))
        whole = Plan(sys.maxsize, quotes_key=False)
        violations += await fail_at(whole, Path(folder, "whole"), sandbox, clip)
        places = chosen.sample(range(1, whole.waits + 1), min(most, whole.waits))
        for at in places:
            if stint.is_over():
                break
            home = Path(folder, f"life-{at}")
            plan = Plan(at, quotes_key=at % 2 == 0)
            found = await fail_at(plan, home, sandbox, clip)
            violations += [f"seed {stint.seed}, wait {at}: {line}" for line in found]
            lives += 1
            shutil.rmtree(home)
        violations += scan_files([Path(folder)], [KEY, MARK])
    counts = {"waits of a job": whole.waits, "failures": lives, "hits": len(violations)}
    return Verdict(part="secrets", counts=counts, violations=tuple(violations))


@contextmanager
def _hooks(folder: Path) -> Iterator[None]:
    """What a task that nobody listens to says on its way out belongs to what is looked at."""
    with (folder / "stderr.txt").open("w") as file, mock.patch.object(sys, "stderr", file):
        yield
