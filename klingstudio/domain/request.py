"""The frozen value a draft becomes: everything that matters for one run, in one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from klingstudio.domain.element import Element, Image, is_web_address
from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.media import Caution, Doubt, Framing, Limits, Trim
from klingstudio.domain.prompt import check_prompt


class Tier(StrEnum):
    """The model's two qualities."""

    STANDARD = "standard"
    PRO = "pro"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One run of one edit. Stored with the job; "run again" copies it."""

    source: str
    """Absolute path of the user's own file."""
    source_url: str | None = None
    """The person's own https address that `source` was fetched from. A provider is given it if the clip fits as it is."""
    prompt: str
    """Final text, tokens already numbered."""
    provider: str
    tier: Tier = Tier.PRO
    images: tuple[Image, ...] = ()
    elements: tuple[Element, ...] = ()
    keep_audio: bool = True
    trim: Trim | None = None
    framing: Framing = Framing.SCALE
    inputs_via: str | None = None
    """Provider that hosts local files, for a provider without an upload of its own."""
    billed_to: str | None = None
    """Organisation that is billed and keeps the result, where the provider has such a thing."""
    takes: int = 1
    """How many takes the one paid request makes."""
    max_cost: Decimal | None = None
    """The approved cap for all of them, in the currency of the provider's price."""
    accepts_unknown_price: bool = False
    """The person agreed to send although the price is not known."""
    out: str | None = None
    """Where the person wants the take: a path ending in `.mp4`, or a folder. None: the takes folder."""

    def uploads(self, *, is_source: bool) -> bool:
        """True when a file of this computer has to be hosted. `is_source`: the clip is the source, byte for byte."""
        needs_clip = self.source_url is None or not is_source
        return needs_clip or any(not is_web_address(place) for _, place in self.pictures())

    def references(self) -> tuple[str, ...]:
        """Every reference in the order it is sent, by its subject: `image:1`, `element:1`."""
        return subjects(len(self.images), len(self.elements))

    def pictures(self) -> tuple[tuple[str, str], ...]:
        """Every picture in the order it is sent: (subject, place), for example `("image:1", "/a/b.png")`."""
        images = [(f"image:{n}", image.place) for n, image in enumerate(self.images, 1)]
        for n, element in enumerate(self.elements, 1):
            images += [(f"element:{n}", place) for place in (element.frontal, *element.angles)]
        return tuple(images)


def not_text(words: str) -> str:
    """The words as they can be shown, where they hold bytes that are no text; empty where everything is."""
    try:
        words.encode()
    except UnicodeEncodeError:
        return ascii(words)[1:-1]
    return ""


def check_request(request: Request, limits: Limits) -> None:
    """Refuse what can be refused without opening a file.

    Raises:
        InputRefused: at the prompt, or at the first reference that no document of the provider accepts.
    """
    check_prompt(
        request.prompt,
        images=len(request.images),
        elements=len(request.elements),
        max_chars=limits.prompt_max_chars,
    )
    references = request.references()
    if len(references) > limits.references_limit:
        raise InputRefused(
            Kind.TOO_MANY_REFERENCES,
            f"{len(references)} of {limits.references_limit}",
            subject=references[limits.references_limit],
        )
    for n, element in enumerate(request.elements, 1):
        if len(element.angles) > limits.angles_max:
            raise InputRefused(
                Kind.TOO_MANY_ANGLES, f"{len(element.angles)} of {limits.angles_max}", subject=f"element:{n}"
            )


def subjects(images: int, elements: int) -> tuple[str, ...]:
    """What so many references are called, in the order they are sent: `image:1`, `element:1`."""
    return (
        *(f"image:{n}" for n in range(1, images + 1)),
        *(f"element:{n}" for n in range(1, elements + 1)),
    )


def reference_cautions(references: Sequence[str], limits: Limits) -> tuple[Caution, ...]:
    """Says so at the first of these subjects that only some documents of the provider accept."""
    if len(references) <= limits.references_max:
        return ()
    return (
        Caution(
            doubt=Doubt.REFERENCES_MANY,
            subject=references[limits.references_max],
            value=str(len(references)),
            limit=str(limits.references_max),
            source=limits.wider_source,
        ),
    )
