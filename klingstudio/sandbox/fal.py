"""The fal.ai dialect: queue, storage and platform on one address, in fal.ai's words and shapes.

In the world these are several hosts, and running a model at once is another one, so that a POST to an endpoint is always
an order to the queue here. The queue looks at key, credit and endpoint; whatever is wrong besides is said by the job. It
has three status words only: a job that failed or was cancelled is COMPLETED, too, and has an error where its result
should be. An order never becomes two jobs here (the fault `two_ids`): an answer of fal.ai has room for one id.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from klingstudio.sandbox.asking import account_named, base_of, fault_of, lag_s
from klingstudio.sandbox.fal_model import APP, PRICES, order_from
from klingstudio.sandbox.fal_replies import (
    LOCKED,
    Failure,
    Refused,
    account_of,
    as_reply,
    failure_of,
    json_object,
    key_of,
    refuse,
    refused,
    refused_by_platform,
)
from klingstudio.sandbox.fal_storage import FileStore
from klingstudio.sandbox.faults import Kind
from klingstudio.sandbox.jobs import Job, Jobs, Status
from klingstudio.sandbox.links import Links
from klingstudio.sandbox.state import State

NAME = "fal"
RESULTS = "/files/b"
DEPOSIT_USD = 100
"""What every account of an admin key once paid in."""
_PAGE_MAX = 100
_CALLS = {
    "/storage/auth/token": "token",
    "/storage/upload/initiate": "initiate",
    "/files/upload": "upload",
    "/files/upload/multipart": "create",
    "/v1/models/pricing": "authorize",
    "/v1/models/requests/by-endpoint": "list",
    "/v1/models/billing-events": "charge",
    "/v1/account/billing": "credits",
}
_CANCELLED = Failure(499, "client_cancelled", "The request was cancelled by the client")


class Fal:
    """The dialect on one job core."""

    def __init__(self, state: State, jobs: Jobs, links: Links) -> None:
        self._jobs = jobs
        self._links = links
        self._files = FileStore(state, links)

    def app(self, extra: Iterable[Route]) -> Starlette:
        """Every address of the service, and some more."""
        request = "/{owner}/{alias}/requests/{id}"
        routes = [
            *extra,
            *self._files.routes(),
            Route(RESULTS + "/{id}/output.mp4", self._video, methods=["GET", "HEAD"]),
            Route("/v1/models/pricing", self._pricing),
            Route("/v1/models/requests/by-endpoint", self._requests),
            Route("/v1/models/billing-events", self._events),
            Route("/v1/account/billing", self._billing),
            Route(request + "/status", self._status),
            Route(request + "/cancel", self._cancel, methods=["PUT"]),
            Route(request, self._result),
            Route("/{endpoint:path}", self._submit, methods=["POST"]),
        ]
        handlers: dict[Any, Any] = {Refused: refuse, 404: _unknown_address, 405: _unknown_address}
        return Starlette(routes=routes, exception_handlers=handlers)

    @staticmethod
    def call_of(method: str, path: str) -> str:
        """What a request is for, in the words of the fault plan. The price list is what a key is tested with."""
        if path in _CALLS:
            return _CALLS[path]
        match path.strip("/").split("/"):
            case ["signed", *_]:
                return "put"
            case ["files", "u", _, _, "multipart", _, last]:
                return "complete" if last == "complete" else "part"
            case ["files", "u", *_]:
                return "fetch"
            case ["files", "b", *_]:
                return "result"
            case [_, _, "requests", _, "status"]:
                return "poll"
            case [_, _, "requests", _, "cancel"]:
                return "cancel"
            case [_, _, "requests", _]:
                return "record"
            case _:
                return "submit" if method == "POST" else ""

    # ------------------------------------------------------------------------------------------------------ the queue

    async def _submit(self, request: Request) -> Response:
        account, endpoint = account_of(request), request.path_params["endpoint"]
        if key_of(request).startswith("broke"):
            raise refused(403, LOCKED)
        if endpoint not in PRICES:
            raise refused(404, f"Application '{endpoint}' not found")
        fails, lag = fault_of(request, Kind.FAIL_JOB), fault_of(request, Kind.LIST_LAG)
        job = self._jobs.accept(
            order_from(endpoint, await json_object(request), account),
            fails_with=fails.message if fails else None,
            hidden_s=lag_s(lag) if lag else 0.0,
        )
        answer = {"status": "IN_QUEUE", **self._about(request, job), "queue_position": self._before(job)}
        if fault_of(request, Kind.NO_ID):
            del answer["request_id"]
        return _reply(job, answer)

    async def _status(self, request: Request) -> Response:
        job = self._own(request)
        about = self._about(request, job)
        if strange := fault_of(request, Kind.UNKNOWN_STATUS):
            return _reply(job, {"status": strange.word, **about, "logs": None})
        logs = _logs(job) if request.query_params.get("logs", "").lower() in ("1", "true") else None
        match job.status:
            case Status.QUEUED:
                return _reply(job, {"status": "IN_QUEUE", **about, "queue_position": self._before(job)}, 202)
            case Status.PROCESSING:
                return _reply(job, {"status": "IN_PROGRESS", **about, "logs": logs}, 202)
            case Status.SUCCEEDED | Status.FAILED | Status.CANCELLED:
                pass
        ended = {"status": "COMPLETED", **about, "logs": logs, "metrics": _metrics(job)}
        if failure := _failure(job):
            ended["error"] = failure.message
            if not failure.place:
                ended["error_type"] = failure.type
        return _reply(job, ended)

    async def _result(self, request: Request) -> Response:
        job = self._own(request)
        if failure := _failure(job):
            raise as_reply(failure)
        if job.status is not Status.SUCCEEDED:
            raise refused(400, "Request is still in progress")
        video = {
            "url": self._link(request, job),
            "content_type": "video/mp4",
            "file_name": "output.mp4",
            "file_size": self._jobs.result(job).stat().st_size,
        }
        return _reply(job, {"video": video}, units=_units(job, self._jobs))

    async def _cancel(self, request: Request) -> Response:
        try:
            job = self._own(request)
        except Refused as error:
            if error.status != 404:
                raise
            return JSONResponse({"status": "NOT_FOUND"}, 404)
        was = job.status
        if not self._jobs.cancel(job):
            return _reply(job, {"status": "ALREADY_COMPLETED"}, 400)
        if was is Status.QUEUED:
            return _reply(job, {"status": "OK"})
        return _reply(job, {"status": "CANCELLATION_REQUESTED"}, 202)

    async def _video(self, request: Request) -> Response:
        job = self._jobs.find(request.path_params["id"])
        if not self._links.is_open(request.url.path, request.query_params) or fault_of(request, Kind.EXPIRED_LINK):
            raise refused(403, "The link has expired")
        if job is None or job.order.dialect != NAME or job.status is not Status.SUCCEEDED:
            raise refused(404, "File not found")
        return FileResponse(self._jobs.result(job), media_type="video/mp4")

    # --------------------------------------------------------------------------------------------------- the platform

    async def _pricing(self, request: Request) -> Response:
        _platform_account(request)
        wanted = [one for text in request.query_params.getlist("endpoint_id") for one in text.split(",")]
        prices = [
            {"endpoint_id": one, "unit_price": float(PRICES[one]), "unit": "second", "currency": "USD"}
            for one in wanted or PRICES
            if one in PRICES
        ]
        if not prices:
            raise refused_by_platform(404, "not_found", "Endpoint not found")
        return JSONResponse({"prices": prices, "next_cursor": None, "has_more": False})

    async def _billing(self, request: Request) -> Response:
        account = _admin_account(request)
        view: dict[str, Any] = {"username": account}
        if request.query_params.get("expand") == "credits":
            spent = sum(self._jobs.cost(job) or 0 for job in self._of(account))
            view["credits"] = {"current_balance": float(DEPOSIT_USD - spent), "currency": "USD"}
        return JSONResponse(view)

    async def _events(self, request: Request) -> Response:
        account = _admin_account(request)
        wanted = request.query_params.get("request_id")
        events = [
            {
                "request_id": job.id,
                "endpoint_id": job.order.model,
                "timestamp": _time(job.completed_at),
                "output_units": _units(job, self._jobs),
                "unit_price": float(job.order.price_per_s),
                "percent_discount": None,
                "cost_estimate_nano_usd": int(cost * 10**9),
            }
            for job in self._of(account)
            if wanted in (None, job.id) and (cost := self._jobs.cost(job))
        ]
        return JSONResponse({"billing_events": events, "next_cursor": None, "has_more": False})

    async def _requests(self, request: Request) -> Response:
        account, query = _platform_account(request), request.query_params
        if "endpoint_id" not in query:
            raise refused_by_platform(400, "validation_error", "endpoint_id is required")
        try:
            start = datetime.fromisoformat(query["start"]) if "start" in query else datetime.now(UTC) - timedelta(1)
            limit = min(max(int(query.get("limit", "50")), 1), _PAGE_MAX)
            page = int(base64.b64decode(query["cursor"], validate=True)) if "cursor" in query else 1
        except ValueError:
            raise refused_by_platform(400, "validation_error", "start, limit or cursor cannot be read") from None
        since, lag, now = start.timestamp(), fault_of(request, Kind.LIST_LAG), time.time()
        jobs = [
            job
            for job in self._of(account)
            if job.order.model == query["endpoint_id"]
            and max(job.enqueued_at, job.completed_at or 0) >= since
            and max(job.listed_from, job.enqueued_at + (lag_s(lag) if lag else 0)) <= now
        ]
        if fault_of(request, Kind.LIST_EMPTY):
            jobs = []
        # By end, youngest first: what has not ended comes before all that has.
        jobs.sort(key=lambda job: job.completed_at or now + job.enqueued_at, reverse=True)
        has_more = len(jobs) > page * limit
        with_payloads = query.get("expand") == "payloads" and not fault_of(request, Kind.LIST_BARE)
        return JSONResponse(
            {
                "items": [
                    self._row(request, job, with_payloads=with_payloads)
                    for job in jobs[(page - 1) * limit : page * limit]
                ],
                "next_cursor": base64.b64encode(str(page + 1).encode()).decode() if has_more else None,
                "has_more": has_more,
            }
        )

    def _row(self, request: Request, job: Job, *, with_payloads: bool) -> dict[str, Any]:
        failure = _failure(job)
        has_ended = job.completed_at is not None
        row: dict[str, Any] = {
            "request_id": job.id,
            "endpoint_id": job.order.model,
            "sent_at": _time(job.enqueued_at),
            "started_at": _time(job.started_at),
            "ended_at": _time(job.completed_at),
            "status_code": (failure.status if failure else 200) if has_ended else None,
            "duration": (job.completed_at or 0) - (job.started_at or job.enqueued_at) if has_ended else None,
        }
        if with_payloads:
            output = {"video": {"url": self._link(request, job)}} if job.status is Status.SUCCEEDED else None
            row |= {"json_input": job.order.parameters, "json_output": output}
        return row

    # --------------------------------------------------------------------------------------------------------- inside

    def _about(self, request: Request, job: Job) -> dict[str, Any]:
        """The id and the addresses that every answer carries. They name owner and alias only."""
        place = f"{base_of(request)}/{APP}/requests/{job.id}"
        return {
            "request_id": job.id,
            "response_url": place,
            "status_url": f"{place}/status",
            "cancel_url": f"{place}/cancel",
        }

    def _own(self, request: Request) -> Job:
        account = account_of(request)
        job = self._jobs.find(request.path_params["id"])
        place = f"{request.path_params['owner']}/{request.path_params['alias']}"
        if job is None or job.order.dialect != NAME or job.order.account != account or place != APP:
            raise refused(404, "Request not found")
        return job

    def _of(self, account: str) -> list[Job]:
        return [job for job in self._jobs.all() if job.order.dialect == NAME and job.order.account == account]

    def _before(self, job: Job) -> int:
        queued = (other for other in self._jobs.all() if other.status is Status.QUEUED)
        return sum(other.enqueued_at < job.enqueued_at for other in queued)

    def _link(self, request: Request, job: Job) -> str:
        path = f"{RESULTS}/{job.id}/output.mp4"
        is_expired = fault_of(request, Kind.EXPIRED_LINK) is not None
        return f"{base_of(request)}{path}?{self._links.query(path, is_expired=is_expired)}"


def _failure(job: Job) -> Failure | None:
    if job.status is Status.CANCELLED:
        return _CANCELLED
    return failure_of(job.error or "internal_error: no reason given") if job.status is Status.FAILED else None


def _logs(job: Job) -> list[dict[str, Any]]:
    """What the model printed so far; a Kling endpoint prints little."""
    moments = [(job.started_at, "Loading the inputs"), (job.started_at, "Editing the video")]
    if job.status is Status.SUCCEEDED:
        moments.append((job.completed_at, "Done"))
    return [
        {"message": text, "level": "INFO", "source": "USER", "timestamp": _time(at), "labels": {}}
        for at, text in moments
        if at is not None
    ]


def _metrics(job: Job) -> dict[str, float]:
    if job.started_at is None or job.completed_at is None:
        return {}
    return {"inference_time": round(job.completed_at - job.started_at, 3)}


def _units(job: Job, jobs: Jobs) -> float:
    """Seconds of video that were made."""
    return round(float(jobs.cost(job) or 0) / float(job.order.price_per_s), 2)


def _reply(job: Job, body: dict[str, Any], status: int = 200, units: float | None = None) -> Response:
    headers = {"x-fal-request-id": job.id}
    if units is not None:
        headers["x-fal-billable-units"] = str(units)
    return JSONResponse(body, status, headers)


def _platform_account(request: Request) -> str:
    if not (key := key_of(request)):
        raise refused_by_platform(401, "authorization_error", "Authentication is required")
    return account_named(key)


def _admin_account(request: Request) -> str:
    account = _platform_account(request)
    if not key_of(request).startswith("admin"):
        raise refused_by_platform(403, "authorization_error", "An admin API key is required")
    return account


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


async def _unknown_address(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"detail": "Not Found"}, 404)
