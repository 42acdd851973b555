"""Defects that show the key where it has no business."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urljoin

import httpx

from klingstudio.net.api import Api
from klingstudio.net.reply import Reply

log = logging.getLogger("klingstudio.net.api")


def key_in_the_log() -> None:
    """A line for whoever looks for an error, with the headers of the request. The log masks what looks like a key."""
    order = Api.order

    async def talkative(self: Api, *args: Any, **kwargs: Any) -> Reply:
        log.info("ordering with %s", self._headers)
        return await order(self, *args, **kwargs)

    Api.order = talkative  # type: ignore[method-assign]


def key_in_a_file() -> None:
    """The same line past the log's own mask."""
    order = Api.order

    async def talkative(self: Api, *args: Any, **kwargs: Any) -> Reply:
        for handler in logging.getLogger().handlers + logging.getLogger("klingstudio").handlers:
            if isinstance(handler, logging.FileHandler) and handler.stream is not None:
                handler.stream.write(f"ordering with {dict(self._headers)}\n")
                handler.flush()
        return await order(self, *args, **kwargs)

    Api.order = talkative  # type: ignore[method-assign]


def follow_redirect_with_key() -> None:
    """Sent elsewhere, the program goes there, and takes along what it carries."""
    send = httpx.AsyncClient.send

    async def following(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        response = await send(self, request, **options)
        if not response.is_redirect:
            return response
        await response.aclose()
        there = urljoin(str(request.url), response.headers["location"])
        headers = {name: value for name, value in request.headers.items() if name not in {"host", "content-length"}}
        return await send(self, self.build_request(request.method, there, headers=headers), **options)

    httpx.AsyncClient.send = following  # type: ignore[method-assign]
