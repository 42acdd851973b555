"""PixelDojo: runs the edit on inputs that others host, counts in credits, and keeps a result for about an hour.

Sources, all read 2026-11-20: the page of the Kling video edit, the API documentation and its list of models, and the
scripts that PixelDojo publishes. Where they are silent (the shape of an error, what a row of the job list holds), every
plausible form is read and none is relied on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from urllib.parse import quote

from klingstudio.domain.errors import KeyProblem, Kind, ProviderRefused, SubmitUnconfirmed, UnexpectedReply
from klingstudio.domain.job import Asset, CancelAnswer, Order, Remote
from klingstudio.domain.price import Money, Per, Price, parse_amount
from klingstudio.domain.request import Request, Tier
from klingstudio.net.api import Api
from klingstudio.net.reply import Reply, moment, plain_words
from klingstudio.providers.base import (
    Account,
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
from klingstudio.providers.kling import O3_LIMITS

MODEL = "/api/v1/models/kling-video-edit"
JOBS = "/api/v1/jobs"
DEFAULT_LENGTH_S = 5
"""The length that the model's credits are told for: the default of its form."""
DERIVED = "Derived from {:f} credits at the default {} s: videos are counted by the second, how is not documented."

VIDEO_PLACES = (
    "output.video",
    "output.video.url",
    "output.videos.0",
    "output.videos.0.url",
    "assets.0.url",
    "output.assets.0.url",
)
"""Where the address of a finished video may stand; the first is documented, the others are those of sister models."""

INPUT_PLACES = ("input", "inputs", "request", "parameters", "params")
"""Where a row of the job list may keep what was ordered, if it keeps it at all: not documented."""

KIND_OF_CODE = {
    "insufficient_credits": Kind.NO_CREDIT,
    "unauthorized": Kind.KEY_REFUSED,
    "invalid_api_key": Kind.KEY_REFUSED,
    "model_not_found": Kind.MODEL_GONE,
}
"""The machine word of an error, which counts more than the status: insufficient credits come as 402 and as 403."""
KIND_OF_STATUS = {401: Kind.KEY_REFUSED, 402: Kind.NO_CREDIT, 403: Kind.KEY_REFUSED, 404: Kind.MODEL_GONE}

LIMITS = replace(
    # PixelDojo documents no numbers, so what the others agree on is used; it has no elements.
    O3_LIMITS,
    angles_max=0,
)

INFO = ProviderInfo(
    id="pixeldojo",
    title="PixelDojo",
    key_variable="PIXELDOJO_API_KEY",
    key_page="https://pixeldojo.ai/api-platform/api-keys",
    # Both beginnings are seen: documentation and examples, 2026-11.
    key_form=r"pdl?_\S+",
    history_page="https://pixeldojo.ai/api-platform",
    hosts={"api": "https://pixeldojo.ai"},
    url_variable="KLINGSTUDIO_PIXELDOJO_URL",
    currency="credits",
    tiers=(Tier.PRO, Tier.STANDARD),
    takes_elements=False,
    limits=LIMITS,
    can_cancel=False,
    cancel_note="PixelDojo cannot stop an edit: it runs to its end and is charged; a failed one is refunded.",
    hosts_files=False,
    upload_note="PixelDojo hosts no files: another provider of yours does, or you give https addresses of your own.",
    upload_lifetime="As long as the provider keeps them that hosts them.",
    result_lifetime="About an hour; it is fetched as soon as it is there.",
    upload_is_public=False,
    # The published scripts speak of 10 requests a minute in all.
    requests_per_minute=10,
    poll_every_s=12.0,
    parallel_jobs=2,
)


def planned_order(request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
    """The order. The form refuses fields that it does not know, so there is nothing in it but what is documented."""
    body: dict[str, object] = {
        "prompt": request.prompt,
        "video_url": assets[0].url,
        "video_duration": _seconds(clip.duration_s),
        "tier": request.tier.value,
        "keep_audio": request.keep_audio,
    }
    if request.images:
        body["image_urls"] = [asset.url for asset in assets[1 : 1 + len(request.images)]]
    return Order(path=f"{MODEL}/run", body=json.dumps(body, ensure_ascii=False))


def headers(key: str) -> Mapping[str, str]:
    """How a request shows the key."""
    return {"Authorization": f"Bearer {key}"}


class PixelDojo:
    """PixelDojo's API with one key."""

    def __init__(self, info: ProviderInfo, api: Api, now: Callable[[], datetime]) -> None:
        self.info = info
        self._api = api
        self._now = now
        self._account: Account | None = None

    async def authorize(self) -> Account:
        """Read the list of jobs, which wants a key; the list of models does not.

        Nothing tells whose key it is, so a mark of the key is stored in the account's place.
        """
        if self._account is None:
            listed = await self._api.get(JOBS)
            _accept(listed)
            # The page of a hotel's network says 200, too.
            _rows(listed)
            name = f"an account that {self.info.title} does not name"
            self._account = Account(name, self._api.key_mark(), is_of_key=True)
        return self._account

    async def price(self, tier: Tier) -> Price | None:
        """Read the model's credits. They are told for the form with its defaults, which is pro; standard is unknown."""
        if tier is not Tier.PRO:
            return None
        reply = await self._api.get(MODEL)
        _accept(reply)
        whole = _credits(reply, "creditCost.default", "creditCost.amount", "creditCost")
        counted = reply.at("creditCost.type")
        if whole is None:
            return None
        rate, per, note = whole / DEFAULT_LENGTH_S, Per.SECOND, DERIVED.format(whole, DEFAULT_LENGTH_S)
        if counted == "fixed":
            rate, per, note = whole, Per.TAKE, ""
        elif isinstance(counted, str) and "second" in counted and (told := _credits(reply, "creditCost.amount")):
            rate, note = told, ""
        return Price(
            rate=Money(rate, self.info.currency),
            per=per,
            source=f"{self.info.title} model list",
            date=self._now().date().isoformat(),
            note=note,
        )

    async def upload(self, path: Path, name: str, on_progress: OnProgress) -> str:
        """PixelDojo documents no way to upload."""
        del path, name, on_progress
        raise ProviderRefused(Kind.HOST_MISSING, f"{self.info.title} hosts no files")

    async def delete(self, url: str) -> None:
        """Nothing was uploaded here."""
        del url
        raise ProviderRefused(Kind.NOT_SUPPORTED, f"{self.info.title} hosts no files")

    async def order(self, request: Request, assets: Sequence[Asset], clip: Footage) -> Order:
        """The same as planned: nothing about it has to be asked."""
        return planned_order(request, assets, clip)

    async def submit(self, order: Order) -> Receipt:
        """Run the model. The credits are taken at once and given back if the edit fails."""
        reply = await self._api.order(order.path, order.body)
        if not reply.is_success:
            raise _refusal(reply)
        try:
            job_id = reply.text("jobId")
            status_url = reply.at("statusUrl")
            balance = _credits(reply, "creditsRemaining")
            charge = _credits(reply, "creditCost")
        except UnexpectedReply as error:
            raise SubmitUnconfirmed(error.problem.detail, raw=reply.raw()) from error
        if len(job_id) > 200:
            raise SubmitUnconfirmed(f"HTTP {reply.status} without a usable job id", raw=reply.raw())
        return Receipt(
            ids=(job_id,),
            links={"statusUrl": status_url} if isinstance(status_url, str) and status_url else {},
            charge=self._money(charge),
            balance=self._money(balance),
            expires_at=moment(reply.at("expiresAt")),
        )

    async def poll(self, remote: Remote) -> RemoteStatus:
        """Read one job."""
        reply = await self._job(remote)
        if reply.status == 404:
            reply.tree()
            return Missing()
        _accept(reply)
        _check_id(reply, remote)
        match reply.text("status"):
            case "completed":
                found = (reply.at(place) for place in VIDEO_PLACES)
                url = next((url for url in found if isinstance(url, str) and url), None)
                if url is None:
                    return Waiting("completed, no result yet", is_done=True)
                return Finished(url, expires_at=moment(reply.at("expiresAt")))
            case "failed":
                kind = KIND_OF_CODE.get(_code(reply), Kind.EDIT_FAILED)
                return Failed(_words(reply) or "no reason given", kind=kind, raw=reply.raw())
            case word:
                return Waiting(plain_words(word, 60))

    def result_headers(self, url: str) -> Mapping[str, str]:
        """Results are served to anybody who has the address."""
        del url
        return {}

    async def cancel(self, remote: Remote) -> CancelAnswer:
        """PixelDojo documents no way to stop a job."""
        del remote
        raise ProviderRefused(Kind.NOT_SUPPORTED, self.info.cancel_note)

    async def find(self, since: datetime) -> tuple[RemoteJob, ...]:
        """Read the list of jobs.

        Which fields a row has is not documented. One that does not show its input could belong to any order, so it is
        left out: then only the person can tell, on PixelDojo's own page, which job a lost order became.
        """
        # How to ask for a part of the list is not documented either.
        del since
        reply = await self._api.get(JOBS)
        _accept(reply)
        rows = [(row.get("jobId") or row.get("id"), _input_video(row), row) for row in _rows(reply)]
        if rows and not any(isinstance(job_id, str) and job_id for job_id, _video, _row in rows):
            raise UnexpectedReply("a list without the id of a single job", raw=reply.raw())
        return tuple(
            RemoteJob(job_id, video, moment(row.get("createdAt") or row.get("created_at")))
            for job_id, video, row in rows
            if isinstance(job_id, str) and job_id and video is not None
        )

    async def charge(self, remote: Remote) -> Money | None:
        """Read the job's credits; a failed one is given back."""
        reply = await self._job(remote)
        if not reply.is_success:
            return None
        _check_id(reply, remote)
        if reply.at("status") == "failed":
            return Money(Decimal(0), self.info.currency)
        return self._money(_credits(reply, "creditCost"))

    async def _job(self, remote: Remote) -> Reply:
        """At the address that PixelDojo named, if it is one of its own, else where the documentation says."""
        try:
            api, path = self._api.locate(remote.links.get("statusUrl", ""))
        except UnexpectedReply:
            api, path = self._api, f"{JOBS}/{quote(remote.id, safe='')}"
        return await api.get(path)

    def _money(self, amount: Decimal | None) -> Money | None:
        return None if amount is None else Money(amount, self.info.currency)


def _seconds(duration_s: float) -> int | float:
    """The true length, in thousandths and never shorter: what is claimed is what is billed."""
    seconds = Decimal(str(duration_s)).quantize(Decimal("0.001"), ROUND_CEILING)
    return int(seconds) if seconds == seconds.to_integral_value() else float(seconds)


def _credits(reply: Reply, *places: str) -> Decimal | None:
    numbers = (reply.number(place) for place in places)
    found = next((number for number in numbers if number is not None), None)
    return None if found is None else parse_amount(f"{found:.12g}")


def _check_id(reply: Reply, remote: Remote) -> None:
    if (reply.at("jobId") or reply.at("id") or remote.id) != remote.id:
        raise UnexpectedReply("the answer is about another job", raw=reply.raw())


def _rows(reply: Reply) -> list[Mapping[str, object]]:
    tree = reply.tree()
    if isinstance(tree, list):
        return [row for row in tree if isinstance(row, dict)]
    place = next((place for place in ("jobs", "data", "items") if isinstance(reply.at(place), list)), "jobs")
    return reply.rows(place)


def _input_video(row: Mapping[str, object]) -> str | None:
    holders = [row, *(row.get(place) for place in INPUT_PLACES)]
    videos = (holder.get("video_url") for holder in holders if isinstance(holder, dict))
    return next((video for video in videos if isinstance(video, str) and video), None)


def _accept(reply: Reply) -> None:
    if not reply.is_success:
        raise _refusal(reply)


def _refusal(reply: Reply) -> KeyProblem | ProviderRefused:
    words, raw = _words(reply), reply.raw()
    kind = KIND_OF_CODE.get(_code(reply)) or KIND_OF_STATUS.get(reply.status, Kind.REQUEST_REJECTED)
    if reply.status in (402, 403) and "credit" in words.lower():
        kind = Kind.NO_CREDIT
    if kind is Kind.KEY_REFUSED:
        return KeyProblem(kind, words, subject="key", raw=raw)
    return ProviderRefused(kind, words or f"HTTP {reply.status}", raw=raw)


def _code(reply: Reply) -> str:
    """The machine word of an error, wherever it stands."""
    try:
        found = (reply.at(place) for place in ("error.code", "code", "errorCode", "error"))
        return next((code for code in found if isinstance(code, str) and code), "").lower()
    except UnexpectedReply:
        return ""


def _words(reply: Reply) -> str:
    """PixelDojo's own explanation: `error` may be a text or an object, and `message` may stand beside it."""
    places = ("error.message", "error.detail", "message", "error", "detail", "error.code")
    try:
        texts = [reply.at(place) for place in places]
    except UnexpectedReply as error:
        return error.problem.detail
    return next((plain_words(text) for text in texts if isinstance(text, str) and text), "")
