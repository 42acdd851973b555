"""What the Oxen.ai dialect says when it says no, and who is asking."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from klingstudio.sandbox.asking import account_named


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def refused(status: int, word: str, title: str, detail: str | None = None) -> Refused:
    """The usual shape: an object with a title, and a word for the status."""
    error = {"title": title} if detail is None else {"title": title, "detail": detail}
    if word == "resource_not_found":
        error["type"] = word
    return Refused(status, {"error": error, "status": "error", "status_message": word})


def refused_plainly(status: int, text: str) -> Refused:
    """The other shape: just a text."""
    return Refused(status, {"error": text})


def not_found() -> Refused:
    """404 in Oxen.ai's words."""
    return refused(404, "resource_not_found", "The requested resource could not be found")


def json_reply(refusal: Refused) -> JSONResponse:
    """The refusal as an answer."""
    return JSONResponse(refusal.body, refusal.status)


def account_of(request: Request) -> str:
    """The user name behind the key: the word at the key's end, else `sandbox`.

    Raises:
        Refused: there is no key, or one that begins with `refused`.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key or key.startswith("refused"):
        raise refused(401, "unauthenticated", "Unauthenticated")
    return account_named(key)


def has_no_credit(request: Request) -> bool:
    """A key that begins with `broke`."""
    return request.headers["authorization"].partition(" ")[2].strip().startswith("broke")


async def json_object(request: Request) -> dict[str, Any]:
    """The body.

    Raises:
        Refused: it is not a JSON object.
    """
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise refused(400, "bad_request", "Bad request", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise refused(400, "bad_request", "Bad request", "the body is not a JSON object")
    return body
