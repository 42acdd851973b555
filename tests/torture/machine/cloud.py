"""A provider in memory, behind the protocol that the real ones have: it loses answers, lags, forgets and goes away.

What it was sent and what it charged stands in `truth`, out of reach of whatever happens to the program.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from klingstudio.domain.errors import Kind, NetworkProblem, ProviderRefused, SubmitUnconfirmed, UnexpectedReply
from klingstudio.domain.job import Asset, CancelAnswer, Order, Remote
from klingstudio.domain.price import Money, Price
from klingstudio.domain.request import Request, Tier
from klingstudio.net.api import Api
from klingstudio.providers.base import (
    Account,
    Cancelled,
    Failed,
    Finished,
    Footage,
    Missing,
    OnProgress,
    ProviderInfo,
    Receipt,
    RemoteJob,
    RemoteStatus,
    Waiting,
)
from klingstudio.providers.registry import Entry
from tests.fakes.studio import provider
from tests.torture.machine.truth import Truth

INFO = provider("cloud", needs_key=True, poll_every_s=10.0, parallel_jobs=3, inputs_live_s=7 * 24 * 3600.0)
FILM = b"\0\0\0\x20ftypisom a film"
BREATHS = 3
"""Steps of the loop before and after each effect: room for a crash."""


class Fate(StrEnum):
    """What becomes of one POST."""

    OK = "ok"
    TWO = "two"
    NOT_SENT = "not_sent"
    BUSY = "busy"
    REJECTED = "rejected"
    LOST_BEFORE = "lost_before"
    REPLY_LOST = "reply_lost"
    SLOW = "slow"
    BUG = "bug"


class Said(StrEnum):
    """What one poll is answered, where it is not the truth."""

    UNKNOWN_WORD = "rehearsing"
    BACKWARDS = "queued"
    NO_LINK = "no_link"
    MISSING = "missing"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HTML = "html"
    BUSY = "busy"
    SILENCE = "silence"


class Fetch(StrEnum):
    """What one download is answered."""

    CUT = "cut"
    DEAD = "dead"
    DAMAGED = "damaged"
    HTML = "html"


@dataclass(slots=True)
class Made:
    """A job that was charged."""

    remote_id: str
    asset_url: str
    at: datetime
    at_s: float
    is_cancelled: bool = False


@dataclass(slots=True)
class Cloud:
    """The service itself; each start of the program gets an adapter of its own."""

    truth: Truth
    journal: Path
    clock: Callable[[], float]
    """Its own seconds: no clock of this computer moves them."""
    made: dict[str, Made] = field(default_factory=dict)
    fates: deque[Fate] = field(default_factory=deque)
    """Of the next POSTs; then all is well."""
    says: deque[Said] = field(default_factory=deque)
    fetches: deque[Fetch] = field(default_factory=deque)
    takes_s: float = 30.0
    """How long an edit is at work."""
    lag_s: float = 0.0
    """How old a job must be to stand in the list."""
    always: Said | None = None
    """What every poll is answered while this stands."""
    uploads: dict[str, float] = field(default_factory=dict)
    """Address → when it was uploaded."""
    uploads_live_s: float | None = None
    """An edit whose clip is gone fails, and is charged."""
    link_lives_s: float | None = None
    """How long a result's link works; it is a new one each time that it is asked for."""
    is_up: bool = True
    asked: list[tuple[float, str]] = field(default_factory=list)
    """Every call by its second."""

    def entry(self) -> Entry:
        """How the accounts make its adapter."""
        return Entry(INFO, lambda key: {"X-Key": key}, self._create, _planned)

    def _create(self, info: ProviderInfo, api: Api, now: Callable[[], datetime]) -> CloudAdapter:
        return CloudAdapter(info, self)

    def now(self) -> datetime:
        """By the service's clock."""
        return datetime(2026, 11, 21, 12, 0, tzinfo=UTC) + timedelta(seconds=self.clock())

    def call(self, name: str) -> None:
        """Somebody asks.

        Raises:
            NetworkProblem: it is away.
        """
        self.asked.append((self.clock(), name))
        if not self.is_up:
            raise NetworkProblem(Kind.NETWORK_DOWN, "nobody there")

    def post(self, asset_url: str) -> None:
        """A POST arrived; the journal is looked into by somebody else."""
        journal = sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)
        try:
            self.truth.post(asset_url, journal)
            rows = journal.execute("SELECT job_id FROM attempt WHERE asset_url = ?", (asset_url,)).fetchall()
        finally:
            journal.close()
        self.truth.owner[asset_url] = rows[0][0] if rows else "nobody"

    def make(self, asset_url: str, count: int = 1) -> tuple[str, ...]:
        """Jobs are made, and charged."""
        ids = tuple(f"remote-{len(self.made) + n}" for n in range(1, count + 1))
        for remote_id in ids:
            self.made[remote_id] = Made(remote_id, asset_url, self.now(), self.clock())
        self.truth.charge(asset_url, *ids)
        return ids

    def film(self, url: str) -> bytes | Fetch:
        """What is served at a result's address."""
        return self.fetches.popleft() if self.fetches else FILM + url.encode()


class CloudAdapter:
    """The protocol's calls, in its order."""

    def __init__(self, info: ProviderInfo, cloud: Cloud) -> None:
        self.info = info
        self._cloud = cloud

    async def authorize(self) -> Account:
        await self._arrive("authorize")
        return Account("me", "fingerprint of me")

    async def price(self, tier: Tier) -> Price | None:
        await self._arrive("price")
        return Price(rate=Money(Decimal("0.10"), "USD"), source="cloud", date="2026-11-21")

    async def upload(self, path: Path, name: str, on_progress: OnProgress) -> str:
        await self._arrive("upload")
        on_progress(1, 1)
        await _breathe()
        self._cloud.uploads[f"https://cloud.invalid/{name}"] = self._cloud.clock()
        return f"https://cloud.invalid/{name}"

    async def delete(self, url: str) -> None:
        await self._arrive("delete")

    async def order(self, request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
        return _planned(request, assets, clip)

    async def submit(self, order: Order) -> Receipt:
        cloud, asset_url = self._cloud, str(json.loads(order.body)["video"])
        await _breathe()
        fate = cloud.fates.popleft() if cloud.fates else Fate.OK
        cloud.asked.append((cloud.clock(), "submit"))
        if fate is Fate.NOT_SENT or not cloud.is_up:
            raise NetworkProblem(Kind.NETWORK_DOWN, "nobody there")
        if fate is Fate.BUSY:
            raise NetworkProblem(Kind.PROVIDER_BUSY, "HTTP 429", retry_after_s=20.0)
        cloud.post(asset_url)
        if fate is Fate.REJECTED:
            await _breathe()
            raise ProviderRefused(Kind.REQUEST_REJECTED, "no")
        ids = () if fate is Fate.LOST_BEFORE else cloud.make(asset_url, 2 if fate is Fate.TWO else 1)
        await _breathe()
        if fate is Fate.SLOW:
            await asyncio.sleep(40)
        if fate is Fate.BUG:
            raise ValueError("a bug between the first byte and the id")
        if fate in (Fate.LOST_BEFORE, Fate.REPLY_LOST):
            raise SubmitUnconfirmed("the answer was lost")
        return Receipt(ids=ids)

    def result_headers(self, url: str) -> Mapping[str, str]:
        return {}

    async def poll(self, remote: Remote) -> RemoteStatus:
        cloud = self._cloud
        await self._arrive("poll")
        said = cloud.says.popleft() if cloud.says else cloud.always
        match said:
            case Said.HTML:
                raise UnexpectedReply("a page")
            case Said.BUSY:
                raise NetworkProblem(Kind.PROVIDER_BUSY, "HTTP 503", retry_after_s=30.0)
            case Said.SILENCE:
                await asyncio.sleep(30)
                raise NetworkProblem(Kind.NETWORK_SLOW, "no answer")
            case Said.UNKNOWN_WORD | Said.BACKWARDS:
                return Waiting(said)
            case Said.NO_LINK:
                return Waiting("done, no link", is_done=True)
            case Said.MISSING:
                return Missing()
            case Said.FAILED:
                return Failed("out of paint")
            case Said.CANCELLED:
                return Cancelled()
            case None:
                pass
        made = cloud.made.get(remote.id)
        if made is None:
            return Missing()
        if made.is_cancelled:
            return Cancelled()
        if cloud.uploads_live_s is not None and made.at_s - cloud.uploads[made.asset_url] > cloud.uploads_live_s:
            return Failed("its clip is gone")
        if cloud.clock() - made.at_s < cloud.takes_s:
            return Waiting("at work")
        url, lives_s = f"https://cloud.invalid/results/{remote.id}.mp4", cloud.link_lives_s
        return Finished(url, None if lives_s is None else cloud.now() + timedelta(seconds=lives_s))

    async def cancel(self, remote: Remote) -> CancelAnswer:
        await self._arrive("cancel")
        made = self._cloud.made.get(remote.id)
        if made is None or self._cloud.clock() - made.at_s >= self._cloud.takes_s:
            return CancelAnswer.TOO_LATE
        made.is_cancelled = True
        return CancelAnswer.ASKED

    async def find(self, since: datetime) -> tuple[RemoteJob, ...]:
        cloud = self._cloud
        await self._arrive("find")
        shown = [one for one in cloud.made.values() if cloud.clock() - one.at_s >= cloud.lag_s]
        return tuple(RemoteJob(one.remote_id, one.asset_url, one.at) for one in shown)

    async def charge(self, remote: Remote) -> Money | None:
        await self._arrive("charge")
        made = self._cloud.made.get(remote.id)
        return None if made is None else Money(Decimal("0" if made.is_cancelled else "0.50"), "USD")

    async def _arrive(self, name: str) -> None:
        await _breathe()
        self._cloud.call(name)


async def _breathe() -> None:
    for _ in range(BREATHS):
        await asyncio.sleep(0)


def _planned(request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
    return Order(path="/order", body=json.dumps({"video": assets[0].url}))
