"""Whatever is done to a draft, its words point at the pictures they were made for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from klingstudio.domain.draft import Draft, DraftElement, DraftImage
from klingstudio.domain.prompt import (
    CHIP,
    Part,
    Token,
    TokenKind,
    clean,
    find_tokens,
    flat,
    normal,
    parse,
    section,
    splice,
    with_room,
)
from klingstudio.ui.models.history import History

TEXTS = st.text(alphabet="@aé 1🙂\u0301\u200dس\n" + CHIP, max_size=6)
PASTED = st.sampled_from(
    ["@Image1", "@image2 ", "x@ELEMENT1y", "@Image9", "@Video1", "🙂@Image2🙂", "像@image1。", "12"]
)


@dataclass
class Composing:
    """A draft with its history, and every value it ever had, kept the simple way."""

    history: History[Draft] = field(default_factory=lambda: History(Draft(id="draft"), lambda: 0.0))
    values: list[Draft] = field(default_factory=lambda: [Draft(id="draft")])
    at: int = 0
    made: int = 0

    @property
    def now(self) -> Draft:
        return self.history.now

    def change(self, **changes: object) -> None:
        value = self.now.change(**changes)
        if value != self.now:
            self.history.push(value, "change")
            del self.values[self.at + 1 :]
            self.values.append(value)
            self.at += 1

    def write(self, share: float, length: int, parts: tuple[Part, ...]) -> None:
        """Put parts in place of `length` positions."""
        start = round(share * len(flat(self.now.prompt)))
        self.change(prompt=splice(self.now.prompt, start, start + length, parts))

    def add(self) -> None:
        self.made += 1
        if self.made % 3:
            self.change(images=(*self.now.images, DraftImage(id=f"i{self.made}", place=f"/p/{self.made}.png")))
        else:
            self.change(elements=(*self.now.elements, DraftElement(id=f"e{self.made}", frontal="/p/mia.png")))

    def point(self, share: float, which: int) -> None:
        tokens = [Token(TokenKind.IMAGE, one.id) for one in self.now.images]
        tokens += [Token(TokenKind.ELEMENT, one.id) for one in self.now.elements]
        if tokens:
            self.write(share, 0, (tokens[which % len(tokens)],))

    def move(self, which: int) -> None:
        before = self.now.prompt
        self.change(images=(*self.now.images[which:], *self.now.images[:which]))
        # A number that pointed at nothing points at nothing still: as many references as before.
        assert self.now.prompt == before

    def remove(self, which: int) -> None:
        before = self.now.prompt
        self.change(images=tuple(one for n, one in enumerate(self.now.images) if n != which))
        assert self.now.prompt == before

    def undo(self) -> None:
        if self.history.undo():
            self.at -= 1

    def redo(self) -> None:
        if self.history.redo():
            self.at += 1


SHARES = st.floats(0, 1)
SMALL = st.integers(0, 3)
Step = Callable[[Composing], None]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda share, text: lambda c: c.write(share, 0, (clean(text),)), SHARES, TEXTS),
    st.builds(lambda share, text: lambda c: c.write(share, 0, (text,)), SHARES, PASTED),
    st.builds(lambda share, length: lambda c: c.write(share, length, ()), SHARES, SMALL),
    st.builds(lambda share, length, text: lambda c: c.write(share, length, (text,)), SHARES, SMALL, PASTED),
    st.builds(lambda share, which: lambda c: c.point(share, which), SHARES, SMALL),
    st.just(Composing.add),
    st.builds(lambda which: lambda c: c.move(which), SMALL),
    st.builds(lambda which: lambda c: c.remove(which), SMALL),
    st.just(Composing.undo),
    st.just(Composing.redo),
)


def check(draft: Draft) -> None:
    """Text, tokens, numbers and the lists that are sent with them agree."""
    images = {one.id: one.place for one in draft.images}
    elements = {one.id: one for one in draft.elements}
    assert draft.prompt == normal(draft.prompt)
    assert CHIP not in draft.text
    tokens = [part for part in draft.prompt if isinstance(part, Token)]
    there = [token for token in tokens if token.reference_id in {*images, *elements, "clip"}]
    written = [part for part in draft.prompt if isinstance(part, str)]
    counts = {TokenKind.IMAGE: len(images), TokenKind.ELEMENT: len(elements), TokenKind.VIDEO: 1}
    for text in written:
        assert not any(1 <= number <= counts[kind] for _, _, kind, number in find_tokens(text))
    # What the provider reads in the text that is sent are these pictures, in this order, and no others.
    read = [one for one in find_tokens(draft.text) if 1 <= one[3] <= counts[one[2]]]
    assert [(kind, number) for _, _, kind, number in read] == [
        (token.kind, draft.numbers[token.reference_id]) for token in there
    ]
    for token in there:
        number = draft.numbers[token.reference_id]
        if token.kind is TokenKind.IMAGE:
            assert draft.images[number - 1].place == images[token.reference_id]
        if token.kind is TokenKind.ELEMENT:
            assert draft.elements[number - 1] is elements[token.reference_id]


@given(steps=st.lists(STEPS, max_size=25))
@settings(max_examples=150, deadline=None)
def test_any_sequence_of_steps_keeps_text_tokens_and_numbers_consistent(steps: list[Step]) -> None:
    composing = Composing()

    for step in steps:
        step(composing)

        check(composing.now)
        assert composing.now == composing.values[composing.at]

    while composing.history.undo():
        pass
    assert composing.now == composing.values[0]
    while composing.history.redo():
        pass
    assert composing.now == composing.values[-1]


@given(text=TEXTS, start=SMALL, end=SMALL)
def test_a_section_put_back_in_its_place_changes_nothing(text: str, start: int, end: int) -> None:
    prompt = parse(f"🙂{text}@Image1x@Image2", ["a", "b"], [])

    assert splice(prompt, start, max(start, end), section(prompt, start, max(start, end))) == prompt


@given(text=st.text())
@example("\ud83d\ufffc\ufdd0\x00\r\n\u2028")
def test_cleaned_text_can_be_stored_and_is_clean(text: str) -> None:
    cleaned = clean(text)

    assert clean(cleaned) == cleaned
    assert CHIP not in cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert not any(one < " " and one != "\n" for one in cleaned)


def test_a_digit_behind_a_token_is_not_read_as_its_number() -> None:
    draft = Draft(id="d", images=(DraftImage(id="a", place="/a.png"),), prompt=(Token(TokenKind.IMAGE, "a"), "2 dogs"))

    assert draft.text == "@Image1 2 dogs"


def test_spaces_are_put_only_where_words_would_touch() -> None:
    assert [with_room(("x",), *around) for around in (("a", "b"), (" ", " "), ("(", ")"), ("", ""), ("a", ""))] == [
        (" x ",),
        ("x",),
        ("x",),
        ("x ",),
        (" x ",),
    ]
