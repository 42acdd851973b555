from __future__ import annotations

import itertools

from klingstudio.domain import composing
from klingstudio.domain.draft import Draft, DraftElement, Made, draft_of
from klingstudio.domain.media import PictureEdit
from klingstudio.domain.prompt import Token, TokenKind, parse
from klingstudio.domain.request import Request

_MIA = DraftElement(id="mia", name="Mia", frontal="/m/front.png", angles=("/m/left.png", "/m/right.png"))


def _draft() -> Draft:
    ids = itertools.count(1)
    draft = composing.with_images(Draft(id="d"), ["/a.png", "/b.png", "/c.png"], lambda: f"i{next(ids)}")
    draft = draft.change(elements=(_MIA,))
    return draft.change(prompt=parse("@Image1 beside @Image3 and @Element1", ["i1", "i2", "i3"], ["mia"]))


def test_tokens_follow_their_image_to_its_new_place() -> None:
    moved = composing.with_image_at(_draft(), "i3", 0)

    assert moved.text == "@Image2 beside @Image1 and @Element1"
    assert [image.place for image in moved.images] == ["/c.png", "/a.png", "/b.png"]


def test_a_place_that_does_not_exist_moves_nothing() -> None:
    assert composing.with_image_at(_draft(), "i1", 3) == _draft()
    assert composing.with_image_at(_draft(), "nobody", 0) == _draft()


def test_a_removed_image_leaves_a_token_that_points_at_nothing_and_never_at_another() -> None:
    left = composing.without(_draft(), "i1")

    assert left.text == "@Image beside @Image2 and @Element1"


def test_another_file_for_an_image_keeps_its_number_and_tokens() -> None:
    made = Made(origin="/a.png", edit=PictureEdit(turn_deg=90))
    turned = composing.with_other_file(_draft(), "i1", "/made/a.png", made)

    assert turned.text == _draft().text
    assert turned.images[0].made == made


def test_an_image_that_becomes_an_element_takes_its_tokens_along() -> None:
    turned = composing.as_element(_draft(), "i1", "a")

    assert turned.text == "@Element2 beside @Image2 and @Element1"
    assert turned.elements[1].frontal == "/a.png"


def test_a_written_number_becomes_a_token_when_its_reference_comes() -> None:
    draft = Draft(id="d", prompt=("Like @image1!",))

    with_one = composing.with_images(draft, ["/a.png"], lambda: "new")

    assert with_one.prompt == ("Like ", Token(TokenKind.IMAGE, "new"), "!")


def test_the_first_picture_of_an_element_is_its_front_and_the_rest_are_angles() -> None:
    bare = DraftElement(id="e")

    assert composing.with_pictures(bare, ["/f", "/1", "/2"], 3) == DraftElement(
        id="e", frontal="/f", angles=("/1", "/2")
    )
    assert composing.with_pictures(_MIA, ["/3", "/4"], 3).angles == ("/m/left.png", "/m/right.png", "/3")


def test_front_and_angle_change_places() -> None:
    swapped = composing.with_front_from(_MIA, 2)

    assert swapped.frontal == "/m/right.png"
    assert swapped.angles == ("/m/left.png", "/m/front.png")


def test_an_emptied_place_of_an_angle_closes_and_that_of_the_front_stays_open() -> None:
    assert composing.with_slot(_MIA, 1, "").angles == ("/m/right.png",)
    assert composing.with_slot(_MIA, 0, "").frontal == ""


def test_a_draft_of_a_request_makes_the_same_request_again() -> None:
    ids = itertools.count(1)
    request = Request(source="/clip.mp4", prompt="Like @Image1", provider="fal", keep_audio=False, takes=2)

    draft = draft_of(request, "d", lambda: str(next(ids)))

    assert (draft.text, draft.source, draft.provider) == (request.prompt, request.source, request.provider)
    assert (draft.keep_audio, draft.takes) == (False, 2)
