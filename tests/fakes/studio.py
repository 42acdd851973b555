"""A studio without engine, files or network, for tests of the window. Does what it is told, at once."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from klingstudio.domain.draft import Draft
from klingstudio.domain.errors import InputRefused, KeyProblem, Kind, StudioError
from klingstudio.domain.job import Attempt, AttemptState, Clip, Job, Progress, State
from klingstudio.domain.media import ClipFacts, FitPlan, ImageFacts, Limits, PictureEdit
from klingstudio.domain.price import Money, Price
from klingstudio.domain.request import Request, Tier
from klingstudio.engine.budget import Budget
from klingstudio.engine.compare import Offer
from klingstudio.engine.pictures import Pictures
from klingstudio.engine.sources import Fetched
from klingstudio.paths import Paths
from klingstudio.providers.base import Account, ProviderInfo
from klingstudio.store.settings import Choices
from klingstudio.vault import Secret, Where
from tests.fakes.library import FakeLibrary
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
        self.budget: Budget | None = None

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
        jobs = [a_job(len(self.kept) + n, request=request, estimate=estimate) for n in range(1, takes + 1)]
        if self.budget is not None:
            self.budget.admit(*jobs)
        self.enqueued.append((request, takes, estimate))
        made = []
        for job in jobs:
            self.tell(job)
            made.append(job)
        return tuple(made)

    def tell(self, job: Job) -> None:
        """The engine moved a job."""
        self.kept[job.id] = job
        if self.budget is not None:
            self.budget.note(job)
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

    async def relink(self, job_id: str, place: Path) -> None:
        self._ask("relink", job_id, str(place))
        self.tell(replace(self.kept[job_id], take=str(place)))

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
        # Most tests press Generate without a word about the seconds after it.
        self.choices = choices or Choices(send_grace=False)

    def update(self, **changes: Any) -> Choices:
        self.choices = replace(self.choices, **changes)
        return self.choices


class FakeDrafts:
    """Drafts in memory, in the order of their tabs; the closed ones in the order they were closed."""

    def __init__(self) -> None:
        self.open: dict[str, Draft] = {}
        self.put_away: dict[str, Draft] = {}
        self.saves: list[Draft] = []
        self.refuses: StudioError | None = None

    def all_open(self) -> tuple[Draft, ...]:
        return tuple(self.open.values())

    def closed(self) -> tuple[Draft, ...]:
        return tuple(reversed(self.put_away.values()))

    def save(self, draft: Draft, *, position: int, is_open: bool, at: datetime) -> None:
        self._check()
        self.saves.append(draft)
        self.put_away.pop(draft.id, None)
        if is_open:
            self.open[draft.id] = draft
        else:
            self.open.pop(draft.id, None)
            self.put_away[draft.id] = draft

    def arrange(self, draft_ids: Sequence[str]) -> None:
        self._check()
        self.open = {draft_id: self.open[draft_id] for draft_id in draft_ids}

    def remove(self, draft_id: str) -> None:
        self._check()
        self.open.pop(draft_id, None)

    def _check(self) -> None:
        if self.refuses is not None:
            raise self.refuses


class FakeBooks:
    """Paid requests and charges as the journal would have them."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.charges: dict[str, Money] = {}

    def attempts_since(self, since: datetime) -> Sequence[Attempt]:
        return [attempt for attempt in self.attempts if attempt.intent_at >= since]

    def charges_since(self, start: datetime) -> Mapping[str, Money]:
        return self.charges

    def sent(self, job: Job, charge: str | None = None, at: datetime = NOW) -> None:
        """The job's request was accepted; `charge`: what it cost, in dollars."""
        attempt = Attempt(
            id=f"attempt of {job.id}",
            job_id=job.id,
            provider=job.request.provider,
            account="",
            state=AttemptState.ACCEPTED,
            asset_url="",
            body_sha256="",
            intent_at=at,
            remote_id=f"remote {job.id}",
        )
        self.attempts.append(attempt)
        if charge is not None:
            self.charges[job.id] = Money(Decimal(charge), "USD")


class FakeMedia:
    """Says what it was told to say about each file."""

    def __init__(self) -> None:
        self.clips: dict[str, ClipFacts | StudioError] = {}
        self.pictures: dict[str, ImageFacts | StudioError] = {}
        self.times: dict[str, ClipFacts | StudioError] = {}
        """Where the list of frames is about something else than the facts."""

    async def probe(self, path: Path) -> ClipFacts:
        return _answer(self.clips.get(path.name, FACTS))

    async def image(self, path: Path) -> ImageFacts:
        usual = ImageFacts(format="jpeg", width_px=800, height_px=600, size_bytes=90_000)
        return _answer(self.pictures.get(path.name, usual))

    async def frame_times(self, path: Path) -> tuple[float, ...]:
        """Even ones, as many as the facts say."""
        facts = _answer(self.times.get(path.name, self.clips.get(path.name, FACTS)))
        return tuple(float(n / facts.fps) for n in range(facts.frame_count + 1))

    async def filmstrip(self, path: Path, count: int, height_px: int) -> list[bytes]:
        from PIL import Image

        await asyncio.sleep(0)
        facts = _answer(self.clips.get(path.name, FACTS))
        width_px = height_px * facts.width_px // facts.height_px
        pictures = []
        for n in range(count):
            buffer = io.BytesIO()
            shade = 40 + 160 * n // count
            Image.new("RGB", (width_px, height_px), (shade, shade, shade)).save(buffer, "JPEG")
            pictures.append(buffer.getvalue())
        return pictures

    async def edit_image(self, path: Path, edit: PictureEdit, out: Path) -> Path:
        return out

    async def poster(self, path: Path, at_s: float, width_px: int) -> bytes:
        from PIL import Image

        buffer = io.BytesIO()
        Image.linear_gradient("L").resize((width_px, width_px * 9 // 16)).convert("RGB").save(buffer, "PNG")
        return buffer.getvalue()


class FakeFits:
    """Makes a clip when it is told to, and then knows it."""

    def __init__(self) -> None:
        self.made: dict[tuple[Path, FitPlan, bool], Path] = {}
        self.under_way: list[FakeFit] = []
        """The oldest one first; those that were cancelled are gone."""

    def known(self, source: Path, plan: FitPlan, *, limits: Limits, keep_audio: bool) -> Path | None:
        return source if plan.is_identity else self.made.get((source, plan, keep_audio))

    async def fit(
        self, source: Path, plan: FitPlan, *, limits: Limits, keep_audio: bool, on_progress: Callable[[float], None]
    ) -> Clip:
        fit = FakeFit(tell=on_progress, ended=asyncio.get_running_loop().create_future())
        self.under_way.append(fit)
        try:
            made = await fit.ended
        finally:
            self.under_way.remove(fit)
        self.made[source, plan, keep_audio] = made
        return Clip(
            path=str(made),
            sha256="0" * 64,
            size_bytes=1_000_000,
            duration_s=plan.duration_s,
            width_px=plan.width_px,
            height_px=plan.height_px,
            frame_count=round(plan.duration_s * plan.fps),
            is_source=False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeFit:
    """A clip that is being made."""

    tell: Callable[[float], None]
    ended: asyncio.Future[Path]


def _answer(answer: T | StudioError) -> T:
    if isinstance(answer, StudioError):
        raise answer
    return answer


class FakePictures:
    """Really keeps what comes as bytes; what is made of a file is only said."""

    def __init__(self, folder: Path, media: FakeMedia) -> None:
        self._folder = folder / "pictures"
        self._kept = Pictures(self._folder, media)
        self.asked: list[tuple[Path, PictureEdit]] = []
        self.refuses: StudioError | None = None
        self.goes_on = asyncio.Event()
        """While it is not set, no edit comes to its end."""
        self.goes_on.set()

    async def make(self, origin: Path, edit: PictureEdit) -> Path:
        self.asked.append((origin, edit))
        await self.goes_on.wait()
        if self.refuses is not None:
            raise self.refuses
        return self._folder / str(len(self.asked)) / origin.name

    async def keep(self, data: bytes, name: str) -> Path:
        return await self._kept.keep(data, name)


@dataclass
class FakeStudio:
    """Everything the window asks a studio for."""

    folder: Path
    queue: FakeQueue = field(default_factory=FakeQueue)
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    settings: FakeSettings = field(default_factory=FakeSettings)
    media: FakeMedia = field(default_factory=FakeMedia)
    fits: FakeFits = field(default_factory=FakeFits)
    drafts: FakeDrafts = field(default_factory=FakeDrafts)
    library: FakeLibrary = field(default_factory=FakeLibrary)
    offers: tuple[Offer, ...] | StudioError = ()
    """What `compare` answers."""
    web: dict[str, Fetched | StudioError] = field(default_factory=dict)
    """What `fetch` finds at an address; at all others it takes for ever."""
    fetched: list[str] = field(default_factory=list)
    compared: list[tuple[Request, int]] = field(default_factory=list)
    providers: tuple[ProviderInfo, ...] = (PAID, FREE)

    books: FakeBooks = field(default_factory=FakeBooks)

    def __post_init__(self) -> None:
        self.budget = Budget(
            self.books,
            self.books,
            info=lambda provider_id: next((info for info in self.providers if info.id == provider_id), None),
            caps=lambda: self.settings.choices.caps,
            now=lambda: NOW,
            zone=UTC,
        )
        self.queue.budget = self.budget
        self.goes_on = asyncio.Event()
        """While it is not set, neither a fetch nor the sample clip comes to its end."""
        self.goes_on.set()
        self.pictures = FakePictures(self.folder, self.media)

    @property
    def paths(self) -> Paths:
        return Paths(data=self.folder, cache=self.folder, logs=self.folder, takes=self.folder)

    async def compare(self, request: Request, *, takes: int = 1) -> tuple[Offer, ...]:
        self.compared.append((request, takes))
        return _answer(self.offers)

    async def sample(self) -> Path:
        await self.goes_on.wait()
        return self.folder / "walk.mp4"

    async def fetch(self, url: str, *, allow_loopback: bool, on_fraction: Callable[[float | None], None]) -> Fetched:
        self.fetched.append(url)
        on_fraction(0.5)
        if url not in self.web:
            # Until it is cancelled.
            await asyncio.Event().wait()
        await self.goes_on.wait()
        return _answer(self.web[url])

    @property
    def as_studio(self) -> Studio:
        """The same, for those who ask for the real one."""
        return cast("Studio", self)


def refused_source(kind: Kind, detail: str = "") -> InputRefused:
    """What the media worker raises about a source."""
    return InputRefused(kind, detail, subject="source")
