"""What the engine needs of a provider: its facts as data, and five calls in the order of a job's life."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from klingstudio.domain.job import Asset
from klingstudio.domain.media import Limits
from klingstudio.domain.price import Money, Price
from klingstudio.domain.request import Request, Tier

OnProgress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderInfo:
    """Capabilities and constants of one service. Every number has its source and date beside it."""

    id: str
    title: str
    key_variable: str | None
    """Environment variable that holds a key for this process. None: needs no key."""
    key_page: str
    """Where the person gets a key."""
    history_page: str
    """Where the person can see what was ordered and charged."""
    base_url: str
    url_variable: str
    """Environment variable that replaces scheme and host of every address of this provider."""
    currency: str
    tiers: tuple[Tier, ...]
    takes_elements: bool
    limits: Limits
    can_cancel: bool
    cancel_note: str
    """What a cancel means for the bill, in one sentence."""
    upload_note: str
    """Where local files go and who can see them, in one sentence."""
    upload_is_public: bool
    """True: the first upload asks the person for consent."""
    price: Price | None
    poll_every_s: float
    parallel_jobs: int


@dataclass(frozen=True, slots=True)
class Account:
    """Whose key it is."""

    name: str
    fingerprint: str
    """Stable for the account, not for the key: a renewed key of the same account carries a job on."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not finished. `word` is the provider's own status."""

    word: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The result can be fetched."""

    url: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider gave up; `reason` is its own words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The job was cancelled at the provider."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The provider does not know the id."""


RemoteStatus = Waiting | Finished | Failed | Cancelled | Missing


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A row of the provider's own list."""

    remote_id: str
    input_video: str
    created_at: datetime | None


class Provider(Protocol):
    """One service, bound to one key."""

    info: ProviderInfo

    async def authorize(self) -> Account:
        """Whose key this is. Free; doubles as the key test.

        Raises:
            KeyProblem: the provider does not accept the key.
        """

    async def price(self, tier: Tier) -> Price | None:
        """The live price, or None where the provider does not tell."""

    async def upload(self, path: Path, name: str, on_progress: OnProgress) -> str:
        """Host a local file and return its address. `name` is unique, so the address is."""

    async def body(self, request: Request, assets: Sequence[Asset], duration_s: float) -> str:
        """The JSON text of the submit. Asks the provider where its model list decides the form."""

    async def submit(self, body: str) -> tuple[str, ...]:
        """Send the one paid POST and return the ids of what was accepted, never empty.

        Raises:
            NetworkProblem: nothing left this computer, or the provider said 429.
            ProviderRefused, KeyProblem: a definite no; not charged.
            SubmitUnconfirmed: everything else.
        """

    async def poll(self, remote_id: str) -> RemoteStatus:
        """Where the job stands, read from one answer."""

    async def cancel(self, remote_id: str) -> None:
        """Ask the provider to stop. Only a later poll tells whether it did."""

    async def find(self, since: datetime) -> tuple[RemoteJob, ...]:
        """The provider's list of jobs, in every state, read back to `since`. Older and younger ones may be in it too."""

    async def charge(self, remote_id: str) -> Money | None:
        """What the finished job really cost, or None where the provider does not tell."""
