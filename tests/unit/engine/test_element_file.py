"""Element files: what is written is read back, and what comes from elsewhere can do no harm."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klingstudio.domain.element import LibraryElement
from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.engine import element_file
from klingstudio.engine.element_file import ENDING, Unpacked, pack, unpack

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
MANIFEST: dict[str, Any] = {"format": "klingelement", "version": 1, "name": "Mia", "frontal": "front.png"}


@pytest.fixture
def mia(tmp_path: Path) -> LibraryElement:
    places = []
    for name in ("front.png", "left.jpg", "back.WEBP"):
        (tmp_path / name).write_bytes(PICTURE + name.encode())
        places.append(str(tmp_path / name))
    return LibraryElement(
        id="mia",
        name="Mia",
        tags=("hero", "winter"),
        notes="Red coat.\nLeft-handed.",
        frontal=places[0],
        angles=tuple(places[1:]),
        created_at=NOW,
        changed_at=NOW,
    )


def zipped(path: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def a_file(path: Path, *more: tuple[str | zipfile.ZipInfo, bytes], **manifest: Any) -> Path:
    """An element file with one picture, or with what else was wished for."""
    entries = [("manifest.json", json.dumps(MANIFEST | manifest).encode()), ("front.png", PICTURE), *more]
    return zipped(path, entries)


def opened(path: Path, tmp_path: Path) -> Unpacked:
    into = tmp_path / "into"
    into.mkdir(exist_ok=True)
    return unpack(path, into)


def refusal(path: Path, tmp_path: Path) -> Kind:
    """Why a file is refused; nothing of it was written anywhere."""
    before = set(tmp_path.rglob("*"))
    with pytest.raises(InputRefused) as caught:
        opened(path, tmp_path)
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "into"}
    return caught.value.problem.kind


def test_what_was_packed_is_unpacked_with_every_byte_and_word(mia: LibraryElement, tmp_path: Path) -> None:
    out = tmp_path / f"mia{ENDING}"

    pack(mia, out)
    found = opened(out, tmp_path)

    assert (found.name, found.tags, found.notes) == (mia.name, mia.tags, mia.notes)
    assert [path.read_bytes() for path in found.pictures] == [Path(place).read_bytes() for place in mia.places]
    assert [path.name for path in found.pictures] == ["front.png", "angle-1.jpg", "angle-2.webp"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=80), tags=st.lists(st.text(max_size=40), max_size=6), notes=st.text(max_size=300))
def test_any_words_survive_the_way_through_a_file(
    mia: LibraryElement, tmp_path: Path, name: str, tags: list[str], notes: str
) -> None:
    from klingstudio.domain.element import tidy_name, tidy_notes, tidy_tags

    kept = replace(mia, name=tidy_name(name), tags=tidy_tags(tags), notes=tidy_notes(notes))
    out = tmp_path / f"words{ENDING}"

    pack(kept, out)
    found = opened(out, tmp_path)

    assert (found.name, found.tags, found.notes) == (kept.name, kept.tags, kept.notes)


def test_the_same_element_gives_the_same_bytes_and_tells_neither_day_nor_owner(
    mia: LibraryElement, tmp_path: Path
) -> None:
    one, other = tmp_path / f"one{ENDING}", tmp_path / f"other{ENDING}"

    pack(mia, one)
    for place in mia.places:
        os.utime(place, (1, 1))
    pack(mia, other)

    assert one.read_bytes() == other.read_bytes()
    assert {info.date_time for info in zipfile.ZipFile(one).infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert str(tmp_path).encode() not in one.read_bytes()


def test_a_failed_export_leaves_the_older_file_as_it_was(mia: LibraryElement, tmp_path: Path) -> None:
    out = tmp_path / f"mia{ENDING}"
    out.write_bytes(b"older")
    Path(mia.angles[0]).unlink()

    with pytest.raises(InputRefused) as caught:
        pack(mia, out)

    assert caught.value.problem.kind is Kind.IMAGE_MISSING
    assert out.read_bytes() == b"older"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".klingstudio")]


@pytest.mark.parametrize(
    "name",
    [
        *("../front.png", "/etc/front.png", "a/front.png", "..\\front.png", "C:front.png", "front.png\n", "front.exe"),
        *("angle-0.png", "angle-10.png", "FRONT.png", "", "manifest.json/", "con", "front.png/../../x.png"),
    ],
)
def test_an_entry_with_any_other_name_is_refused(name: str, tmp_path: Path) -> None:
    path = a_file(tmp_path / "evil", (zipfile.ZipInfo(name), PICTURE))

    assert refusal(path, tmp_path) is Kind.ELEMENT_FILE_UNSAFE


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_an_entry_that_is_no_plain_file_is_refused(kind: int, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("angle-1.png")
    link.external_attr = (kind | 0o777) << 16

    path = a_file(tmp_path / "evil", (link, b"/etc/passwd"), angles=["angle-1.png"])

    assert refusal(path, tmp_path) is Kind.ELEMENT_FILE_UNSAFE


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_the_usual_ways_of_packing_are_opened(method: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "evil", [("manifest.json", json.dumps(MANIFEST).encode()), ("front.png", PICTURE)], method)

    assert refusal(path, tmp_path) is Kind.ELEMENT_FILE_UNSAFE


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    assert refusal(a_file(tmp_path / "evil", ("front.png", b"other")), tmp_path) is Kind.ELEMENT_FILE_UNSAFE


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(MANIFEST))
        archive.writestr("front.png", bytes(element_file.PICTURE_MAX_BYTES + 1))
    path = tmp_path / "bomb"
    path.write_bytes(bomb.getvalue())
    assert path.stat().st_size < 100_000

    assert refusal(path, tmp_path) is Kind.ELEMENT_FILE_TOO_LARGE


def test_a_bomb_that_lies_about_its_size_gets_no_further_than_it_says(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "bomb", [("manifest.json", json.dumps(MANIFEST).encode()), ("front.png", bytes(5_000_000))]
    )
    data = path.read_bytes()
    size = struct.pack("<I", 5_000_000)
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, struct.pack("<I", 12)))

    assert refusal(path, tmp_path) is Kind.ELEMENT_FILE_DAMAGED


def test_a_list_of_a_million_entries_is_refused_without_reading_it(tmp_path: Path) -> None:
    data = bytearray(a_file(tmp_path / "many").read_bytes())
    data[-14:-10] = struct.pack("<HH", 60_000, 60_000)
    (tmp_path / "many").write_bytes(data)

    assert refusal(tmp_path / "many", tmp_path) is Kind.ELEMENT_FILE_UNSAFE


def test_a_second_list_for_giant_archives_is_refused(tmp_path: Path) -> None:
    data = a_file(tmp_path / "giant").read_bytes()
    (tmp_path / "giant").write_bytes(data[:-22] + b"PK\x06\x07" + bytes(16) + data[-22:])

    assert refusal(tmp_path / "giant", tmp_path) is Kind.ELEMENT_FILE_UNSAFE


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"version": 2}, Kind.ELEMENT_FILE_TOO_NEW),
        ({"version": 0}, Kind.ELEMENT_FILE_DAMAGED),
        ({"version": "1"}, Kind.ELEMENT_FILE_DAMAGED),
        ({"format": "zip"}, Kind.ELEMENT_FILE_WRONG),
        ({"name": None}, Kind.ELEMENT_FILE_DAMAGED),
        ({"frontal": "angle-1.png"}, Kind.ELEMENT_FILE_INCOMPLETE),
        ({"frontal": "https://example.org/front.png"}, Kind.ELEMENT_FILE_INCOMPLETE),
        ({"frontal": "/etc/passwd"}, Kind.ELEMENT_FILE_INCOMPLETE),
        ({"frontal": "manifest.json"}, Kind.ELEMENT_FILE_INCOMPLETE),
        ({"angles": ["angle-1.png"]}, Kind.ELEMENT_FILE_INCOMPLETE),
        ({"angles": ["front.png"] * 9}, Kind.ELEMENT_FILE_DAMAGED),
        ({"notes": "x" * 70_000}, Kind.ELEMENT_FILE_TOO_LARGE),
    ],
)
def test_a_manifest_that_cannot_be_followed_is_refused(changes: dict[str, Any], kind: Kind, tmp_path: Path) -> None:
    assert refusal(a_file(tmp_path / "odd", **changes), tmp_path) is kind


def test_a_manifest_that_is_no_json_or_endless_is_refused(tmp_path: Path) -> None:
    for words in (b"", b"[", b"\xff\xfe", b"[" * 60_000, b'{"format":"klingelement","version":1,"x":' + b"[" * 50_000):
        path = zipped(tmp_path / "odd", [("manifest.json", words), ("front.png", PICTURE)])
        assert refusal(path, tmp_path) is Kind.ELEMENT_FILE_DAMAGED


def _nothing(path: Path) -> None:
    del path


def _pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    "make",
    [
        _nothing,
        Path.mkdir,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(PICTURE),
        lambda path: path.write_bytes(b"<html>not here</html>" * 10),
        lambda path: zipped(path, [("word/document.xml", b"<x/>")]),
        pytest.param(_pipe, marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")),
    ],
)
def test_what_is_no_element_file_is_refused_as_such(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / f"odd{ENDING}")

    assert refusal(tmp_path / f"odd{ENDING}", tmp_path) is Kind.ELEMENT_FILE_WRONG


def test_a_file_that_is_cut_off_is_said_to_be_damaged(tmp_path: Path) -> None:
    data = a_file(tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(data[: len(data) // 2])

    assert refusal(tmp_path / "cut", tmp_path) is Kind.ELEMENT_FILE_DAMAGED


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_changed_in_a_file_it_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(a_file(tmp_path / "good").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "bad").write_bytes(content)

    try:
        found = opened(tmp_path / "bad", tmp_path)
    except InputRefused:
        return
    assert [path.parent for path in found.pictures] == [tmp_path / "into"] * len(found.pictures)


def test_a_file_that_no_element_can_be_is_refused_for_its_size_alone(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    huge.write_bytes(b"PK\3\4")
    os.truncate(huge, element_file.FILE_MAX_BYTES + 1)

    assert refusal(huge, tmp_path) is Kind.ELEMENT_FILE_TOO_LARGE
