"""The studio without a face: builds its parts once, in order, and closes them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from klingstudio.domain.errors import DiskProblem, Kind, StudioBusy
from klingstudio.domain.job import QUIET, Job, Wait
from klingstudio.domain.request import Request, Tier
from klingstudio.engine.accounts import Accounts
from klingstudio.engine.compare import Offer, Waits, compare
from klingstudio.engine.course import Surroundings
from klingstudio.engine.queue import JobQueue
from klingstudio.engine.sandbox_process import SandboxProcess
from klingstudio.media.worker import MediaWorker
from klingstudio.net.api import PATIENT, Deadlines
from klingstudio.net.retry import Patience
from klingstudio.net.upload import disk_problem
from klingstudio.paths import Paths
from klingstudio.providers import registry
from klingstudio.providers.base import ProviderInfo
from klingstudio.store.database import open_database, open_for_reading
from klingstudio.store.jobs import JobStore
from klingstudio.store.ledger import Ledger
from klingstudio.store.settings import Choices, Settings
from klingstudio.vault import Vault

log = logging.getLogger(__name__)


Pause = Callable[[float, asyncio.Event], Awaitable[None]]


async def pause(seconds: float, until: asyncio.Event) -> None:
    """Wait that long, or until the event is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()


class Studio:
    """Everything the window and the command line work with."""

    def __init__(
        self,
        paths: Paths,
        *,
        settings: Settings,
        accounts: Accounts,
        media: MediaWorker,
        queue: JobQueue,
        ledger: Ledger,
        waits: Waits,
        closing: AsyncExitStack,
    ) -> None:
        self.paths = paths
        self.settings = settings
        self.accounts = accounts
        self.media = media
        self.queue = queue
        self.ledger = ledger
        self._waits = waits
        self._closing = closing

    @property
    def providers(self) -> tuple[ProviderInfo, ...]:
        """What can be chosen, the sandbox last."""
        return tuple(entry.info for entry in registry.ENTRIES)

    @staticmethod
    async def open(
        paths: Paths,
        environ: Mapping[str, str],
        *,
        on_bug: Callable[[Exception], None] | None = None,
        pause: Pause = pause,
        deadlines: Deadlines = PATIENT,
    ) -> Studio:
        """Open the data folder and go on with every job that was sent.

        Args:
            on_bug: hears of exceptions that the program does not know; they are logged in any case.
            pause: how time passes between polls, looks and tries.
            deadlines: how long providers may take to answer.

        Raises:
            StudioBusy: another copy works on this folder.
            StudioError: the journal cannot be opened; nothing was changed.
        """
        async with AsyncExitStack() as stack:
            stack.callback(_lock(paths).release)
            database = open_database(paths.database)
            stack.callback(database.close)
            accounts = await _open_accounts(paths, environ, stack, pause, deadlines)
            store, media, ledger = JobStore(database), MediaWorker(), Ledger(database)
            surroundings = Surroundings(
                store=store,
                ledger=ledger,
                accounts=accounts,
                media=media,
                work=paths.work,
                takes=paths.takes,
                now=_now,
                pause=pause,
                random=random.random,
                new_id=lambda: uuid.uuid4().hex,
            )

            def bug(error: Exception) -> None:
                log.error("a job ended with a bug", exc_info=error)
                if on_bug is not None:
                    on_bug(error)

            queue = JobQueue(surroundings, on_bug=bug)
            stack.push_async_callback(queue.aclose)
            queue.open()
            _sweep(paths.work, queue.jobs())
            # Not at the beginning: the window may be taking frames already.
            stack.callback(lambda: _forget_frames(paths.frames, queue.jobs()))
            return Studio(
                paths,
                settings=Settings(database),
                accounts=accounts,
                media=media,
                queue=queue,
                ledger=ledger,
                waits=store.usual_wait,
                closing=stack.pop_all(),
            )

    async def sample(self) -> Path:
        """The sample clip, drawn and encoded on first use.

        Raises:
            StudioError: it could not be made.
        """
        try:
            self.paths.samples.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_problem(error) from error
        return await self.media.sample(self.paths.samples / "walk.mp4")

    async def compare(self, request: Request, *, takes: int = 1) -> tuple[Offer, ...]:
        """What each service would make of the request. Nothing is sent.

        Raises:
            StudioError: the source or a picture can be used with none of them.
        """
        return await compare(
            request,
            self.accounts.services(),
            takes=takes,
            media=self.media,
            accounts=self.accounts,
            waits=self._waits,
        )

    async def aclose(self) -> None:
        """Close everything in the reverse order of opening; unfinished jobs are in the journal."""
        await self._closing.aclose()


@asynccontextmanager
async def open_accounts(paths: Paths, environ: Mapping[str, str]) -> AsyncIterator[Accounts]:
    """Only the keys and the way to the providers, beside a running studio."""
    async with AsyncExitStack() as stack:
        yield await _open_accounts(paths, environ, stack, pause, PATIENT)


def read_jobs(paths: Paths) -> tuple[Job, ...]:
    """Every job as the journal has it, newest first, beside a running studio.

    Raises:
        StudioError: the journal cannot be read.
    """
    database = open_for_reading(paths.database)
    if database is None:
        return ()
    try:
        return JobStore(database).all()
    finally:
        database.close()


def read_wait(paths: Paths, provider: str, tier: Tier) -> Wait | None:
    """The usual wait as the journal has it, beside a running studio.

    Raises:
        StudioError: the journal cannot be read.
    """
    database = open_for_reading(paths.database)
    if database is None:
        return None
    try:
        return JobStore(database).usual_wait(provider, tier)
    finally:
        database.close()


def read_choices(paths: Paths) -> Choices:
    """The settings, beside a running studio.

    Raises:
        StudioError: the journal cannot be read.
    """
    database = open_for_reading(paths.database)
    if database is None:
        return Choices()
    try:
        return Settings(database).choices
    finally:
        database.close()


async def _open_accounts(
    paths: Paths, environ: Mapping[str, str], stack: AsyncExitStack, pause: Pause, deadlines: Deadlines
) -> Accounts:
    vault = Vault(environ)
    stack.callback(vault.close)
    sandbox = SandboxProcess(paths.data / "sandbox")
    stack.push_async_callback(sandbox.aclose)
    accounts = Accounts(
        vault,
        environ=environ,
        patience=Patience(sleep=lambda seconds: pause(seconds, asyncio.Event()), random=random.random),
        now=_now,
        sandbox_address=sandbox.address,
        deadlines=deadlines,
    )
    stack.push_async_callback(accounts.aclose)
    return accounts


def _now() -> datetime:
    return datetime.now(UTC)


def _sweep(work: Path, jobs: Iterable[Job]) -> None:
    """Remove what an ended program left in the work folder: everything that no unfinished job will still send."""
    wanted = {Path(job.clip.path) for job in jobs if job.clip is not None and job.state not in QUIET}
    with contextlib.suppress(OSError):
        for left in tuple(work.iterdir()):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            elif left not in wanted:
                left.unlink()


def _forget_frames(frames: Path, jobs: Iterable[Job]) -> None:
    """Remove the frames that became reference images of drafts only: a draft ends with the program."""
    wanted = {Path(place).parent for job in jobs for _subject, place in job.request.pictures()}
    with contextlib.suppress(OSError):
        for folder in tuple(frames.iterdir()):
            if folder not in wanted:
                shutil.rmtree(folder, ignore_errors=True)


def _lock(paths: Paths) -> FileLock:
    # Held by the kernel, so it is free again after kill -9.
    lock = FileLock(paths.lock, timeout=0)
    try:
        paths.lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock.acquire()
    except Timeout as error:
        raise StudioBusy(Kind.STUDIO_BUSY, str(paths.data)) from error
    except OSError as error:
        raise DiskProblem(Kind.DISK_UNWRITABLE, f"{paths.data}: {error.strerror}") from error
    return lock
