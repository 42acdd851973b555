"""A provider's API with the person's key: the only place where a key meets a request.

The client is pinned to the hosts of its provider, follows no redirect, asks for an uncompressed body, reads at most
`REPLY_MAX_BYTES`, and gives up after `Deadlines.reply_s` however slowly bytes drip in. Free calls are repeated a
little; `order`, the paid one, goes out once on a connection of its own.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
import logging
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx

from klingstudio.domain.errors import InputRefused, Kind, NetworkProblem, SubmitUnconfirmed, UnexpectedReply
from klingstudio.net.address import check_address, is_loopback, is_plain
from klingstudio.net.client import STALL_S, keyed_client, keyless_client, stalling
from klingstudio.net.errors import SendingWatch, free_call, paid_call
from klingstudio.net.events import ServerEvent, ServerEvents
from klingstudio.net.reply import Reply, ReplyTooLarge
from klingstudio.net.retry import Patience, asked_wait_s

log = logging.getLogger(__name__)

REPLY_MAX_BYTES = 4 * 1024 * 1024
WRITE_BYTES = 64 * 1024
"""What must get out within `Deadlines.stall_s`: with more at once, a line of 8 kB a second would count as dead."""
ANSWER_STALLS = 4
"""After the last byte of a body, this many stalls until its answer: the system still holds megabytes of a slow line."""

REFUSED_BEFORE_WORK = frozenset({400, 401, 402, 403, 404, 405, 406, 410, 413, 415, 422})
"""Answers to a paid request that mean: read, refused, not charged. Every other failure leaves it unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long an answer may take, in seconds."""

    reply_s: float = 30.0
    order_s: float = 90.0
    stall_s: float = STALL_S
    """For a piece of a body on its way, not for the whole."""
    silence_s: float = 60.0
    """For a stream of events: services send a sign of life every 15 seconds."""


PATIENT = Deadlines()
"""What people get."""


def check_base(url: str, variable: str) -> str:
    """A usable replacement for a provider's address, without a trailing slash.

    Raises:
        InputRefused: not https, and not http on this computer.
    """
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))
        is_usable = is_usable and bool(parts.hostname) and "@" not in parts.netloc and (parts.port or 1) > 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise InputRefused(Kind.SETTING_INVALID, f"{variable}: https, or http on this computer only")
    return url.rstrip("/")


class Api:
    """One provider's API, bound to one key, seen from one of its hosts."""

    def __init__(
        self,
        *,
        hosts: Mapping[str, str],
        headers: Mapping[str, str],
        tls: ssl.SSLContext,
        patience: Patience,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        deadlines: Deadlines = PATIENT,
    ) -> None:
        """`hosts`: scheme and host of each part of the API by our name for it; the first one is where we begin."""
        self.base_url = next(iter(hosts.values()))
        self._hosts = dict(hosts)
        self._headers = dict(headers)
        self._tls = tls
        self._patience = patience
        self._now = now
        self._deadlines = deadlines
        self._client = keyed_client(tls, deadlines.stall_s)
        self._keyless = keyless_client(tls, allow_loopback=is_loopback(self.base_url), stall_s=deadlines.stall_s)

    def __repr__(self) -> str:
        return f"Api({self.base_url})"

    async def aclose(self) -> None:
        """Close the connections, those of every view of this API."""
        await self._client.aclose()
        await self._keyless.aclose()

    def at(self, host: str) -> Api:
        """The same API seen from another of its hosts, by our name for it."""
        return self._view(base_url=self._hosts[host])

    def carrying(self, headers: Mapping[str, str]) -> Api:
        """The same API with these headers instead of those of the key: a token, or nothing at all.

        Raises:
            UnexpectedReply: a token that an answer gave cannot stand in a header.
        """
        if not all(text.isascii() and text.isprintable() for text in headers.values()):
            raise UnexpectedReply("a token that is none")
        return self._view(_headers=dict(headers))

    def locate(self, url: str) -> tuple[Api, str]:
        """This API at the host of an address that the provider returned, and the path there, query included.

        Raises:
            UnexpectedReply: it is none of the provider's hosts, so nothing may be sent there.
        """
        for base_url in self._hosts.values():
            path = url.removeprefix(base_url)
            if path != url and path.startswith("/") and not path.startswith("//") and is_plain(url):
                return self._view(base_url=base_url), path.partition("#")[0]
        raise UnexpectedReply("an address at a foreign host")

    def elsewhere(self, url: str) -> tuple[Api, str]:
        """Any host of the web that an https address names, without the key: for signed addresses. And the path there.

        Raises:
            UnexpectedReply: it is none; this computer passes only where this API itself is on it.
        """
        check_address(url, allow_loopback=is_loopback(self.base_url))
        parts = urlsplit(url)
        base_url, path = f"{parts.scheme}://{parts.netloc}", url.partition("#")[0]
        if not url.startswith(base_url + "/") or url.startswith(base_url + "//"):
            raise UnexpectedReply("not an https address")
        return self._view(base_url=base_url, _headers={}, _client=self._keyless), path.removeprefix(base_url)

    def credentials_for(self, url: str) -> Mapping[str, str]:
        """The headers of the key where `url` is at one of the API's own hosts; none elsewhere."""
        try:
            self.locate(url)
        except UnexpectedReply:
            return {}
        return self._headers

    def key_mark(self) -> str:
        """Tells one key from another, for a provider that does not tell whose key it is.

        32 bits of a digest: whoever finds them still has billions of possible keys to choose from.
        """
        shown = "\n".join(f"{name.lower()}: {value}" for name, value in sorted(self._headers.items()))
        return hashlib.sha256(shown.encode()).hexdigest()[:8]

    def _view(self, **changes: object) -> Api:
        """This API with other circumstances, on the same connections."""
        view = copy.copy(self)
        view.__dict__ |= changes
        return view

    async def get(self, path: str, **query: str | int) -> Reply:
        """GET, repeated when the network or the provider has a passing problem."""
        return await self._patience.repeat(lambda: self._send("GET", path, query=query))

    async def peek(self, path: str, **query: str | int) -> Reply:
        """GET once, and take whatever status comes for an answer."""
        with free_call():
            request = self._client.build_request(
                "GET",
                self._url(path),
                params=query or None,
                headers=self._headers,
                timeout=stalling(self._deadlines.reply_s),
            )
            return await self._read(self._client, request, deadline_s=self._deadlines.reply_s)

    async def send(self, method: str, path: str, body: object = None) -> Reply:
        """A free call with an optional JSON body, repeated like `get`."""
        return await self._patience.repeat(lambda: self._send(method, path, body=body))

    async def listen(self, path: str) -> AsyncGenerator[ServerEvent, None]:
        """The events of a stream that stays open, one by one, until either side ends it. One try.

        Raises:
            NetworkProblem: it cannot be opened, or has been silent for longer than such streams are.
            UnexpectedReply: what is served is no stream of events.
        """
        # A client of its own: a stream that hangs must not keep a connection from the calls that matter.
        async with keyed_client(self._tls) as client:
            with free_call():
                request = client.build_request(
                    "GET",
                    self._url(path),
                    headers=self._headers | {"Accept": "text/event-stream"},
                    timeout=stalling(self._deadlines.silence_s),
                )
                async with asyncio.timeout(self._deadlines.silence_s):
                    response = await client.send(request, stream=True)
                try:
                    is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
                    if response.status_code != 200 or not is_stream:
                        raise UnexpectedReply(f"HTTP {response.status_code}, no stream of events")
                    events = ServerEvents()
                    async for piece in response.aiter_raw():
                        for event in events.feed(piece):
                            yield event
                finally:
                    await response.aclose()

    async def head_without_key(self, path: str) -> Reply:
        """What anybody sees at an address of this provider: how the model's own fetcher will ask."""

        async def once() -> Reply:
            with free_call():
                request = self._keyless.build_request(
                    "HEAD", self._url(path), timeout=stalling(self._deadlines.reply_s)
                )
                return await self._checked(self._keyless, request, deadline_s=self._deadlines.reply_s)

        return await self._patience.repeat(once)

    async def stream(
        self, method: str, path: str, *, headers: Mapping[str, str], chunks: Callable[[], AsyncIterator[bytes]]
    ) -> Reply:
        """Send a body piece by piece. `chunks` is called anew for each try, so that a repeat starts at byte 0."""
        answer_s = ANSWER_STALLS * self._deadlines.stall_s
        timeout = stalling(self._deadlines.stall_s)
        timeout.read = answer_s

        async def once() -> Reply:
            # The deadline is per piece because a slow line is no error; the answer has one for its whole.
            with free_call():
                async with asyncio.timeout(None) as limit:

                    async def body() -> AsyncIterator[bytes]:
                        async for chunk in chunks():
                            for start in range(0, len(chunk), WRITE_BYTES):
                                yield chunk[start : start + WRITE_BYTES]
                        limit.reschedule(asyncio.get_running_loop().time() + answer_s)

                    request = self._client.build_request(
                        method,
                        self._url(path),
                        headers=self._headers | dict(headers),
                        content=body(),
                        timeout=timeout,
                    )
                    return await self._checked(self._client, request, deadline_s=None)

        return await self._patience.repeat(once)

    async def order(self, path: str, body: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Send the paid POST, once, on a fresh HTTP/1.1 connection.

        Raises:
            NetworkProblem: no byte left, or the provider answered 429.
            SubmitUnconfirmed: it may have been accepted.

        Returns:
            A 2xx, or one of `REFUSED_BEFORE_WORK`.
        """
        watch = SendingWatch()
        started = time.monotonic()
        # A kept connection may have been closed by the server meanwhile, and the reset would look like a loss.
        async with keyed_client(self._tls) as client:
            with paid_call(watch):
                request = client.build_request(
                    "POST",
                    self._url(path),
                    content=body.encode(),
                    headers=self._headers | {"Content-Type": "application/json"} | dict(headers or {}),
                    timeout=stalling(self._deadlines.order_s),
                    extensions={"trace": watch},
                )
                try:
                    async with asyncio.timeout(self._deadlines.order_s):
                        reply = await _read(client, request)
                except UnexpectedReply as error:
                    raise SubmitUnconfirmed(error.problem.detail) from error
        _log("POST", request.url, reply.status, started)
        if reply.status == 429:
            wait_s = asked_wait_s(reply.headers, self._now())
            raise NetworkProblem(Kind.PROVIDER_BUSY, "HTTP 429", retry_after_s=wait_s)
        if not reply.is_success and reply.status not in REFUSED_BEFORE_WORK:
            raise SubmitUnconfirmed(f"HTTP {reply.status}", raw=reply.raw())
        return reply

    def _url(self, path: str) -> str:
        # The key travels with every request, so no caller can name another host.
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError(f"not a path: {path!r}")
        return self.base_url + path

    async def _send(
        self, method: str, path: str, *, body: object = None, query: Mapping[str, str | int] | None = None
    ) -> Reply:
        with free_call():
            request = self._client.build_request(
                method,
                self._url(path),
                params=query or None,
                content=None if body is None else json.dumps(body).encode(),
                headers=self._headers | ({} if body is None else {"Content-Type": "application/json"}),
                timeout=stalling(self._deadlines.reply_s),
            )
            return await self._checked(self._client, request, deadline_s=self._deadlines.reply_s)

    async def _read(self, client: httpx.AsyncClient, request: httpx.Request, *, deadline_s: float | None) -> Reply:
        if client.is_closed:
            # The key was changed or removed while a job was at work with the old one.
            raise NetworkProblem(Kind.NETWORK_DOWN, "the key was changed meanwhile")
        started = time.monotonic()
        async with asyncio.timeout(deadline_s):
            reply = await _read(client, request)
        _log(request.method, request.url, reply.status, started)
        return reply

    async def _checked(self, client: httpx.AsyncClient, request: httpx.Request, *, deadline_s: float | None) -> Reply:
        reply = await self._read(client, request, deadline_s=deadline_s)
        if reply.status == 429 or reply.status >= 500:
            wait_s = asked_wait_s(reply.headers, self._now())
            raise NetworkProblem(Kind.PROVIDER_BUSY, f"HTTP {reply.status}", retry_after_s=wait_s)
        if 300 <= reply.status < 400:
            raise UnexpectedReply(f"HTTP {reply.status}, sent elsewhere")
        return reply


async def _read(client: httpx.AsyncClient, request: httpx.Request) -> Reply:
    response = await client.send(request, stream=True)
    try:
        content = bytearray()
        # A video is left where it is: its headers say all that an answer can, and `Download` fetches it.
        if not response.headers.get("content-type", "").startswith("video/"):
            async for piece in response.aiter_raw():
                content += piece
                if len(content) > REPLY_MAX_BYTES:
                    words = f"HTTP {response.status_code}, more than {REPLY_MAX_BYTES} bytes"
                    raise ReplyTooLarge(words, bytes(content))
    finally:
        await response.aclose()
    return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(content))


def _log(method: str, url: httpx.URL, status: int, started: float) -> None:
    took_ms = (time.monotonic() - started) * 1000
    log.info("%s %s%s %d in %.0f ms", method, url.host, url.path, status, took_ms)
