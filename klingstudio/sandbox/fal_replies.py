"""What the fal.ai dialect says when it says no, in its three shapes, and who is asking."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from klingstudio.sandbox.asking import account_named

LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed, as fal.ai types it."""

    status: int
    type: str
    message: str
    place: list[str | int] = field(default_factory=list)
    """The field that is wrong. Empty: the platform failed, not the model."""


_PLATFORM = {
    "request_timeout": 504,
    "startup_timeout": 504,
    "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503,
    "runner_disconnected": 503,
    "runner_connection_refused": 503,
    "runner_connection_error": 503,
    "runner_incomplete_response": 502,
    "runner_server_error": 500,
    "internal_error": 500,
    "client_disconnected": 499,
    "client_cancelled": 499,
    "bad_request": 400,
}
_MODEL = {
    "content_policy_violation": 422,
    "no_media_generated": 422,
    "file_download_error": 422,
    "file_too_large": 422,
    "image_too_small": 422,
    "image_too_large": 422,
    "image_load_error": 422,
    "unsupported_video_format": 422,
    "unsupported_image_format": 422,
    "video_duration_too_long": 422,
    "video_duration_too_short": 422,
    "sequence_too_long": 422,
    "feature_not_supported": 422,
    "face_detection_error": 422,
    "generation_timeout": 504,
    "downstream_service_error": 500,
    "downstream_service_unavailable": 503,
    "internal_server_error": 500,
}
_TYPED = re.compile(r"([a-z_]+): (.*)", re.DOTALL)
"""A failure whose type was chosen: by a fault, or by the look at the parameters."""
_PLACED = re.compile(r"body\.([\w.]+): (.*)", re.DOTALL)
_SIGNS = (
    ("content policy", "content_policy_violation", "prompt"),
    ("file too large", "file_too_large", "video_url"),
    ("could not download", "file_download_error", "video_url"),
    ("invalid url", "file_download_error", "video_url"),
    (" error: ", "file_download_error", "video_url"),
    ("unsupported video", "unsupported_video_format", "video_url"),
    ("video duration", "video_duration_too_long", "video_url"),
)
"""By what the work itself says."""


def failure_of(text: str) -> Failure:
    """The type behind an error of the job core."""
    text = text.removeprefix("Getting model response error: 422 - ")
    if placed := _PLACED.fullmatch(text):
        steps = [int(step) if step.isdecimal() else step for step in placed[1].split(".")]
        return Failure(422, "missing" if placed[2] == "Field required" else "value_error", placed[2], ["body", *steps])
    if (typed := _TYPED.fullmatch(text)) and typed[1] in _PLATFORM:
        return Failure(_PLATFORM[typed[1]], typed[1], typed[2])
    if typed and typed[1] in _MODEL:
        return Failure(_MODEL[typed[1]], typed[1], typed[2], ["body"])
    if text.startswith("internal server error"):
        return Failure(500, "internal_error", text)
    for sign, kind, name in _SIGNS:
        if sign in text.lower():
            return Failure(_MODEL[kind], kind, text, ["body", name])
    return Failure(422, "value_error", text, ["body", "video_url"])


def as_reply(failure: Failure) -> Refused:
    """The failure in place of a result: the model's shape, or the platform's."""
    if failure.place:
        detail = {
            "loc": failure.place,
            "msg": failure.message,
            "type": failure.type,
            "url": f"https://docs.fal.ai/errors#{failure.type}",
        }
        return Refused(
            failure.status, {"detail": [detail]}, {"X-Fal-Retryable": "true" if failure.status >= 500 else "false"}
        )
    body = {"detail": failure.message, "error_type": failure.type}
    return Refused(failure.status, body, {"X-Fal-Error-Type": failure.type})


def refused(status: int, detail: str) -> Refused:
    """What the queue and the storage say."""
    return Refused(status, {"detail": detail})


def refused_by_platform(status: int, kind: str, message: str) -> Refused:
    """What the API of prices, bills and lists says."""
    return Refused(status, {"error": {"type": kind, "message": message}})


async def refuse(_request: Request, error: Exception) -> Response:
    """For starlette: a `Refused` that a handler raised becomes its answer."""
    assert isinstance(error, Refused)
    return JSONResponse(error.body, error.status, error.headers)


def key_of(request: Request) -> str:
    """The key, "" where there is no good one."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    return "" if scheme.lower() != "key" or key.startswith("refused") else key


def account_of(request: Request) -> str:
    """The user behind the key: the word at the key's end, else `sandbox`.

    Raises:
        Refused: there is no key, or one that begins with `refused`.
    """
    if not (key := key_of(request)):
        raise refused(401, "Cannot access application. Authentication is required to access this application.")
    return account_named(key)


async def json_object(request: Request) -> dict[str, Any]:
    """The body.

    Raises:
        Refused: it is not a JSON object.
    """
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise refused(422, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise refused(422, "the body is not a JSON object")
    return body
