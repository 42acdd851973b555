"""An answer of a provider, read by path, with one error for everything that is not as documented."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from klingstudio.domain.errors import UnexpectedReply
from klingstudio.logs import redact

RAW_MAX_CHARS = 4000
"""How much of a reply is kept with a problem."""

_QUERY = re.compile(r"(https?://[^\s\"'<>?]+)\?[^\s\"'<>]*")
"""The query of an address can be a signature."""


class ReplyTooLarge(UnexpectedReply):
    """An answer longer than is read. `beginning` is what was."""

    def __init__(self, detail: str, beginning: bytes) -> None:
        super().__init__(detail)
        self.beginning = beginning


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers (lower-case names) and the whole body."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        """True for any 2xx."""
        return 200 <= self.status < 300

    def tree(self) -> object:
        """The body as JSON.

        Raises:
            UnexpectedReply: HTML, cut, too deep, not UTF-8, NaN.
        """
        try:
            # Given bytes, json would let through what is no UTF-8.
            text = self.content.decode("utf-8-sig")
            tree = json.loads(text, parse_constant=_refuse_constant)
            return _whole_characters(tree) if "\\ud" in text.lower() else tree
        except (ValueError, RecursionError) as error:
            kind = "a web page" if self.content.lstrip()[:1] == b"<" else "no JSON"
            raise UnexpectedReply(f"HTTP {self.status}, {kind} ({len(self.content)} bytes)") from error

    def at(self, path: str) -> object:
        """The value at a dotted path, for example `generations.0.generation_id`; None where it is absent or null."""
        node = self.tree()
        for step in path.split("."):
            if isinstance(node, dict):
                node = node.get(step)
            elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
                node = node[int(step)]
            else:
                return None
        return node

    def text(self, path: str) -> str:
        """The non-empty string at a path.

        Raises:
            UnexpectedReply: it is absent, empty or something else.
        """
        value = self.at(path)
        if not isinstance(value, str) or not value:
            raise UnexpectedReply(f"HTTP {self.status}, no text at {path}")
        return value

    def raw(self) -> str:
        """Status and body as they came, made safe to keep and to show: no key, no query of an address, not endless."""
        words = redact(self.content[: 4 * RAW_MAX_CHARS].decode("utf-8", "replace"))
        words = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in words if c not in _BIDI)
        words = _QUERY.sub(r"\1?…", words)
        cut = words if len(words) <= RAW_MAX_CHARS else words[:RAW_MAX_CHARS] + "…"
        return f"HTTP {self.status}\n{cut}".strip()

    def number(self, path: str) -> float | None:
        """The finite number at a path, or None."""
        value = self.at(path)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None

    def rows(self, path: str) -> list[Mapping[str, object]]:
        """The objects of the list at a path; other members are left out.

        Raises:
            UnexpectedReply: there is no list.
        """
        value = self.at(path)
        if not isinstance(value, list):
            raise UnexpectedReply(f"HTTP {self.status}, no list at {path}")
        return [row for row in value if isinstance(row, dict)]


def _whole_characters(node: object) -> object:
    """The same tree fit for the journal: a service that cuts its words by length may leave half of a character."""
    match node:
        case str():
            return node.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case list():
            return [_whole_characters(one) for one in node]
        case dict():
            return {_whole_characters(name): _whole_characters(value) for name, value in node.items()}
        case _:
            return node


def _refuse_constant(word: str) -> object:
    raise ValueError(word)


def moment(value: object) -> datetime | None:
    """A time as services write it: a text of ISO 8601, or seconds or thousandths since 1970. None for anything else."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def plain_words(text: str, most: int = 500) -> str:
    """A server's own words made safe to show: one line, no key, no control or direction marks, no queries of addresses."""
    words = "".join(c if c.isprintable() else " " for c in text if c not in _BIDI).split()
    words = redact(" ".join(word.partition("?")[0] if "://" in word else word for word in words)).split()
    line = " ".join(words)
    return line if len(line) <= most else line[: most - 1] + "…"


_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
