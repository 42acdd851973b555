"""Reference pictures and elements: what a prompt can point at."""

from __future__ import annotations

from dataclasses import dataclass


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
