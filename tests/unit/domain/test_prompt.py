"""A token always points at the picture it was made for, however the tiles are moved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.prompt import Token, TokenKind, check_prompt, numbered, parse


def test_tokens_become_the_ids_of_their_references() -> None:
    parts = parse("snow like @Image2 on @Element1", ["a", "b"], ["mia"])

    assert parts == ("snow like ", Token(TokenKind.IMAGE, "b"), " on ", Token(TokenKind.ELEMENT, "mia"))


def test_a_number_without_a_reference_stays_text() -> None:
    assert parse("like @Image3 and @Image0", ["a"], []) == ("like @Image3 and @Image0",)


def test_removing_a_tile_renumbers_the_others() -> None:
    parts = parse("@Image1, @Image2, @Image3", ["a", "b", "c"], [])

    assert numbered(parts, {"a": 1, "c": 2}) == "@Image1, @Image, @Image2"


@given(text=st.text(alphabet="@ImageElmntVido0123456789 é🙂", max_size=40), order=st.permutations(["a", "b", "c"]))
def test_reordering_there_and_back_gives_the_same_text(text: str, order: list[str]) -> None:
    parts = parse(text, ["a", "b", "c"], [])
    moved = numbered(parts, {name: n for n, name in enumerate(order, 1)})

    back = parse(moved, order, [])

    assert numbered(back, {"a": 1, "b": 2, "c": 3}) == numbered(parts, {"a": 1, "b": 2, "c": 3})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", Kind.PROMPT_EMPTY),
        (" \n\t", Kind.PROMPT_EMPTY),
        ("x" * 2501, Kind.PROMPT_TOO_LONG),
        ("like @Image2", Kind.TOKEN_WITHOUT_REFERENCE),
        ("like @Element1", Kind.TOKEN_WITHOUT_REFERENCE),
        ("like @Video2", Kind.TOKEN_WITHOUT_REFERENCE),
    ],
)
def test_a_prompt_that_cannot_be_sent_is_refused(text: str, kind: Kind) -> None:
    with pytest.raises(InputRefused) as refused:
        check_prompt(text, images=1, elements=0, max_chars=2500)

    assert refused.value.problem.kind is kind


def test_a_prompt_of_the_greatest_length_with_its_tokens_passes() -> None:
    check_prompt(("@Image1 @Video1 " + "x" * 2500)[:2500], images=1, elements=0, max_chars=2500)
