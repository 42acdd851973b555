"""The studio without a face: builds its parts once, in order, and closes them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from klingstudio.domain.budget import Balance
from klingstudio.domain.errors import DiskProblem, Kind, Problem, StudioBusy, StudioError
from klingstudio.domain.job import QUIET, Job, Wait
from klingstudio.domain.request import Request, Tier
from klingstudio.engine.accounts import Accounts
from klingstudio.engine.budget import Budget
from klingstudio.engine.compare import Offer, Waits, compare
from klingstudio.engine.course import Surroundings
from klingstudio.engine.finish import sweep
from klingstudio.engine.fitting import Fits
from klingstudio.engine.library import Library
from klingstudio.engine.pictures import Pictures
from klingstudio.engine.queue import JobQueue
from klingstudio.engine.restored import Recovery, doubt
from klingstudio.engine.sandbox_process import SandboxProcess
from klingstudio.engine.sources import Fetched, fetch_file
from klingstudio.engine.tasks import TaskOwner
from klingstudio.media.worker import MediaWorker
from klingstudio.net.api import PATIENT, Deadlines
from klingstudio.net.retry import Patience
from klingstudio.net.upload import disk_problem
from klingstudio.paths import Paths
from klingstudio.providers import registry
from klingstudio.providers.base import ProviderInfo
from klingstudio.store.backups import back_up, is_due
from klingstudio.store.database import Database, open_database, open_for_reading
from klingstudio.store.drafts import DraftStore
from klingstudio.store.examine import is_there
from klingstudio.store.jobs import JobStore
from klingstudio.store.ledger import Ledger
from klingstudio.store.library import LibraryStore
from klingstudio.store.rescue import Rescue, Way, rescue_of
from klingstudio.store.rescue import put_back as put_back_journal
from klingstudio.store.restorations import RestorationStore
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
        fits: Fits,
        queue: JobQueue,
        ledger: Ledger,
        budget: Budget,
        drafts: DraftStore,
        library: Library,
        pictures: Pictures,
        waits: Waits,
        recovery: Recovery,
        recover: Callable[[], None],
        closing: AsyncExitStack,
    ) -> None:
        self.paths = paths
        self.settings = settings
        self.accounts = accounts
        self.media = media
        self.fits = fits
        self.queue = queue
        self.ledger = ledger
        self.budget = budget
        self.drafts = drafts
        self.library = library
        self.pictures = pictures
        self._waits = waits
        self.recovery = recovery
        self._recover = recover
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
        goes_on: bool = True,
    ) -> Studio:
        """Open the data folder and go on with every job that was sent.

        Args:
            on_bug: hears of exceptions that the program does not know; they are logged in any case.
            pause: how time passes between polls, looks and tries.
            deadlines: how long providers may take to answer.
            goes_on: False leaves the jobs as they are until `go_on`.

        Raises:
            StudioBusy: another copy works on this folder.
            StudioError: the journal cannot be opened; nothing was changed.
        """
        async with AsyncExitStack() as stack:
            stack.callback(_lock(paths).release)
            is_old = is_there(paths.database)
            # On a thread: all of a long list is read to see whether it is whole.
            database = await asyncio.to_thread(open_database, paths.database)
            stack.callback(database.close)
            accounts = await _open_accounts(paths, environ, stack, pause, deadlines)
            store, media, ledger, settings = JobStore(database), MediaWorker(), Ledger(database), Settings(database)
            drafts = DraftStore(database)
            library = Library(LibraryStore(database), paths.library, media, now=_now, new_id=lambda: uuid.uuid4().hex)
            budget = Budget(store, ledger, info=_info, caps=lambda: settings.choices.caps, now=_now)
            fits = Fits(paths.fits, media)
            stack.push_async_callback(fits.aclose)
            fits.open()
            surroundings = Surroundings(
                store=store,
                ledger=ledger,
                budget=budget,
                accounts=accounts,
                media=media,
                fits=fits,
                work=paths.work,
                takes=paths.takes,
                refuge=paths.refuge,
                damaged=paths.damaged,
                now=_now,
                pause=pause,
                random=random.random,
                new_id=lambda: uuid.uuid4().hex,
            )

            def bug(error: Exception) -> None:
                log.error("a job ended with a bug", exc_info=error)
                if on_bug is not None:
                    on_bug(error)

            records = RestorationStore(database)
            doubt(store, records, _now(), surroundings.new_id)
            queue = JobQueue(surroundings, on_bug=bug)
            stack.push_async_callback(queue.aclose)
            queue.open(goes_on=goes_on)
            recovery = Recovery(
                store,
                records,
                accounts,
                take_up=queue.take_up,
                now=_now,
                sleep=lambda seconds: pause(seconds, asyncio.Event()),
                new_id=surroundings.new_id,
            )
            upkeep = TaskOwner()
            stack.push_async_callback(upkeep.aclose)
            if is_old and is_due(paths.database, _now()):
                upkeep.start("backup", _backed_up(paths.database), on_error=bug)
            if goes_on:
                _recover(recovery, upkeep, bug)
            _sweep(paths.work, queue.jobs())
            for folder in (paths.takes, paths.refuge):
                sweep(folder, queue.jobs(), time.time())
            # Not at the beginning: the window may be taking frames already.
            made = (paths.frames, paths.pictures, paths.library)
            stack.callback(lambda: _forget_pictures(made, queue.jobs(), drafts, library.places()))
            return Studio(
                paths,
                settings=settings,
                accounts=accounts,
                media=media,
                fits=fits,
                queue=queue,
                ledger=ledger,
                budget=budget,
                drafts=drafts,
                library=library,
                pictures=Pictures(paths.pictures, media),
                waits=store.usual_wait,
                recovery=recovery,
                recover=lambda: _recover(recovery, upkeep, bug),
                closing=stack.pop_all(),
            )

    def go_on(self) -> None:
        """Go on with every job that was sent, where that was not done when the studio was opened."""
        self.queue.go_on()
        self._recover()

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

    async def fetch(self, url: str, *, allow_loopback: bool, on_fraction: Callable[[float | None], None]) -> Fetched:
        """A picture or clip from the web, which the person agreed to; it stays in the data folder.

        Args:
            allow_loopback: the address may be one of this computer.

        Raises:
            StudioError: there is none at this address, or it cannot be fetched or kept.
        """
        return await fetch_file(
            url,
            self.paths.sources,
            allow_loopback=allow_loopback,
            repeat=self.accounts.repeat,
            on_fraction=on_fraction,
        )

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
    with _journal(paths) as database:
        return JobStore(database).all() if database is not None else ()


def read_balances(paths: Paths) -> tuple[Balance, ...]:
    """What was spent and what may be, as the journal has it, beside a running studio.

    Raises:
        StudioError: the journal cannot be read.
    """
    with _journal(paths) as database:
        if database is None:
            return ()
        store, caps = JobStore(database), Settings(database).choices.caps
        budget = Budget(store, Ledger(database), info=_info, caps=lambda: caps, now=_now)
        for job in store.all():
            budget.note(job)
        return budget.balances()


def read_wait(paths: Paths, provider: str, tier: Tier) -> Wait | None:
    """The usual wait as the journal has it, beside a running studio.

    Raises:
        StudioError: the journal cannot be read.
    """
    with _journal(paths) as database:
        return JobStore(database).usual_wait(provider, tier) if database is not None else None


def read_choices(paths: Paths) -> Choices:
    """The settings, beside a running studio.

    Raises:
        StudioError: the journal cannot be read.
    """
    with _journal(paths) as database:
        return Settings(database).choices if database is not None else Choices()


def check(paths: Paths) -> Problem | None:
    """Why the journal cannot be opened; None where it can.

    Raises:
        StudioBusy: another copy works on this folder.
    """
    lock = _lock(paths)
    try:
        open_database(paths.database).close()
    except StudioError as error:
        return error.problem
    else:
        return None
    finally:
        lock.release()


def rescue(paths: Paths, problem: Problem) -> Rescue:
    """What can be done where the studio could not be opened because of this problem. Changes nothing."""
    return rescue_of(paths.database, problem)


def put_back(paths: Paths, problem: Problem, way: Way, backup: Path | None = None) -> Path:
    """Go this way. Returns the folder in which the old files of the journal are now.

    Raises:
        StudioBusy: another copy works on this folder.
        StudioError: it could not be done; the journal is as it was.
    """
    lock = _lock(paths)
    try:
        return put_back_journal(paths.database, problem, way, backup, _now())
    finally:
        lock.release()


@contextlib.contextmanager
def _journal(paths: Paths) -> Iterator[Database | None]:
    database = open_for_reading(paths.database)
    try:
        yield database
    finally:
        if database is not None:
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


def _recover(recovery: Recovery, upkeep: TaskOwner, on_bug: Callable[[Exception], None]) -> None:
    if recovery.is_wanted():
        upkeep.start("recovery", recovery.run(), on_error=on_bug)


async def _backed_up(journal: Path) -> None:
    copying = asyncio.get_running_loop().run_in_executor(None, back_up, journal)
    try:
        await asyncio.shield(copying)
    finally:
        # A thread cannot be ended, and the journal is not closed while it is copied.
        await copying


def _info(provider_id: str) -> ProviderInfo | None:
    entry = registry.entry(provider_id)
    return entry.info if entry is not None else None


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


def _forget_pictures(folders: Iterable[Path], jobs: Iterable[Job], drafts: DraftStore, kept: Collection[str]) -> None:
    """Remove the pictures that neither a job nor a draft nor the library speaks of any more.

    Each lies in a folder of its own. Where drafts cannot be read, nothing goes.
    """
    places = (*kept, *(place for job in jobs for _subject, place in job.request.pictures()))
    wanted = {Path(place).parent for place in places}
    for folder in folders:
        with contextlib.suppress(OSError, StudioError):
            for found in tuple(folder.iterdir()):
                if found not in wanted and not drafts.speaks_of(found.name):
                    shutil.rmtree(found, ignore_errors=True)


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
