"""The Segmind dialect: three hosts in one, `/v1` and `/v2` for inference, `/upload-asset`, and the request history.

A record of the queue lives for an hour; the history keeps every job. A failed job answers HTTP 422, on its status and
on its result alike. There is no cancel.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from klingstudio.sandbox import segmind_assets
from klingstudio.sandbox.asking import base_of, fault_of, lag_s
from klingstudio.sandbox.faults import Kind
from klingstudio.sandbox.jobs import ACTIVE, Job, Jobs, Status
from klingstudio.sandbox.links import Links
from klingstudio.sandbox.segmind_assets import AssetsWrong, receive_assets
from klingstudio.sandbox.segmind_orders import MODEL, early_problem, order_from
from klingstudio.sandbox.segmind_replies import (
    Refused,
    account_of,
    json_object,
    key_of,
    refuse,
    unknown_address,
    wrong_method,
)
from klingstudio.sandbox.state import State

NAME = "segmind"
FIRST_CREDITS = Decimal(100)
"""Dollars that every account begins with."""
FREE_CREDITS = 0.018
RECORD_S = 3600.0
"""How long a record lives, from the submit on."""
WINDOW_DAYS = 31
_PAGE_MAX = 100

_WORDS = {
    Status.QUEUED: "QUEUED",
    Status.PROCESSING: "PROCESSING",
    Status.SUCCEEDED: "COMPLETED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "FAILED",
}


class Segmind:
    """The dialect on one job core."""

    def __init__(self, state: State, jobs: Jobs, links: Links) -> None:
        self._state = state
        self._jobs = jobs
        self._links = links

    def app(self, extra: Iterable[Route]) -> Starlette:
        """Every address of the service, and some more."""
        history = "/inference-request/request-history"
        routes = [
            Route("/v1/get-user-credits", self._credits),
            Route("/v1/requests/{id}", self._record),
            Route("/v1/{model}", self._wait, methods=["POST"]),
            Route("/v2/requests/{id}/status", self._status),
            Route("/v2/requests/{id}", self._record),
            Route("/v2/{model}", self._submit, methods=["POST"]),
            Route("/upload-asset", self._upload, methods=["POST"]),
            Route("/assets/{name}", self._asset),
            Route("/outputs/{id}.mp4", self._output),
            Route(history, self._history),
            Route(history + "/{id}", self._kept),
            *extra,
        ]
        handlers: dict[Any, Any] = {Refused: refuse, 404: unknown_address, 405: wrong_method}
        return Starlette(routes=routes, exception_handlers=handlers)

    @staticmethod
    def call_of(method: str, path: str) -> str:
        """What a request is for, in the words of the fault plan."""
        match path.strip("/").split("/"):
            case ["v1", "get-user-credits"]:
                return "authorize"
            case ["v2", "requests", _, "status"]:
                return "poll"
            case ["v1" | "v2", "requests", _]:
                return "record"
            case ["v1" | "v2", _]:
                return "submit" if method == "POST" else ""
            case ["upload-asset"]:
                return "upload"
            case ["assets", _]:
                return "fetch"
            case ["outputs", _]:
                return "result"
            case ["inference-request", "request-history"]:
                return "list"
            case ["inference-request", "request-history", _]:
                return "charge"
            case _:
                return ""

    # ------------------------------------------------------------------------------------------------------- account

    async def _credits(self, request: Request) -> Response:
        account = account_of(request)
        if key_of(request).startswith("empty"):
            raise Refused(404, "No credits found for the user")
        left = self._left(request, account)
        return JSONResponse({"credits": float(left), "free-credits": FREE_CREDITS if left else 0.0})

    def _left(self, request: Request, account: str) -> Decimal:
        if key_of(request).startswith(("broke", "empty")):
            return Decimal(0)
        return FIRST_CREDITS - sum((self._jobs.cost(job) or Decimal(0) for job in self._own(account)), Decimal(0))

    # ----------------------------------------------------------------------------------------------------- inference

    async def _submit(self, request: Request) -> Response:
        job = await self._accept(request)
        record = f"{base_of(request)}/v2/requests/{job.id}"
        answer = {
            "request_id": job.id,
            "status": _WORDS[Status.QUEUED],
            "poll_url": f"{base_of(request)}/v1/requests/{job.id}",
            "status_url": f"{record}/status",
            "response_url": record,
        }
        if fault_of(request, Kind.NO_ID):
            del answer["request_id"]
        return JSONResponse(answer)

    async def _wait(self, request: Request) -> Response:
        """The first version of the API: the answer is the video, and it takes as long as the edit."""
        with self._jobs.watch() as ended:
            job = await self._accept(request)
            while True:
                change = await ended.get()
                if change is None:
                    raise Refused(504, "Gateway timeout")
                if change.id == job.id:
                    break
        if change.status is not Status.SUCCEEDED:
            raise Refused(422, change.error or "Inference failed")
        if fault_of(request, Kind.OTHER_FORM):
            return JSONResponse(self._finished(request, change), headers=self._told(request, change))
        return self._video(request, change)

    async def _accept(self, request: Request) -> Job:
        account = account_of(request)
        if request.path_params["model"] != MODEL:
            raise Refused(404, "Model not found")
        if fault_of(request, Kind.OLD_MODEL_GONE):
            raise Refused(410, f"{MODEL} has been retired")
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refused(406, "Invalid content type")
        body = await json_object(request)
        if words := early_problem(body):
            raise Refused(400, words)
        if self._left(request, account) <= 0:
            raise Refused(406, "Insufficient credits")
        fails, lag = fault_of(request, Kind.FAIL_JOB), fault_of(request, Kind.LIST_LAG)
        return self._jobs.accept(
            order_from(body, account=account),
            fails_with=fails.message if fails else None,
            hidden_s=lag_s(lag) if lag else 0.0,
        )

    async def _status(self, request: Request) -> Response:
        return self._view(request, self._recorded(request))

    async def _record(self, request: Request) -> Response:
        job = self._recorded(request)
        if job.status is not Status.SUCCEEDED:
            return self._view(request, job)
        if fault_of(request, Kind.OTHER_FORM):
            return self._video(request, job)
        return JSONResponse(self._finished(request, job))

    def _view(self, request: Request, job: Job) -> Response:
        record = f"{base_of(request)}/v2/requests/{job.id}"
        strange = fault_of(request, Kind.UNKNOWN_STATUS)
        word = strange.word if strange else _WORDS[job.status]
        shown: dict[str, Any] = {"status": word, "request_id": job.id}
        if word == "FAILED":
            shown |= {"error": job.error or "Inference failed", "metrics": _metrics(job)}
            return JSONResponse(shown, 422)
        metrics = _metrics(job) if job.status is Status.SUCCEEDED else {}
        return JSONResponse(shown | {"status_url": f"{record}/status", "response_url": record, "metrics": metrics})

    def _finished(self, request: Request, job: Job) -> dict[str, Any]:
        url = self._link(request, job)
        cost = self._jobs.cost(job) or Decimal(0)
        told = {"cost": float(cost), "remaining_credits": float(self._left(request, job.order.account))}
        return {
            "status": _WORDS[job.status],
            "request_id": job.id,
            "output": url,
            "video": {
                "url": url,
                "content_type": "video/mp4",
                "file_name": f"{job.id}.mp4",
                "file_size": self._jobs.result(job).stat().st_size,
            },
            "images": [],
            "prompt": job.order.prompt,
            "timings": {},
            "metrics": told | _metrics(job) | {"retry_count": 0},
        }

    def _video(self, request: Request, job: Job) -> Response:
        return FileResponse(self._jobs.result(job), media_type="video/mp4", headers=self._told(request, job))

    def _told(self, request: Request, job: Job) -> dict[str, str]:
        return {
            "x-cost": str(self._jobs.cost(job) or 0),
            "x-remaining-credits": str(self._left(request, job.order.account)),
            "x-request-id": job.id,
            "x-generation-time": str(_metrics(job)["inference_time"]),
        }

    def _recorded(self, request: Request) -> Job:
        """The job of this address, if it is the asking account's and its record is still kept."""
        account, job_id = account_of(request), request.path_params["id"]
        job = self._jobs.find(job_id)
        is_gone = fault_of(request, Kind.RECORD_GONE) or (job is not None and job.enqueued_at + RECORD_S < time.time())
        if job is None or job.order.dialect != NAME or job.order.account != account or is_gone:
            raise Refused(404, f"Request {job_id} not found")
        return job

    # --------------------------------------------------------------------------------------------------------- files

    async def _upload(self, request: Request) -> Response:
        account_of(request)
        try:
            names = await receive_assets(request.stream(), self._state.blobs)
        except AssetsWrong as error:
            raise Refused(400, str(error)) from error
        except ClientDisconnect:
            return Response(status_code=499)
        urls = [f"{base_of(request)}/assets/{name}" for name in names]
        if fault_of(request, Kind.OTHER_FORM):
            return JSONResponse({"urls": urls})
        return JSONResponse({"file_urls": urls, "message": "Files uploaded"})

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if not segmind_assets.NAME.fullmatch(name) or not (self._state.blobs / name).exists():
            raise Refused(404, "Not found")
        return FileResponse(self._state.blobs / name)

    async def _output(self, request: Request) -> Response:
        job = self._jobs.find(request.path_params["id"])
        path = request.url.path
        if not self._links.is_open(path, request.query_params) or fault_of(request, Kind.EXPIRED_LINK):
            raise Refused(403, "The link has expired")
        if job is None or job.order.dialect != NAME or job.status is not Status.SUCCEEDED:
            raise Refused(404, "Not found")
        return FileResponse(self._jobs.result(job), media_type="video/mp4")

    def _link(self, request: Request, job: Job) -> str:
        path = f"/outputs/{job.id}.mp4"
        is_expired = fault_of(request, Kind.EXPIRED_LINK) is not None
        return f"{base_of(request)}{path}?{self._links.query(path, is_expired=is_expired)}"

    # ------------------------------------------------------------------------------------------------------- history

    async def _history(self, request: Request) -> Response:
        account = account_of(request)
        page, size = _number(request, "page", 1), _number(request, "per_page", 20)
        if page < 1 or not 1 <= size <= _PAGE_MAX:
            raise Refused(400, f"page must be at least 1 and per_page between 1 and {_PAGE_MAX}")
        first, last = _window(request)
        lag, now, query = fault_of(request, Kind.LIST_LAG), time.time(), request.query_params
        rows = [
            self._row(request, job)
            for job in self._own(account)
            if first <= _day(job) <= last
            and job.listed_from <= now
            and (lag is None or job.enqueued_at + lag_s(lag) <= now)
            and query.get("model_name", "") in job.order.model
            and query.get("status", _history_word(job)) == _history_word(job)
            and not fault_of(request, Kind.LIST_EMPTY)
        ]
        if query.get("sort_order") == "asc":
            rows.reverse()
        shown = rows[(page - 1) * size : page * size]
        pages = -(-len(rows) // size)
        return JSONResponse({"data": shown, "page": page, "per_page": size, "total": len(rows), "total_pages": pages})

    async def _kept(self, request: Request) -> Response:
        account, job_id = account_of(request), request.path_params["id"]
        job = next((job for job in self._own(account) if job.id == job_id and job.listed_from <= time.time()), None)
        if job is None or fault_of(request, Kind.LIST_EMPTY):
            raise Refused(404, "Request not found")
        return JSONResponse(self._row(request, job))

    def _own(self, account: str) -> list[Job]:
        """The jobs of an account, newest first."""
        return [job for job in self._jobs.all() if job.order.dialect == NAME and job.order.account == account]

    def _row(self, request: Request, job: Job) -> dict[str, Any]:
        cost, metrics = self._jobs.cost(job), _metrics(job)
        row: dict[str, Any] = {
            "request_id": job.id,
            "model_name": job.order.model,
            "model_status": _history_word(job),
            "model_created": datetime.fromtimestamp(job.enqueued_at, UTC).isoformat(),
            "credits_deduction": None if cost is None else float(cost),
            "generation_url": self._link(request, job) if job.status is Status.SUCCEEDED else None,
            "latency_ms": None if job.status in ACTIVE else round(metrics["total_time"] * 1000),
            "error": job.error,
        }
        return row if fault_of(request, Kind.LIST_BARE) else row | {"request_body": job.order.parameters}


def _metrics(job: Job) -> dict[str, Any]:
    ended = job.completed_at or time.time()
    started = job.started_at or ended
    return {
        "inference_time": round(ended - started, 3),
        "queue_time": round(started - job.enqueued_at, 3),
        "total_time": round(ended - job.enqueued_at, 3),
    }


def _history_word(job: Job) -> str:
    return "PENDING" if job.status in ACTIVE else _WORDS[job.status]


def _day(job: Job) -> date:
    return datetime.fromtimestamp(job.enqueued_at, UTC).date()


def _window(request: Request) -> tuple[date, date]:
    """The days that are asked for; without a word, the last seven and today."""
    today = datetime.now(UTC).date()
    try:
        last = date.fromisoformat(request.query_params.get("to_date", today.isoformat()))
        first = date.fromisoformat(request.query_params.get("from_date", (last - timedelta(days=7)).isoformat()))
    except (ValueError, OverflowError):
        raise Refused(400, "from_date and to_date must be YYYY-MM-DD") from None
    if not 0 <= (last - first).days <= WINDOW_DAYS:
        raise Refused(400, f"the window may span at most {WINDOW_DAYS} days")
    return first, last


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal():
        raise Refused(400, f"{name} must be a number")
    return int(text)
