"""Oxen.ai: a file commit hosts the inputs, a queue runs the edit, and the list of generations tells the charge.

Sources, all read 2026-11-20: the Kling O3 edit page and the asynchronous queue page of Oxen's documentation, its
hub API description 0.243.1, and the requests that `oxenai` 0.65.1 really makes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote

from klingstudio.domain.errors import (
    KeyProblem,
    Kind,
    ProviderRefused,
    SubmitUnconfirmed,
    UnexpectedReply,
)
from klingstudio.domain.job import Asset, CancelAnswer, Order, Remote
from klingstudio.domain.price import Money, Price, amount_of
from klingstudio.domain.request import Request, Tier
from klingstudio.net.api import Api
from klingstudio.net.inline import INLINE
from klingstudio.net.reply import Reply, ReplyTooLarge, moment, plain_words
from klingstudio.net.upload import check_public, file_size, send_form, upload_form
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
from klingstudio.providers.kling import O3_LIMITS, inputs

EDIT_MODEL = "kling-video-o3-pro-video-to-video-edit"
"""The id on the edit page; pro only. The documentation dropped its generated page on 2026-07-27."""
OMNI_MODEL = "kling-video-o3-omni"
"""Its successor: the tier is the resolution."""
RESOLUTION = {Tier.STANDARD: "720p", Tier.PRO: "1080p"}

QUEUE = "/api/ai/queue"
"""Orders go here and never to the address that answers with the video: a connection that broke would lose it."""
ENDED = "media_generation_completed"

INPUTS_REPO = "klingstudio-inputs"
BRANCH = "main"

PAGE_SIZE = 100
PAGES_MOST = 10
"""How much of the list of generations is read for a lost job."""

LIMITS = replace(
    O3_LIMITS,
    clip_limit_s=15.0,
    side_limit_px=3840,
    # GIF is on Oxen's list too; this program makes no use of it.
    image_formats=("jpeg", "png", "webp"),
    wider_source="Oxen.ai's later page of the edit, of July 2026, read 2026-11-20",
)

INFO = ProviderInfo(
    id="oxen",
    title="Oxen.ai",
    key_variable="OXEN_API_KEY",
    key_page="https://www.oxen.ai/settings/profile",
    history_page="https://www.oxen.ai/ai/generations",
    hosts={"hub": "https://hub.oxen.ai"},
    url_variable="KLINGSTUDIO_OXEN_URL",
    currency="USD",
    tiers=(Tier.PRO, Tier.STANDARD),
    takes_elements=True,
    bills_organisations=True,
    limits=LIMITS,
    can_cancel=True,
    cancel_note="Oxen.ai stops the edit where it can; whether a running one is still charged is not documented.",
    upload_note=(
        "Oxen.ai needs the clip and pictures in a public repository of your account: "
        "anyone with the address can see them, and its history keeps them."
    ),
    upload_lifetime="For ever, unless you remove them; the repository's history keeps them even then.",
    result_lifetime="For a limited time that is not documented.",
    upload_is_public=True,
    poll_every_s=10.0,
    parallel_jobs=3,
    takes_per_order=4,
    can_delete=True,
    has_events=True,
)

KIND_OF_WORDS: tuple[tuple[str, Kind], ...] = (
    # The fetch of an input: "403 Client Error: Forbidden for url: …".
    (r"(client|server) error: .* for url", Kind.INPUT_NOT_READABLE),
    (r"invalid url|could not (download|fetch)|unable to (download|fetch)", Kind.INPUT_NOT_READABLE),
    (r"insufficient credits?|out of credits?|not enough credits?", Kind.NO_CREDIT),
    (r"model not found", Kind.MODEL_GONE),
    (r"content policy|content_policy|moderation|nsfw|safety|sensitive", Kind.CONTENT_REFUSED),
    (r"too many requests|rate limit|concurren", Kind.ACCOUNT_LIMIT),
    (r"num_generations|input should be|list should have|should have at most|field required", Kind.REQUEST_REJECTED),
    (r"video (duration|dimensions?|size|format)|unsupported (video|image)|file too large", Kind.INPUT_NOT_ACCEPTED),
    (r"timed out|timeout", Kind.PROVIDER_TIMEOUT),
    (r"model response error: 422", Kind.INPUT_NOT_ACCEPTED),
    (r"internal server error|model response error: 5\d\d|service unavailable|bad gateway", Kind.PROVIDER_FAULT),
)
"""What the hub's words mean, the first that fits: errors have no codes. In lower case. Documented are those of a fetch,
`Invalid URL`, credits, `Model not found`, `num_generations …`, `Field required` and `… model response error: <status>`."""


def body_text(request: Request, assets: Sequence[Asset], model: str) -> str:
    """The submit's JSON. Every default is written out, because the pages disagree about them."""
    given = inputs(request, assets)
    body: dict[str, object] = {"model": model, "prompt": request.prompt, "input_video": given.clip}
    if given.images:
        body["input_image"] = given.images
    if given.elements:
        body["elements"] = [
            {"frontal_image_url": one.frontal, "reference_image_urls": one.angles} for one in given.elements
        ]
    body["keep_audio"] = request.keep_audio
    if model == OMNI_MODEL:
        # Without aspect_ratio: an edit keeps the clip's own.
        body |= {"video_mode": "edit", "resolution": RESOLUTION[request.tier], "generate_audio": False}
    body |= {"response_format": "url", "num_generations": request.takes}
    if request.billed_to:
        body["target_namespace"] = request.billed_to
    return json.dumps(body, ensure_ascii=False)


def planned_order(request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
    """The order with the documented model, asking nobody: for a dry run."""
    del clip
    return Order(path=QUEUE, body=body_text(request, assets, EDIT_MODEL if request.tier is Tier.PRO else OMNI_MODEL))


def headers(key: str) -> Mapping[str, str]:
    """How a request shows the key."""
    return {"Authorization": f"Bearer {key}"}


class Oxen:
    """Oxen.ai's API with one key."""

    def __init__(self, info: ProviderInfo, api: Api, now: Callable[[], datetime]) -> None:
        self.info = info
        self._api = api
        self._now = now
        self._user: Mapping[str, str] | None = None
        self._models: dict[Tier, str] = {}

    async def authorize(self) -> Account:
        """Read whose key this is; also tells the namespace of uploads."""
        user = await self._whoami()
        digest = hashlib.sha256(f"{self.info.id}:{user['username']}".encode()).hexdigest()
        return Account(user["username"], digest[:16])

    async def price(self, tier: Tier) -> Price | None:
        """Read the model list's price per second; None where it does not tell one for this tier."""
        model = await self._model(tier)
        reply = await self._api.get(f"/api/ai/models/{model}")
        found = reply.number(f"pricing.cost_per_second_by_resolution.{RESOLUTION[tier]}")
        if found is None:
            found = reply.number("pricing.cost_per_second")
        amount = amount_of(found)
        if amount is None:
            return None
        return Price(
            rate=Money(amount, self.info.currency),
            source=f"{self.info.title} model list",
            date=self._now().date().isoformat(),
        )

    async def upload(self, path: Path, name: str, on_progress: OnProgress) -> str:
        """Commit the file into a public repository of the account and check that anybody can read it."""
        user = await self._whoami()
        repo = self._repo(user)
        await self._ensure_repo(repo, user)
        reply = await upload_form(
            self._api,
            "PUT",
            f"{repo}/file/{BRANCH}/",
            path,
            part="files[]",
            name=name,
            fields={"name": user["name"], "email": user["email"], "message": f"Add {name}"},
            on_bytes=on_progress,
        )
        _accept(reply)
        address = f"{repo}/file/{BRANCH}/{quote(name)}"
        await check_public(self._api, address, await file_size(path))
        return self._api.base_url + address

    async def delete(self, url: str) -> None:
        """Remove a file from the inputs repository. Its history keeps the bytes: the hub has no call to purge them."""
        user = await self._whoami()
        folder = f"{self._repo(user)}/file/{BRANCH}/"
        path = url.removeprefix(self._api.base_url)
        if path == url or not path.startswith(folder) or ".." in path:
            raise ProviderRefused(Kind.NOT_SUPPORTED, "this file is not in the account's own inputs repository")
        name = unquote(path.removeprefix(folder))
        fields = {"name": user["name"], "email": user["email"], "message": f"Remove {name}"}
        reply = await send_form(self._api, "DELETE", path, fields)
        if reply.status != 404:
            _accept(reply)

    async def order(self, request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
        """The order with a model that the hub serves today."""
        del clip
        return Order(path=QUEUE, body=body_text(request, assets, await self._model(request.tier)))

    async def submit(self, order: Order) -> Receipt:
        """Enqueue. The hub checks only model, count, key and credits here; all else fails later."""
        reply = await self._api.order(order.path, order.body)
        if not reply.is_success:
            raise _refusal(reply)
        try:
            ids = tuple(row.get("generation_id") for row in reply.rows("generations"))
        except UnexpectedReply as error:
            raise SubmitUnconfirmed(error.problem.detail) from error
        known = tuple(found for found in ids if isinstance(found, str) and 0 < len(found) <= 200)
        if not known:
            raise SubmitUnconfirmed(f"HTTP {reply.status} without a generation id")
        return Receipt(ids=known)

    async def poll(self, remote: Remote) -> RemoteStatus:
        """Read one generation."""
        path = f"{QUEUE}/{quote(remote.id, safe='')}"
        try:
            reply = await self._api.get(path)
        except ReplyTooLarge as error:
            if INLINE.search(error.beginning) is None:
                raise
            return Finished(self._api.base_url + path)
        if reply.status == 404:
            reply.tree()
            return Missing()
        _accept(reply)
        if reply.text("generation_id") != remote.id:
            raise UnexpectedReply("the answer is about another generation")
        match reply.text("status"):
            case "succeeded":
                url = reply.at("result_url")
                if isinstance(url, str) and url:
                    return Finished(url)
                if INLINE.search(reply.content):
                    # The video itself is in the answer, so this is where it is fetched from.
                    return Finished(self._api.base_url + path)
                return Waiting("succeeded, no result yet", is_done=True)
            case "failed":
                words = _words(reply)
                return Failed(words or "no reason given", kind=_kind(words, Kind.EDIT_FAILED), raw=reply.raw())
            case "cancelled":
                return Cancelled()
            case word:
                return Waiting(plain_words(word, 60))

    def result_headers(self, url: str) -> Mapping[str, str]:
        """The hub's links are signed; its own addresses may want the key."""
        return self._api.credentials_for(url)

    async def cancel(self, remote: Remote) -> CancelAnswer:
        """Ask the hub to stop. An ended generation answers 4xx, which is no error."""
        reply = await self._api.send("DELETE", f"{QUEUE}/{quote(remote.id, safe='')}")
        if reply.status in (401, 403):
            raise _refusal(reply)
        return CancelAnswer.ASKED if reply.is_success else CancelAnswer.TOO_LATE

    async def find(self, since: datetime) -> tuple[RemoteJob, ...]:
        """Read those still in the queue, and generations of every state, newest first, back to `since`."""
        active = await self._api.get(QUEUE)
        _accept(active)
        found = {job.remote_id: job for job in _jobs(active)}
        for page in range(1, PAGES_MOST + 1):
            reply = await self._api.get("/api/ai/generations", page=page, page_size=PAGE_SIZE)
            _accept(reply)
            jobs = _jobs(reply)
            found |= {job.remote_id: job for job in jobs}
            # `since` only says how far to read: a clock that goes wrong here must not hide a paid job.
            is_far_enough = any(job.created_at is not None and job.created_at < since for job in jobs)
            if is_far_enough or len(reply.rows("generations")) < PAGE_SIZE:
                break
        return tuple(found.values())

    async def events(self) -> AsyncGenerator[str, None]:
        """Listen to the account's stream, which other parts of the hub share. It tells nothing of a cancelled job."""
        async with aclosing(self._api.listen("/api/events")) as events:
            async for event in events:
                if event.name == ENDED and (remote_id := _ended_id(event.data)):
                    yield remote_id

    async def charge(self, remote: Remote) -> Money | None:
        """Read the generation's cost, a decimal string."""
        reply = await self._api.get(f"/api/ai/generations/{quote(remote.id, safe='')}")
        if not reply.is_success:
            return None
        amount = amount_of(reply.at("generation.cost"))
        return None if amount is None else Money(amount, self.info.currency)

    def _repo(self, user: Mapping[str, str]) -> str:
        return f"/api/repos/{quote(user['username'], safe='')}/{INPUTS_REPO}"

    async def _whoami(self) -> Mapping[str, str]:
        if self._user is None:
            reply = await self._api.get("/api/authorize")
            _accept(reply)
            username = reply.text("user.username")
            email = reply.at("user.email")
            self._user = {
                "username": username,
                "name": str(reply.at("user.name") or username),
                "email": email if isinstance(email, str) and email else f"{username}@users.noreply.oxen.ai",
            }
        return self._user

    async def _model(self, tier: Tier) -> str:
        if tier not in self._models:
            wanted = (EDIT_MODEL, OMNI_MODEL) if tier is Tier.PRO else (OMNI_MODEL,)
            for model in wanted:
                reply = await self._api.get(f"/api/ai/models/{model}")
                if reply.status != 404:
                    _accept(reply)
                    self._models[tier] = model
                    break
            else:
                raise ProviderRefused(Kind.MODEL_GONE, ", ".join(wanted))
        return self._models[tier]

    async def _ensure_repo(self, repo: str, user: Mapping[str, str]) -> None:
        reply = await self._api.get(repo)
        if reply.status != 404:
            _accept(reply)
            return
        made = await self._api.send(
            "POST",
            "/api/repos",
            {
                "namespace": user["username"],
                "name": INPUTS_REPO,
                "is_public": True,
                "description": "Clips and pictures sent to video edits by Kling Studio",
                "user": {"name": user["name"], "email": user["email"]},
            },
        )
        # 409: another upload made it in the meantime.
        if made.status != 409:
            _accept(made)


def _jobs(reply: Reply) -> list[RemoteJob]:
    rows = ((row.get("generation_id"), row.get("input_video"), row) for row in reply.rows("generations"))
    return [
        RemoteJob(remote_id, video, moment(row.get("enqueued_at")))
        for remote_id, video, row in rows
        if isinstance(remote_id, str) and remote_id and isinstance(video, str)
    ]


def _accept(reply: Reply) -> None:
    if not reply.is_success:
        raise _refusal(reply)


def _refusal(reply: Reply) -> KeyProblem | ProviderRefused:
    words, raw = _words(reply), reply.raw()
    kind = _kind(words, Kind.REQUEST_REJECTED)
    if reply.status == 402 or (reply.status in (400, 403) and "credit" in words.lower()):
        # Which status an empty account gets is not documented.
        kind = Kind.NO_CREDIT
    elif reply.status == 401 or (reply.status == 403 and kind is Kind.REQUEST_REJECTED):
        return KeyProblem(Kind.KEY_REFUSED, words, subject="key", raw=raw)
    return ProviderRefused(kind, words or f"HTTP {reply.status}", raw=raw)


def _kind(words: str, otherwise: Kind) -> Kind:
    text = words.lower()
    return next((kind for pattern, kind in KIND_OF_WORDS if re.search(pattern, text)), otherwise)


def _ended_id(data: str) -> str:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    remote_id = told.get("generation_id") if isinstance(told, dict) else None
    return remote_id if isinstance(remote_id, str) else ""


def _words(reply: Reply) -> str:
    """The hub's own explanation: `error` may be text or an object, and several fields may carry it."""
    try:
        places = ("error", "error.detail", "error.message", "error.title", "error_message", "status_message")
        texts = [reply.at(place) for place in places]
    except UnexpectedReply as error:
        return error.problem.detail
    return next((plain_words(text) for text in texts if isinstance(text, str) and text), "")
