"""The PixelDojo dialect: everything under `/api/v1`, in PixelDojo's words and shapes.

A submit is held against the form of the model, and credits are taken at once and given back if the edit fails. There is
no upload and no cancel. Results are served to anybody, until the moment that the job names.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from klingstudio.sandbox.asking import account_named, base_of, fault_of, lag_s
from klingstudio.sandbox.faults import Kind
from klingstudio.sandbox.jobs import Job, Jobs, Status
from klingstudio.sandbox.links import Links
from klingstudio.sandbox.pixeldojo_model import MODEL_ID, SCHEMA, cost, order_from, problem, unknown_field, view
from klingstudio.sandbox.state import State

NAME = "pixeldojo"
FIRST_CREDITS = 1000
"""What every account begins with."""

_WORDS = {
    Status.QUEUED: "pending",
    Status.PROCESSING: "processing",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
}


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message


class PixelDojo:
    """The dialect on one job core."""

    def __init__(self, state: State, jobs: Jobs, links: Links) -> None:
        del state  # Nothing is uploaded here.
        self._jobs = jobs
        self._links = links

    def app(self, extra: Iterable[Route]) -> Starlette:
        """Every address of the service, and some more."""
        routes = [
            Route("/api/v1/models", self._models),
            Route("/api/v1/models/{id}", self._model),
            Route("/api/v1/models/{id}/schema", self._schema),
            Route("/api/v1/models/{id}/run", self._submit, methods=["POST"]),
            Route("/api/v1/jobs", self._list),
            Route("/api/v1/jobs/{id}", self._poll),
            Route("/pixeldojotemp/{id}.mp4", self._result),
            *extra,
        ]
        handlers: dict[Any, Any] = {Refused: _refuse, 404: _unknown_address, 405: _unknown_address}
        return Starlette(routes=routes, exception_handlers=handlers)

    @staticmethod
    def call_of(method: str, path: str) -> str:
        """What a request is for, in the words of the fault plan. Asking whose key it is means reading the list."""
        match path.strip("/").split("/"):
            case ["api", "v1", "models", _, "run"]:
                return "submit" if method == "POST" else ""
            case ["api", "v1", "models", *_]:
                return "models"
            case ["api", "v1", "jobs"]:
                return "list"
            case ["api", "v1", "jobs", _]:
                return "poll"
            case ["pixeldojotemp", _]:
                return "result"
            case _:
                return ""

    async def _models(self, request: Request) -> Response:
        model = view() | ({"requestSchema": SCHEMA} if request.query_params.get("detailed") == "true" else {})
        return JSONResponse({"models": [model], "total": 1, "imageCount": 0, "videoCount": 1})

    async def _model(self, request: Request) -> Response:
        _check_model(request)
        return JSONResponse(view() | {"requestSchema": SCHEMA})

    async def _schema(self, request: Request) -> Response:
        _check_model(request)
        return JSONResponse({"apiId": MODEL_ID, "schema": SCHEMA})

    async def _submit(self, request: Request) -> Response:
        account = _account_of(request)
        _check_model(request)
        body = await _json_object(request)
        if name := unknown_field(body):
            raise Refused(400, "invalid_request", f"Unrecognized field: {name}")
        if words := problem(body):
            raise Refused(422, "validation_error", words)
        if self._credits(request, account) < cost(body):
            raise Refused(402, "insufficient_credits", f"Insufficient credits: {cost(body)} needed")
        fails, lag = fault_of(request, Kind.FAIL_JOB), fault_of(request, Kind.LIST_LAG)
        # PixelDojo answers with one id, whatever has become of the order.
        job, *_ = [
            self._jobs.accept(
                order_from(body, account=account),
                fails_with=fails.message if fails else None,
                hidden_s=lag_s(lag) if lag else 0.0,
            )
            for _ in range(2 if fault_of(request, Kind.TWO_IDS) else 1)
        ]
        answer = {
            "jobId": job.id,
            "status": _WORDS[Status.QUEUED],
            "statusUrl": f"{base_of(request)}/api/v1/jobs/{job.id}",
            "creditCost": cost(body),
            "creditsRemaining": self._credits(request, account),
            "expiresAt": _iso(self._end(job)),
        }
        if fault_of(request, Kind.NO_ID):
            del answer["jobId"], answer["statusUrl"]
        return JSONResponse(answer, 202)

    async def _list(self, request: Request) -> Response:
        account = _account_of(request)
        lag, now = fault_of(request, Kind.LIST_LAG), time.time()
        jobs = [
            job
            for job in self._jobs.all()
            if job.order.dialect == NAME
            and job.order.account == account
            and job.listed_from <= now
            and (lag is None or job.enqueued_at + lag_s(lag) <= now)
            and not fault_of(request, Kind.LIST_EMPTY)
        ]
        return JSONResponse({"jobs": [self._row(request, job) for job in jobs], "total": len(jobs)})

    async def _poll(self, request: Request) -> Response:
        account = _account_of(request)
        job = self._jobs.find(request.path_params["id"])
        if job is None or job.order.dialect != NAME or job.order.account != account:
            raise Refused(404, "job_not_found", "Job not found")
        return JSONResponse(self._view(request, job))

    async def _result(self, request: Request) -> Response:
        job = self._jobs.find(request.path_params["id"])
        path = request.url.path
        if not self._links.is_open(path, request.query_params) or fault_of(request, Kind.EXPIRED_LINK):
            raise Refused(403, "expired", "The asset has expired")
        if job is None or job.order.dialect != NAME or job.status is not Status.SUCCEEDED:
            raise Refused(404, "not_found", "Not found")
        return FileResponse(self._jobs.result(job), media_type="video/mp4")

    def _row(self, request: Request, job: Job) -> dict[str, Any]:
        row = self._view(request, job) | {"apiId": job.order.model, "createdAt": _iso(job.enqueued_at)}
        return row if fault_of(request, Kind.LIST_BARE) else row | {"input": job.order.parameters}

    def _view(self, request: Request, job: Job) -> dict[str, Any]:
        strange = fault_of(request, Kind.UNKNOWN_STATUS)
        end = time.time() - 60 if fault_of(request, Kind.EXPIRED_LINK) else self._end(job)
        shown: dict[str, Any] = {
            "jobId": job.id,
            "status": strange.word if strange else _WORDS[job.status],
            "creditCost": cost(job.order.parameters),
            "expiresAt": _iso(end),
        }
        if job.status is Status.SUCCEEDED:
            path = f"/pixeldojotemp/{job.id}.mp4"
            shown["output"] = {"video": f"{base_of(request)}{path}?{self._links.query_until(path, end)}"}
        if job.status in (Status.FAILED, Status.CANCELLED):
            words = job.error or "Generation failed"
            shown["error"] = (
                words if fault_of(request, Kind.OTHER_ERROR) else {"code": "generation_failed", "message": words}
            )
        return shown

    def _end(self, job: Job) -> float:
        """When the result, or as long as there is none the job, is gone."""
        return round((job.completed_at or job.enqueued_at) + self._links.lifetime_s, 3)

    def _credits(self, request: Request, account: str) -> int:
        """What the account has left: what its jobs cost is taken at once, and given back for those that failed."""
        if _key(request).startswith("broke"):
            return 0
        spent = sum(
            cost(job.order.parameters)
            for job in self._jobs.all()
            if job.order.dialect == NAME
            and job.order.account == account
            and job.status not in (Status.FAILED, Status.CANCELLED)
        )
        return FIRST_CREDITS - spent


def _check_model(request: Request) -> None:
    if request.path_params["id"] != MODEL_ID or fault_of(request, Kind.OLD_MODEL_GONE):
        raise Refused(404, "model_not_found", f"Model not found: {request.path_params['id']}")


def _key(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _account_of(request: Request) -> str:
    """The account behind the key: the word at the key's end, else `sandbox`."""
    key = _key(request)
    if not key or key.startswith("refused"):
        raise Refused(401, "unauthorized", "Invalid or missing API key")
    return account_named(key)


async def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "invalid_request", "The body must be a JSON object")
    return body


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    if fault_of(request, Kind.OTHER_ERROR):
        return JSONResponse({"error": error.message}, error.status)
    shape = {"code": error.code, "message": error.message, "status": error.status}
    return JSONResponse({"error": shape}, error.status)


async def _unknown_address(_request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    return JSONResponse({"error": {"code": "not_found", "message": "Not found", "status": status}}, status)
