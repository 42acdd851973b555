"""Reference pictures and elements: what a prompt can point at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


def is_web_address(place: str) -> bool:
    """True for an `https:` address that the provider fetches by itself; everything else is a local path."""
    return place.lower().startswith("https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A reference picture, `@Image1` in the prompt by its place in the list."""

    place: str
    """Path of a local file, or an https address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A character or object, `@Element1` in the prompt by its place in the list."""

    frontal: str
    """Path or https address of the frontal picture."""
    angles: tuple[str, ...] = ()
    name: str = ""
    library_id: str = ""
    """Of the library's element that it was taken from; empty for one that was made for this request."""


ANGLES_KEPT_MAX = 8
"""More than any provider takes: the library is not tied to one."""
ELEMENT_NAME_MAX = 80
NOTES_MAX = 4000
TAGS_MAX = 20
TAG_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryElement:
    """An element that was kept to be used again, with pictures of its own."""

    id: str
    name: str
    tags: tuple[str, ...] = ()
    notes: str = ""
    frontal: str
    """Path of the library's own copy; a changed picture is another file."""
    angles: tuple[str, ...] = ()
    created_at: datetime
    changed_at: datetime

    @property
    def places(self) -> tuple[str, ...]:
        """Every picture, the frontal one first."""
        return (self.frontal, *self.angles)

    def matches(self, words: str) -> bool:
        """True where each of the words is in the name, a tag or the notes, in upper or lower case."""
        said = "\n".join((self.name, *self.tags, self.notes)).casefold()
        return all(word in said for word in words.casefold().split())


def tidy_name(words: str) -> str:
    """A name or tag as it is kept: one line, no stray spaces, not too long."""
    return _printable(words)[:ELEMENT_NAME_MAX].strip()


def tidy_notes(words: str) -> str:
    """Notes as they are kept: line breaks stay."""
    lines = [_printable(line, joins=False).rstrip() for line in words.splitlines()]
    return "\n".join(lines)[:NOTES_MAX].strip()


def tidy_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: each once, whatever its case, in the order they were given."""
    kept: dict[str, str] = {}
    for tag in tags:
        if words := _printable(tag.replace(",", " "))[:TAG_MAX].strip():
            kept.setdefault(words.casefold(), words)
    return tuple(kept.values())[:TAGS_MAX]


def _printable(words: str, *, joins: bool = True) -> str:
    plain = "".join(one if one.isprintable() or _holds_together(one) else " " for one in words)
    return " ".join(plain.split()) if joins else plain


def _holds_together(character: str) -> bool:
    # Without the joiner a family falls apart into its members; Qt and Python count it as unprintable.
    return character in "\u200c\u200d"
