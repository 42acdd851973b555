"""What the engine needs of a provider: its facts as data, and its calls in the order of a job's life."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from klingstudio.domain.errors import Kind
from klingstudio.domain.job import Asset, CancelAnswer, Order, Remote
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
    key_form: str = ""
    """What its keys look like and no other's do, as a regular expression; empty where nothing is known of that."""
    history_page: str
    """Where the person can see what was ordered and charged."""
    hosts: Mapping[str, str]
    """Scheme and host of each part of the API by our name for it, the one that takes orders first: where the key may go."""
    url_variable: str
    """Environment variable that replaces scheme and host of every address of this provider."""
    currency: str
    tiers: tuple[Tier, ...]
    takes_elements: bool
    bills_organisations: bool = False
    """True: an organisation of the person can be billed instead of the key's own account."""
    limits: Limits
    takes_per_order: int = 1
    """How many takes one paid request can make."""
    can_cancel: bool
    cancel_note: str
    """What a cancel means for the bill, in one sentence; where there is none, what happens instead."""
    hosts_files: bool = True
    """False: local files have to be hosted by another provider."""
    upload_note: str
    """Where local files go and who can see them, in one sentence."""
    upload_lifetime: str
    """How long they stay there, in a few words."""
    inputs_live_s: float | None = None
    """The same as a number. None: for ever, or nobody knows."""
    result_lifetime: str
    """How long the finished video can be fetched, in a few words."""
    can_delete: bool = False
    """True: uploaded files can be removed from the provider again."""
    has_events: bool = False
    """True: the provider tells of ended jobs by itself, which makes a poll come sooner."""
    upload_is_public: bool
    """True: the first upload asks the person for consent."""
    poll_every_s: float
    parallel_jobs: int
    requests_per_minute: int | None = None
    """What the provider allows in all, where it says so: polls of all jobs together keep to it."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose key it is."""

    name: str
    fingerprint: str
    """Stable for the account, not for the key, where the provider tells the account: a renewed key carries a job on."""
    balance: Money | None = None
    """What is left to spend. None: the provider does not tell; never shown as nothing."""
    is_of_key: bool = False
    """True: the provider does not tell whose key it is, so `fingerprint` is the key's. Another one may be of the same
    account, or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a provider answered to an order that it accepted."""

    ids: tuple[str, ...]
    """Of the jobs that were made, never empty."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Addresses that the provider returned for the first of them, kept with the job."""
    charge: Money | None = None
    """What was taken from the account at once."""
    balance: Money | None = None
    """What the account has left."""
    expires_at: datetime | None = None
    """UTC. When the result will be gone."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not finished."""

    word: str
    """The provider's own status."""
    position: int | None = None
    """How many jobs are before this one."""
    line: str = ""
    """The newest line of the provider's log of the job."""
    is_done: bool = False
    """True: the edit has succeeded, and only the link to it is missing."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The result can be fetched."""

    url: str
    expires_at: datetime | None = None
    """UTC. When the link dies, where the provider tells."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider gave up."""

    reason: str
    """Its own words, fit to be shown."""
    kind: Kind = Kind.EDIT_FAILED
    raw: str = ""
    """The reply as it came, redacted."""


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


class Footage(Protocol):
    """What an order may have to say of the clip that goes with it: a fitted clip, or the plan of one."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""

    @property
    def width_px(self) -> int:
        """Displayed width."""

    @property
    def height_px(self) -> int:
        """Displayed height."""


@runtime_checkable
class Telling(Protocol):
    """A provider with `info.has_events`."""

    def events(self) -> AsyncGenerator[str, None]:
        """Ids of jobs as they end, for as long as the provider's stream stays open. Nothing is repeated, and not every
        end is told.

        Raises:
            StudioError: the stream cannot be opened, or broke.
        """


class Following(Protocol):
    """What a service tells of jobs that were ordered, to whose they are."""

    async def poll(self, remote: Remote) -> RemoteStatus:
        """Where the job stands."""

    async def cancel(self, remote: Remote) -> CancelAnswer:
        """Ask the provider to stop, where `info.can_cancel`. Only a later poll tells whether it did."""

    async def find(self, since: datetime) -> tuple[RemoteJob, ...]:
        """The provider's list of jobs, in every state, read back to `since`. Older and younger ones may be in it too."""

    async def charge(self, remote: Remote) -> Money | None:
        """What the finished job really cost, or None where the provider does not tell."""


class Provider(Following, Protocol):
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

    async def delete(self, url: str) -> None:
        """Remove an uploaded file again, where `info.can_delete`. One that is gone already is no error."""

    async def order(self, request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
        """The paid request, word for word. Asks the provider where its model list decides the form."""

    async def submit(self, order: Order) -> Receipt:
        """Send the one paid POST.

        Raises:
            NetworkProblem: nothing left this computer, or the provider said 429.
            ProviderRefused, KeyProblem: a definite no; not charged.
            SubmitUnconfirmed: everything else.
        """

    def result_headers(self, url: str) -> Mapping[str, str]:
        """What fetching a result must carry: the key where the provider's own API serves it, else nothing."""
