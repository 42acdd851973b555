from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from klingstudio.domain.draft import Draft, DraftElement, DraftImage
from klingstudio.domain.errors import Kind, Problem
from klingstudio.domain.lint import Finding, Fix, Known, Weight, blocking, lint
from klingstudio.domain.media import FitPlan, ImageFacts
from klingstudio.domain.prompt import Token, TokenKind
from tests.fakes.limits import LIMITS

_FACTS = ImageFacts(format="jpeg", width_px=800, height_px=600, size_bytes=90_000, sha256="a")
_NOTHING = Known(facts={}, problems={})


def _images(*places: str) -> tuple[DraftImage, ...]:
    return tuple(DraftImage(id=place, place=place) for place in places)


def _draft(**changes: object) -> Draft:
    return replace(Draft(id="d", source="/clip.mp4", prompt=("Make it snow",)), **changes)  # type: ignore[arg-type]


def _kinds(findings: tuple[Finding, ...]) -> list[tuple[str, Kind]]:
    return [(one.subject, one.problem.kind) for one in findings if one.problem is not None]


def test_a_draft_with_clip_and_words_is_fine() -> None:
    assert lint(_draft(), _NOTHING, LIMITS) == ()


def test_an_empty_draft_lacks_clip_and_words_in_this_order() -> None:
    found = lint(Draft(id="d"), _NOTHING, LIMITS)

    assert _kinds(found) == [("source", Kind.SOURCE_MISSING), ("prompt", Kind.PROMPT_EMPTY)]
    first = blocking(found)
    assert first is not None
    assert first.kind is Kind.SOURCE_MISSING


@pytest.mark.parametrize(
    ("facts", "kind", "fix"),
    [
        (replace(_FACTS, width_px=200), Kind.IMAGE_TOO_SMALL, Fix.ENLARGE),
        (replace(_FACTS, width_px=2000, height_px=400), Kind.IMAGE_BAD_RATIO, Fix.CROP),
        (replace(_FACTS, size_bytes=11_000_000), Kind.IMAGE_TOO_HEAVY, Fix.SHRINK),
    ],
)
def test_a_picture_that_would_be_refused_is_found_at_its_tile_with_a_fix(
    facts: ImageFacts, kind: Kind, fix: Fix
) -> None:
    draft = _draft(images=_images("/ok.png", "/bad.png"), prompt=("@",))

    found = lint(draft, Known(facts={"/ok.png": _FACTS, "/bad.png": facts}, problems={}), LIMITS)

    about = next(one for one in found if one.weight is Weight.BLOCKS)
    assert about.subject == "image:2"
    assert about.problem is not None
    assert (about.problem.kind, about.problem.subject) == (kind, "image:2")
    assert about.fixes[0] is fix


def test_a_file_that_cannot_be_opened_is_found_at_its_place_in_an_element() -> None:
    element = DraftElement(id="mia", frontal="/f.png", angles=("/a.png", "/b.png"))
    broken = Problem(kind=Kind.IMAGE_UNREADABLE, detail="b.png")

    found = lint(_draft(elements=(element,)), Known(facts={}, problems={"/b.png": broken}), LIMITS)

    assert ("element:1:2", Kind.IMAGE_UNREADABLE) in _kinds(found)


def test_an_element_without_a_front_is_found() -> None:
    found = lint(_draft(elements=(DraftElement(id="mia", angles=("/a.png",)),)), _NOTHING, LIMITS)

    assert ("element:1", Kind.FRONT_MISSING) in _kinds(found)


def test_a_provider_without_elements_says_so_at_each() -> None:
    elements = (DraftElement(id="a", frontal="/a.png"), DraftElement(id="b", frontal="/b.png"))

    found = lint(_draft(elements=elements), _NOTHING, LIMITS, no_elements="Bare takes no elements; Acme does")

    assert [subject for subject, kind in _kinds(found) if kind is Kind.NOT_SUPPORTED] == ["element:1", "element:2"]


def test_each_reference_beyond_the_limit_is_found() -> None:
    draft = _draft(images=_images(*(f"/{n}.png" for n in range(LIMITS.references_limit + 2))))

    found = lint(draft, _NOTHING, LIMITS)

    numbers = [LIMITS.references_limit + 1, LIMITS.references_limit + 2]
    too_many = [subject for subject, kind in _kinds(found) if kind is Kind.TOO_MANY_REFERENCES]
    assert too_many == [f"image:{n}" for n in numbers]


def test_what_only_some_documents_accept_is_a_warning_and_stops_nothing() -> None:
    limits = replace(LIMITS, references_max=2, references_limit=4, wider_source="a page")
    draft = _draft(images=_images("/1.png", "/2.png", "/3.png"))
    plan = FitPlan(
        start_s=0,
        end_s=LIMITS.clip_max_s + 1,
        width_px=1280,
        height_px=720,
        fps=Fraction(25),
        is_identity=True,
        steps=(),
    )

    found = lint(draft, replace(_NOTHING, plan=plan), limits)

    assert [one.subject for one in found if one.weight is Weight.WARNS] == ["source", "image:3"]
    assert blocking(found) is None


def test_the_same_picture_twice_is_mentioned_at_the_second() -> None:
    draft = _draft(images=_images("/one.png", "/two.png"))

    found = lint(draft, Known(facts=dict.fromkeys(("/one.png", "/two.png"), _FACTS), problems={}), LIMITS)

    twin = next(one for one in found if one.problem is not None and one.problem.kind is Kind.IMAGE_DUPLICATE)
    assert (twin.subject, twin.weight) == ("image:2", Weight.MENTIONS)
    assert twin.problem is not None
    assert twin.problem.detail == "Image 1"


def test_a_token_whose_picture_is_gone_and_a_number_that_never_was_are_found_at_their_words() -> None:
    gone = Token(TokenKind.IMAGE, "gone")
    draft = _draft(prompt=("Snow 😀 like ", gone, " and @Image7"))

    found = lint(draft, _NOTHING, LIMITS)

    assert _kinds(found) == [
        ("prompt:12-13", Kind.TOKEN_WITHOUT_REFERENCE),
        ("prompt:18-25", Kind.TOKEN_WITHOUT_REFERENCE),
    ]


def test_the_length_is_that_of_the_text_that_is_sent() -> None:
    image = DraftImage(id="i", place="/i.png")
    token = Token(TokenKind.IMAGE, "i")
    at_limit = "x" * (LIMITS.prompt_max_chars - len("@Image1"))

    assert lint(_draft(images=(image,), prompt=(at_limit, token)), _NOTHING, LIMITS) == ()
    found = lint(_draft(images=(image,), prompt=(at_limit + "y", token)), _NOTHING, LIMITS)
    assert _kinds(found) == [("prompt", Kind.PROMPT_TOO_LONG)]


def test_a_reference_that_the_prompt_does_not_name_is_mentioned_once_there_is_a_prompt() -> None:
    draft = _draft(images=_images("/1.png"), elements=(DraftElement(id="mia", frontal="/f.png"),))

    mentioned = [one.subject for one in lint(draft, _NOTHING, LIMITS) if one.weight is Weight.MENTIONS]

    assert mentioned == ["image:1", "element:1"]
    assert not [one for one in lint(replace(draft, prompt=()), _NOTHING, LIMITS) if one.weight is Weight.MENTIONS]
