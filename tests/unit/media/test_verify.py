from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from klingstudio.domain.errors import Kind, StudioError
from klingstudio.media.verify import verify
from tests.torture.media.originals import FRAGMENTED, encode
from tests.unit.media.made_clips import make_clip

FAST_START = {"movflags": "+faststart"}


def is_refused(path: Path) -> bool:
    try:
        verify(path)
    except StudioError as error:
        return error.problem.kind is Kind.RESULT_DAMAGED and bool(error.problem.detail)
    return False


def test_a_whole_take_passes_and_is_measured(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "take.mp4", count=30, sound_s=1.2, container_options=FAST_START)
    told: list[float] = []

    facts = verify(path, told.append)

    assert (facts.frame_count, facts.fps, facts.audio_codec) == (30, 25, "aac")
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("made", [{"codec": "libx265"}, {"codec": "mpeg4"}, {"turn_deg": 90}, {"sound_s": 0.8}])
def test_other_takes_pass_too(made: dict[str, object], tmp_path: Path) -> None:
    path = make_clip(tmp_path / "take.mp4", **made)  # type: ignore[arg-type]

    assert verify(path).frame_count == 20


def test_a_fragmented_take_passes(tmp_path: Path) -> None:
    path = make_clip(
        tmp_path / "take.mp4", count=30, container_options={"movflags": "+frag_keyframe+empty_moov+default_base_moof"}
    )

    assert verify(path).frame_count == 30


def test_of_a_hundred_truncated_takes_all_hundred_are_refused(tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "take.mp4", count=30, sound_s=1.2, container_options=FAST_START).read_bytes()
    dice = random.Random(2026)
    cuts = [dice.randrange(1, len(whole)) for _ in range(96)] + [len(whole) - 1, len(whole) - 2, len(whole) - 500, 24]
    path = tmp_path / "cut.mp4"

    passed = []
    for cut in cuts:
        path.write_bytes(whole[:cut])
        if not is_refused(path):
            passed.append(cut)

    assert len(cuts) == 100
    assert passed == []


def test_a_take_whose_end_is_only_zeros_is_refused(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "take.mp4", count=30, container_options=FAST_START)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3] + bytes(len(whole) - len(whole) * 2 // 3))

    assert is_refused(path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: b"",
        lambda whole: b"<!doctype html><title>Not found</title>" * 20,
        lambda whole: b'{"error": "expired"}',
        lambda whole: whole[8:],
        lambda whole: b"\x00" * len(whole),
        lambda whole: whole + b"abc",
    ],
    ids=["empty", "page", "json", "beginning-lost", "zeros", "three-bytes-too-many"],
)
def test_what_is_no_whole_mp4_is_refused(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = make_clip(tmp_path / "take.mp4", count=5)
    path.write_bytes(spoil(path.read_bytes()))

    assert is_refused(path)


def test_a_video_in_another_container_is_refused(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "take.mkv", count=5)

    assert is_refused(path)


def test_a_take_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert is_refused(tmp_path / "no.mp4")
    assert is_refused(tmp_path)


@pytest.mark.parametrize("hole", [64, 512, 4096])
def test_a_hole_of_zeros_in_the_pictures_is_refused_wherever_it_lies(hole: int, tmp_path: Path) -> None:
    whole = encode(tmp_path / "take.mp4").read_bytes()
    start, end = whole.index(b"mdat") + 4, whole.index(b"moov") - 4
    path = tmp_path / "hole.mp4"

    passed = []
    # The first of them is what the encoder says of itself, which nobody sees.
    for at in range(start + 800, end - hole, max(hole // 2, (end - start) // 40)):
        path.write_bytes(whole[:at] + bytes(hole) + whole[at + hole :])
        if not is_refused(path):
            passed.append(at)

    assert passed == []


@pytest.mark.parametrize(
    ("kind", "spoiled"),
    [(b"stsz", b"stsX"), (b"stts", b"sttX"), (b"stsd", b"stsX"), (b"mdia", b"mdiX")],
)
def test_a_sound_that_can_no_longer_be_found_is_missed(kind: bytes, spoiled: bytes, tmp_path: Path) -> None:
    path = encode(tmp_path / "take.mp4", sound="aac")
    whole = path.read_bytes()
    at = whole.rindex(kind)
    path.write_bytes(whole[:at] + spoiled + whole[at + 4 :])

    assert is_refused(path)


def test_a_take_in_which_half_of_the_pieces_is_hidden_is_refused(tmp_path: Path) -> None:
    path = encode(tmp_path / "take.mp4", container=FRAGMENTED)
    whole = path.read_bytes()
    at = whole.rindex(b"traf")
    path.write_bytes(whole[:at] + b"traX" + whole[at + 4 :])

    assert is_refused(path)


def test_pictures_whose_order_is_lost_are_refused(tmp_path: Path) -> None:
    path = encode(tmp_path / "take.mp4")
    path.write_bytes(path.read_bytes().replace(b"ctts", b"cttX"))

    assert is_refused(path)


def test_a_sound_whose_clock_is_wrong_is_refused(tmp_path: Path) -> None:
    path = encode(tmp_path / "take.mp4", sound="aac")
    whole = path.read_bytes()
    at = whole.rindex(b"mdhd") + 16
    assert int.from_bytes(whole[at : at + 4], "big") == 48_000
    path.write_bytes(whole[:at] + (60).to_bytes(4, "big") + whole[at + 4 :])

    assert is_refused(path)


def test_titles_in_no_known_encoding_are_no_damage(tmp_path: Path) -> None:
    path = encode(tmp_path / "take.mp4")
    path.write_bytes(path.read_bytes().replace(b"Lavf", b"\xe9\xff\xfe\xbf"))

    assert verify(path).frame_count == 16


def test_uncompressed_sound_is_counted_as_it_comes(tmp_path: Path) -> None:
    assert verify(encode(tmp_path / "take.mov", sound="pcm_s16le")).audio_codec == "pcm_s16le"
