"""What is being composed, as one frozen value.

Every change makes a new value: undo goes back to an older one, autosave keeps the newest one, a tab holds one. What is
only known of the files (sizes, lengths, problems) is no part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from klingstudio.domain.media import Framing, PictureEdit, Trim
from klingstudio.domain.prompt import CLIP_ID, Prompt, Token, bound, clean, normal, numbered, parse, section
from klingstudio.domain.request import Request, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How a picture was made from one of the person's files."""

    origin: str
    """Path of the file, which stays as it is."""
    edit: PictureEdit


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftImage:
    """A reference picture. Its id never changes; its number is its place in the list."""

    id: str
    place: str
    """Path of the file that will be sent, or an https address."""
    made: Made | None = None
    """Set where `place` was made from another file: turned, cropped, padded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftElement:
    """A character or object, perhaps without its frontal picture yet."""

    id: str
    name: str = ""
    frontal: str = ""
    """Path or https address; empty while it is missing."""
    angles: tuple[str, ...] = ()
    library_id: str = ""
    """Of the library's element that it was taken from; empty for one that is in this draft only."""

    @property
    def places(self) -> tuple[str, ...]:
        """Every picture that is there, the frontal one first."""
        return (*([self.frontal] if self.frontal else []), *self.angles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything the person has decided. An empty text or None means: not decided."""

    id: str
    name: str = ""
    """Given by the person; empty: called after its clip or prompt."""
    source: str = ""
    """Absolute path of the clip."""
    source_url: str | None = None
    """The person's own https address that `source` was fetched from."""
    trim: Trim | None = None
    framing: Framing = Framing.SCALE
    images: tuple[DraftImage, ...] = ()
    elements: tuple[DraftElement, ...] = ()
    prompt: Prompt = ()
    provider: str = ""
    tier: Tier = Tier.PRO
    keep_audio: bool = True
    takes: int = 1
    inputs_via: str = ""

    @property
    def numbers(self) -> Mapping[str, int]:
        """The number of every reference, by its id; images and elements are counted apart."""
        counted = {one.id: n for n, one in enumerate(self.images, 1)}
        counted |= {one.id: n for n, one in enumerate(self.elements, 1)}
        return counted | {CLIP_ID: 1}

    @property
    def text(self) -> str:
        """The prompt as it would be sent now."""
        return numbered(self.prompt, self.numbers)

    @property
    def unused(self) -> tuple[str, ...]:
        """Ids of the references that the prompt does not point at, in the order they are sent."""
        named = {part.reference_id for part in self.prompt if isinstance(part, Token)}
        ids = [*(one.id for one in self.images), *(one.id for one in self.elements)]
        return tuple(id_ for id_ in ids if id_ not in named)

    @property
    def pictures(self) -> tuple[str, ...]:
        """The place of every picture of the draft, in the order they are sent."""
        return (*(one.place for one in self.images), *(place for one in self.elements for place in one.places))

    @property
    def is_blank(self) -> bool:
        """True while nothing was put into it: such a draft is taken for the next clip, and need not be kept."""
        return not (self.source or self.images or self.elements or self.prompt or self.name)

    def change(self, **changes: Any) -> Draft:
        """The same draft with other parts; numbers that were written out and exist by now become tokens."""
        changed = replace(self, **changes)
        ids = [one.id for one in changed.images], [one.id for one in changed.elements]
        return replace(changed, prompt=bound(changed.prompt, *ids))


TAKES_MOST = 4
REFERENCES_MOST = 20
"""More than any provider takes; each of them costs a tile and a look at its file."""
NAME_MOST = 80
PROMPT_MOST = 10_000
"""Positions of the prompt: a token is one."""
_CLIP_MOST_S = 1_000_000.0
_Reference = TypeVar("_Reference", DraftImage, DraftElement)


def sound(draft: Draft) -> Draft:
    """The same draft within what a person can have made: one that was stored by hand or damaged is shown all the same."""
    taken = {CLIP_ID}
    images = _told_apart((one for one in draft.images if one.place), taken)
    elements = _told_apart(draft.elements, taken)[: REFERENCES_MOST - len(images)]
    trim = draft.trim
    if trim is not None and not 0 <= trim.start_s < trim.end_s <= _CLIP_MOST_S:
        trim = None
    parts = [part if isinstance(part, Token) else clean(part) for part in draft.prompt]
    words = normal([part for part in parts if isinstance(part, str) or is_id(part.reference_id)])
    return draft.change(
        name=" ".join(clean(draft.name[: 2 * NAME_MOST]).split("\n"))[:NAME_MOST].strip(),
        trim=trim,
        images=images,
        elements=tuple(replace(one, angles=one.angles[:REFERENCES_MOST]) for one in elements),
        prompt=section(words, 0, PROMPT_MOST),
        takes=min(max(draft.takes, 1), TAKES_MOST),
    )


def _told_apart(references: Iterable[_Reference], taken: set[str]) -> tuple[_Reference, ...]:
    """Those whose id nobody has yet."""
    found: list[_Reference] = []
    for one in references:
        if one.id not in taken and is_id(one.id) and len(found) < REFERENCES_MOST:
            taken.add(one.id)
            found.append(one)
    return tuple(found)


def is_id(text: str) -> bool:
    """True for what can be the id of a reference."""
    return 0 < len(text) <= NAME_MOST and text.isprintable()


def draft_of(request: Request, draft_id: str, new_id: Callable[[], str]) -> Draft:
    """A draft that would make the same request again."""
    images = tuple(DraftImage(id=new_id(), place=image.place) for image in request.images)
    elements = tuple(
        DraftElement(id=new_id(), name=one.name, frontal=one.frontal, angles=one.angles, library_id=one.library_id)
        for one in request.elements
    )
    return Draft(
        id=draft_id,
        source=request.source,
        source_url=request.source_url,
        trim=request.trim,
        framing=request.framing,
        images=images,
        elements=elements,
        prompt=parse(request.prompt, [one.id for one in images], [one.id for one in elements]),
        provider=request.provider,
        tier=request.tier,
        keep_audio=request.keep_audio,
        takes=request.takes,
        inputs_via=request.inputs_via or "",
    )
