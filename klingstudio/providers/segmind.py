"""Segmind: base64 in JSON hosts the inputs, a queue runs the edit, and the history remembers what the queue forgets.

Sources, all read 2026-11-20: the page of the Kling O3 video edit, Segmind's documentation of its API, and the requests
that its client `segmind` 1.3.0 really makes. The history is in that client only, so what it says is a best effort.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from klingstudio.domain.errors import Kind, ProviderRefused, SubmitUnconfirmed, UnexpectedReply
from klingstudio.domain.job import Asset, CancelAnswer, Order, Remote
from klingstudio.domain.price import Money, Price, amount_of
from klingstudio.domain.request import Request, Tier
from klingstudio.net.api import Api
from klingstudio.net.reply import Reply, plain_words
from klingstudio.net.upload import check_public, content_type, file_size, upload_base64
from klingstudio.providers.base import (
    Account,
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
from klingstudio.providers.segmind_errors import accept, failed, refusal, text_of, words_of
from klingstudio.providers.segmind_history import jobs_in, row_of, rows_of

MODEL = "kling-o3-video2video-edit"
SUBMIT = f"/v2/{MODEL}"
"""The queue. `/v1/…` holds the connection for minutes and loses the paid result with it, so it is never used."""
RECORDS = "/v2/requests"
"""A record lives for an hour from its submission; after that only the history has it."""
HISTORY = "/inference-request/request-history"

MODES = {Tier.STANDARD: "std", Tier.PRO: "pro"}
DURATION_S = (3, 15)

PAGE_SIZE = 100
PAGES_MOST = 10
"""How much of the history is read for a lost job."""
HISTORY_DAYS = 30
"""It shows 31 days at a time."""
CLOCK_DAYS = 7
"""It counts in whole days of its own clock, and ours may be wrong: so many earlier ones are read, too."""

LIMITS = replace(
    # Segmind's page asks for a width of 720 to 2160 px and says nothing of the rest.
    O3_LIMITS,
    clip_limit_s=15.0,
    references_limit=10,
    wider_source="Segmind's page of the edit, read 2026-11-20",
)

INFO = ProviderInfo(
    id="segmind",
    title="Segmind",
    key_variable="SEGMIND_API_KEY",
    key_page="https://cloud.segmind.com",
    # Documentation of the keys, 2026-11.
    key_form=r"SG_[0-9a-fA-F]{16}",
    history_page="https://cloud.segmind.com",
    hosts={
        "api": "https://api.segmind.com",
        "assets": "https://workflows-api.segmind.com",
        "history": "https://api.spotprod.segmind.com",
    },
    url_variable="KLINGSTUDIO_SEGMIND_URL",
    currency="USD",
    tiers=(Tier.PRO, Tier.STANDARD),
    takes_elements=True,
    limits=LIMITS,
    can_cancel=False,
    cancel_note="Segmind cannot stop an edit that was sent; it is charged if it succeeds.",
    upload_note="Segmind keeps the clip and pictures at addresses that anybody can open who knows them.",
    upload_lifetime="Not documented, and there is no way to remove them.",
    result_lifetime="7 days.",
    upload_is_public=True,
    # Documents name 5 to 60 requests a minute for the smallest account, without saying whether polls count.
    poll_every_s=12.0,
    parallel_jobs=3,
)


def planned_order(request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
    """The paid request. Every default is written out: the page's own are not what an edit wants."""
    given = inputs(request, assets)
    body: dict[str, object] = {"prompt": request.prompt, "video_url": given.clip}
    if given.images:
        body["image_urls"] = given.images
    if given.elements:
        body["elements"] = [
            {"frontal_image_url": one.frontal, "reference_image_urls": one.angles} for one in given.elements
        ]
    body |= {
        "mode": MODES[request.tier],
        "duration": str(_whole_seconds(clip.duration_s)),
        "aspect_ratio": _nearest_shape(clip.width_px, clip.height_px),
        "keep_audio": request.keep_audio,
        "shot_type": "customize",
    }
    # Without spaces, as the official client writes it: the same order is then the same bytes.
    return Order(path=SUBMIT, body=json.dumps(body, ensure_ascii=False, separators=(",", ":")))


def headers(key: str) -> Mapping[str, str]:
    """How a request shows the key."""
    return {"x-api-key": key}


class Segmind:
    """Segmind's API with one key."""

    def __init__(self, info: ProviderInfo, api: Api, now: Callable[[], datetime]) -> None:
        self.info = info
        self._api = api
        self._now = now
        self._account: Account | None = None

    async def authorize(self) -> Account:
        """Read the credits once. Segmind does not tell whose key it is, so a job belongs to the key it was sent with."""
        if self._account is None:
            reply = await self._api.get("/v1/get-user-credits")
            self._account = Account(
                f"an account that {self.info.title} does not name",
                self._api.key_mark(),
                _balance(reply),
                is_of_key=True,
            )
        return self._account

    async def price(self, tier: Tier) -> Price | None:
        """Segmind does not tell prices by its API."""
        del tier
        return None

    async def upload(self, path: Path, name: str, on_progress: OnProgress) -> str:
        """Send the file in base64 and check that anybody can read what became of it."""
        size = await file_size(path)
        reply = await upload_base64(
            self._api.at("assets"),
            "POST",
            "/upload-asset",
            path,
            head=f'{{"data_urls":["data:{content_type(name)};base64,'.encode(),
            tail=b'"]}',
            on_bytes=on_progress,
        )
        if not reply.is_success:
            raise refusal(reply, otherwise=Kind.UPLOAD_REFUSED)
        url = _first_text(reply, "urls.0", "file_urls.0")
        if url is None:
            raise UnexpectedReply("the upload has no address", raw=reply.raw())
        await check_public(*self._api.elsewhere(url), size)
        return url

    async def delete(self, url: str) -> None:
        """Segmind has no way to remove a file."""
        del url
        raise ProviderRefused(Kind.NOT_SUPPORTED, self.info.upload_lifetime)

    async def order(self, request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
        """The order; there is nothing to ask first."""
        return planned_order(request, assets, clip)

    async def submit(self, order: Order) -> Receipt:
        """Enqueue. A 500 is often a bad parameter, but nobody can tell from it that nothing was ordered."""
        reply = await self._api.order(order.path, order.body)
        if not reply.is_success:
            raise refusal(reply, otherwise=Kind.REQUEST_REJECTED)
        try:
            remote_id = reply.text("request_id")
            links = {name: _first_text(reply, name) for name in ("status_url", "response_url")}
        except UnexpectedReply as error:
            raise SubmitUnconfirmed(error.problem.detail, raw=reply.raw()) from error
        if len(remote_id) > 200:
            raise SubmitUnconfirmed("an endless request id", raw=reply.raw())
        # Addresses at other hosts are dropped; those that the id leads to are asked instead.
        ours = {name: url for name, url in links.items() if url and self._api.credentials_for(url)}
        return Receipt(ids=(remote_id,), links=ours)

    async def poll(self, remote: Remote) -> RemoteStatus:
        """Read the record's status: a failed job comes as HTTP 422, so the word is looked at before the number."""
        api, path = self._place(remote, "status_url", f"{_record(remote)}/status")
        reply = await api.get(path)
        match _word(reply, remote):
            case "COMPLETED":
                return await self._result(remote)
            case "FAILED":
                return failed(words_of(reply), reply)
            case str(word) if reply.is_success:
                return Waiting(plain_words(word, 60))
            case _:
                return await self._past(reply, remote)

    def result_headers(self, url: str) -> Mapping[str, str]:
        """A model may answer with the video itself, at the record's own address; all other links are public."""
        try:
            _, path = self._api.locate(url)
        except UnexpectedReply:
            return {}
        return self._api.credentials_for(url) if path.startswith(RECORDS + "/") else {}

    async def cancel(self, remote: Remote) -> CancelAnswer:
        """Segmind has no way to stop a job."""
        del remote
        raise ProviderRefused(Kind.NOT_SUPPORTED, self.info.cancel_note)

    async def find(self, since: datetime) -> tuple[RemoteJob, ...]:
        """Read the history, newest first, back to `since`."""
        first_day = since.astimezone(UTC).date() - timedelta(days=CLOCK_DAYS)
        last_day = first_day + timedelta(days=HISTORY_DAYS)
        found: dict[str, RemoteJob] = {}
        for page in range(1, PAGES_MOST + 1):
            reply = await self._api.at("history").get(
                HISTORY,
                page=page,
                per_page=PAGE_SIZE,
                from_date=first_day.isoformat(),
                to_date=last_day.isoformat(),
                model_name=MODEL,
                sort_by="model_created",
                sort_order="desc",
            )
            accept(reply)
            rows = rows_of(reply)
            found |= {job.remote_id: job for job in jobs_in(rows)}
            if len(rows) < PAGE_SIZE:
                break
        return tuple(found.values())

    async def charge(self, remote: Remote) -> Money | None:
        """Read the cost in the record, or in its headers where the record is the video; later, in the history."""
        api, path = self._place(remote, "response_url", _record(remote))
        reply = await api.get(path)
        told: object = reply.headers.get("x-cost") if reply.is_success else None
        if told is None and not _is_video(reply):
            told = reply.number("metrics.cost")
        if told is None:
            kept = await self._kept(remote)
            told = None if kept is None else row_of(kept, remote).get("credits_deduction")
        amount = amount_of(told)
        return None if amount is None else Money(amount, self.info.currency)

    async def _result(self, remote: Remote) -> RemoteStatus:
        api, path = self._place(remote, "response_url", _record(remote))
        reply = await api.get(path)
        if reply.is_success and _is_video(reply):
            return Finished(api.base_url + path)
        word = _word(reply, remote)
        if word == "FAILED":
            return failed(words_of(reply), reply)
        if not reply.is_success:
            return await self._past(reply, remote)
        url = _first_text(reply, "output", "output.0", "video.url")
        return Finished(url) if url else Waiting("COMPLETED, no result yet", is_done=True)

    async def _past(self, reply: Reply, remote: Remote) -> RemoteStatus:
        """What the history knows of a job that has no record any more."""
        if reply.status != 404:
            accept(reply)
            raise UnexpectedReply(f"HTTP {reply.status} without a status", raw=reply.raw())
        # A web page that says 404 is somebody else's.
        reply.tree()
        kept = await self._kept(remote)
        if kept is None:
            return Missing()
        row = row_of(kept, remote)
        url, word = row.get("generation_url"), row.get("model_status")
        match word:
            case "COMPLETED" if isinstance(url, str) and url:
                return Finished(url)
            case "COMPLETED":
                return Waiting("COMPLETED, no result yet", is_done=True)
            case "FAILED":
                return failed(text_of(row.get("error")), kept)
            case _:
                return Waiting(plain_words(str(word or "PENDING"), 60))

    async def _kept(self, remote: Remote) -> Reply | None:
        """What the history has of a job, or None where it has nothing."""
        reply = await self._api.at("history").get(f"{HISTORY}/{quote(remote.id, safe='')}")
        if reply.status == 404:
            reply.tree()
            return None
        if not reply.is_success:
            # The key was good a moment ago, so this is the history's own trouble, not the person's.
            raise UnexpectedReply(f"HTTP {reply.status} from the history", raw=reply.raw())
        return reply

    def _place(self, remote: Remote, link: str, path: str) -> tuple[Api, str]:
        """Where to ask: the address that came with the job if it is Segmind's own, else the one made from the id."""
        try:
            return self._api.locate(remote.links.get(link, ""))
        except UnexpectedReply:
            return self._api, path


def _whole_seconds(duration_s: float) -> int:
    # Kling bills an edit by its input rounded to whole seconds, and keeps the input's length whatever is claimed here.
    # So the nearest second, a half upwards, is what an honest bill shows; Segmind may bill the claim instead.
    shortest, longest = DURATION_S
    return min(longest, max(shortest, math.floor(duration_s + 0.5)))


def _nearest_shape(width_px: int, height_px: int) -> str:
    # 4:3 is as far from 16:9 as from 1:1, by factor; what is at least as long as that stays long.
    if 3 * width_px >= 4 * height_px:
        return "16:9"
    return "9:16" if 3 * height_px >= 4 * width_px else "1:1"


def _record(remote: Remote) -> str:
    return f"{RECORDS}/{quote(remote.id, safe='')}"


def _balance(reply: Reply) -> Money:
    if reply.status == 404 and "credits" in words_of(reply).lower():
        # "No credits found for the user": the key is good, and nothing was ever paid in.
        return Money(Decimal(0), "USD")
    accept(reply)
    paid, free = reply.number("credits"), reply.number("free-credits")
    if paid is None and free is None:
        raise UnexpectedReply("no credits in the answer", raw=reply.raw())
    return Money(Decimal(str(paid or 0)) + Decimal(str(free or 0)), "USD")


def _word(reply: Reply, remote: Remote) -> str | None:
    """The record's status, whatever HTTP says; None where there is none."""
    word = reply.at("status")
    if not isinstance(word, str) or not word:
        return None
    if reply.at("request_id") not in (None, remote.id):
        raise UnexpectedReply("the answer is about another request", raw=reply.raw())
    return word


def _first_text(reply: Reply, *places: str) -> str | None:
    values = (reply.at(place) for place in places)
    return next((value for value in values if isinstance(value, str) and value), None)


def _is_video(reply: Reply) -> bool:
    return reply.headers.get("content-type", "").startswith("video/")
