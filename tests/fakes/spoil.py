"""Ways in which a good answer can arrive badly, byte for byte: what a server framework would not let us write.

Each spoils one answer. `SPOILT` are those that no client should understand, `WHOLE` those that say the same as before in
an unusual way, `STATUSES` those that say something else.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.fakes.mirror import Answer
from tests.fakes.wire import Asked, reset

Spoil = Callable[[Answer, Asked, asyncio.StreamWriter], Awaitable[None]]
"""Writes the answer to this request. Unless it closes the connection, the next request is read from it."""

NO_BODY = frozenset({204, 205, 304})


# --- how it is written ------------------------------------------------------------------------------------------------


Written = Callable[[bytes, bytes, int], bytes]
"""Of status line and headers, body, and the length that is told, what is written."""


def written(change: Written) -> Spoil:
    """These bytes, then the connection ends."""

    async def spoil(answer: Answer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(change(*_parts(answer, asked)))
        await writer.drain()
        writer.close()

    return spoil


def said(change: Callable[[Answer], Answer]) -> Spoil:
    """Another answer, written as it should be."""

    async def spoil(answer: Answer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(change(answer).wire(asked.method))

    return spoil


def body_of(change: Callable[[bytes], bytes]) -> Spoil:
    """Another body, its length told. An answer to HEAD has none to be changed."""
    return said(lambda answer: replace(answer, body=change(answer.body)) if answer.told_length is None else answer)


def pieces(size: int, pause_s: float) -> Spoil:
    """So many bytes at a time."""

    async def spoil(answer: Answer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        whole = answer.wire(asked.method)
        for at in range(0, len(whole), size):
            writer.write(whole[at : at + size])
            await writer.drain()
            await asyncio.sleep(pause_s)

    return spoil


async def reset_in_the_head(answer: Answer, asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Half of the head, then RST."""
    writer.write(answer.wire("HEAD")[:30])
    await writer.drain()
    await reset(asked, writer)


async def reset_in_the_body(answer: Answer, asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Half of the body, then RST."""
    writer.write(answer.wire(asked.method)[: -max(1, len(answer.body) // 2)])
    await writer.drain()
    await reset(asked, writer)


async def closed(_answer: Answer, _asked: Asked, writer: asyncio.StreamWriter) -> None:
    """An end without a word: also what a kept connection looks like that the server gave up meanwhile."""
    writer.close()


async def silent(_answer: Answer, _asked: Asked, _writer: asyncio.StreamWriter) -> None:
    """No word, and no end."""
    await asyncio.Event().wait()


def _parts(answer: Answer, asked: Asked) -> tuple[bytes, bytes, int]:
    """Status line and headers without a length or the last empty line, the body, and its length."""
    lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in answer.headers)]
    body = b"" if asked.method == "HEAD" or answer.status in NO_BODY else answer.body
    length = len(body) if answer.told_length is None else answer.told_length
    return "\r\n".join([*lines, ""]).encode("latin-1", "replace"), body, length


def _sized(head: bytes, body: bytes, length: int) -> bytes:
    return head + b"content-length: %d\r\n\r\n" % length + body


def _chunked(head: bytes, *chunks: bytes) -> bytes:
    return head + b"transfer-encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks)


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


# --- what it says -----------------------------------------------------------------------------------------------------

_NUMBER = re.compile(rb"(?<=[:\[ ])-?\d+(?:\.\d+)?(?=[,}\] ])")
_TEXT = re.compile(rb'(?<=: )"[^"\\]*"|(?<=:)"[^"\\]*"')


def _in_place_of_the_first(pattern: re.Pattern[bytes], other: bytes) -> Callable[[bytes], bytes]:
    """One value of the body is another; where there is none, it is all of the body."""

    def change(body: bytes) -> bytes:
        return pattern.sub(lambda _found: other, body, count=1) if pattern.search(body) else other

    return change


def twice(body: bytes) -> bytes:
    """Every name of the outermost object comes twice, first with something else. The last one counts."""
    try:
        tree = json.loads(body)
    except ValueError:
        return body
    if not isinstance(tree, dict) or not tree:
        return body
    pairs = [
        f"{json.dumps(name)}: {json.dumps('decoy')}, {json.dumps(name)}: {json.dumps(tree[name])}" for name in tree
    ]
    return ("{" + ", ".join(pairs) + "}").encode()


def _with_more(body: bytes) -> bytes:
    """With fields that nobody has heard of."""
    return body.replace(b"{", b'{"x_new": {"of": ["today"]}, ', 1) if body[:2] not in (b"{}", b"") else body


def _is_json(body: bytes) -> bool:
    return body[:1] in (b"{", b"[")


NGINX = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center></html>"
CHALLENGE = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><div id='cf-wrapper'></div></body></html>"
)
PORTAL = b"<!DOCTYPE html><html><body><h1>Log in to use this network</h1></body></html>"

SPOILT: dict[str, Spoil] = {
    # TCP
    "reset in the head": reset_in_the_head,
    "reset in the body": reset_in_the_body,
    "closed without a word": closed,
    "closed in the head": written(lambda head, body, length: head[:30]),
    # HTTP
    "shorter than its length": written(lambda head, body, length: _sized(head, _half(body), len(body) + 1)),
    "chunk cut": written(lambda head, body, length: _chunked(head, body + b"  ")[:-4]),
    "chunk without an end": written(lambda head, body, length: _chunked(head, body + b" ")),
    "chunk size that is none": written(lambda head, body, length: head + b"transfer-encoding: chunked\r\n\r\nzz\r\n" + body),
    "two lengths": written(lambda head, body, length: head + b"content-length: 1\r\n" + _sized(b"", body, len(body) + 2)),
    "a length that is none": written(lambda head, body, length: head + b"content-length: many\r\n\r\n" + body),
    "header of 200 kB": written(lambda head, body, length: head + b"x-long: " + b"a" * 200_000 + b"\r\n" + _sized(b"", body, length)),
    "a status that is none": written(lambda head, body, length: head.replace(b" 200 ", b" 2xx ", 1) + b"\r\n" + body),
    "no HTTP": written(lambda head, body, length: b"SSH-2.0-OpenSSH_9.2\r\n"),
    "TLS alert": written(lambda head, body, length: b"\x15\x03\x01\x00\x02\x02\x46"),
    # content
    "no length and an early end": written(lambda head, body, length: head + b"\r\n" + _half(body)),
    "gzip": said(lambda answer: _encoded(answer, answer.body)),
    "gzip bomb": said(lambda answer: _encoded(answer, b"\x00" * 3_000_000)),
    "empty": body_of(lambda body: b""),
    "null": body_of(lambda body: b"null"),
    "a number": body_of(lambda body: b"7"),
    "text": body_of(lambda body: b'"ok"'),
    "list for object": body_of(lambda body: b"[" + body + b"]" if body else b"[]"),
    "empty object": body_of(lambda body: b"{}"),
    "cut JSON": body_of(_half),
    "JSON and more": body_of(lambda body: body + b"}"),
    "two answers in one": body_of(lambda body: body + body if body else b"{}{}"),
    "deep": body_of(lambda body: b'{"a":' * 200_000),
    "number of 5,000 digits": body_of(_in_place_of_the_first(_NUMBER, b"9" * 5000)),
    "NaN": body_of(_in_place_of_the_first(_NUMBER, b"NaN")),
    "bad UTF-8": body_of(_in_place_of_the_first(_TEXT, b'"\xff\xfe\xc3"')),
    "UTF-16": body_of(lambda body: body.decode("utf-8", "replace").encode("utf-16")),
    "page of a gateway": said(lambda answer: _page(200, NGINX)),
    "page of a CDN": said(lambda answer: _page(200, CHALLENGE)),
    "page of a portal": said(lambda answer: _page(200, PORTAL)),
    "10 MB": body_of(lambda body: b" " * 10_000_000 + body),
}  # fmt: skip
"""Nothing can be learnt from these but that something was answered, if that."""

WHOLE: dict[str, Spoil] = {
    "in single bytes": pieces(1, 0),
    "1xx first": written(
        lambda head, body, length: (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + _sized(head, body, length)
        )
    ),
    "no length": written(lambda head, body, length: head + b"\r\n" + body),
    "longer than its length": written(lambda head, body, length: _sized(head, body, length) + b"and more"),
    "in chunks": written(lambda head, body, length: _chunked(head, *([body] if body else []), b"")),
    "BOM": body_of(lambda body: b"\xef\xbb\xbf" + body if _is_json(body) else body),
    "names twice": body_of(twice),
    "new fields": body_of(_with_more),
    "no type": said(lambda answer: _typed(answer, None)),
    "wrong type": said(lambda answer: _typed(answer, "text/plain")),
}
"""As good as the usual form."""


def _encoded(answer: Answer, body: bytes) -> Answer:
    return replace(answer, headers=(*answer.headers, ("content-encoding", "gzip")), body=gzip.compress(body))


def _page(status: int, page: bytes) -> Answer:
    return Answer(status, (("content-type", "text/html"), ("server", "nginx")), page)


def _typed(answer: Answer, kind: str | None) -> Answer:
    kept = tuple((name, value) for name, value in answer.headers if name.lower() != "content-type")
    return replace(answer, headers=kept if kind is None else (*kept, ("content-type", kind)))


@dataclass(frozen=True, slots=True)
class Status:
    """Another status than that of the good answer."""

    code: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b'{"error": {"title": "Error"}, "status": "error", "detail": "no"}'

    async def spoil(self, _answer: Answer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        """Say it. `{here}` in a header is this server by the name it was asked by, `{there}` by another one."""
        here = f"http://{asked.headers['host']}"
        there = here.replace("127.0.0.1", "localhost")
        headers = tuple((name, value.format(here=here, there=there, path=asked.path)) for name, value in self.headers)
        writer.write(Answer(self.code, (("content-type", "application/json"), *headers), self.body).wire(asked.method))


REFUSALS = (400, 401, 402, 403, 404, 405, 406, 410, 413, 415, 422)
"""The service has read the request and will not."""
DOUBTS = (
    *(408, 409, 418, 421, 423, 425, 426, 428, 431, 451, 499),
    *(500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 521, 522, 523, 524, 525, 526, 527, 530, 599),
)
"""Nobody knows who says so: the service, or something before it."""
REDIRECTS = (300, 301, 302, 303, 304, 305, 307, 308)

WAITS = {
    "seconds": "7",
    "zero": "0",
    "negative": "-5",
    "endless": "1e9",
    "a date to come": format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True),
    "a date gone by": "Fri, 20 Nov 2015 00:00:00 GMT",
    "junk": "soon\x7f",
}
"""Retry-After as it has been seen."""

STATUSES: dict[str, Status] = {
    **{f"status {code}": Status(code) for code in (*REFUSALS, *DOUBTS)},
    **{f"{code} without a word": Status(code, body=b"") for code in (401, 404, 500, 503)},
    **{f"{code} with a page": Status(code, (("content-type", "text/html"),), NGINX) for code in (403, 404, 502, 503)},
    **{f"429, {name}": Status(429, (("retry-after", value),)) for name, value in WAITS.items()},
    **{f"503, {name}": Status(503, (("retry-after", value),)) for name, value in WAITS.items()},
    **{f"{code} to another host": Status(code, (("location", "{there}/elsewhere"),), b"") for code in REDIRECTS},
    **{f"{code} in a loop": Status(code, (("location", "{here}{path}"),), b"") for code in (301, 302, 307, 308)},
    "307 to itself in the network": Status(307, (("location", "http://127.0.0.1:1/"),), b""),
    "302 to nowhere": Status(302, (), b""),
    "302 to a file": Status(302, (("location", "file:///etc/passwd"),), b""),
}
"""Every status that services, gateways and content networks send in place of an answer."""
