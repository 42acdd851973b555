"""From a finished edit to a verified take: fetching for as long as it takes, since the link dies and money was paid."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from klingstudio.domain.errors import (
    Charged,
    DiskProblem,
    KeyProblem,
    Kind,
    NetworkProblem,
    Problem,
    ResultGone,
    StudioError,
    UnexpectedReply,
)
from klingstudio.domain.job import Event, State
from klingstudio.engine.course import Course
from klingstudio.engine.finish import Finish
from klingstudio.engine.follow import POLL_LONGEST_S
from klingstudio.providers.base import Finished

LINKS_MOST = 3
"""How many fresh links are tried in a row before the result is called unavailable."""
FAILURES_BEFORE_ASKING = 3
"""How often a link is tried in vain before each further failure asks for a fresh one too."""
TRIES_LEFT = 8
"""How many tries fit at least into what is left of a link's life, as far as its end is known."""
SOONEST_S = 1.0
DAMAGED_MOST = 2
FETCH_LONGEST_S = 600.0
REFRESH_EVERY_S = 24 * 3600.0


async def fetch(course: Course) -> None:
    """Download, verify, and give the take its final name."""
    is_local = course.around.accounts.is_on_this_computer(course.job.request.provider)
    folders = (course.around.takes, *filter(None, [course.around.refuge]))
    finish = Finish(course.job, folders=folders, media=course.around.media, allow_loopback=is_local)
    adopted = await finish.adopt()
    course.move(Event.DOWNLOAD, problem=None)
    if adopted is not None:
        course.move(Event.BYTES_DONE)
        course.move(Event.GOOD, take=str(adopted), problem=finish.told_of(adopted))
    elif await finish.is_downloaded() or await _download(course, finish):
        course.move(Event.BYTES_DONE)
        await _verify_and_keep(course, finish)
    if course.job.state is State.COMPLETED:
        _remove_clip(course)


async def _verify_and_keep(course: Course, finish: Finish) -> None:
    while True:
        try:
            await finish.verify(lambda fraction: course.tell(State.VERIFYING, fraction))
            take = await _keep(course, finish)
        except DiskProblem as error:
            has_fallen_back = await finish.fall_back(error)
            if has_fallen_back and await finish.is_downloaded():
                continue
            # It went with its disk: as lost as one that came damaged.
            await _refuse(course, finish, error, is_lost=has_fallen_back)
        except StudioError as error:
            await _refuse(course, finish, error, is_lost=error.problem.kind is Kind.RESULT_DAMAGED)
        else:
            course.move(Event.GOOD, take=str(take), problem=finish.told_of(take))
        return


async def _refuse(course: Course, finish: Finish, error: StudioError, *, is_lost: bool) -> None:
    course.damaged_results += is_lost
    # A result that was damaged once is fetched once more; a checker that failed says nothing about the file.
    again = is_lost and course.damaged_results < DAMAGED_MOST
    problem = replace(error.problem, charged=Charged.YES)
    if not again:
        course.damaged_results = 0
        problem = await _with_what_came(course, finish, problem)
    if is_lost:
        finish.discard()
    course.move(Event.BAD, problem=problem, paused=not again)


async def _with_what_came(course: Course, finish: Finish, problem: Problem) -> Problem:
    """Damaged twice, it may be all that there will ever be: it is kept, away from the takes, and said to be."""
    if problem.kind is not Kind.RESULT_DAMAGED or course.around.damaged is None:
        return problem
    place = await finish.set_aside(course.around.damaged)
    return problem if place is None else replace(problem, detail=f"{problem.detail}; what came is kept as {place}")


async def _keep(course: Course, finish: Finish) -> Path:
    while True:
        planned, digest = await finish.plan_name()
        # Stored before the rename, so that a take whose commit was lost is recognised by its hash.
        course.amend(planned_take=str(planned), take_sha256=digest)
        if await finish.keep(planned):
            return planned


async def _download(course: Course, finish: Finish) -> bool:
    """True when the whole file has come; False when the job moved on without it."""
    links, failures, wait_s, has_renewed = 0, 0, 1.0, False
    life = _Life(course)
    while True:
        try:
            try:
                if not has_renewed and _is_past(course):
                    # By this computer's clock: a fresh link is wanted first, but an old one may still do.
                    has_renewed = True
                    with contextlib.suppress(StudioError):
                        await renew_link(course)
                if course.job.result_url is None:
                    raise ResultGone(Kind.RESULT_GONE, "the provider gives none")
                await finish.download(
                    course.job.result_url,
                    lambda f: course.tell(State.DOWNLOADING, f),
                    lambda url: _credentials(course, url),
                )
            except ResultGone as error:
                if links >= LINKS_MOST or not await renew_link(course):
                    _give_up_link(course, error.problem)
                    return False
                links += 1
                continue
            course.note(None)
            return True
        except (DiskProblem, KeyProblem) as error:
            if isinstance(error, DiskProblem) and await finish.fall_back(error):
                continue
            course.move(Event.DOWNLOAD_FAILED, problem=replace(error.problem, charged=Charged.YES), paused=True)
            return False
        except (NetworkProblem, UnexpectedReply) as error:
            # The answer may be a captive portal's page; only the provider can say that the link is dead.
            course.note(replace(error.problem, charged=Charged.YES))
            if life.is_over() and await _is_all_there_is(course, life):
                gone = Problem(kind=Kind.RESULT_GONE, detail=_past(course), charged=Charged.YES)
                _give_up_link(course, gone)
                return False
            await course.rest(_before_it_dies(course, wait_s * (0.5 + course.around.random() / 2)))
            failures, wait_s = failures + 1, _longer(wait_s)
            if failures >= FAILURES_BEFORE_ASKING:
                # The link's host may be gone while the provider is there.
                with contextlib.suppress(StudioError):
                    await renew_link(course)


async def _credentials(course: Course, url: str) -> Mapping[str, str]:
    """What the provider's own API wants to be shown; nothing for any other host, and nothing without a key."""
    try:
        return (await course.provider()).result_headers(url)
    except StudioError:
        return {}


def _give_up_link(course: Course, problem: Problem) -> None:
    course.asked_for_link = True
    course.move(Event.LINK_DEAD, problem=replace(problem, charged=Charged.YES), looks=0)


def _is_past(course: Course) -> bool:
    expires_at = course.job.result_expires_at
    return expires_at is not None and course.around.now() >= expires_at


def _past(course: Course) -> str:
    expires_at = course.job.result_expires_at
    return f"it worked until {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else ""


class _Life:
    """How long the link lives, in seconds from when that was told: the clock of the wall may be set meanwhile.

    One that is told to be dead already is not: nobody hands out such links, so this computer's clock is wrong.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._clock = asyncio.get_running_loop().time
        self._told: datetime | None = None
        self._ends_s: float | None = None
        self.is_over()

    def is_over(self) -> bool:
        """True when it has ended, as far as anybody knows."""
        told = self._course.job.result_expires_at
        if told != self._told:
            left_s = 0.0 if told is None else (told - self._course.around.now()).total_seconds()
            self._told, self._ends_s = told, self._clock() + left_s if left_s > 0 else None
        return self._ends_s is not None and self._clock() >= self._ends_s


async def _is_all_there_is(course: Course, life: _Life) -> bool:
    """True when the provider could be asked, and has no link that lives longer."""
    try:
        return not await renew_link(course) or life.is_over()
    except (NetworkProblem, UnexpectedReply):
        return False


def _longer(wait_s: float) -> float:
    """The next pause: short ones double, long ones grow with how long it has failed."""
    return min(FETCH_LONGEST_S, wait_s * (2 if wait_s < POLL_LONGEST_S else 1.5))


def _before_it_dies(course: Course, wait_s: float) -> float:
    """A pause that leaves room for several more tries while the link lives."""
    expires_at = course.job.result_expires_at
    if expires_at is None:
        return wait_s
    left_s = (expires_at - course.around.now()).total_seconds()
    return wait_s if left_s <= 0 else min(wait_s, max(SOONEST_S, left_s / TRIES_LEFT))


async def renew_link(course: Course) -> bool:
    """Ask the provider for a fresh link to the same result; False when it has none.

    Raises:
        NetworkProblem, UnexpectedReply, KeyProblem: it could not be asked.
    """
    status = await (await course.ordering_provider()).poll(course.remote)
    if not isinstance(status, Finished):
        return False
    is_same = status.url == course.job.result_url
    expires_at = status.expires_at or (course.job.result_expires_at if is_same else None)
    course.amend(result_url=status.url, result_expires_at=expires_at)
    return True


async def refresh(course: Course) -> None:
    """A dead link is asked for again at each start, once a day, and when the person wants it."""
    if course.asked_for_link:
        await course.rest(REFRESH_EVERY_S)
    course.asked_for_link = True
    try:
        renewed = await renew_link(course)
    except (NetworkProblem, UnexpectedReply):
        renewed = False
    if renewed:
        course.move(Event.REFRESHED)
    else:
        course.amend(looks=course.job.looks + 1, looked_at=course.around.now())


def _remove_clip(course: Course) -> None:
    clip = course.job.clip
    if clip is not None and not clip.is_source:
        # The next start sweeps what stays.
        with contextlib.suppress(OSError):
            Path(clip.path).unlink()
