"""The prompt and its tokens.

While a draft is edited a token is the stable id of its reference; only `numbered` turns it into `@Image2`, so
that reordering or removing a tile can never make a sentence point at the wrong picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from klingstudio.domain.errors import InputRefused, Kind


class TokenKind(StrEnum):
    """What a token points at, spelled as the providers spell it."""

    IMAGE = "Image"
    ELEMENT = "Element"
    VIDEO = "Video"


@dataclass(frozen=True, slots=True)
class Token:
    """A place in the prompt that points at a reference by the reference's own id."""

    kind: TokenKind
    reference_id: str


Part = str | Token

_TOKEN = re.compile(r"@(Image|Element|Video)(\d{1,3})(?!\d)")


def find_tokens(text: str) -> list[tuple[int, int, TokenKind, int]]:
    """Every `@ImageN`, `@ElementN`, `@VideoN`: start, end (code points), kind and number, in order."""
    return [(m.start(), m.end(), TokenKind(m[1]), int(m[2])) for m in _TOKEN.finditer(text)]


def parse(text: str, images: Sequence[str], elements: Sequence[str]) -> tuple[Part, ...]:
    """Read plain text with numbers into parts with ids.

    Args:
        images: reference ids in the order of their tiles, so `images[0]` is `@Image1`.
        elements: the same for elements.

    A number without a reference stays plain text; `check_prompt` reports it.
    """
    known = {TokenKind.IMAGE: images, TokenKind.ELEMENT: elements}
    parts: list[Part] = []
    done = 0
    for start, end, kind, number in find_tokens(text):
        references = known.get(kind, ())
        if not 1 <= number <= len(references):
            continue
        if start > done:
            parts.append(text[done:start])
        parts.append(Token(kind, references[number - 1]))
        done = end
    if done < len(text):
        parts.append(text[done:])
    return tuple(parts)


def numbered(parts: Sequence[Part], numbers: Mapping[str, int]) -> str:
    """The text that is sent. A token whose reference is gone loses its number: `@Image`."""
    return "".join(
        part if isinstance(part, str) else f"@{part.kind}{numbers.get(part.reference_id, '')}" for part in parts
    )


def check_prompt(text: str, *, images: int, elements: int, max_chars: int) -> None:
    """Refuse a prompt that the provider would refuse or misread.

    Raises:
        InputRefused: empty, longer than `max_chars` characters, or a token without its reference.
    """
    if not text.strip():
        raise InputRefused(Kind.PROMPT_EMPTY, subject="prompt")
    if len(text) > max_chars:
        raise InputRefused(Kind.PROMPT_TOO_LONG, f"{len(text)} of {max_chars} characters", subject="prompt")
    counts = {TokenKind.IMAGE: images, TokenKind.ELEMENT: elements, TokenKind.VIDEO: 1}
    for start, end, kind, number in find_tokens(text):
        if not 1 <= number <= counts[kind]:
            raise InputRefused(Kind.TOKEN_WITHOUT_REFERENCE, text[start:end], subject="prompt")
