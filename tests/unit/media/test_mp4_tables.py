"""Tables that cannot be right are refused; those that real programs write are not."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from klingstudio.media.mp4_tables import Flaw, read_tables, refuse_impossible
from tests.torture.media import films
from tests.torture.media.mp4 import Box, all_of, first, full
from tests.torture.media.originals import FASTSTART, FRAGMENTED, encode

Change = Callable[[list[Box]], None]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """With its list of contents at the end, so that this can be changed without moving anything."""
    return encode(tmp_path_factory.mktemp("clips") / "plain.mp4", sound="aac").read_bytes()


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return encode(tmp_path_factory.mktemp("clips") / "pieces.mp4", sound="aac", container=FRAGMENTED).read_bytes()


def flaw_of(data: bytes) -> str:
    try:
        read_tables(io.BytesIO(data))
    except Flaw as flaw:
        return str(flaw)
    return ""


def table(kind: bytes, *words: int) -> Change:
    def change(boxes: list[Box]) -> None:
        first(boxes, kind).body = full(kind, *words).body

    return change


def without(kind: bytes) -> Change:
    def change(boxes: list[Box]) -> None:
        for box in all_of(boxes):
            box.inside = [one for one in box.inside if one.kind != kind]

    return change


def twice(kind: bytes) -> Change:
    def change(boxes: list[Box]) -> None:
        for box in all_of(boxes):
            box.inside = [one for one in box.inside for _ in range(1 + (one.kind == kind))]

    return change


def claims(kind: bytes, more: int) -> Change:
    def change(boxes: list[Box]) -> None:
        box = first(boxes, kind)
        box.claims = len(box.packed()) + more

    return change


@pytest.mark.parametrize("container", [{}, FASTSTART, FRAGMENTED, {"movflags": "+frag_every_frame+empty_moov"}])
@pytest.mark.parametrize(
    ("name", "sound"), [("a.mp4", "aac"), ("a.mp4", None), ("a.mov", "pcm_s16le"), ("a.mov", "aac")]
)
def test_what_a_muxer_writes_is_right(container: dict[str, str], name: str, sound: str | None, tmp_path: Path) -> None:
    path = encode(tmp_path / name, sound=sound, container=container)

    with path.open("rb") as file:
        refuse_impossible(file)
        tracks = read_tables(file)

    assert [track.handler for track in tracks.values()] == [b"vide", b"soun"][: 1 + bool(sound)]
    assert tracks[0].samples == 16


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        (without(b"stsz"), "not one stsz"),
        (without(b"stco"), "not one stco"),
        (twice(b"stts"), "not one stts"),
        (without(b"mdhd"), "what it is"),
        (without(b"trak"), ""),
        (twice(b"trak"), "same number"),
        (twice(b"hdlr"), "what it is"),
        (table(b"stts", 1, 15, 512), "times for 15 of 16"),
        (table(b"stts", 1, 16, 0), "same time"),
        (table(b"stsz", 7, 2**31 - 1), "times for 16"),
        (table(b"stsz", 0, 2**31 - 1), "shorter than it says"),
        (table(b"stsc", 1, 1, 2, 1), "places for"),
        (table(b"stsc", 1, 2, 1, 1), "not in order"),
        (table(b"stss", 1, 99), "key frame beyond"),
        (table(b"stco", 0), "not in order"),
        (claims(b"mdia", 8), "a part of"),
        (claims(b"stbl", -1), "a part of"),
        (claims(b"trak", 0x7FFFFFFF), "a part of"),
    ],
)
def test_tables_that_do_not_agree_are_refused(change: Change, flaw: str, plain: bytes) -> None:
    changed = films.changed(plain, change)

    assert changed != plain
    assert flaw in flaw_of(changed)
    assert bool(flaw) == bool(flaw_of(changed))


def test_data_beyond_the_end_is_refused(plain: bytes) -> None:
    assert "beyond the end" in flaw_of(films.changed(plain, films.beyond))


def test_a_fragment_that_is_missing_is_noticed_by_the_next_ones_time(pieces: bytes) -> None:
    def change(boxes: list[Box]) -> None:
        at = next(n for n, box in enumerate(boxes) if box.kind == b"moof")
        later = struct.pack(">IQ", 1 << 24, 10**6)
        for box in all_of(boxes[at + 1 :]):
            if box.kind == b"tfdt":
                box.body = later

    assert "is missing" in flaw_of(films.changed(pieces, change))


def test_a_fragment_whose_samples_are_not_in_the_file_is_refused(pieces: bytes) -> None:
    def change(boxes: list[Box]) -> None:
        for box in all_of(boxes):
            if box.kind == b"mdat":
                box.body = box.body[:99]

    assert "beyond the end" in flaw_of(films.changed(pieces, change))


@pytest.mark.parametrize(
    "name", ["samples-uniform.mp4", "samples-most.mp4", "packed.mov", "tracks-many.mp4", "places-same.mp4"]
)
def test_what_cannot_be_in_the_file_is_refused_before_it_is_opened(name: str, plain: bytes, tmp_path: Path) -> None:
    quiet = encode(tmp_path / "quiet.mp4").read_bytes()
    bombs = dict(films.table_bombs({"plain.mp4": plain, "silent.mp4": quiet}))

    with pytest.raises(Flaw):
        refuse_impossible(io.BytesIO(bombs[name]))


@pytest.mark.parametrize("count", [60_000_000, 0xFFFFFFF0])
def test_a_fragment_of_more_samples_than_bytes_is_refused(count: int, pieces: bytes) -> None:
    with pytest.raises(Flaw, match="samples"):
        refuse_impossible(io.BytesIO(films.changed(pieces, films.run_of(count))))


def test_a_file_that_was_cut_off_is_not_called_impossible(plain: bytes) -> None:
    for cut in range(0, len(plain), 97):
        refuse_impossible(io.BytesIO(plain[:cut]))
