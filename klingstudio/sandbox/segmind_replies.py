"""What the Segmind dialect says when it says no, and who is asking."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from klingstudio.sandbox.asking import account_named


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status, words)
        self.status = status
        self.words = words


def key_of(request: Request) -> str:
    """What the request shows as its key, or nothing."""
    return request.headers.get("x-api-key", "").strip()


def account_of(request: Request) -> str:
    """The account behind the key: the word at the key's end, else `sandbox`. A Bearer key is none.

    Raises:
        Refused: there is no key, or one that begins with `refused`.
    """
    key = key_of(request)
    if not key:
        raise Refused(401, "Missing Authorization or x-api-key in header")
    if key.startswith("refused"):
        raise Refused(401, "Unauthorized. API key is invalid or may have expired")
    return account_named(key)


async def json_object(request: Request) -> dict[str, Any]:
    """The body.

    Raises:
        Refused: it is not a JSON object.
    """
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "Invalid request format")
    return body


async def refuse(_request: Request, error: Exception) -> Response:
    """For starlette: a `Refused` that a handler raised becomes its answer."""
    assert isinstance(error, Refused)
    return JSONResponse({"error": error.words}, error.status)


async def unknown_address(_request: Request, _error: Exception) -> Response:
    """404 for whatever is not there at all."""
    return JSONResponse({"error": "Not found"}, 404)


async def wrong_method(_request: Request, _error: Exception) -> Response:
    """405, which is the gateway's and no JSON."""
    return HTMLResponse("<html><body><h1>405 Method Not Allowed</h1></body></html>", 405)
