"""A studio without engine, files or network, for tests of the window. Does what it is told, at once."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from klingstudio.domain.errors import InputRefused, KeyProblem, Kind, StudioError
from klingstudio.domain.job import Job, Progress, State
from klingstudio.domain.media import ClipFacts, ImageFacts
from klingstudio.domain.price import Money, Price
from klingstudio.domain.request import Request, Tier
from klingstudio.engine.compare import Offer
from klingstudio.paths import Paths
from klingstudio.providers.base import Account, ProviderInfo
from klingstudio.store.settings import Choices
from klingstudio.vault import Secret, Where
from tests.fakes.limits import LIMITS

if TYPE_CHECKING:
    from klingstudio.engine.queue import JobObserver
    from klingstudio.studio import Studio
FACTS = ClipFacts(
    container="mov,mp4,m4a,3gp,3g2,mj2",
    video_codec="h264",
    width_px=1280,
    height_px=720,
    rotation_deg=0,
    fps=Fraction(25),
    is_variable_rate=False,
    frame_count=125,
    duration_s=5.0,
    pixel_format="yuv420p",
    bit_depth=8,
    is_hdr=False,
    audio_codec="aac",
    audio_duration_s=5.0,
    size_bytes=1_000_000,
)
PRICE = Price(rate=Money(Decimal("0.336"), "USD"), source="https://example.org/prices", date="2026-09-01")
T = TypeVar("T")
NOW = datetime(2026, 9, 1, 14, 31, tzinfo=UTC)


def provider(provider_id: str, *, needs_key: bool, is_public: bool = False, **facts: Any) -> ProviderInfo:
    """A service with the usual limits."""
    usual = ProviderInfo(
        id=provider_id,
        title=provider_id.capitalize(),
        key_variable=f"{provider_id.upper()}_API_KEY" if needs_key else None,
        key_page="https://example.org/keys",
        history_page="https://example.org/history",
        upload_lifetime="",
        result_lifetime="",
        hosts={"hub": "https://example.org"},
        url_variable=f"KLINGSTUDIO_{provider_id.upper()}_URL",
        currency="USD",
        tiers=(Tier.STANDARD, Tier.PRO),
        takes_elements=True,
        limits=LIMITS,
        can_cancel=True,
        cancel_note="What has begun is charged.",
        upload_note="Files go into a public place.",
        upload_is_public=is_public,
        poll_every_s=1,
        parallel_jobs=1,
    )
    return replace(usual, **facts)


PAID = provider("acme", needs_key=True, is_public=True, bills_organisations=True, can_delete=True)
BARE = provider(
    "bare",
    needs_key=True,
    tiers=(Tier.STANDARD,),
    takes_elements=False,
    hosts_files=False,
    can_cancel=False,
    cancel_note="Bare cannot stop an edit: it runs to its end and is charged.",
)
"""Has almost nothing."""
FREE = provider("sandbox", needs_key=False)


def a_request(**changes: Any) -> Request:
    """A request of the paid provider."""
    return replace(Request(source="/clips/street.mp4", prompt="Make it snow", provider=PAID.id), **changes)


def a_job(number: int = 1, **changes: Any) -> Job:
    """A job that has just been made."""
    job = Job(
        id=f"job-{number}",
        state=State.PREPARING,
        request=a_request(),
        created_at=NOW,
        updated_at=NOW,
        estimate=Money(Decimal("1.68"), "USD"),
    )
    return replace(job, **changes)


class FakeQueue:
    """Keeps what it was asked for and tells its observers."""

    def __init__(self) -> None:
        self.kept: dict[str, Job] = {}
        self.asked: list[tuple[str, ...]] = []
        self.enqueued: list[tuple[Request, int, Money | None]] = []
        self.refuses: StudioError | None = None
        self.observers: list[JobObserver] = []

    def jobs(self) -> tuple[Job, ...]:
        return tuple(reversed(self.kept.values()))

    def job(self, job_id: str) -> Job:
        return self.kept[job_id]

    def subscribe(self, observer: JobObserver) -> Callable[[], None]:
        self.observers.append(observer)
        return lambda: self.observers.remove(observer)

    def enqueue(self, request: Request, *, takes: int = 1, estimate: Money | None = None) -> tuple[Job, ...]:
        if self.refuses is not None:
            raise self.refuses
        self.enqueued.append((request, takes, estimate))
        made = []
        for _ in range(takes):
            job = a_job(len(self.kept) + 1, request=request, estimate=estimate)
            self.tell(job)
            made.append(job)
        return tuple(made)

    def tell(self, job: Job) -> None:
        """The engine moved a job."""
        self.kept[job.id] = job
        for observer in tuple(self.observers):
            observer.job_changed(job)

    def progress(self, progress: Progress) -> None:
        for observer in tuple(self.observers):
            observer.job_progress(progress)

    def cancel(self, job_id: str) -> None:
        self._ask("cancel", job_id)

    def carry_on(self, job_id: str) -> None:
        self._ask("carry_on", job_id)

    def look_again(self, job_id: str) -> None:
        self._ask("look_again", job_id)

    def send_again(self, job_id: str) -> None:
        self._ask("send_again", job_id)

    def drop(self, job_id: str) -> None:
        self._ask("drop", job_id)

    def found(self, job_id: str, remote_id: str) -> None:
        self._ask("found", job_id, remote_id)

    async def delete_copies(self, job_id: str) -> int:
        self._ask("delete_copies", job_id)
        job = self.kept[job_id]
        self.tell(replace(job, assets=tuple(replace(one, is_deleted=True) for one in job.assets)))
        return len(job.assets)

    def _ask(self, *what: str) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.asked.append(what)


class FakeAccounts:
    """Keys in memory."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {PAID.id: "a-key"}
        self.live: dict[str, Price | None] = {PAID.id: PRICE, FREE.id: PRICE}
        self.accepted = "a-key"
        self.account = Account("ada", "fingerprint")

    def keyed_provider(self) -> str | None:
        return None

    def asks_consent(self, provider_id: str) -> bool:
        return provider_id == PAID.id

    async def key(self, provider_id: str) -> Secret:
        if provider_id in self.keys:
            return Secret(self.keys[provider_id], Where.KEYCHAIN)
        return Secret(None, Where.NONE, "There is no keychain on this system.")

    async def set_key(self, provider_id: str, value: str) -> Secret:
        self.keys[provider_id] = value
        return Secret(value, Where.SESSION, "The keychain is locked, so the key is kept for this session only.")

    async def remove_key(self, provider_id: str) -> None:
        del self.keys[provider_id]

    async def test(self, provider_id: str) -> Account:
        if self.keys.get(provider_id) != self.accepted:
            raise KeyProblem(Kind.KEY_REFUSED, "401", subject="key")
        return self.account

    async def price(self, provider_id: str, tier: Tier) -> Price | None:
        return self.live[provider_id] if tier is Tier.PRO else None


class FakeSettings:
    """Choices in memory."""

    def __init__(self, choices: Choices | None = None) -> None:
        self.choices = choices or Choices()

    def update(self, **changes: Any) -> Choices:
        self.choices = replace(self.choices, **changes)
        return self.choices


class FakeMedia:
    """Says what it was told to say about each file."""

    def __init__(self) -> None:
        self.clips: dict[str, ClipFacts | StudioError] = {}
        self.pictures: dict[str, ImageFacts | StudioError] = {}

    async def probe(self, path: Path) -> ClipFacts:
        return _answer(self.clips.get(path.name, FACTS))

    async def image(self, path: Path) -> ImageFacts:
        usual = ImageFacts(format="jpeg", width_px=800, height_px=600, size_bytes=90_000)
        return _answer(self.pictures.get(path.name, usual))

    async def poster(self, path: Path, at_s: float, width_px: int) -> bytes:
        from PIL import Image

        buffer = io.BytesIO()
        Image.linear_gradient("L").resize((width_px, width_px * 9 // 16)).convert("RGB").save(buffer, "PNG")
        return buffer.getvalue()


def _answer(answer: T | StudioError) -> T:
    if isinstance(answer, StudioError):
        raise answer
    return answer


@dataclass
class FakeStudio:
    """Everything the window asks a studio for."""

    folder: Path
    queue: FakeQueue = field(default_factory=FakeQueue)
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    settings: FakeSettings = field(default_factory=FakeSettings)
    media: FakeMedia = field(default_factory=FakeMedia)
    offers: tuple[Offer, ...] | StudioError = ()
    """What `compare` answers."""
    compared: list[tuple[Request, int]] = field(default_factory=list)
    providers: tuple[ProviderInfo, ...] = (PAID, FREE)

    @property
    def paths(self) -> Paths:
        return Paths(data=self.folder, cache=self.folder, logs=self.folder, takes=self.folder)

    async def compare(self, request: Request, *, takes: int = 1) -> tuple[Offer, ...]:
        self.compared.append((request, takes))
        return _answer(self.offers)

    async def sample(self) -> Path:
        return self.folder / "walk.mp4"

    @property
    def as_studio(self) -> Studio:
        """The same, for those who ask for the real one."""
        return cast("Studio", self)


def refused_source(kind: Kind, detail: str = "") -> InputRefused:
    """What the media worker raises about a source."""
    return InputRefused(kind, detail, subject="source")
