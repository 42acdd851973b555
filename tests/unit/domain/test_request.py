from __future__ import annotations

import pytest

from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.media import Caution, Doubt
from klingstudio.domain.request import Request, check_request, reference_cautions
from tests.fakes.limits import LIMITS


def a_request(images: int = 0, elements: int = 0, angles: int = 1) -> Request:
    return Request(
        source="/clips/street.mp4",
        prompt="Make it snow",
        provider="acme",
        images=tuple(Image(place=f"/pictures/{n}.png") for n in range(images)),
        elements=tuple(
            Element(frontal=f"/pictures/front-{n}.png", angles=("/pictures/side.png",) * angles)
            for n in range(elements)
        ),
    )


def test_references_are_named_in_the_order_they_are_sent() -> None:
    assert a_request(images=2, elements=1).references() == ("image:1", "image:2", "element:1")


@pytest.mark.parametrize(
    ("images", "elements", "first_over"),
    [(4, 0, None), (2, 2, None), (5, 0, "image:5"), (3, 3, "element:2"), (0, 6, "element:5")],
)
def test_more_references_than_every_document_accepts_are_cautioned_at_the_first_of_them(
    images: int, elements: int, first_over: str | None
) -> None:
    request = a_request(images, elements)

    check_request(request, LIMITS)

    expected = Caution(
        doubt=Doubt.REFERENCES_MANY,
        subject=first_over or "",
        value=str(images + elements),
        limit="4",
        source=LIMITS.wider_source,
    )
    assert reference_cautions(request.references(), LIMITS) == ((expected,) if first_over else ())


@pytest.mark.parametrize(
    ("images", "elements", "subject"), [(7, 0, "image:7"), (4, 4, "element:3"), (0, 9, "element:7")]
)
def test_more_references_than_any_document_accepts_are_refused_at_the_first_of_them(
    images: int, elements: int, subject: str
) -> None:
    with pytest.raises(InputRefused) as refused:
        check_request(a_request(images, elements), LIMITS)

    assert refused.value.problem.kind is Kind.TOO_MANY_REFERENCES
    assert refused.value.problem.detail == f"{images + elements} of 6"
    assert refused.value.problem.subject == subject


def test_too_many_angles_are_refused_at_their_element() -> None:
    with pytest.raises(InputRefused) as refused:
        check_request(a_request(elements=2, angles=4), LIMITS)

    assert refused.value.problem.kind is Kind.TOO_MANY_ANGLES
    assert refused.value.problem.subject == "element:1"
