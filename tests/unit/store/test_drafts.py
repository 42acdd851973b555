"""Drafts come back as they were, in their order, and what cannot be read is left alone."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klingstudio.domain.draft import Draft, DraftElement, DraftImage, Made, sound
from klingstudio.domain.errors import DiskProblem, Kind
from klingstudio.domain.media import Framing, PictureEdit, Trim
from klingstudio.domain.prompt import CLIP_ID, Token, TokenKind, flat, normal
from klingstudio.domain.request import Tier
from klingstudio.store.database import Database, open_database
from klingstudio.store.drafts import CLOSED_MOST, DraftStore

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

words = st.text(st.characters(codec="utf-8"), max_size=30)
file_names = st.binary(max_size=20).map(os.fsdecode)
"""A name on Linux need not be text."""
seconds = st.floats(0, 600, allow_nan=False)
shares = st.floats(0, 1, allow_nan=False)
edits = st.builds(
    PictureEdit,
    turn_deg=st.sampled_from([0, 90, 180, 270]),
    left=shares,
    top=shares,
    right=shares,
    bottom=shares,
    pad_ratio=st.none() | st.floats(1, 9),
    least_px=st.integers(0, 4000),
    max_bytes=st.integers(0, 2**40),
)
images = st.builds(
    DraftImage, id=words, place=file_names, made=st.none() | st.builds(Made, origin=file_names, edit=edits)
)
elements = st.builds(
    DraftElement,
    id=words,
    name=words,
    frontal=file_names,
    angles=st.lists(file_names, max_size=3).map(tuple),
    library_id=words,
)
tokens = st.builds(Token, st.sampled_from(TokenKind), words | st.just(CLIP_ID))
drafts = st.builds(
    Draft,
    id=words,
    name=words,
    source=file_names,
    source_url=st.none() | words,
    trim=st.none() | st.builds(Trim, start_s=seconds, end_s=seconds),
    framing=st.sampled_from(Framing),
    images=st.lists(images, max_size=4).map(tuple),
    elements=st.lists(elements, max_size=4).map(tuple),
    prompt=st.lists(words | tokens, max_size=8).map(normal),
    provider=words,
    tier=st.sampled_from(Tier),
    keep_audio=st.booleans(),
    takes=st.integers(1, 4),
    inputs_via=words,
)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "studio.sqlite3"


@pytest.fixture
def database(journal: Path) -> Iterator[Database]:
    opened = open_database(journal)
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> DraftStore:
    return DraftStore(database)


def keep(store: DraftStore, *names: str, is_open: bool = True, at: datetime = NOW) -> None:
    for position, name in enumerate(names):
        store.save(Draft(id=name, name=name), position=position, is_open=is_open, at=at)


def names(found: tuple[Draft, ...]) -> list[str]:
    return [draft.id for draft in found]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drafts)
def test_every_draft_comes_back_as_it_was(store: DraftStore, draft: Draft) -> None:
    draft = sound(draft)
    store.save(draft, position=0, is_open=True, at=NOW)

    assert draft in store.all_open()
    store.remove(draft.id)


def test_what_no_person_can_have_made_is_brought_within_bounds(store: DraftStore) -> None:
    images = [DraftImage(id=str(n), place=f"/pictures/{n}.jpg") for n in range(10_000)]
    odd = Draft(
        id="street",
        name="a\ud800 name\n" * 10_000,
        trim=Trim(start_s=-5, end_s=1e300),
        images=(DraftImage(id="twice", place="/a.jpg"), DraftImage(id="twice", place="/b.jpg"), *images),
        elements=(DraftElement(id="twice"), DraftElement(id=CLIP_ID), DraftElement(id="")),
        prompt=("snow\ufffc\u2029on\udc00 ", Token(TokenKind.IMAGE, ""), Token(TokenKind.IMAGE, "gone"), "x" * 300_000),
        takes=10**12,
    )

    store.save(odd, position=0, is_open=True, at=NOW)
    (found,) = store.all_open()

    assert found.name == ("a name " * 20)[:80].strip()
    assert found.trim is None
    assert [image.id for image in found.images] == ["twice", *map(str, range(19))]
    assert found.elements == ()
    assert found.prompt[:2] == ("snow\non ", Token(TokenKind.IMAGE, "gone"))
    assert len(flat(found.prompt)) == 10_000
    assert found.takes == 4
    assert sound(found) == found


def test_a_draft_goes_by_the_name_it_is_kept_under(store: DraftStore, journal: Path) -> None:
    with sqlite3.connect(journal) as other:
        for name in ("one", "two"):
            other.execute("INSERT INTO draft VALUES (?, 0, 1, '', '{\"id\": \"same\"}')", (name,))
    other.close()

    assert names(store.all_open()) == ["one", "two"]


def test_open_drafts_come_in_the_order_of_their_tabs(store: DraftStore) -> None:
    keep(store, "street", "dog", "sea")

    store.arrange(["sea", "street", "dog"])

    assert names(store.all_open()) == ["sea", "street", "dog"]


def test_a_draft_is_kept_once_and_as_it_was_saved_last(store: DraftStore) -> None:
    keep(store, "street")
    store.save(Draft(id="street", prompt=("Make it snow",)), position=0, is_open=True, at=NOW)

    (draft,) = store.all_open()
    assert draft.text == "Make it snow"


def test_closed_drafts_come_newest_first_and_are_not_among_the_open_ones(store: DraftStore) -> None:
    keep(store, "street")
    for minutes, name in enumerate(["dog", "sea"]):
        keep(store, name, is_open=False, at=NOW + timedelta(minutes=minutes))

    assert names(store.closed()) == ["sea", "dog"]
    assert names(store.closed(1)) == ["sea"]
    assert names(store.all_open()) == ["street"]


def test_of_closed_drafts_the_oldest_go(store: DraftStore) -> None:
    keep(store, "street")
    for minutes in range(CLOSED_MOST + 2):
        keep(store, f"draft-{minutes}", is_open=False, at=NOW + timedelta(minutes=minutes))

    kept = names(store.closed(1000))
    assert len(kept) == CLOSED_MOST
    assert kept[-1] == "draft-2"
    assert names(store.all_open()) == ["street"]


@pytest.mark.log_ok
@pytest.mark.parametrize("doc", ['{"id": "old", "prompt": [{"made of": "moonlight"}]}', '"words"', "[]", '{"id": 7}'])
def test_a_draft_that_cannot_be_read_is_left_as_it_is(store: DraftStore, journal: Path, doc: str) -> None:
    keep(store, "street")
    with sqlite3.connect(journal) as other:
        for name, is_open in (("newer", 1), ("newer closed", 0)):
            other.execute("INSERT INTO draft VALUES (?, 0, ?, '', ?)", (name, is_open, doc))
    other.close()

    assert names(store.all_open()) == ["street"]
    for minutes in range(CLOSED_MOST + 1):
        keep(store, f"draft-{minutes}", is_open=False, at=NOW + timedelta(minutes=minutes))
    store.arrange(["street"])
    assert len(store.closed(1000)) == CLOSED_MOST

    with sqlite3.connect(journal) as other:
        rows = other.execute("SELECT id, doc FROM draft WHERE id LIKE 'newer%' ORDER BY id").fetchall()
    other.close()
    assert rows == [("newer", doc), ("newer closed", doc)]


def test_a_field_that_a_newer_program_added_does_not_cost_the_draft(store: DraftStore, journal: Path) -> None:
    with sqlite3.connect(journal) as other:
        doc = '{"id": "street", "prompt": ["snow"], "mood": "calm"}'
        other.execute("INSERT INTO draft VALUES ('street', 0, 1, '', ?)", (doc,))
    other.close()

    assert store.all_open() == (Draft(id="street", prompt=("snow",)),)


def test_a_path_is_known_as_long_as_a_draft_has_it(store: DraftStore) -> None:
    frame = "/data/frames/übung/clip 00-01.png"
    draft = Draft(id="street", images=(DraftImage(id="a", place=frame),))
    store.save(draft, position=0, is_open=False, at=NOW)

    assert store.speaks_of("/data/frames/übung")
    assert not store.speaks_of("/data/frames/other")
    store.save(replace(draft, images=()), position=0, is_open=False, at=NOW)
    assert not store.speaks_of("/data/frames/übung")


def test_a_draft_leaves_the_reserve_to_what_was_paid(store: DraftStore, database: Database, journal: Path) -> None:
    (pages,) = database.read("PRAGMA page_count")
    database.read(f"PRAGMA max_page_count = {pages[0]}")

    with pytest.raises(DiskProblem) as refused:
        store.save(Draft(id="long", prompt=("snow " * 20_000,)), position=0, is_open=True, at=NOW)

    assert refused.value.problem.kind is Kind.DISK_FULL
    assert journal.with_name("reserve").exists()
    assert store.all_open() == ()
    database.read("PRAGMA max_page_count = 100000")
    keep(store, "street")
    assert names(store.all_open()) == ["street"]


def test_saving_is_over_before_anybody_notices(store: DraftStore) -> None:
    draft = Draft(id="street", source="/clips/street.mp4", prompt=("snow " * 500,))
    took: list[float] = []
    for takes in (1, 2) * 20:
        began = time.perf_counter()
        store.save(replace(draft, takes=takes), position=0, is_open=True, at=NOW)
        took.append(time.perf_counter() - began)

    assert sorted(took)[len(took) // 2] < 0.010
