"""The real engine on the real journal in virtual time, with a provider in memory and a media worker that is at once done."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from klingstudio.domain.budget import Cap
from klingstudio.domain.errors import Kind, NetworkProblem, ResultGone, StudioError, UnexpectedReply
from klingstudio.domain.job import Clip, Job, State
from klingstudio.domain.media import ClipFacts, FitPlan, Limits
from klingstudio.domain.request import Request
from klingstudio.engine import finish
from klingstudio.engine.accounts import Accounts
from klingstudio.engine.budget import Budget
from klingstudio.engine.course import Surroundings
from klingstudio.engine.fitting import Fits
from klingstudio.engine.pace import Pace
from klingstudio.engine.queue import JobQueue
from klingstudio.media.digest import sha256_of
from klingstudio.net.download import Credentials, Download
from klingstudio.net.retry import Patience
from klingstudio.net.upload import OnBytes
from klingstudio.providers import registry
from klingstudio.providers.base import ProviderInfo
from klingstudio.store.jobs import JobStore
from klingstudio.store.ledger import Ledger
from klingstudio.studio import pause
from klingstudio.vault import Vault
from tests.fakes.studio import FACTS
from tests.torture.machine.cloud import INFO, Cloud, Fetch
from tests.torture.machine.table import let_go, open_quickly
from tests.torture.machine.truth import Truth, Watch
from tests.torture.machine.virtual import VirtualLoop, WallClock

T = TypeVar("T")

BEGAN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class World:
    """One computer and one provider. `start`, `crash`, `quit` are the program's lives; everything else goes on."""

    def __init__(
        self,
        folder: Path,
        *,
        info: ProviderInfo = INFO,
        environ: Mapping[str, str] | None = None,
        loop: VirtualLoop | None = None,
    ) -> None:
        """`info`, `environ`: a real adapter instead of the one in memory, and where it finds key and service."""
        self.info = info
        self.environ = environ or {str(INFO.key_variable): "key-of-me"}
        self.folder = folder
        self.loop = loop or VirtualLoop()
        self.clock = WallClock(self.loop, BEGAN)
        self.truth = Truth(approved=Counter())
        self.path = folder / "studio.sqlite3"
        with self.path.with_name("reserve").open("wb") as reserve:
            reserve.truncate(4 * 1024 * 1024)
        self.cloud = Cloud(self.truth, self.path, self.loop.time)
        self.source = folder / "clip.mp4"
        self.source.write_bytes(b"a clip")
        self.takes = folder / "takes"
        self.caps: tuple[Cap, ...] = ()
        self.bugs: list[Exception] = []
        self.watch = Watch(self.truth, self._files)
        self._shas: dict[tuple[str, int], str] = {}
        self._ids = 0
        self._life: ExitStack | None = None
        self._patches = ExitStack()
        self._patches.enter_context(patch.object(registry, "ENTRIES", (*registry.ENTRIES, self.cloud.entry())))
        self._patches.enter_context(patch.object(finish, "Download", _download_from(self.cloud)))
        self.start()

    # ----------------------------------------------------------------------------------------------------------- lives

    def start(self) -> None:
        """The program opens its journal and goes on."""
        self._life = ExitStack()
        self.database = open_quickly(self.path)
        self.store = JobStore(self.database)
        self.queue = self.open_engine()
        self.act(self.queue.open)

    def open_engine(self) -> JobQueue:
        """The engine on the journal; a second one would be another program that was let in."""
        assert self._life is not None
        database = self.database
        vault = Vault(self.environ)
        self._life.callback(vault.close)
        accounts = Accounts(
            vault,
            environ=self.environ,
            patience=Patience(sleep=asyncio.sleep, random=lambda: 0.5),
            now=self.clock,
            sandbox_address=_nowhere,
        )
        self.accounts = accounts
        self._life.callback(lambda: self.loop.run(accounts.aclose()))
        store, ledger, media = JobStore(database), Ledger(database), Instant()
        around = Surroundings(
            store=store,
            ledger=ledger,
            budget=Budget(store, ledger, info=_info, caps=lambda: self.caps, now=self.clock, zone=UTC),
            accounts=accounts,
            media=media,  # type: ignore[arg-type]
            fits=Fits(self.folder / "fits", media),  # type: ignore[arg-type]
            work=self.folder / "work",
            takes=self.takes,
            now=self.clock,
            pause=pause,
            random=lambda: 0.5,
            new_id=self._new_id,
            pace=Pace(self.loop.time),
        )
        return JobQueue(around, on_bug=self.bugs.append)

    def crash(self) -> None:
        """As kill -9 would: nobody writes any more, nobody cleans up, and then it is started again."""
        self._die(asyncio.all_tasks(self.loop))
        self.start()

    def quit(self) -> None:
        """The person closes the program in good order, and starts it again."""
        self.loop.run(self.queue.aclose())
        self._die(asyncio.all_tasks(self.loop))
        self.start()

    def close(self) -> None:
        """The end of the world."""
        self._die(asyncio.all_tasks(self.loop))
        self._patches.close()
        self.loop.close()

    def _die(self, tasks: set[asyncio.Task[Any]]) -> None:
        # First the journal, so that nothing that is on its way out can still write into it.
        let_go(self.database)
        bugs = list(self.bugs)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run(asyncio.wait(tasks))
        # What the dying said of their closed journal.
        self.bugs[:] = bugs
        assert self._life is not None
        self._life.close()

    # ---------------------------------------------------------------------------------------------------------- looking

    def act(self, what: Callable[[], T]) -> T:
        """Do it on the loop."""

        async def do() -> T:
            return what()

        return self.loop.run(do())

    def order(self, **changes: Any) -> Job:
        """The person presses Generate."""
        request = Request(**({"source": str(self.source), "prompt": "snow", "provider": self.info.id} | changes))
        (job,) = self.act(lambda: self.queue.enqueue(request))
        return job

    def send_again(self, job: Job) -> None:
        """The person approves one more paid request."""
        is_lost = job.state is State.UNCONFIRMED
        self.act(lambda: self.queue.send_again(job.id))
        assert self.truth.approved is not None
        self.truth.approved[job.id] += is_lost

    def jobs(self) -> tuple[Job, ...]:
        """As the program shows them, oldest first."""
        return tuple(reversed(self.queue.jobs()))

    def broken(self) -> list[str]:
        """Every promise that is broken now."""
        found = self.watch.broken(self.database._connection)
        kept = {job.id: job for job in self.store.all()}
        found += [
            f"memory {job.id} is {job.state}, not as the journal says" for job in self.jobs() if kept[job.id] != job
        ]
        damaged = [path.name for path in each_take(self) if b"damaged" in path.read_bytes()]
        found += [f"I7 {name} does not decode" for name in damaged]
        return found + [f"bug {bug!r}" for bug in self.bugs if not isinstance(bug, ValueError)]

    def unattached(self) -> list[str]:
        """What was charged and has no job."""
        known = self.store.attached_ids(self.info.id)
        return [one for one in self.cloud.made if one not in known]

    def _files(self) -> Mapping[str, str]:
        found = {}
        for path in self.takes.glob("*.mp4") if self.takes.exists() else ():
            mark = (path.name, path.stat().st_mtime_ns)
            if mark not in self._shas:
                self._shas[mark] = sha256_of(path)
            found[path.name] = self._shas[mark]
        return found

    def _new_id(self) -> str:
        self._ids += 1
        return hashlib.sha256(str(self._ids).encode()).hexdigest()[:32]


class Instant:
    """The media worker's calls, done at once. The file's first bytes say what it thinks of it."""

    async def probe(self, path: Path) -> ClipFacts:
        return FACTS

    async def fit(
        self,
        source: Path,
        plan: FitPlan,
        *,
        limits: Limits,
        keep_audio: bool,
        out: Path,
        on_progress: Callable[[float], None],
    ) -> Clip:
        size = source.stat().st_size
        return Clip(
            path=str(source),
            sha256=sha256_of(source),
            size_bytes=size,
            duration_s=5.0,
            width_px=1280,
            height_px=720,
            frame_count=125,
            is_source=True,
        )

    async def verify(self, path: Path, on_progress: Callable[[float], None]) -> None:
        await asyncio.sleep(0)
        if b"damaged" in path.read_bytes():
            raise StudioError(Kind.RESULT_DAMAGED, "it does not decode")


def _download_from(cloud: Cloud) -> type[Download]:
    class FromCloud(Download):
        """One connection to the results of the cloud."""

        async def fetch(self, url: str, on_bytes: OnBytes, credentials: Credentials | None = None) -> None:
            await asyncio.sleep(0)
            cloud.call("result")
            film = cloud.film(url)
            self._part.parent.mkdir(parents=True, exist_ok=True)
            match film:
                case Fetch.DEAD:
                    raise ResultGone(Kind.RESULT_GONE, "HTTP 410")
                case Fetch.HTML:
                    raise UnexpectedReply("what was served is not a video")
                case Fetch.CUT:
                    self._mark.write_text("{}")
                    self._part.write_bytes(b"\0\0\0\x20ftyp")
                    await asyncio.sleep(0)
                    raise NetworkProblem(Kind.NETWORK_DOWN, "cut")
                case Fetch.DAMAGED:
                    self._part.write_bytes(b"\0\0\0\x20ftyp damaged")
                case bytes():
                    self._part.write_bytes(film)
            self._mark.unlink(missing_ok=True)
            on_bytes(1, 1)

    return FromCloud


def _info(provider_id: str) -> ProviderInfo | None:
    entry = registry.entry(provider_id)
    return entry.info if entry is not None else None


async def _nowhere() -> str:
    raise AssertionError("the sandbox was asked for")


def each_take(world: World) -> Iterator[Path]:
    """The takes under their final names."""
    yield from sorted(world.takes.glob("*.mp4"))
