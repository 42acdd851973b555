"""fal.ai: a queue runs the edit, a CDN hosts the inputs, and a platform API tells prices and, to some keys, charges.

Sources, all read 2026-11-20: the Kling O3 edit page, the queue, storage, error and platform pages of fal.ai's
documentation, and the requests that `fal-client` 1.0.3 really makes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from klingstudio.domain.errors import (
    KeyProblem,
    Kind,
    NetworkProblem,
    ProviderRefused,
    StudioError,
    SubmitUnconfirmed,
    UnexpectedReply,
)
from klingstudio.domain.job import Asset, CancelAnswer, Order, Remote
from klingstudio.domain.price import Money, Price, amount_of
from klingstudio.domain.request import Request, Tier
from klingstudio.net.api import Api
from klingstudio.net.reply import Reply, moment, plain_words
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
from klingstudio.providers.fal_errors import CANCELLED, KINDS, error_type, refusal, words
from klingstudio.providers.fal_storage import LIFETIME_S, Storage
from klingstudio.providers.kling import O3_LIMITS, inputs

ENDPOINTS = {
    Tier.PRO: "fal-ai/kling-video/o3/pro/video-to-video/edit",
    Tier.STANDARD: "fal-ai/kling-video/o3/standard/video-to-video/edit",
}
APP = "fal-ai/kling-video"
"""The part of an endpoint id under which the queue keeps its requests: owner and alias, without the rest."""

LINKS = ("status_url", "response_url", "cancel_url")

SUBMIT_HEADERS = {
    # What was chosen is what is to be charged: no other endpoint in place of one that is down. The queue's own repeats
    # stay on: they follow a failure of a machine, which fal.ai does not charge.
    "x-fal-disable-fallbacks": "1",
}

PAGE_SIZE = 100
PAGES_MOST = 10
"""How much of each list of requests is read for a lost job."""

LIMITS = replace(
    O3_LIMITS,
    clip_limit_s=15.0,
    side_limit_px=3840,
    # The playground takes GIF and AVIF, too; this program makes no use of them.
    image_formats=("jpeg", "png", "webp"),
    wider_source="fal.ai's later schema of the edit, read 2026-11-20",
)

INFO = ProviderInfo(
    id="fal",
    title="fal.ai",
    key_variable="FAL_KEY",
    key_page="https://fal.ai/dashboard/keys",
    # An id and a secret: documentation of the keys, 2026-11.
    key_form=r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}:\S+",
    history_page="https://fal.ai/dashboard/requests",
    hosts={
        "queue": "https://queue.fal.run",
        "rest": "https://rest.fal.ai",
        "cdn": "https://v3.fal.media",
        "cdn_b": "https://v3b.fal.media",
        "platform": "https://api.fal.ai",
    },
    url_variable="KLINGSTUDIO_FAL_URL",
    currency="USD",
    tiers=(Tier.PRO, Tier.STANDARD),
    takes_elements=True,
    limits=LIMITS,
    can_cancel=True,
    cancel_note="fal.ai removes an edit that still waits; one that runs is only asked to stop, and may finish and be charged.",
    upload_note="fal.ai hosts the clip and pictures for a day at addresses that nobody can guess: who has one can see the file.",
    upload_lifetime="One day.",
    inputs_live_s=LIFETIME_S,
    result_lifetime="At least 7 days.",
    upload_is_public=True,
    poll_every_s=3.0,
    parallel_jobs=2,
)


def planned_order(request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
    """The order. Every default is written out, because the pages of sibling models disagree about them."""
    del clip
    given = inputs(request, assets)
    body: dict[str, object] = {"prompt": request.prompt, "video_url": given.clip}
    if given.images:
        body["image_urls"] = given.images
    body["keep_audio"] = request.keep_audio
    if given.elements:
        # One to three angles are wanted; where there is none, the front is the one.
        body["elements"] = [
            {"frontal_image_url": one.frontal, "reference_image_urls": one.angles or (one.frontal,)}
            for one in given.elements
        ]
    body["shot_type"] = "customize"
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Order(path=f"/{ENDPOINTS[request.tier]}", body=text)


def headers(key: str) -> Mapping[str, str]:
    """How a request shows the key."""
    return {"Authorization": f"Key {key}"}


class Fal:
    """fal.ai's API with one key."""

    def __init__(self, info: ProviderInfo, api: Api, now: Callable[[], datetime]) -> None:
        self.info = info
        self._api = api
        self._now = now
        self._storage = Storage(api, now)
        self._account: Account | None = None

    async def authorize(self) -> Account:
        """Ask for a price, which needs a good key and costs nothing."""
        if self._account is None:
            reply = await self._prices(ENDPOINTS[Tier.PRO])
            if reply.status == 403 and isinstance(refusal(reply), KeyProblem):
                # One version of the page keeps prices for admin keys. Any good key gets a token, no other does.
                await self._storage.token()
            elif not reply.is_success:
                raise refusal(reply)
            else:
                reply.rows("prices")
            self._account = await self._whose()
        return self._account

    async def price(self, tier: Tier) -> Price | None:
        """Read the price list; None where it counts by something else than seconds of video."""
        endpoint = ENDPOINTS[tier]
        reply = await self._prices(endpoint)
        if not reply.is_success:
            raise refusal(reply)
        row = next((row for row in reply.rows("prices") if row.get("endpoint_id") == endpoint), {})
        amount, currency = amount_of(row.get("unit_price")), row.get("currency")
        if (
            amount is None
            or row.get("unit") not in ("second", "seconds")
            or not isinstance(currency, str)
            or not currency
        ):
            return None
        return Price(
            rate=Money(amount, currency),
            source=f"{self.info.title} price list",
            date=self._now().date().isoformat(),
        )

    async def upload(self, path: Path, name: str, on_progress: OnProgress) -> str:
        """Put the file on the CDN and check that anybody can read it."""
        return await self._storage.put(path, name, on_progress)

    async def delete(self, url: str) -> None:
        """Files go by themselves; no page tells how to remove one earlier."""
        del url
        raise ProviderRefused(Kind.NOT_SUPPORTED, self.info.upload_lifetime)

    async def order(self, request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
        """The order; there is nothing to ask."""
        return planned_order(request, assets, clip)

    async def submit(self, order: Order) -> Receipt:
        """Enqueue. What the model finds wrong is said by the job, when it fails."""
        reply = await self._api.order(order.path, order.body, SUBMIT_HEADERS)
        if not reply.is_success:
            raise refusal(reply)
        try:
            remote_id = reply.at("request_id")
            links = {name: reply.at(name) for name in LINKS}
        except UnexpectedReply as error:
            raise SubmitUnconfirmed(error.problem.detail, raw=reply.raw()) from error
        if not isinstance(remote_id, str) or not 0 < len(remote_id) <= 200:
            raise SubmitUnconfirmed(f"HTTP {reply.status} without a request id", raw=reply.raw())
        # The id alone is enough: a link that leads elsewhere is left out, and built from the id when it is needed.
        kept = {name: link for name, link in links.items() if isinstance(link, str) and self._path_in_queue(link)}
        return Receipt(ids=(remote_id,), links=kept)

    async def poll(self, remote: Remote) -> RemoteStatus:
        """Read the status, and of an ended job the result: there is no status for failure."""
        place = self._place(remote, "status_url")
        reply = await self._api.get(f"{place}{'&' if '?' in place else '?'}logs=true")
        if reply.status == 404:
            reply.tree()
            return Missing()
        if not reply.is_success:
            raise refusal(reply)
        if reply.at("request_id") not in (None, remote.id):
            raise UnexpectedReply("the answer is about another request")
        match reply.text("status"):
            case "IN_QUEUE":
                return Waiting("IN_QUEUE", position=_whole(reply.at("queue_position")))
            case "COMPLETED":
                return await self._ended(remote, reply)
            case word:
                return Waiting(plain_words(word, 60), line=_newest_line(reply.at("logs")))

    def result_headers(self, url: str) -> Mapping[str, str]:
        """Results are public; the key is for the API only, and the CDN is no part of that."""
        del url
        return {}

    async def cancel(self, remote: Remote) -> CancelAnswer:
        """Ask the queue to stop the job."""
        reply = await self._api.send("PUT", self._place(remote, "cancel_url"))
        said = reply.at("status") if reply.content else None
        if reply.is_success:
            is_out_of_the_queue = reply.status == 200 and said != "CANCELLATION_REQUESTED"
            return CancelAnswer.STOPPED if is_out_of_the_queue else CancelAnswer.ASKED
        # What the queue no longer knows, it cannot stop either. A poll tells which of the two it is.
        if said == "ALREADY_COMPLETED" or reply.status == 404:
            return CancelAnswer.TOO_LATE
        raise refusal(reply)

    async def find(self, since: datetime) -> tuple[RemoteJob, ...]:
        """Read the requests of both qualities.

        Without a start the list reaches back 24 hours by fal.ai's own clock: a clock that goes wrong here must not hide
        a paid job. It is read from `since` as well, which may be longer ago.
        """
        found: dict[str, RemoteJob] = {}
        for endpoint in ENDPOINTS.values():
            for start in ({}, {"start": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}):
                found |= {job.remote_id: job for job in await self._listed(endpoint, start)}
        return tuple(found.values())

    async def charge(self, remote: Remote) -> Money | None:
        """Read the events on the bill, which only admin keys may.

        The result's header `x-fal-billable-units` is not used: units times today's list price would be one more estimate.
        """
        reply = await self._api.at("platform").get("/v1/models/billing-events", request_id=remote.id)
        if not reply.is_success:
            return None
        events = [row for row in reply.rows("billing_events") if row.get("request_id") == remote.id]
        amounts = [amount_of(event.get("cost_estimate_nano_usd")) for event in events]
        known = [amount for amount in amounts if amount is not None]
        if not known or len(known) < len(amounts):
            return None
        return Money(sum(known, Decimal(0)) / 10**9, "USD")

    # --------------------------------------------------------------------------------------------------------- inside

    async def _prices(self, endpoint: str) -> Reply:
        return await self._api.at("platform").get("/v1/models/pricing", endpoint_id=endpoint)

    async def _whose(self) -> Account:
        """The account as far as it is told.

        Only admin keys learn name and balance. What all keys have is the id before the colon, which is no secret: it
        tells one key from another. The secret behind it is left out, so that nothing kept on disk leads to it. A name,
        even where one is told, is not taken: it would change the mark of a key whenever that call fails.
        """
        shown = self._api.credentials_for(f"{self._api.base_url}/")["Authorization"].removeprefix("Key ")
        key_id, colon, _ = shown.partition(":")
        fingerprint = hashlib.sha256(f"{self.info.id}:{key_id}".encode()).hexdigest()[:16]
        name = f"key {key_id[:8]}…" if colon else "a key without an id"
        try:
            reply = await self._api.at("platform").peek("/v1/account/billing", expand="credits")
            if not reply.is_success:
                return Account(name, fingerprint, is_of_key=True)
            username, currency = reply.at("username"), reply.at("credits.currency")
            left = amount_of(reply.at("credits.current_balance"))
        except StudioError:
            return Account(name, fingerprint, is_of_key=True)
        return Account(
            plain_words(username, 60) if isinstance(username, str) and username else name,
            fingerprint,
            Money(left, currency) if left is not None and isinstance(currency, str) and currency else None,
            is_of_key=True,
        )

    async def _ended(self, remote: Remote, status: Reply) -> RemoteStatus:
        """What came of a job that the queue calls completed: the result tells, or what stands in its place."""
        error, kind = status.at("error"), status.at("error_type")
        said = plain_words(error) if isinstance(error, str) else "no reason given" if error else ""
        from_status = _failed(kind if isinstance(kind, str) else "", said, status) if said else None
        # A single try: another poll comes anyway, and a failed job answers with 5xx for ever.
        reply = await self._api.peek(self._place(remote, "response_url"))
        if reply.is_success:
            url = reply.at("video.url")
            return Finished(url) if isinstance(url, str) and url else from_status or _NOT_YET
        own, reason = error_type(reply), words(reply)
        if reply.status == 400 and "in progress" in reason.lower():
            return from_status or _NOT_YET
        # A gateway that is out of order answers 5xx, too, but without a type.
        speaks = bool(own or (reason and reply.status < 500))
        if speaks and reply.status not in (401, 402, 403, 404, 429):
            return _failed(CANCELLED if reply.status == 499 and not own else own, reason, reply)
        if from_status is not None:
            return from_status
        if reply.status == 404 and speaks:
            return Missing()
        raise refusal(reply) if reply.status in (401, 402, 403) else _trouble(reply)

    async def _listed(self, endpoint: str, start: Mapping[str, str]) -> list[RemoteJob]:
        found: list[RemoteJob] = []
        query: dict[str, str | int] = {"endpoint_id": endpoint, "expand": "payloads", "limit": PAGE_SIZE, **start}
        for _ in range(PAGES_MOST):
            reply = await self._api.at("platform").get("/v1/models/requests/by-endpoint", **query)
            if reply.status in (401, 403):
                # The key that ordered is good for ordering; that it may not read lists is no reason to ask for another.
                raise ProviderRefused(Kind.REQUEST_REJECTED, "this key may not list requests", raw=reply.raw())
            if not reply.is_success:
                raise refusal(reply)
            found += _jobs(reply)
            cursor = reply.at("next_cursor")
            if not isinstance(cursor, str) or not cursor:
                break
            query["cursor"] = cursor
        return found

    def _place(self, remote: Remote, name: str) -> str:
        """Where a job is asked about: the address that the queue gave, if that is in the queue and about this job."""
        path = self._path_in_queue(remote.links.get(name, ""))
        mark = quote(remote.id, safe="")
        if path and mark in path:
            return path
        ending = {"status_url": "/status", "response_url": "", "cancel_url": "/cancel"}[name]
        return f"/{APP}/requests/{mark}{ending}"

    def _path_in_queue(self, link: str) -> str:
        try:
            host, path = self._api.locate(link)
        except UnexpectedReply:
            return ""
        return path if host.base_url == self._api.base_url else ""


_NOT_YET = Waiting("COMPLETED, no result yet")


def _failed(kind: str, reason: str, reply: Reply) -> RemoteStatus:
    if kind == CANCELLED:
        return Cancelled()
    return Failed(reason or kind or f"HTTP {reply.status}", KINDS.get(kind, Kind.EDIT_FAILED), reply.raw())


def _trouble(reply: Reply) -> StudioError:
    """An answer that says nothing about the job."""
    if reply.status == 429 or reply.status >= 500:
        return NetworkProblem(Kind.PROVIDER_BUSY, f"HTTP {reply.status}")
    return UnexpectedReply(f"HTTP {reply.status} without a reason", raw=reply.raw())


def _newest_line(logs: object) -> str:
    """The last line of a job's log."""
    entries = logs if isinstance(logs, list) else []
    texts = (entry.get("message") for entry in reversed(entries) if isinstance(entry, dict))
    return next((line for text in texts if isinstance(text, str) and (line := plain_words(text, 120))), "")


def _jobs(reply: Reply) -> list[RemoteJob]:
    jobs = []
    for row in reply.rows("items"):
        remote_id, body = row.get("request_id"), row.get("json_input")
        video = body.get("video_url") if isinstance(body, dict) else None
        if isinstance(remote_id, str) and remote_id and isinstance(video, str):
            jobs.append(RemoteJob(remote_id, video, moment(row.get("sent_at"))))
    return jobs


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
