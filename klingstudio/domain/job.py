"""A job's life as data: states, events, the one transition table, and the values that are stored.

The engine moves jobs only along `TRANSITIONS`, the database refuses to record any other move, and the tests walk
the same table. Only READY leads to SUBMITTING: there is one door to money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from klingstudio.domain.errors import Problem
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request


class State(StrEnum):
    """Where a job stands. What is only a circumstance (paused, cancel asked for) is a field, not a state."""

    DRAFT = "draft"
    """Inputs chosen, nothing under way. A job comes back here when it is stopped before it was sent."""
    PREPARING = "preparing"
    PREPARED = "prepared"
    UPLOADING = "uploading"
    READY = "ready"
    """Addresses known, body frozen; nothing is left to fail after paying."""
    SUBMITTING = "submitting"
    """The intent is on disk; the request may be out. Money at risk: unknown."""
    UNCONFIRMED = "unconfirmed"
    """The request may have been accepted. Money at risk: unknown."""
    REMOTE = "remote"
    REMOTE_MISSING = "remote_missing"
    SUCCEEDED = "succeeded"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"
    RESULT_UNAVAILABLE = "result_unavailable"
    COMPLETED = "completed"
    REJECTED = "rejected"
    REMOTE_FAILED = "remote_failed"
    REMOTE_CANCELLED = "remote_cancelled"
    ABANDONED = "abandoned"


class Event(StrEnum):
    """What can happen to a job."""

    PREPARE = "prepare"
    PREPARED = "prepared"
    INPUT_BAD = "input_bad"
    STOP = "stop"
    """The person stops the job before it was sent."""
    UPLOAD = "upload"
    UPLOADED = "uploaded"
    UPLOAD_FAILED = "upload_failed"
    SOURCE_CHANGED = "source_changed"
    ASSET_EXPIRED = "asset_expired"
    INTENT = "intent"
    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    AMBIGUOUS = "ambiguous"
    FOUND = "found"
    USER_RESUBMIT = "user_resubmit"
    USER_ABANDON = "user_abandon"
    REMOTE_OK = "remote_ok"
    REMOTE_FAILED = "remote_failed"
    REMOTE_CANCELLED = "remote_cancelled"
    REMOTE_MISSING = "remote_missing"
    DOWNLOAD = "download"
    BYTES_DONE = "bytes_done"
    DOWNLOAD_FAILED = "download_failed"
    LINK_DEAD = "link_dead"
    GOOD = "good"
    BAD = "bad"
    REFRESHED = "refreshed"
    CRASH = "crash"
    """The program ended in this state; applied at the next start, before anything else."""


S, E = State, Event
TRANSITIONS: dict[tuple[State, Event], State] = {
    (S.DRAFT, E.PREPARE): S.PREPARING,
    (S.PREPARING, E.PREPARED): S.PREPARED,
    (S.PREPARING, E.INPUT_BAD): S.DRAFT,
    (S.PREPARING, E.STOP): S.DRAFT,
    (S.PREPARING, E.CRASH): S.DRAFT,
    (S.PREPARED, E.UPLOAD): S.UPLOADING,
    (S.PREPARED, E.SOURCE_CHANGED): S.DRAFT,
    (S.PREPARED, E.STOP): S.DRAFT,
    (S.UPLOADING, E.UPLOADED): S.READY,
    (S.UPLOADING, E.UPLOAD_FAILED): S.PREPARED,
    (S.UPLOADING, E.SOURCE_CHANGED): S.DRAFT,
    (S.UPLOADING, E.STOP): S.DRAFT,
    (S.UPLOADING, E.CRASH): S.PREPARED,
    (S.READY, E.ASSET_EXPIRED): S.PREPARED,
    (S.READY, E.SOURCE_CHANGED): S.DRAFT,
    (S.READY, E.STOP): S.DRAFT,
    (S.READY, E.INTENT): S.SUBMITTING,
    # An older request of the job turns up before it is sent again, or after that was given up.
    (S.DRAFT, E.FOUND): S.REMOTE,
    (S.PREPARED, E.FOUND): S.REMOTE,
    (S.READY, E.FOUND): S.REMOTE,
    (S.SUBMITTING, E.NOT_SENT): S.READY,
    (S.SUBMITTING, E.REJECTED): S.REJECTED,
    (S.SUBMITTING, E.ACCEPTED): S.REMOTE,
    (S.SUBMITTING, E.AMBIGUOUS): S.UNCONFIRMED,
    (S.SUBMITTING, E.CRASH): S.UNCONFIRMED,
    (S.UNCONFIRMED, E.FOUND): S.REMOTE,
    (S.UNCONFIRMED, E.USER_RESUBMIT): S.READY,
    (S.UNCONFIRMED, E.USER_ABANDON): S.ABANDONED,
    (S.REMOTE, E.REMOTE_OK): S.SUCCEEDED,
    (S.REMOTE, E.REMOTE_FAILED): S.REMOTE_FAILED,
    (S.REMOTE, E.REMOTE_CANCELLED): S.REMOTE_CANCELLED,
    (S.REMOTE, E.REMOTE_MISSING): S.REMOTE_MISSING,
    (S.REMOTE_MISSING, E.FOUND): S.REMOTE,
    (S.REMOTE_MISSING, E.USER_ABANDON): S.ABANDONED,
    (S.SUCCEEDED, E.DOWNLOAD): S.DOWNLOADING,
    (S.DOWNLOADING, E.BYTES_DONE): S.VERIFYING,
    (S.DOWNLOADING, E.DOWNLOAD_FAILED): S.SUCCEEDED,
    (S.DOWNLOADING, E.LINK_DEAD): S.RESULT_UNAVAILABLE,
    (S.DOWNLOADING, E.CRASH): S.SUCCEEDED,
    (S.VERIFYING, E.GOOD): S.COMPLETED,
    (S.VERIFYING, E.BAD): S.SUCCEEDED,
    (S.VERIFYING, E.CRASH): S.SUCCEEDED,
    (S.RESULT_UNAVAILABLE, E.REFRESHED): S.SUCCEEDED,
    (S.RESULT_UNAVAILABLE, E.USER_ABANDON): S.ABANDONED,
    # A provider may correct itself later, and what was paid for is always taken.
    (S.REMOTE_FAILED, E.REMOTE_OK): S.SUCCEEDED,
    (S.REMOTE_CANCELLED, E.REMOTE_OK): S.SUCCEEDED,
    (S.ABANDONED, E.FOUND): S.REMOTE,
}
"""(state, event) → state. An event that is not listed is refused and changes nothing."""

QUIET = frozenset({S.DRAFT, S.REJECTED, S.REMOTE_FAILED, S.REMOTE_CANCELLED, S.COMPLETED, S.ABANDONED})
"""Nothing more happens by itself."""

ENDED = QUIET - {S.DRAFT}
"""There is nothing left to go on with; only the provider may still correct what it said."""

ATTENTION = frozenset({S.UNCONFIRMED, S.REMOTE_MISSING, S.RESULT_UNAVAILABLE})
"""On screen until the person or the provider resolves it."""

UNSENT = frozenset({S.DRAFT, S.PREPARING, S.PREPARED, S.UPLOADING, S.READY})
"""No byte of a paid request has left; stopping costs nothing."""

del S, E


class IllegalMove(Exception):
    """An event that the table does not list for this state: a bug, or a race that was lost."""


def next_state(state: State, event: Event) -> State:
    """The state that `event` leads to.

    Raises:
        IllegalMove: the table does not list it.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalMove(f"{event} in {state}") from None


class AttemptState(StrEnum):
    """What is known of one POST."""

    INTENT = "INTENT"
    NOT_SENT = "NOT_SENT"
    REJECTED = "REJECTED"
    ACCEPTED = "ACCEPTED"
    UNKNOWN = "UNKNOWN"
    WAIVED = "WAIVED"
    """The person answered an unknown outcome; a later find still attaches the take."""


ANY_ACCOUNT = ""
"""In place of an account's fingerprint: a backup was put back, and nobody knows which one was used since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One POST of a job, recorded before its first byte leaves."""

    id: str
    job_id: str
    provider: str
    account: str
    """Fingerprint of the account that was used; later calls about this attempt use no other."""
    state: AttemptState
    asset_url: str
    """Address of the uploaded clip, unique per attempt: what the provider's list is searched for."""
    body_sha256: str
    intent_at: datetime
    """UTC."""
    approval_id: str | None = None
    remote_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The person's "send again" for one job. Good for one attempt, spent in the attempt's own transaction."""

    id: str
    job_id: str
    cap_cents: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """The conformed file that is actually sent."""

    path: str
    sha256: str
    size_bytes: int
    duration_s: float
    width_px: int
    height_px: int
    frame_count: int
    is_source: bool
    """True: the source already fitted and is sent byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMark:
    """How the source is recognised later: if any of these differ, it was changed."""

    sha256: str
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One uploaded file."""

    subject: str
    """`source`, `image:1`, `element:2`, as in `Request.pictures`."""
    url: str
    place: str = ""
    """The local file or web address it stands for."""
    host: str = ""
    """Provider that it was uploaded to; empty for an address of the person's own."""
    is_deleted: bool = False
    """True: it was removed from there again."""
    uploaded_at: datetime | None = None
    """UTC. None: not known, or an address of the person's own."""

    @property
    def is_upload(self) -> bool:
        """False for an address of the person's own."""
        return bool(self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The paid request, frozen before it is sent."""

    path: str
    """Where it goes at the provider: an absolute path without a host."""
    body: str
    """The JSON text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A job as the provider knows it."""

    id: str
    links: Mapping[str, str] = field(default_factory=dict)
    """Addresses that the provider returned when it accepted the job, by their name there. Empty for one that was found."""


class CancelAnswer(StrEnum):
    """What a provider said to a cancel."""

    STOPPED = "stopped"
    """It had not begun, and will not."""
    ASKED = "asked"
    """It is at work and was told; it may finish, and be charged, all the same."""
    TOO_LATE = "too_late"
    """It had ended."""
    IMPOSSIBLE = "impossible"
    """The provider has no way to stop an edit; nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One paid edit, as it stands. Replaced as a whole at each move."""

    id: str
    state: State
    request: Request
    created_at: datetime
    """UTC."""
    updated_at: datetime
    """UTC."""
    estimate: Money | None = None
    """For every take that is to come of it."""
    ordered_with: str | None = None
    """The job whose one paid request made this one too; None for a job with a request of its own."""
    clip: Clip | None = None
    source_mark: SourceMark | None = None
    assets: tuple[Asset, ...] = ()
    left_assets: tuple[Asset, ...] = ()
    """Uploads for requests that were not sent, or were lost; nothing refers to them any more."""
    order: Order | None = None
    remote_id: str | None = None
    remote_links: Mapping[str, str] = field(default_factory=dict)
    """Addresses that the provider returned with `remote_id`."""
    remote_status: str = ""
    """The provider's own word, kept as text."""
    result_url: str | None = None
    result_expires_at: datetime | None = None
    """UTC. When the link dies, where the provider tells."""
    take: str | None = None
    """Path of the verified take, absolute."""
    planned_take: str | None = None
    """The final name that was about to be given, so that a take whose commit was lost is recognised by its hash."""
    take_sha256: str | None = None
    charge: Money | None = None
    """The real charge, where the provider tells it."""
    balance: Money | None = None
    """What the account had left after the order, where the provider tells it."""
    problem: Problem | None = None
    paused: bool = False
    """True: unfinished, and waiting for the person or for `resume`; `problem` says why."""
    cancel_requested_at: datetime | None = None
    cancel_answer: CancelAnswer | None = None
    looks: int = 0
    """How often the provider's list was read for this job without finding it."""
    looked_at: datetime | None = None
    """UTC."""

    @property
    def is_active(self) -> bool:
        """True while the engine is, or should be, working on it."""
        return self.state not in QUIET and not self.paused


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long earlier edits took at a provider, from the order until it was seen to be done."""

    usual_s: float
    """The median."""
    jobs: int
    """How many edits it is taken from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job's present phase is. Passes the store by; at most ten a second reach an observer."""

    job_id: str
    phase: State
    fraction: float | None
    """0 to 1, or None where the length is not known."""
    elapsed_s: float = 0.0
