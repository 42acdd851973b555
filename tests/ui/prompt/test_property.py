"""The same promise with the real field: keys, clipboard, input method, tiles and undo in any order."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt

from klingstudio.domain.draft import Draft, DraftImage
from klingstudio.domain.prompt import Token
from klingstudio.ui.models.history import History
from klingstudio.ui.prompt.document import token_in, words_in
from klingstudio.ui.prompt.units import length, to_points
from klingstudio.ui.theme import Theme
from tests.ui.prompt.conftest import Writer

IMAGES = tuple(DraftImage(id=f"i{n}", place=f"/p/{n}.png") for n in range(3))
KEYS = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Return, Qt.Key.Key_Home)
TEXTS = ("a", " ", "@image1", "2", "🎬", "س", "👩‍🚀", "@", "@Image9 ")
Step = Callable[[Writer], None]


def paste(text: str) -> Step:
    return lambda writer: writer.paste(text)


def type_(text: str) -> Step:
    return lambda writer: writer.type(text)


def commit(text: str) -> Step:
    def step(writer: Writer) -> None:
        writer.commit("", preedit="x")
        writer.commit(text)

    return step


def press(key: Qt.Key, shift: bool) -> Step:
    return lambda writer: writer.press(key, shift=shift and key is not Qt.Key.Key_Backspace)


def chord(key: Qt.Key) -> Step:
    return lambda writer: writer.press(key, ctrl=True)


def place(share: float) -> Step:
    return lambda writer: writer.put_caret(length(writer.shown[: round(share * len(writer.shown))]))


def insert(which: int) -> Step:
    def step(writer: Writer) -> None:
        if which < len(writer.draft.value.images):
            writer.panel.insert_reference(writer.draft.value.images[which].id)

    return step


def move(which: int) -> Step:
    return lambda writer: writer.draft.move_picture(IMAGES[which].id, 1)


def remove(which: int) -> Step:
    return lambda writer: writer.draft.remove_reference(IMAGES[which].id)


CHORDS = [Qt.Key.Key_A, Qt.Key.Key_C, Qt.Key.Key_X, Qt.Key.Key_V, Qt.Key.Key_Z, Qt.Key.Key_Y, Qt.Key.Key_Backspace]
WHICH = st.integers(0, 2)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(type_, st.sampled_from(TEXTS)),
    st.builds(press, st.sampled_from(KEYS), st.booleans()),
    st.builds(chord, st.sampled_from(CHORDS)),
    st.builds(paste, st.sampled_from(["@Image2", "x@IMAGE3🎬", "a\r\nb\ufffc"])),
    st.builds(commit, st.sampled_from(["雪", "@image2", ""])),
    st.builds(place, st.floats(0, 1)),
    st.builds(insert, WHICH),
    st.builds(move, WHICH),
    st.builds(remove, WHICH),
)


@pytest.fixture
def desk_of_one(qtbot: object, looks: Theme) -> Iterator[Writer]:
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(Path(folder))
        writer.window.show()
        writer.edit.setFocus()
        yield writer
        writer.panel.detach()
        writer.window.close()
        writer.window.deleteLater()


@pytest.fixture(name="field")
def _field(desk_of_one: Writer) -> Callable[[], Writer]:
    """The same field with a new draft, for each example."""

    def fresh() -> Writer:
        writer = desk_of_one
        writer.draft.load(History(Draft(id="draft", images=IMAGES), writer.clock))
        return writer

    return fresh


def check(writer: Writer) -> None:
    """Field, draft and what is sent say the same."""
    edit, draft = writer.edit, writer.draft
    assert words_in(edit.document()) == draft.words
    shown = [*writer.shown]
    assert shown.count("*") == sum(isinstance(part, Token) for part in draft.words)
    assert 0 <= writer.caret <= length(writer.shown)
    # The caret is never inside a character.
    assert length(writer.shown[: to_points(writer.shown, writer.caret)]) == writer.caret
    for part in draft.words:
        if isinstance(part, Token) and (number := draft.numbers.get(part.reference_id)):
            assert draft.value.images[number - 1].id == part.reference_id
    assert writer.panel.count.text() == f"{len(draft.prompt)} / 2500"


@given(data=st.data())
# The field is given a new draft by each example.
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_events_keeps_field_and_draft_the_same(
    field: Callable[[], Writer], data: st.DataObject
) -> None:
    writer = field()

    for step in data.draw(st.lists(STEPS, max_size=14)):
        step(writer)

        check(writer)

    while writer.draft.redo_label:
        writer.draft.redo()
    last = writer.draft.value
    while writer.draft.undo_label:
        writer.draft.undo()
        check(writer)
    assert writer.shown == ""
    while writer.draft.redo_label:
        writer.draft.redo()
    check(writer)
    assert writer.draft.value == last


def test_a_format_without_a_token_is_text() -> None:
    from PySide6.QtGui import QTextCharFormat

    assert token_in(QTextCharFormat()) is None
