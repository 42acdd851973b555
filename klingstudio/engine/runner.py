"""Carries one job from state to state until it rests: one loop, one `match`.

What each step promises is in the table of `domain/job.py`; how it is done stands in `prepare`, `submit`, `follow`
and `fetch`.
"""

from __future__ import annotations

import logging
from typing import assert_never

from klingstudio.domain.errors import Kind, Problem, StudioError
from klingstudio.domain.job import UNSENT, IllegalMove, State
from klingstudio.engine.course import Course
from klingstudio.engine.fetch import fetch, refresh
from klingstudio.engine.follow import look, poll
from klingstudio.engine.prepare import begin_upload, prepare, upload
from klingstudio.engine.submit import submit
from klingstudio.net.upload import disk_problem

log = logging.getLogger(__name__)


async def run(course: Course) -> None:
    """Go on until the job rests, is paused, or this task is cancelled."""
    await _run_while(course, frozenset(State))


async def run_until_sent(course: Course) -> None:
    """Go on until the request is out, or the job rests or is paused before that."""
    await _run_while(course, UNSENT)


async def _run_while(course: Course, states: frozenset[State]) -> None:
    while course.job.is_active and course.job.state in states:
        try:
            await _step(course)
        except StudioError as error:
            course.pause(error.problem)
        except OSError as error:
            log.info("a file could not be used", exc_info=error)
            course.pause(disk_problem(error).problem)
        except Exception as error:
            # A bug of ours: the job must not vanish with its task.
            bug = Problem(kind=Kind.INTERRUPTED, detail=f"an error of the program ({type(error).__name__})")
            # That a request may have been paid is the more important thing to know.
            is_in_doubt = course.job.state is State.UNCONFIRMED
            course.pause(course.job.problem or bug if is_in_doubt else bug)
            raise


async def _step(course: Course) -> None:
    match course.job.state:
        case State.PREPARING:
            await prepare(course)
        case State.PREPARED:
            await begin_upload(course)
        case State.UPLOADING:
            await upload(course)
        case State.READY:
            await submit(course)
        case State.UNCONFIRMED | State.REMOTE_MISSING:
            await look(course)
        case State.REMOTE:
            await poll(course)
        case State.SUCCEEDED:
            await fetch(course)
        case State.RESULT_UNAVAILABLE:
            await refresh(course)
        case State.SUBMITTING | State.DOWNLOADING | State.VERIFYING:
            raise IllegalMove(f"{course.job.state} belongs to another run")
        case State.DRAFT | State.COMPLETED | State.REJECTED:
            raise IllegalMove(f"{course.job.state} rests")
        case State.REMOTE_FAILED | State.REMOTE_CANCELLED | State.ABANDONED:
            raise IllegalMove(f"{course.job.state} rests")
        case other:
            assert_never(other)
