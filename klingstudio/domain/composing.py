"""What can be done to the references of a draft: each function gives the draft after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from klingstudio.domain.draft import Draft, DraftElement, DraftImage, Made
from klingstudio.domain.prompt import Token, TokenKind

Reference = TypeVar("Reference", DraftImage, DraftElement)


def with_images(draft: Draft, places: Iterable[str], new_id: Callable[[], str]) -> Draft:
    """Further images behind those that are there."""
    return draft.change(images=(*draft.images, *(DraftImage(id=new_id(), place=place) for place in places)))


def with_other_file(draft: Draft, image_id: str, place: str, made: Made | None) -> Draft:
    """Another file for the same image: tokens go on pointing at it."""
    new = DraftImage(id=image_id, place=place, made=made)
    return draft.change(images=tuple(new if one.id == image_id else one for one in draft.images))


def with_image_at(draft: Draft, image_id: str, at: int) -> Draft:
    """The image at this place (from 0)."""
    return draft.change(images=_placed(draft.images, image_id, at))


def with_element_at(draft: Draft, element_id: str, at: int) -> Draft:
    """The element at this place (from 0)."""
    return draft.change(elements=_placed(draft.elements, element_id, at))


def without(draft: Draft, reference_id: str) -> Draft:
    """Without an image or element. Its tokens stay and point at nothing, so that undo brings all of it back."""
    return draft.change(
        images=tuple(one for one in draft.images if one.id != reference_id),
        elements=tuple(one for one in draft.elements if one.id != reference_id),
    )


def as_element(draft: Draft, image_id: str, name: str) -> Draft:
    """An image turned into an element of this name; what pointed at the image points at the element."""
    image = next((one for one in draft.images if one.id == image_id), None)
    if image is None:
        return draft
    turned = Token(TokenKind.ELEMENT, image_id)
    return draft.change(
        images=tuple(one for one in draft.images if one.id != image_id),
        elements=(
            *draft.elements,
            DraftElement(id=image_id, name=name, frontal=image.place),
        ),
        prompt=tuple(
            turned if isinstance(part, Token) and part.reference_id == image_id else part for part in draft.prompt
        ),
    )


def with_element(draft: Draft, element: DraftElement) -> Draft:
    """This element in place of the one with its id."""
    return draft.change(elements=tuple(element if one.id == element.id else one for one in draft.elements))


def with_pictures(element: DraftElement, places: Sequence[str], angles_max: int) -> DraftElement:
    """Further pictures of an element: the first is its front where that is missing, the rest are angles."""
    frontal, *rest = (element.frontal, *places) if element.frontal else (*places, "")
    angles = (*element.angles, *(place for place in rest if place))
    return replace(element, frontal=frontal, angles=angles[:angles_max])


def with_slot(element: DraftElement, index: int, place: str) -> DraftElement:
    """Another file in a place of the element: 0 is the front, the angles follow. An empty one takes it away."""
    if index == 0:
        return replace(element, frontal=place)
    angles = [place if at == index else angle for at, angle in enumerate(element.angles, 1)]
    if index > len(angles):
        angles.append(place)
    return replace(element, angles=tuple(angle for angle in angles if angle))


def with_front_from(element: DraftElement, index: int) -> DraftElement:
    """An angle as the front, and the front as that angle."""
    front = element.angles[index - 1]
    return replace(with_slot(element, index, element.frontal), frontal=front)


def _placed(order: tuple[Reference, ...], reference_id: str, at: int) -> tuple[Reference, ...]:
    if not 0 <= at < len(order) or all(one.id != reference_id for one in order):
        return order
    ids = [one.id for one in order if one.id != reference_id]
    ids.insert(at, reference_id)
    return tuple(sorted(order, key=lambda one: ids.index(one.id)))
