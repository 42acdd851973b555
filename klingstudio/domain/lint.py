"""Everything that a provider would reject or misread in a draft, found before a byte leaves and before money is spent.

Nothing here opens a file: what is known of the files is handed in, so that this can run at every keystroke.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from klingstudio.domain.draft import Draft
from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import InputRefused, Kind, Problem
from klingstudio.domain.media import Caution, FitPlan, ImageFacts, Limits, check_image, clip_cautions
from klingstudio.domain.prompt import CLIP_ID, Token, TokenKind, find_tokens
from klingstudio.domain.request import not_text, reference_cautions, subjects


class Weight(StrEnum):
    """What a finding means for the press of Generate."""

    BLOCKS = "blocks"
    """Would be rejected, or is not what was meant: nothing is sent."""
    WARNS = "warns"
    """May be rejected: the provider's documents disagree."""
    MENTIONS = "mentions"
    """Is fine, and perhaps forgotten."""


class Fix(StrEnum):
    """What helps, as one act."""

    CHOOSE_CLIP = "choose_clip"
    USE_WHOLE_CLIP = "use_whole_clip"
    FRAME = "frame"
    """Bars or a crop for a clip whose shape cannot be scaled."""
    ENLARGE = "enlarge"
    SHRINK = "shrink"
    PAD = "pad"
    CROP = "crop"
    REPLACE = "replace"
    REMOVE = "remove"
    ADD_FRONT = "add_front"
    INSERT = "insert"
    """Point at it in the prompt."""
    REMOVE_WORD = "remove_word"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to say about a draft, at its place."""

    subject: str
    """`source`, `image:2`, `element:1`, its picture `element:1:0` (0 is the front), `prompt`, or the part
    `prompt:12-18` of it (positions in `flat`)."""
    weight: Weight
    problem: Problem | None = None
    caution: Caution | None = None
    """Instead of the problem, where the documents of the provider disagree."""
    fixes: tuple[Fix, ...] = ()
    """The best one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the files of a draft so far."""

    plan: FitPlan | None = None
    """How the clip is made to fit."""
    clip_problem: Problem | None = None
    facts: Mapping[str, ImageFacts]
    """Of each picture that was looked at, by its place."""
    problems: Mapping[str, Problem]
    """Of each picture that can be used nowhere."""


_FIXES: Mapping[Kind, tuple[Fix, ...]] = {
    Kind.SOURCE_UNFITTABLE: (Fix.FRAME, Fix.CHOOSE_CLIP),
    Kind.TRIM_INVALID: (Fix.USE_WHOLE_CLIP,),
    Kind.TRIM_TOO_LONG: (Fix.USE_WHOLE_CLIP,),
    Kind.IMAGE_TOO_SMALL: (Fix.ENLARGE, Fix.REPLACE),
    Kind.IMAGE_BAD_RATIO: (Fix.CROP, Fix.PAD),
    Kind.IMAGE_TOO_HEAVY: (Fix.SHRINK, Fix.REPLACE),
    Kind.IMAGE_TOO_LARGE: (Fix.REPLACE,),
    Kind.IMAGE_MISSING: (Fix.REPLACE, Fix.REMOVE),
    Kind.IMAGE_UNREADABLE: (Fix.REPLACE, Fix.REMOVE),
    Kind.IMAGE_WRONG_TYPE: (Fix.REPLACE, Fix.REMOVE),
    Kind.IMAGE_DUPLICATE: (Fix.REMOVE,),
    Kind.FRONT_MISSING: (Fix.ADD_FRONT, Fix.REMOVE),
    Kind.TOO_MANY_REFERENCES: (Fix.REMOVE,),
    Kind.TOO_MANY_ANGLES: (Fix.REMOVE,),
    Kind.NOT_SUPPORTED: (Fix.REMOVE,),
    Kind.TOKEN_WITHOUT_REFERENCE: (Fix.REMOVE_WORD,),
    Kind.REFERENCE_UNUSED: (Fix.INSERT,),
}


def lint(draft: Draft, known: Known, limits: Limits, *, no_elements: str = "") -> tuple[Finding, ...]:
    """Every finding, in the order in which things are looked at: clip, images, elements, prompt.

    Args:
        no_elements: why the provider takes no elements; empty where it does.
    """
    found = (
        *_of_clip(draft, known, limits),
        *_of_images(draft, known, limits),
        *_of_elements(draft, known, limits, no_elements),
        *_of_count(draft, limits),
        *_of_prompt(draft, limits),
        *_of_unused(draft),
    )
    return tuple(replace(one, fixes=_FIXES.get(one.problem.kind, ())) if one.problem else one for one in found)


def blocking(findings: tuple[Finding, ...]) -> Problem | None:
    """The first reason why nothing can be sent."""
    return next((one.problem for one in findings if one.weight is Weight.BLOCKS), None)


def _blocks(problem: Problem, subject: str) -> Finding:
    return Finding(subject=subject, weight=Weight.BLOCKS, problem=replace(problem, subject=subject))


def _of_text(words: str, subject: str) -> Iterator[Finding]:
    if shown := not_text(words):
        yield _blocks(Problem(kind=Kind.SETTING_INVALID, detail=f"not valid Unicode: {shown}"), subject)


def _of_clip(draft: Draft, known: Known, limits: Limits) -> Iterator[Finding]:
    yield from _of_text(draft.source, "source")
    if not draft.source:
        yield _blocks(Problem(kind=Kind.SOURCE_MISSING), "source")
    elif known.clip_problem is not None:
        yield _blocks(known.clip_problem, "source")
    elif known.plan is not None:
        for caution in clip_cautions(known.plan, limits):
            yield Finding(subject="source", weight=Weight.WARNS, caution=caution)


def _of_images(draft: Draft, known: Known, limits: Limits) -> Iterator[Finding]:
    first_with: dict[str, int] = {}
    for number, image in enumerate(draft.images, 1):
        subject = f"image:{number}"
        yield from _of_picture(image.place, subject, known, limits)
        facts = known.facts.get(image.place)
        content = facts.sha256 if facts is not None else ""
        if content and content in first_with:
            twin = Problem(kind=Kind.IMAGE_DUPLICATE, detail=f"Image {first_with[content]}", subject=subject)
            yield Finding(subject=subject, weight=Weight.MENTIONS, problem=twin)
        first_with.setdefault(content, number)


def _of_picture(place: str, subject: str, known: Known, limits: Limits) -> Iterator[Finding]:
    yield from _of_text(place, subject)
    if is_web_address(place):
        return
    if (problem := known.problems.get(place)) is not None:
        yield _blocks(problem, subject)
    elif (facts := known.facts.get(place)) is not None:
        try:
            check_image(facts, limits, subject)
        except InputRefused as error:
            yield _blocks(error.problem, subject)


def _of_elements(draft: Draft, known: Known, limits: Limits, no_elements: str) -> Iterator[Finding]:
    for number, element in enumerate(draft.elements, 1):
        subject = f"element:{number}"
        yield from _of_text(element.name, subject)
        if no_elements:
            yield _blocks(Problem(kind=Kind.NOT_SUPPORTED, detail=no_elements), subject)
        if not element.frontal:
            yield _blocks(Problem(kind=Kind.FRONT_MISSING, detail=element.name), subject)
        else:
            yield from _of_picture(element.frontal, f"{subject}:0", known, limits)
        for at, place in enumerate(element.angles, 1):
            yield from _of_picture(place, f"{subject}:{at}", known, limits)
        if (count := len(element.angles)) > limits.angles_max:
            yield _blocks(Problem(kind=Kind.TOO_MANY_ANGLES, detail=f"{count} of {limits.angles_max}"), subject)


def _of_count(draft: Draft, limits: Limits) -> Iterator[Finding]:
    references = subjects(len(draft.images), len(draft.elements))
    if len(references) > limits.references_limit:
        detail = f"{len(references)} of {limits.references_limit}"
        for subject in references[limits.references_limit :]:
            yield _blocks(Problem(kind=Kind.TOO_MANY_REFERENCES, detail=detail), subject)
    if limits.references_max < limits.references_limit:
        for caution in reference_cautions(references, limits):
            yield Finding(subject=caution.subject, weight=Weight.WARNS, caution=caution)


def _of_prompt(draft: Draft, limits: Limits) -> Iterator[Finding]:
    text = draft.text
    yield from _of_text(text, "prompt")
    if not text.strip():
        yield _blocks(Problem(kind=Kind.PROMPT_EMPTY), "prompt")
    elif len(text) > limits.prompt_max_chars:
        detail = f"{len(text):,} of {limits.prompt_max_chars:,} characters"
        yield _blocks(Problem(kind=Kind.PROMPT_TOO_LONG, detail=detail), "prompt")
    known = {
        TokenKind.IMAGE: {one.id for one in draft.images},
        TokenKind.ELEMENT: {one.id for one in draft.elements},
        TokenKind.VIDEO: {CLIP_ID},
    }
    at = 0
    for part in draft.prompt:
        if isinstance(part, Token):
            if part.reference_id not in known[part.kind]:
                yield _without_reference(f"the {_NAMES[part.kind]} was removed", at, at + 1)
            at += 1
            continue
        # A number that exists has become a token; what is still written out points at nothing.
        for start, end, _, _ in find_tokens(part):
            yield _without_reference(part[start:end], at + start, at + end)
        at += len(part)


_NAMES = {TokenKind.IMAGE: "image", TokenKind.ELEMENT: "element", TokenKind.VIDEO: "video"}


def _without_reference(detail: str, start: int, end: int) -> Finding:
    return _blocks(Problem(kind=Kind.TOKEN_WITHOUT_REFERENCE, detail=detail), f"prompt:{start}-{end}")


def _of_unused(draft: Draft) -> Iterator[Finding]:
    if not draft.text.strip():
        # Nothing is forgotten in a prompt that was not begun.
        return
    ids = [*(one.id for one in draft.images), *(one.id for one in draft.elements)]
    places = dict(zip(ids, subjects(len(draft.images), len(draft.elements)), strict=True))
    for id_ in draft.unused:
        problem = Problem(kind=Kind.REFERENCE_UNUSED, subject=places[id_])
        yield Finding(subject=places[id_], weight=Weight.MENTIONS, problem=problem)
