"""The Oxen.ai dialect: everything under `/api`, in Oxen.ai's words and shapes.

Enqueueing looks at the model, the number of generations, the key and the credit, and at nothing else; whatever is
wrong besides is said by the job, when it fails.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from klingstudio.sandbox.asking import base_of, fault_of, lag_s
from klingstudio.sandbox.faults import Kind
from klingstudio.sandbox.jobs import ACTIVE, Job, Jobs, Status
from klingstudio.sandbox.links import Links
from klingstudio.sandbox.oxen_models import MODELS, OLD_ID, Model, order_from
from klingstudio.sandbox.oxen_replies import (
    Refused,
    account_of,
    has_no_credit,
    json_object,
    json_reply,
    not_found,
    refused,
    refused_plainly,
)
from klingstudio.sandbox.oxen_repos import RESULTS, Repositories, refuse
from klingstudio.sandbox.state import State

NAME = "oxen"
KEEP_ALIVE_S = 15.0
_PAGE_MAX = 1000


class Oxen:
    """The dialect on one job core."""

    def __init__(self, state: State, jobs: Jobs, links: Links) -> None:
        self._jobs = jobs
        self._links = links
        self._repositories = Repositories(state)

    def app(self, extra: Iterable[Route]) -> Starlette:
        """Every address of the service, and some more."""
        routes = [
            Route("/api/authorize", self._authorize),
            Route("/api/ai/queue", self._submit, methods=["POST"]),
            Route("/api/ai/queue", self._queue),
            Route("/api/ai/queue/{id}", self._poll),
            Route("/api/ai/queue/{id}", self._cancel, methods=["DELETE"]),
            Route("/api/ai/videos/generate", self._generate, methods=["POST"]),
            Route("/api/ai/generations", self._generations),
            Route("/api/ai/generations/{id}", self._generation),
            Route("/api/ai/models", self._models),
            Route("/api/ai/models/{id:path}", self._model),
            Route("/api/events", self._events),
            Route(f"/api/repos/{{namespace}}/{RESULTS}/file/main/{{folder:path}}/{{id}}.mp4", self._result),
            *self._repositories.routes(),
            *extra,
        ]
        handlers: dict[Any, Any] = {Refused: refuse, 404: _unknown_address, 405: _unknown_address}
        return Starlette(routes=routes, exception_handlers=handlers)

    @staticmethod
    def call_of(method: str, path: str) -> str:
        """What a request is for, in the words of the fault plan."""
        match path.strip("/").split("/"):
            case ["api", "authorize"]:
                return "authorize"
            case ["api", "repos", _, name, "file", *_] if name == RESULTS:
                return "result"
            case ["api", "repos", _, _, "file", *_]:
                return {"PUT": "upload", "POST": "upload", "DELETE": "delete"}.get(method, "fetch")
            case ["api", "repos", *_]:
                return "repo"
            case ["api", "ai", "queue"]:
                return "submit" if method == "POST" else "list"
            case ["api", "ai", "queue", _]:
                return "cancel" if method == "DELETE" else "poll"
            case ["api", "ai", "videos", "generate"]:
                return "submit"
            case ["api", "ai", "generations"]:
                return "list"
            case ["api", "ai", "generations", _]:
                return "charge"
            case ["api", "ai", "models", *_]:
                return "models"
            case ["api", "events"]:
                return "events"
            case _:
                return ""

    async def _authorize(self, request: Request) -> Response:
        account = account_of(request)
        user = {"id": account, "name": account.title(), "username": account, "email": f"{account}@sandbox.invalid"}
        return JSONResponse({"status": "success", "status_message": "resource_found", "user": user})

    async def _submit(self, request: Request) -> Response:
        accepted = await self._accept(request, at_most=4)
        generations: list[dict[str, Any]] = [
            {"generation_id": job.id, "status": Status.QUEUED.value} for job in accepted
        ]
        if fault_of(request, Kind.FEWER_IDS):
            del generations[1:]
        if fault_of(request, Kind.NO_ID):
            for generation in generations:
                del generation["generation_id"]
        return JSONResponse({"generations": generations})

    async def _generate(self, request: Request) -> Response:
        with self._jobs.watch() as ended:
            (job, *_) = await self._accept(request, at_most=1)
            while True:
                change = await ended.get()
                if change is None:
                    raise refused(503, "service_unavailable", "Service unavailable")
                if change.id == job.id:
                    break
        if change.status is not Status.SUCCEEDED:
            raise refused(400, "bad_request", "Bad request", change.error or "The generation was cancelled")
        if change.order.parameters.get("response_format") == "b64_json":
            video = await self._inline(change)
        else:
            video = {"url": self._link(request, change)}
        return JSONResponse({"created": int(time.time()), "model": change.order.model, "videos": [video]})

    async def _inline(self, job: Job) -> dict[str, str]:
        data = await asyncio.to_thread(self._jobs.result(job).read_bytes)
        return {"b64_json": base64.b64encode(data).decode()}

    async def _accept(self, request: Request, *, at_most: int) -> list[Job]:
        account = account_of(request)
        body = await json_object(request)
        model = self._known(request, body.get("model"))
        count = body.get("num_generations", 1)
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 4:
            raise refused_plainly(400, "num_generations must be an integer between 1 and 4")
        if has_no_credit(request):
            raise refused_plainly(402, "Insufficient credits")
        count = min(count, at_most) + (1 if fault_of(request, Kind.TWO_IDS) else 0)
        order = order_from(model, body, account=account)
        fails = fault_of(request, Kind.FAIL_JOB)
        lag = fault_of(request, Kind.LIST_LAG)
        return [
            self._jobs.accept(order, fails_with=fails.message if fails else None, hidden_s=lag_s(lag) if lag else 0.0)
            for _ in range(count)
        ]

    async def _poll(self, request: Request) -> Response:
        job = self._own(request)
        view = self._view(request, job)
        wants_inline = job.order.parameters.get("response_format") == "b64_json" or fault_of(request, Kind.OTHER_FORM)
        if job.status is Status.SUCCEEDED and wants_inline:
            view |= {"result_url": None, "videos": [await self._inline(job)]}
        return JSONResponse(view)

    async def _cancel(self, request: Request) -> Response:
        job = self._own(request)
        if not self._jobs.cancel(job):
            # Documented as "no effect"; the code is not.
            raise refused(400, "bad_request", "Bad request", f"Generation is already {job.status}")
        return JSONResponse({"status": "success", "generation_id": job.id})

    async def _queue(self, request: Request) -> Response:
        wanted = set(filter(None, re.split(r"[,|]", request.query_params.get("status", ""))))
        statuses = wanted or {status.value for status in ACTIVE}
        views = [self._view(request, job) for job in self._listed(request) if job.status in statuses]
        return JSONResponse({"count": len(views), "generations": views})

    async def _generations(self, request: Request) -> Response:
        jobs = self._listed(request)
        status = request.query_params.get("status")
        jobs = [job for job in jobs if not status or job.status == status]
        page = max(_number(request, "page", 1), 1)
        size = min(max(_number(request, "page_size", 20), 1), _PAGE_MAX)
        shown = jobs[(page - 1) * size : page * size]
        total = sum(self._jobs.cost(job) or 0 for job in jobs)
        return JSONResponse(
            {
                "status": "success",
                "status_message": "resource_found",
                "generations": [self._row(request, job) for job in shown],
                "page": page,
                "page_size": size,
                "total_entries": len(jobs),
                "total_pages": -(-len(jobs) // size),
                "total_cost": f"{total:.2f}",
            }
        )

    async def _generation(self, request: Request) -> Response:
        row = self._row(request, self._own(request))
        return JSONResponse({"status": "success", "status_message": "resource_found", "generation": row})

    async def _models(self, request: Request) -> Response:
        gone = fault_of(request, Kind.OLD_MODEL_GONE)
        models = [model.view() for model in MODELS.values() if not (gone and model.id == OLD_ID)]
        return JSONResponse({"status": "success", "status_message": "resource_found", "models": models})

    async def _model(self, request: Request) -> Response:
        return JSONResponse(self._known(request, request.path_params["id"]).view())

    async def _result(self, request: Request) -> Response:
        job = self._jobs.find(request.path_params["id"])
        path = request.url.path
        if not self._links.is_open(path, request.query_params) or fault_of(request, Kind.EXPIRED_LINK):
            raise refused(403, "forbidden", "The link has expired")
        if job is None or job.status is not Status.SUCCEEDED:
            raise not_found()
        return FileResponse(self._jobs.result(job), media_type="video/mp4")

    async def _events(self, request: Request) -> Response:
        account = account_of(request)
        return StreamingResponse(
            self._stream(request, account), media_type="text/event-stream", headers={"cache-control": "no-cache"}
        )

    async def _stream(self, request: Request, account: str) -> AsyncIterator[str]:
        with self._jobs.watch() as ended:
            yield ": connected\n\n"
            # Other parts of the service share the stream.
            yield 'event: repository_updated\ndata: {"namespace": "ox", "name": "Oxen-AI-Assets"}\n\n'
            while True:
                try:
                    job = await asyncio.wait_for(ended.get(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield ": keep-alive\n\n"
                    continue
                if job is None:
                    return
                if job.order.account == account and job.status in (Status.SUCCEEDED, Status.FAILED):
                    yield f"event: media_generation_completed\ndata: {json.dumps(self._event(request, job))}\n\n"

    def _event(self, request: Request, job: Job) -> dict[str, Any]:
        event = {
            "generation_id": job.id,
            "status": job.status.value,
            "media_type": "video",
            "model": job.order.model,
        }
        if job.status is Status.SUCCEEDED:
            return event | {"url": self._link(request, job)}
        return event | {"error": job.error}

    def _known(self, request: Request, model_id: Any) -> Model:
        if not isinstance(model_id, str) or not model_id:
            raise refused_plainly(400, "model: Field required")
        if model_id not in MODELS or (model_id == OLD_ID and fault_of(request, Kind.OLD_MODEL_GONE)):
            raise refused(404, "resource_not_found", f"Model not found: {model_id}")
        return MODELS[model_id]

    def _own(self, request: Request) -> Job:
        account = account_of(request)
        job = self._jobs.find(request.path_params["id"])
        if job is None or job.order.dialect != NAME or job.order.account != account:
            raise not_found()
        return job

    def _listed(self, request: Request) -> list[Job]:
        account = account_of(request)
        if fault_of(request, Kind.LIST_EMPTY):
            return []
        lag = fault_of(request, Kind.LIST_LAG)
        now = time.time()
        query = request.query_params

        def is_wanted(job: Job) -> bool:
            target = job.order.parameters
            return (
                job.order.dialect == NAME
                and job.order.account == account
                and job.listed_from <= now
                and (lag is None or job.enqueued_at + lag_s(lag) <= now)
                and query.get("model", job.order.model) == job.order.model
                and query.get("media_type", "video") == "video"
                and query.get("namespace", job.order.billed_to) == job.order.billed_to
                and query.get("repo", target.get("target_repo")) == target.get("target_repo")
                and query.get("folder", target.get("target_directory")) == target.get("target_directory")
            )

        return [job for job in self._jobs.all() if is_wanted(job)]

    def _view(self, request: Request, job: Job) -> dict[str, Any]:
        """The parameters as they were sent, and over them what became of the job."""
        parameters = {name: value for name, value in job.order.parameters.items() if name != "model"}
        strange = fault_of(request, Kind.UNKNOWN_STATUS)
        is_linkless = job.status is not Status.SUCCEEDED or fault_of(request, Kind.NO_LINK) is not None
        return parameters | {
            "generation_id": job.id,
            "model_name": job.order.model,
            "prompt": job.order.prompt,
            "media_type": "video",
            "status": strange.word if strange else job.status.value,
            "result_url": None if is_linkless else self._link(request, job),
            "error_message": job.error,
            "enqueued_at": int(job.enqueued_at),
            "started_at": None if job.started_at is None else int(job.started_at),
            "completed_at": None if job.completed_at is None else int(job.completed_at),
            "target_namespace": job.order.billed_to,
            "target_repo": parameters.get("target_repo"),
            "target_directory": parameters.get("target_directory"),
        }

    def _row(self, request: Request, job: Job) -> dict[str, Any]:
        cost = self._jobs.cost(job)
        return self._view(request, job) | {
            "cost": None if cost is None else f"{cost:.2f}",
            "created_at": datetime.fromtimestamp(job.enqueued_at, UTC).isoformat(),
            "user_id": job.order.account,
            "username": job.order.account,
        }

    def _link(self, request: Request, job: Job) -> str:
        path = f"/api/repos/{job.order.billed_to}/{RESULTS}/file/main/videos/{job.id}.mp4"
        is_expired = fault_of(request, Kind.EXPIRED_LINK) is not None
        return f"{base_of(request)}{path}?{self._links.query(path, is_expired=is_expired)}"


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() else default


async def _unknown_address(_request: Request, _error: Exception) -> Response:
    return json_reply(not_found())
