"""What the library keeps in the database: whole elements, each until it is removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from klingstudio.domain.element import LibraryElement, tidy_name, tidy_notes, tidy_tags
from klingstudio.store.database import Database, open_database
from klingstudio.store.library import LibraryStore

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MIA = LibraryElement(
    id="mia",
    name="Mia 🧥",
    tags=("hero", "зима"),
    notes="Red coat.\nLeft-handed.",
    frontal="/library/a/front.png",
    angles=("/library/b/side.png",),
    created_at=NOW,
    changed_at=NOW + timedelta(hours=1),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "studio.sqlite3")
    yield opened
    opened.close()


def test_an_element_comes_back_as_it_was_kept_also_after_a_restart(tmp_path: Path) -> None:
    first = open_database(tmp_path / "studio.sqlite3")
    LibraryStore(first).put(MIA)
    first.close()

    second = open_database(tmp_path / "studio.sqlite3")
    try:
        assert LibraryStore(second).all() == (MIA,)
    finally:
        second.close()


def test_an_element_is_kept_once_and_elements_stand_in_the_order_of_their_making(database: Database) -> None:
    store = LibraryStore(database)
    older = replace(MIA, id="zoe", name="Zoë", created_at=NOW - timedelta(days=1))

    store.put(MIA)
    store.put(older)
    store.put(replace(MIA, name="Mia in winter"))

    assert [one.name for one in store.all()] == ["Zoë", "Mia in winter"]


def test_a_removed_element_is_gone_and_removing_it_again_does_no_harm(database: Database) -> None:
    store = LibraryStore(database)
    store.put(MIA)

    store.remove("mia")
    store.remove("mia")

    assert store.all() == ()


@pytest.mark.log_ok
def test_an_element_of_another_program_version_is_left_alone_and_the_rest_is_read(database: Database) -> None:
    store = LibraryStore(database)
    store.put(MIA)
    database.write(lambda sql: sql.execute("INSERT INTO element VALUES ('new', '2030', '{\"shape\": 3}')"))

    assert store.all() == (MIA,)
    assert len(database.read("SELECT * FROM element")) == 2


def test_an_element_is_found_by_words_in_its_name_tags_and_notes_in_any_case() -> None:
    assert MIA.matches("MIA red")
    assert MIA.matches("Hero left")
    assert MIA.matches("")
    assert not MIA.matches("mia blue")


def test_names_tags_and_notes_are_kept_without_what_nobody_sees() -> None:
    assert tidy_name("  Mia\n\x00 of \u202e the \t North ") == "Mia of the North"
    assert tidy_name("👩‍👧 " + "x" * 200) == "👩‍👧 " + "x" * 76
    assert tidy_tags(["Hero", " hero ", "", "a,b", "x" * 99]) == ("Hero", "a b", "x" * 40)
    assert tidy_notes("one  \r\n\r\n two\x07 ") == "one\n\n two"
