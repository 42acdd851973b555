"""Good answers made bad in every way that was thought of, by a seeded choice."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from tests.fakes.mirror import Answer

STATUSES = (
    *(200, 201, 202, 204, 301, 302, 307, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 413, 418, 422, 429),
    *(500, 502, 503, 504),
)

WORDS = (
    *("succeeded", "failed", "cancelled", "queued", "processing", "pending", "completed", "COMPLETED", "FAILED"),
    *("IN_QUEUE", "IN_PROGRESS", "PROCESSING", "rehearsing", "", " ", "null", "0"),
)

LINKS = (
    "{foreign}/steal",
    "//evil.invalid/x",
    "https://evil.invalid/x.mp4",
    "http://evil.invalid/x.mp4",
    "{base}@evil.invalid/x.mp4",
    "{base}.evil.invalid/x.mp4",
    "https://user:password@evil.invalid/x.mp4",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:video/mp4;base64,AAAA",
    "http://[::1",
    "https://",
    "{base}",
    "{base}//evil.invalid/x",
    "{base}/\r\nX-Injected: 1",
    "not a link",
)

STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 0.1, -0.0, 1e308, 10**30, 10**400, -(10**18), 2**63),
    *([], {}, [[]], [None], [{}], {"": ""}, {"url": None}, {"status": []}),
    *(
        "\ud800",
        "\x00",
        "\u202e evil",
        "\U0001f3ac" * 3,
        "a" * 300,
        "ä" * 5000,
        "../../etc/passwd",
        "%00",
        "NaN",
        "1e9",
        "-1",
    ),
)


def deep(levels: int) -> Any:
    """A list in a list in a list."""
    node: Any = "x"
    for _ in range(levels):
        node = [node]
    return node


class Mutator:
    """All choices come from one seed."""

    def __init__(self, random: Random, *, base: str, foreign: str) -> None:
        self._random = random
        self._links = [link.format(base=base, foreign=foreign) for link in LINKS]

    def spoil(self, answer: Answer) -> Answer:
        """One to three things wrong with it."""
        for _ in range(self._random.choice((1, 1, 1, 2, 3))):
            answer = self._random.choices(
                (self._in_tree, self._in_bytes, self._in_status, self._in_headers, self._whole), (70, 12, 10, 4, 4)
            )[0](answer)
        return answer

    def _in_status(self, answer: Answer) -> Answer:
        return replace(answer, status=self._random.choice(STATUSES))

    def _in_headers(self, answer: Answer) -> Answer:
        kind = self._random.choice(
            ("text/html", "video/mp4", "application/octet-stream", "", "application/json; charset=x")
        )
        more = (
            ("content-type", kind),
            ("retry-after", self._random.choice(("-1", "1e99", "soon", "nan", "Fri, 99 Nov 2026 00:00:00 GMT"))),
            ("x-cost", self._random.choice(("-1", "nan", "1e999", "free", ""))),
            ("x-rate-limit-reset-at-utc", self._random.choice(("", "yesterday", "2026-99-99T00:00:00", "1e400"))),
            ("etag", self._random.choice(("", '"', "\u00ff" * 50))),
            ("content-encoding", self._random.choice(("gzip", "br", "what"))),
            ("location", self._random.choice(self._links).replace("\r\n", "")),
        )
        name, value = self._random.choice(more)
        kept = tuple((known, text) for known, text in answer.headers if known.lower() != name)
        return replace(answer, headers=(*kept, (name, value)))

    def _whole(self, answer: Answer) -> Answer:
        body = self._random.choice(
            (
                b"",
                b"null",
                b"[]",
                b"{}",
                b"0",
                b'""',
                b"NaN",
                b"<html><body>Log in to use this network</body></html>",
                b"[" * 100_000,
                b'{"a":' * 50_000,
                b"\xef\xbb\xbf{}",
                b"\x00" * 64,
                b"9" * 6000,
            )
        )
        return replace(answer, body=body)

    def _in_bytes(self, answer: Answer) -> Answer:
        body = bytearray(answer.body)
        if not body:
            return answer
        at = self._random.randrange(len(body))
        match self._random.randrange(4):
            case 0:
                del body[at:]
            case 1:
                body[at] ^= 1 << self._random.randrange(8)
            case 2:
                body[at:at] = self._random.choice((b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\x00", b'"', b"}", b"\\u"))
            case _:
                body[at:at] = bytes(body)
        return replace(answer, body=bytes(body))

    def _in_tree(self, answer: Answer) -> Answer:
        try:
            holder = [json.loads(answer.body)]
            container, place = self._random.choice(list(_places(holder)))
            act: Callable[[Any, Any], None] = self._random.choices(
                (self._drop, self._rename, self._strange, self._word, self._link, self._deep, self._twice),
                (20, 10, 30, 20, 15, 2, 5),
            )[0]
            act(container, place)
            return replace(answer, body=json.dumps(holder[0] if holder else None).encode())
        except (ValueError, RecursionError):
            # No JSON any more, or too deep for ours.
            return self._in_bytes(answer)

    def _drop(self, container: Any, place: Any) -> None:
        del container[place]

    def _rename(self, container: Any, place: Any) -> None:
        if isinstance(container, dict):
            container[self._random.choice(("x", f"{place}s", str(place).upper(), "", "error", "status"))] = (
                container.pop(place)
            )
        else:
            container.insert(0, None)

    def _strange(self, container: Any, place: Any) -> None:
        container[place] = self._random.choice(STRANGE)

    def _word(self, container: Any, place: Any) -> None:
        container[place] = self._random.choice(WORDS)

    def _link(self, container: Any, place: Any) -> None:
        container[place] = self._random.choice(self._links)

    def _deep(self, container: Any, place: Any) -> None:
        container[place] = deep(self._random.choice((50, 500)))

    def _twice(self, container: Any, place: Any) -> None:
        if isinstance(container, list):
            container.append(copy.deepcopy(container[place]))
        else:
            container[f"{place}_too"] = copy.deepcopy(container[place])


def _places(node: Any) -> Any:
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for place, value in list(pairs):
        yield node, place
        yield from _places(value)
