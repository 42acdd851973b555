"""Defects that cost a take, a file of the person's, or the sight of a job."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from klingstudio.domain.job import Job, State
from klingstudio.engine import fetch, finish
from klingstudio.engine.course import Course
from klingstudio.engine.finish import Finish
from klingstudio.engine.queue import JobQueue
from klingstudio.media.digest import sha256_of


def write_to_the_final_name() -> None:
    """The download goes straight to where the take will be."""

    async def planned(self: Finish) -> tuple[Path, str]:
        return self._part, await asyncio.to_thread(sha256_of, self._part)

    async def kept(self: Finish, planned: Path) -> bool:
        del self, planned
        return True

    Finish._part = property(lambda self: self._folder / f"{self._job.id}.mp4")  # type: ignore[assignment, method-assign]
    Finish.plan_name = planned  # type: ignore[method-assign]
    Finish.keep = kept  # type: ignore[method-assign]


def no_verify() -> None:
    """What came is taken for whole."""

    async def trusting(self: Finish, on_fraction: Callable[[float], None]) -> None:
        del self, on_fraction

    Finish.verify = trusting  # type: ignore[method-assign]


def leave_the_part() -> None:
    """The take gets its name, and the file that it was fetched into stays beside it."""

    def named(part: Path, planned: Path) -> bool:
        os.link(part, planned)
        return True

    finish._rename = named


def touch_the_source() -> None:
    """The person's own file is put in order when its job is done."""
    remove = fetch._remove_clip

    def tidied(course: Course) -> None:
        remove(course)
        os.utime(course.job.request.source)

    fetch._remove_clip = tidied


def drop_the_card() -> None:
    """A job of which nobody knows what became is not shown."""
    jobs, announce = JobQueue.jobs, JobQueue._announce

    def fewer(self: JobQueue) -> tuple[Job, ...]:
        return tuple(job for job in jobs(self) if job.state is not State.UNCONFIRMED)

    def quiet(self: JobQueue, job: Job) -> None:
        if job.state is not State.UNCONFIRMED:
            announce(self, job)

    JobQueue.jobs = fewer  # type: ignore[method-assign]
    JobQueue._announce = quiet  # type: ignore[method-assign]


def never_rest() -> None:
    """No wait between two questions to the provider."""

    async def restless(self: Course, seconds: float) -> bool:
        del self, seconds
        await asyncio.sleep(0)
        return True

    Course.rest = restless  # type: ignore[method-assign]
