"""The prompt and its tokens.

While a draft is edited a token is the stable id of its reference; only `numbered` turns it into `@Image2`, so
that reordering or removing a tile can never make a sentence point at the wrong picture.

Positions count code points of `flat`, in which every token is one character.
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
Prompt = tuple[Part, ...]
"""In normal form: no empty text, no two texts in a row."""

CLIP_ID = "clip"
"""What `@Video1` points at: a draft has one clip."""
CHIP = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands for a token in `flat`; taken out of every text that comes from outside."""

_TOKEN = re.compile(r"@(image|element|video)(\d{1,3})(?!\d)", re.IGNORECASE)
_KINDS = {kind.lower(): kind for kind in TokenKind}


def find_tokens(text: str) -> list[tuple[int, int, TokenKind, int]]:
    """Every `@ImageN`, `@ElementN`, `@VideoN`, however spelled: start, end (code points), kind and number, in order."""
    return [(m.start(), m.end(), _KINDS[m[1].lower()], int(m[2])) for m in _TOKEN.finditer(text)]


def spelled(text: str) -> str:
    """The same text with every token spelled as the providers spell it: `@image01` → `@Image1`."""
    return _TOKEN.sub(lambda found: f"@{_KINDS[found[1].lower()]}{int(found[2])}", text)


def parse(text: str, images: Sequence[str], elements: Sequence[str]) -> Prompt:
    """Read plain text with numbers into parts with ids.

    Args:
        images: reference ids in the order of their tiles, so `images[0]` is `@Image1`.
        elements: the same for elements.

    A number without a reference stays plain text; `check_prompt` reports it.
    """
    known = {TokenKind.IMAGE: images, TokenKind.ELEMENT: elements, TokenKind.VIDEO: (CLIP_ID,)}
    text = text.replace(CHIP, "")
    parts: list[Part] = []
    done = 0
    for start, end, kind, number in find_tokens(text):
        references = known[kind]
        if not 1 <= number <= len(references):
            continue
        parts += [text[done:start], Token(kind, references[number - 1])]
        done = end
    return normal((*parts, text[done:]))


def bound(prompt: Sequence[Part], images: Sequence[str], elements: Sequence[str]) -> Prompt:
    """The same prompt in which written numbers that exist have become tokens."""
    parts: list[Part] = []
    for part in prompt:
        parts += parse(part, images, elements) if isinstance(part, str) else (part,)
    return normal(parts)


def normal(parts: Sequence[Part]) -> Prompt:
    """The same parts in normal form."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)


def flat(prompt: Sequence[Part]) -> str:
    """The text with one `CHIP` for each token."""
    return "".join(part if isinstance(part, str) else CHIP for part in prompt)


def splice(prompt: Sequence[Part], start: int, end: int, parts: Sequence[Part]) -> Prompt:
    """`parts` in place of what stands from `start` to `end` (positions in `flat`)."""
    return normal((*_cut(prompt, 0, start), *parts, *_cut(prompt, end, None)))


def _cut(prompt: Sequence[Part], start: int, end: int | None) -> list[Part]:
    at, found = 0, list[Part]()
    for part in prompt:
        size = len(part) if isinstance(part, str) else 1
        first, last = max(0, start - at), size if end is None else min(size, end - at)
        if first < last:
            found.append(part[first:last] if isinstance(part, str) else part)
        at += size
    return found


def section(prompt: Sequence[Part], start: int, end: int) -> Prompt:
    """What stands from `start` to `end` (positions in `flat`)."""
    return normal(_cut(_cut(prompt, 0, end), start, None))


def with_room(parts: Sequence[Part], before: str, after: str) -> Prompt:
    """`parts` with a space on each side where one is needed.

    Args:
        before, after: the text around the place where they go; a token counts as `CHIP`.
    """
    lead = "" if not before or before[-1].isspace() or before[-1] in _OPENING else " "
    tail = "" if after and (after[0].isspace() or after[0] in CLOSING) else " "
    return normal((lead, *parts, tail))


_OPENING = "([{\"'“‘«¿¡"
CLOSING = ".,;:!?)]}\"'”’»…、。，！？：；"
"""Signs that stand right behind a word."""


def clean(text: str) -> str:
    """Text of the outside world as it may stand in a prompt: without `CHIP`, control characters and halves of characters.

    Marks of writing direction and joiners of emoji are kept.
    """
    lines = _LINE_ENDS.sub("\n", text).replace("\t", " ")
    return _NOT_TEXT.sub("", lines)


_LINE_ENDS = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_NOT_TEXT = re.compile(f"[\0-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-{CHIP}\ufffe\uffff]")


def numbered(parts: Sequence[Part], numbers: Mapping[str, int]) -> str:
    """The text that is sent. A token whose reference is gone loses its number: `@Image`.

    A digit right behind a token would be read as part of its number and is set apart.
    """
    text, after_token = "", False
    for part in parts:
        if isinstance(part, Token):
            text += f"@{part.kind}{numbers.get(part.reference_id, '')}"
        else:
            text += f" {part}" if after_token and _DIGIT.match(part) else part
        after_token = isinstance(part, Token)
    return text


_DIGIT = re.compile(r"\d")


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
