"""The list of jobs as the engine tells it. Nothing here polls and nothing reads the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.errors import Kind, StudioError
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.domain.job import Job, Progress
    from klingstudio.domain.price import Money
    from klingstudio.domain.request import Request
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.providers.base import ProviderInfo
    from klingstudio.studio import Studio

THUMB_PX = 240


class JobsModel(QObject):
    """Observes the queue, keeps the newest state of each job, and passes the person's wishes on."""

    added = Signal(str)
    """A new job, at the top of the list."""
    changed = Signal(str)
    progressed = Signal(str)
    pictured = Signal(str)
    """The job's small picture can be had."""
    completed = Signal(str)
    """A take has just been finished, while the program was running."""
    was_attached = Signal()

    def __init__(self, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._jobs: dict[str, Job] = {}
        self._numbers: dict[str, int] = {}
        self._progress: dict[str, Progress] = {}
        self._since: dict[str, float] = {}
        self._thumbs: dict[str, bytes] = {}
        self._wanted: list[str] = []
        self._offline: frozenset[str] = frozenset()

    # wiring

    def attach(self, studio: Studio) -> None:
        """The studio is open: take over its jobs and listen."""
        from klingstudio.engine.tasks import TaskOwner

        self._studio = studio
        self._tasks = TaskOwner()
        for job in reversed(studio.queue.jobs()):
            self._take_in(job)
        self._unsubscribe = studio.queue.subscribe(self)
        self.was_attached.emit()

    async def aclose(self) -> None:
        """Stop listening and stop making pictures."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._tasks is not None:
            await self._tasks.aclose()

    # what stands now

    def ids(self) -> tuple[str, ...]:
        """Every job, newest first."""
        return tuple(reversed(self._jobs))

    def job(self, job_id: str) -> Job:
        return self._jobs[job_id]

    def number(self, job_id: str) -> int:
        """Place of the job in the order of making, from 1."""
        return self._numbers[job_id]

    def progress(self, job_id: str) -> Progress | None:
        """Of the present phase; None where nothing is known of it."""
        progress = self._progress.get(job_id)
        return progress if progress and progress.phase is self._jobs[job_id].state else None

    def elapsed_s(self, job_id: str) -> float:
        """Seconds since the present phase began."""
        return max(0.0, time.monotonic() - self._since.get(job_id, time.monotonic()))

    def twin(self, request: Request, size_bytes: int | None) -> str | None:
        """The newest job that has made a take of the very same: same words, files and settings.

        `size_bytes`: of the source as it is now, which tells most changed files.
        """
        if not self._jobs:
            return None
        from klingstudio.domain.job import State

        wanted = what_is_made(request)
        for job_id in reversed(self._jobs):
            job = self._jobs[job_id]
            mark = job.source_mark
            if job.state is not State.COMPLETED or job.request.prompt != wanted.prompt:
                continue
            if what_is_made(job.request) == wanted and (mark is None or mark.size_bytes == size_bytes):
                return job_id
        return None

    def thumb(self, job_id: str) -> bytes | None:
        """PNG bytes of the job's small picture, or None; asks for one where it can be made."""
        job = self._jobs[job_id]
        place = job.take or job.request.source
        if place not in self._thumbs:
            self._want(job_id)
        return self._thumbs.get(place) or self._thumbs.get(job.request.source)

    def is_offline(self, job_id: str) -> bool:
        """True while its take is not where it was."""
        return job_id in self._offline

    def show_offline(self, job_ids: frozenset[str]) -> None:
        """The takes of these jobs are not where they were; all others are."""
        others = self._offline ^ job_ids
        self._offline = job_ids
        for job_id in others & self._jobs.keys():
            self.changed.emit(job_id)

    @property
    def running(self) -> int:
        """How many jobs are under way."""
        if not self._jobs:
            return 0
        from klingstudio.domain.job import ATTENTION

        return sum(1 for job in self._jobs.values() if job.is_active and job.state not in ATTENTION)

    @property
    def needing_answer(self) -> int:
        """How many jobs wait for the person."""
        if not self._jobs:
            return 0
        from klingstudio.domain.job import ATTENTION

        return sum(1 for job in self._jobs.values() if job.state in ATTENTION or job.paused)

    @property
    def is_sending(self) -> bool:
        """True while the answer to a paid request is awaited."""
        from klingstudio.domain.job import State

        return any(job.state is State.SUBMITTING for job in self._jobs.values())

    def title(self, provider_id: str) -> str:
        """The provider's name as people know it."""
        info = self._info(provider_id)
        return info.title if info is not None else provider_id

    def info(self, job: Job) -> ProviderInfo | None:
        """The facts of the job's provider; None for one that this program does not know."""
        return self._info(job.request.provider)

    def is_free(self, job: Job) -> bool:
        """True where the provider never charges."""
        info = self.info(job)
        return info is not None and info.key_variable is None

    def page(self, job: Job) -> str:
        """Where the person sees what was ordered and charged; empty where there is no such page."""
        info = self.info(job)
        return info.history_page if info is not None else ""

    def host_title(self, job: Job) -> str:
        """Who has the files that were uploaded for the job."""
        return self.title(job.request.inputs_via or job.request.provider)

    def has_copies(self, job: Job) -> bool:
        """True where the job has ended and what was uploaded for it can be removed from the provider again."""
        from klingstudio.domain.job import QUIET

        host = self._info(job.request.inputs_via or job.request.provider)
        is_there = any(one.is_upload and not one.is_deleted for one in (*job.assets, *job.left_assets))
        return job.state in QUIET and host is not None and host.can_delete and is_there

    def _info(self, provider_id: str) -> ProviderInfo | None:
        infos = self._studio.providers if self._studio is not None else ()
        return next((info for info in infos if info.id == provider_id), None)

    # the engine's calls

    def job_changed(self, job: Job) -> None:
        """A stored change of a job."""
        from klingstudio.domain.job import State

        before = self._jobs.get(job.id)
        self._take_in(job)
        if before is None:
            self.added.emit(job.id)
            return
        self.changed.emit(job.id)
        if job.state is State.COMPLETED and before.state is not State.COMPLETED:
            self.completed.emit(job.id)

    def job_progress(self, progress: Progress) -> None:
        """How far a job's phase is."""
        self._progress[progress.job_id] = progress
        if progress.elapsed_s > 0:
            self._since[progress.job_id] = time.monotonic() - progress.elapsed_s
        self.progressed.emit(progress.job_id)

    def _take_in(self, job: Job) -> None:
        before = self._jobs.get(job.id)
        if before is None:
            self._numbers[job.id] = len(self._numbers) + 1
        if before is None or before.state is not job.state or before.paused is not job.paused:
            self._since[job.id] = time.monotonic()
        self._jobs[job.id] = job

    # the person's wishes

    def enqueue(self, request: Request, *, takes: int, estimate: Money | None) -> tuple[str, ...]:
        """Record the request and begin. Empty where that failed; the problem is reported."""
        if self._studio is None:
            return ()
        try:
            return tuple(job.id for job in self._studio.queue.enqueue(request, takes=takes, estimate=estimate))
        except StudioError as error:
            self._problems.report("generate", error)
            return ()

    def cancel(self, job_id: str) -> None:
        self._ask(lambda studio: studio.queue.cancel(job_id))

    def carry_on(self, job_id: str) -> None:
        """Let it go on. Said aloud where a limit has no room for it: on the card nothing changes."""
        self._ask(lambda studio: studio.queue.carry_on(job_id))
        job = self._jobs[job_id]
        if job.problem is not None and job.problem.kind is Kind.OVER_BUDGET and not job.is_active:
            self._problems.show(job.problem)

    def look_again(self, job_id: str) -> None:
        """Have the provider asked now. Said aloud: where nothing is found, nothing on the card changes."""
        from klingstudio.domain.job import State

        job = self._jobs[job_id]
        title, is_done = self.title(job.request.provider), job.state is State.RESULT_UNAVAILABLE
        where = f"Asking {title} for the video" if is_done else f"Looking in the list of {title}"
        self._problems.say(f"{where}… The card changes when it is found")
        self._ask(lambda studio: studio.queue.look_again(job_id))

    def send_again(self, job_id: str) -> None:
        """The person's approval of one further request. It may charge again."""
        self._ask(lambda studio: studio.queue.send_again(job_id))

    def drop(self, job_id: str) -> None:
        self._ask(lambda studio: studio.queue.drop(job_id))

    def found(self, job_id: str, remote_id: str) -> None:
        self._ask(lambda studio: studio.queue.found(job_id, remote_id))

    def delete_copies(self, job_id: str) -> None:
        """Have what was uploaded for the job removed, and say what came of it."""
        if self._studio is not None and self._tasks is not None:
            where = self.host_title(self._jobs[job_id])
            self._problems.say(f"Deleting the copies at {where}…")
            self._tasks.start(
                f"copies {job_id}",
                self._delete_copies(self._studio, job_id, where),
                on_error=lambda error: self._problems.report("deleting copies", error),
            )

    async def _delete_copies(self, studio: Studio, job_id: str, where: str) -> None:
        count = await studio.queue.delete_copies(job_id)
        files = "1 uploaded copy" if count == 1 else f"{count} uploaded copies"
        self._problems.say(f"{files} deleted at {where}")

    def relink(self, job_id: str, place: Path) -> None:
        """The person says where its take is now."""
        if self._studio is not None and self._tasks is not None:
            self._tasks.start(
                f"relink {job_id}",
                self._relink(self._studio, job_id, place),
                on_error=lambda error: self._problems.report("finding a take", error),
            )

    async def _relink(self, studio: Studio, job_id: str, place: Path) -> None:
        await studio.queue.relink(job_id, place)
        self._thumbs.pop(str(place), None)
        self.show_offline(self._offline - {job_id})

    def _ask(self, wish: Callable[[Studio], None]) -> None:
        if self._studio is None:
            return
        try:
            wish(self._studio)
        except StudioError as error:
            self._problems.report("jobs", error)

    # small pictures, one at a time: each costs a process

    def _want(self, job_id: str) -> None:
        if self._studio is None or self._tasks is None or job_id in self._wanted:
            return
        self._wanted.append(job_id)
        self._tasks.start("pictures", self._make_pictures(self._studio), on_error=self._no_picture)

    async def _make_pictures(self, studio: Studio) -> None:
        while self._wanted:
            job_id = self._wanted[0]
            job = self._jobs[job_id]
            place = job.take or job.request.source
            if place not in self._thumbs:
                try:
                    length_s = job.clip.duration_s if job.clip else 2.0
                    self._thumbs[place] = await studio.media.poster(Path(place), length_s / 2, THUMB_PX)
                except StudioError:
                    # A moved or deleted file has no picture. Said at its place when somebody wants to use it.
                    self._thumbs[place] = b""
            self._wanted.remove(job_id)
            self.pictured.emit(job_id)

    def _no_picture(self, error: Exception) -> None:
        self._wanted.clear()
        self._problems.report("pictures of takes", error)


def what_is_made(request: Request) -> Request:
    """The request without what changes nothing about the take: money, number, names, where files lie."""
    elements = tuple(replace(one, name="", library_id="") for one in request.elements)
    return replace(
        request,
        elements=elements,
        source_url=None,
        inputs_via=None,
        billed_to=None,
        takes=1,
        max_cost=None,
        accepts_unknown_price=False,
        out=None,
    )
