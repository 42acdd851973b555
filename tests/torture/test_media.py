"""The short version of the part `media`: every crafted file, and a few of each way to spoil one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from klingstudio.media.verify import verify
from tests.torture.media import damage
from tests.torture.media.bulk import run_all
from tests.torture.media.disguises import CLIP, PIPE, baited
from tests.torture.media.judge import judge
from tests.torture.media.originals import TAKES, encode, make_originals
from tests.torture.media.part import run
from tests.torture.parts import Stint


def test_no_file_of_the_corpus_ends_the_window_or_passes_for_whole() -> None:
    verdict = run(Stint(seed=6, workers=2), share=0.02, one_by_one=4)

    assert verdict.violations == ()
    assert verdict.counts["picture_bomb: refused"] == 50
    assert verdict.counts["film_bomb: refused"] == 20
    assert verdict.counts["cut: refused"] == 10
    assert int(verdict.counts["files"]) > 200


# -- that the machinery itself would notice ---------------------------------------------------------------------------


def test_every_whole_clip_is_taken_and_shows_itself(tmp_path: Path) -> None:
    for name in make_originals(tmp_path):
        if name in TAKES:
            assert verify(tmp_path / name).frame_count == 16
            assert judge(tmp_path / name, tmp_path / name)["result"]["why"] == ""


def test_the_second_opinion_sees_a_lost_picture_a_lost_sound_and_another_picture(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mp4", sound="aac")
    short = encode(tmp_path / "short.mp4", sound="aac", frames=15)
    silent = encode(tmp_path / "silent.mp4")
    other = encode(tmp_path / "other.mp4", sound="aac", first=4)

    told = [judge(path, whole)["result"] for path in (whole, short, silent, other)]

    assert [one["why"].split(" differs")[0] for one in told] == [
        "", "15 of 16 pictures", "0 of 30720 samples of sound", "picture 0"
    ]  # fmt: skip
    assert [one["is_altered"] for one in told] == [True, False, False, True]


def test_a_call_that_ends_its_process_is_told_and_the_next_goes_on(tmp_path: Path) -> None:
    clip = encode(tmp_path / "clip.mp4")
    calls = [{"do": "crash", "path": ""}, {"do": "probe", "path": str(clip)}, {"do": "no such", "path": ""}]

    crashed, probed, unknown = run_all(calls)

    assert (crashed.kind, crashed.detail) == ("crashed", "SIGSEGV")
    assert probed.is_good
    assert unknown.is_contained


@pytest.mark.parametrize("way", [*damage.ANYWHERE, *damage.IN_BOXES])
def test_the_same_seed_spoils_a_file_in_the_same_way(way: str, tmp_path: Path) -> None:
    whole = encode(tmp_path / "clip.mp4", sound="aac").read_bytes()
    spoil = {**damage.ANYWHERE, **damage.IN_BOXES}[way]

    once, again = (spoil(whole, random.Random(4)) for _ in range(2))

    assert once == again
    assert any(spoil(whole, random.Random(seed)) != whole for seed in range(9))


def test_the_bait_is_a_clip_that_would_be_taken_and_a_pipe_that_would_hold(tmp_path: Path) -> None:
    clip = encode(tmp_path / "clip.mp4").read_bytes()

    with baited(tmp_path / "files", clip):
        assert verify(tmp_path / "files" / CLIP).frame_count == 16
        assert (tmp_path / "files" / PIPE).is_fifo()
