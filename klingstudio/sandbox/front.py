"""What stands before every dialect: the log of requests, and the faults of the connection and the answer."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from klingstudio.sandbox.faults import FaultPlan, Kind, Rule

INSPECTION = "/_sandbox/"
ELSEWHERE = "/_sandbox/elsewhere"
"""Where redirects lead: the same server under another host name. Requests to it are logged."""
_LOGGED = 5000
_TRANSPORT = "klingstudio.transport"
_DRIPS = 20
"""Pieces of an answer that drips."""
_PORTAL = (
    b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>Log in to use this network</h1></body></html>"
)


class Protocol(H11Protocol):
    """HTTP as uvicorn speaks it, with the connection itself in the scope, for whoever wants to break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[_TRANSPORT] = transport
            await app(scope, receive, send)

        self.app = with_transport


class RequestLog:
    """Every request that arrived, the last few thousand of them."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_LOGGED)

    def add(self, dialect: str, call: str, scope: Scope) -> dict[str, Any]:
        """Note a request; the caller counts its body into `body_bytes`."""
        entry = {
            "dialect": dialect,
            "call": call,
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
            "headers": {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
            "body_bytes": 0,
            "at": time.time(),
            "faults": [],
        }
        self._entries.append(entry)
        return entry

    def entries(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return list(self._entries)

    def clear(self) -> None:
        """Begin anew."""
        self._entries.clear()


class Front:
    """Wraps the routes of one dialect.

    Args:
        call_of: what a method and path are for, one of `faults.CALLS`, or "" for anything else.
        closing: set when the sandbox ends; nothing is held up any longer then.
    """

    def __init__(
        self,
        dialect: str,
        app: ASGIApp,
        call_of: Callable[[str, str], str],
        *,
        log: RequestLog,
        plan: FaultPlan,
        closing: asyncio.Event,
    ) -> None:
        self._dialect = dialect
        self._app = app
        self._call_of = call_of
        self._log = log
        self._plan = plan
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path.startswith(INSPECTION) and path != ELSEWHERE:
            await self._app(scope, receive, send)
            return
        call = self._call_of(scope["method"], path)
        entry = self._log.add(self._dialect, call, scope)
        digest = hashlib.sha256()

        async def counted() -> Message:
            message = await receive()
            entry["body_bytes"] += len(message.get("body", b""))
            # Of an order only: an upload is large, and its bytes are looked at elsewhere.
            if call == "submit":
                digest.update(message.get("body", b""))
                entry["body_sha256"] = digest.hexdigest()
            return message

        wire, meanings = self._plan.take(call) if path != ELSEWHERE else (None, ())
        entry["faults"] = [rule.kind for rule in (*([wire] if wire else []), *meanings)]
        scope["faults"] = meanings
        if wire is None:
            await self._app(scope, counted, send)
        else:
            await _Spoiled(wire, scope, counted, send, self._closing).run(self._app)


def faults_of(scope: Scope) -> tuple[Rule, ...]:
    """The faults with a meaning that befall this request."""
    rules: tuple[Rule, ...] = scope.get("faults", ())
    return rules


class _Spoiled:
    """One request that goes wrong."""

    def __init__(self, rule: Rule, scope: Scope, receive: Receive, send: Send, closing: asyncio.Event) -> None:
        self._rule = rule
        self._scope = scope
        self._receive = receive
        self._send = send
        self._closing = closing
        self._transport: asyncio.Transport = scope["extensions"][_TRANSPORT]
        self._status = 200
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()

    async def run(self, app: ASGIApp) -> None:
        """Let the request do its work or not, as the rule says, then spoil the answer."""
        rule = self._rule
        match rule.kind:
            case Kind.STALL:
                await self._pause(rule.seconds)
                await app(self._scope, self._receive, self._send)
                return
            case Kind.SLOW if not rule.effect:
                await self._pause(2.0 if rule.seconds is None else rule.seconds)
                await app(self._scope, self._receive, self._send)
                return
        if rule.effect:
            await app(self._scope, self._receive, self._capture)
        match rule.kind:
            case Kind.RESET_BEFORE | Kind.RESET_AFTER:
                _reset(self._transport)
                await self._until_gone()
            case Kind.DROP_AFTER:
                self._transport.close()
                await self._until_gone()
            case Kind.HANG:
                await self._until_gone()
            case Kind.TRUNCATED | Kind.CUT_SHORT:
                head = self._head(has_length=rule.kind is Kind.TRUNCATED)
                self._transport.write(head + bytes(self._body[: len(self._body) // 2]))
                self._transport.close()
                await self._until_gone()
            case Kind.SLOW:
                await self._pause(2.0 if rule.seconds is None else rule.seconds)
                await self._answer(self._status, self._headers, bytes(self._body))
            case Kind.DRIP:
                await self._drip(0.5 if rule.seconds is None else rule.seconds)
            case _:
                await self._say_otherwise()

    async def _say_otherwise(self) -> None:
        """Another answer than the one that the service gave, as whole as any."""
        rule, body = self._rule, bytes(self._body)
        match rule.kind:
            case Kind.HALF_FILE:
                await self._answer(self._status, self._headers, body[: len(body) // 2])
            case Kind.NO_LENGTH:
                await self._answer(self._status, self._headers, body, has_length=False)
            case Kind.GZIP:
                packed = [*self._headers, (b"content-encoding", b"gzip")]
                await self._answer(self._status, packed, gzip.compress(body))
            case Kind.STATUS:
                await self._answer(rule.code or 500, _pairs(rule.headers), self._status_body())
            case Kind.REDIRECT:
                await self._answer(rule.code or 302, [(b"location", self._elsewhere().encode())], b"")
            case Kind.NOT_JSON:
                await self._answer(200, [(b"content-type", b"application/json")], b'{"generations": [{"gener')
            case Kind.HTML | Kind.WRONG_FILE:
                await self._answer(200, [(b"content-type", b"text/html; charset=utf-8")], _PORTAL)
            case other:
                raise AssertionError(other)

    async def _capture(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message["headers"])
        else:
            self._body += message.get("body", b"")

    async def _answer(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, *, has_length: bool = True
    ) -> None:
        kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
        if has_length:
            kept.append((b"content-length", str(len(body)).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": kept})
        await self._send({"type": "http.response.body", "body": b"" if self._scope["method"] == "HEAD" else body})

    async def _drip(self, seconds: float) -> None:
        await self._send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        size = -(-len(self._body) // _DRIPS) or 1
        for at in range(0, len(self._body), size):
            piece = bytes(self._body[at : at + size])
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            await self._pause(seconds)
        await self._send({"type": "http.response.body", "body": b""})

    def _head(self, *, has_length: bool = True) -> bytes:
        """The head of the captured answer, for writing past the server, which would not let us lie."""
        phrase = HTTPStatus(self._status).phrase
        told = [(name, value) for name, value in self._headers if name.lower() != b"content-length"]
        told.append((b"content-length", b"%d" % len(self._body)) if has_length else (b"connection", b"close"))
        lines = [f"HTTP/1.1 {self._status} {phrase}".encode(), *(name + b": " + value for name, value in told)]
        return b"\r\n".join([*lines, b"", b""])

    def _status_body(self) -> bytes:
        if self._rule.body is not None:
            return self._rule.body.encode()
        phrase = HTTPStatus(self._rule.code or 500).phrase if (self._rule.code or 500) in set(HTTPStatus) else "Error"
        word = phrase.lower().replace(" ", "_")
        return json.dumps({"error": {"title": phrase}, "status": "error", "status_message": word}).encode()

    def _elsewhere(self) -> str:
        return self._rule.to or f"http://localhost:{self._scope['server'][1]}{ELSEWHERE}"

    async def _pause(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            pass

    async def _until_gone(self) -> None:
        """Answering nothing is only possible while the connection lasts: the server would answer 500 for us."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _pairs(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    if not any(name == b"content-type" for name, _ in pairs):
        pairs.append((b"content-type", b"application/json"))
    return pairs


def _reset(transport: asyncio.Transport) -> None:
    """Close with RST instead of FIN."""
    # Windows packs the two fields as shorts.
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
