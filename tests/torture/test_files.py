"""The disk fails at any operation, fills up, goes away: nothing paid is lost, and the person is told what happened."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from klingstudio.domain.errors import Charged, Kind
from klingstudio.domain.job import State
from klingstudio.paths import paths
from klingstudio.studio import read_jobs
from tests.torture.files import judge, names, order, part
from tests.torture.files.bench import Bench, a_bench
from tests.torture.files.disks import a_disk, befall, can_mount, fill, make_room
from tests.torture.files.journal_calls import library
from tests.torture.parts import Stint

pytestmark = pytest.mark.skipif(
    library() is None, reason="the sqlite3 module's own library cannot be reached from here"
)

SPREAD = 230
"""Of the operations of a job, the n-th ones fail here; all of them do in `dev.py torture files`."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with a_bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


def test_any_operation_may_fail_and_the_take_still_comes_paid_once(tmp_path: Path) -> None:
    verdict = part.fail(tmp_path, Stint(seed=41, workers=1), every=SPREAD)

    assert verdict.violations == ()
    assert int(verdict.counts["cases"]) >= 12


def test_the_intent_is_on_the_disk_before_a_byte_leaves_and_the_take_before_it_counts(bench: Bench) -> None:
    bench.begin()
    told = bench.live(bench.order(lists=True))

    assert told.state == State.COMPLETED
    assert list(order.violations(told.heard)) == []


def test_an_intent_that_is_synced_too_late_and_a_take_that_counts_too_early_are_noticed(bench: Bench) -> None:
    """The judge of the order has to find what the test above says is not there."""
    bench.begin()
    heard = bench.live(bench.order(lists=True)).heard
    sent = heard.index(order.SEND)
    intent = max(n for n in range(sent) if heard[n] == f"sync {order.WAL}")
    folder = heard.index("sync home/takes")

    assert list(order.violations([*heard[:intent], *heard[intent + 1 :]]))
    assert list(order.violations([words for n, words in enumerate(heard) if n != folder]))
    assert list(order.violations([*heard[:folder], *heard[folder + 1 :], heard[folder]]))
    assert list(order.violations([words for words in heard if not words.startswith("sync home/takes/")]))


def test_a_power_cut_at_any_moment_of_a_download_leaves_a_state_that_leads_to_the_take(bench: Bench) -> None:
    tried, violations = part.cut_power(bench, Stint(seed=5), every=11)

    assert violations == []
    assert tried >= 4


@pytest.mark.parametrize("error", [errno.EIO, errno.EACCES])
def test_a_disk_that_takes_no_write_after_the_request_left_does_not_lose_the_paid_job(bench: Bench, error: int) -> None:
    bench.begin()
    whole = bench.live(bench.order(lists=True))
    at = next(n for n, words in enumerate(whole.heard) if words == order.SEND)
    number = sum(1 for words in whole.heard[:at] if not words.startswith("send ")) + 1

    first, violations = part.try_case(bench, part.Case(number=number, error=error, is_lasting=True))

    assert violations == []
    assert first.is_paused
    assert len(bench.sandbox.requests("POST", judge.SUBMIT)) == 1


# ------------------------------------------------------------------------------------------------------- real disks

on_real_disks = pytest.mark.skipif(not can_mount(), reason="only root may mount a small disk, and this is another user")


@on_real_disks
def test_a_disk_that_is_full_before_the_intent_sends_nothing_and_goes_on_with_room(bench: Bench) -> None:
    bench.begin()
    data = bench.home / "data"
    with a_disk(data, megabytes=24):
        # The address of the upload is written down last before the intent.
        first = bench.live(bench.order(before="look home/takes*", befalls=f"fill {data}"))
        assert (first.state, first.is_paused, first.charged) == (State.READY, True, Charged.NO), first
        assert first.kinds[-1:] == [Kind.DISK_FULL]
        assert bench.sandbox.requests("POST", judge.SUBMIT) == []

        make_room(data)
        assert list(judge.of_last(bench, bench.live(bench.order(goes_on=True)), sends=1)) == []


@on_real_disks
def test_a_disk_that_is_full_when_the_id_comes_gives_back_the_reserve_and_the_id_is_kept(bench: Bench) -> None:
    bench.begin()
    data = bench.home / "data"
    with a_disk(data, megabytes=24):
        first = bench.live(bench.order(before=order.SEND, befalls=f"fill {data}"))
        assert first.remote_id, first
        assert not (data / "reserve").exists()
        assert list(judge.of_any(first)) == []

        make_room(data)
        assert list(judge.of_last(bench, bench.live(bench.order(goes_on=True)), sends=1)) == []


@on_real_disks
def test_a_full_or_read_only_disk_at_the_start_still_shows_the_jobs(bench: Bench) -> None:
    bench.begin()
    data, places = bench.home / "data", paths(bench.order().environ)
    with a_disk(data, megabytes=24):
        assert bench.live(bench.order()).state == State.COMPLETED

        fill(data)
        on_a_full_one = bench.live(bench.order(only_opens=True))
        assert (on_a_full_one.refused, on_a_full_one.bugs) == ("", []), "the reserve is there for this"

        make_room(data)
        befall(f"read-only {data}")
        on_a_closed_one = bench.live(bench.order(only_opens=True))
        assert (on_a_closed_one.refused, on_a_closed_one.bugs) == (Kind.DISK_UNWRITABLE, [])
        assert [job.state for job in read_jobs(places)] == [State.COMPLETED]


@on_real_disks
def test_a_disk_that_fills_up_during_the_download_keeps_the_part_until_there_is_room(bench: Bench) -> None:
    bench.begin()
    takes = bench.home / "takes"
    with a_disk(takes, megabytes=4):
        first = bench.live(bench.order(before="write home/takes/*.part", befalls=f"fill {takes}"))
        assert (first.state, first.is_paused, first.charged) == (State.SUCCEEDED, True, Charged.YES), first
        assert first.kinds[-1:] == [Kind.DISK_FULL]
        assert list(takes.glob("*.part"))

        make_room(takes)
        assert list(judge.of_last(bench, bench.live(bench.order(goes_on=True)), sends=1)) == []


@on_real_disks
def test_a_disk_that_is_full_while_the_clip_is_fitted_leaves_no_half_clip(bench: Bench) -> None:
    bench.begin()
    cache = bench.home / "cache"
    with a_disk(cache, megabytes=4):
        first = bench.live(
            bench.order(before="create home/cache/fits/.klingstudio-????????.mp4", befalls=f"fill {cache}")
        )
        assert (first.state, first.charged) == (State.DRAFT, Charged.NO), first
        assert first.kinds[-1:] == [Kind.DISK_FULL]
        assert list(cache.rglob(".klingstudio-*")) == []
        assert bench.sandbox.requests("POST", judge.SUBMIT) == []

        make_room(cache)
        assert list(judge.of_last(bench, bench.live(bench.order(goes_on=True)), sends=1)) == []


@on_real_disks
@pytest.mark.parametrize(
    ("befalls", "before"),
    [
        ("read-only", "create stick/*"),
        ("read-only", "link stick/*"),
        ("unplug", "create stick/*"),
        ("unplug", "write stick/*.part"),
        ("unplug", "link stick/*"),
    ],
)
def test_a_stick_that_goes_away_leaves_the_take_in_the_programs_own_folder(
    bench: Bench, befalls: str, before: str
) -> None:
    bench.begin()
    with a_disk(bench.folder / "case" / "stick", megabytes=4) as stick:
        told = bench.live(bench.order(out=str(stick), before=before, befalls=f"{befalls} {stick}"))

    assert told.state == State.COMPLETED, told
    assert list(judge.of_last(bench, told, sends=1)) == []
    if Path(told.take).parent != stick:
        assert Path(told.take).parent == bench.home / "takes"
        assert told.kinds[-1:] == [Kind.TAKE_ELSEWHERE]


# -------------------------------------------------------------------------------------------------- names and sources


@pytest.mark.parametrize("name", ["concat:a|b.mkv", "film\nof two lines.mkv", names.longest_of("🏖")])
def test_a_source_may_have_any_name(bench: Bench, name: str) -> None:
    assert part.try_name(bench, name) == []


def test_there_are_many_names_to_try() -> None:
    tried = list(names.names(200, 7))

    assert len(set(tried)) == 200
    assert all(len(name.encode()) <= 255 for name in tried)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, Kind.SOURCE_NOT_A_FILE),
        (lambda place: place.symlink_to("/dev/zero"), Kind.SOURCE_NOT_A_FILE),
        (lambda place: place.symlink_to("nowhere"), Kind.SOURCE_MISSING),
        (Path.mkdir, Kind.SOURCE_NOT_A_FILE),
        (Path.touch, Kind.SOURCE_EMPTY),
        (lambda _place: None, Kind.SOURCE_MISSING),
    ],
    ids=["pipe", "device", "dangling link", "folder", "empty", "gone"],
)
def test_what_is_no_source_is_refused_by_name_and_nothing_hangs_on_it(
    bench: Bench, make: Callable[[Path], object], kind: Kind
) -> None:
    bench.begin()
    place = bench.source.with_name("other.mkv")
    make(place)
    told = bench.live(bench.order(source=str(place)))

    assert (told.state, told.charged) == (State.DRAFT, Charged.NO), told
    assert told.kinds == [kind]
    assert told.bugs == []
    assert bench.sandbox.requests("POST", judge.SUBMIT) == []


@pytest.mark.parametrize("way", ["the name itself", "another way to it"])
def test_a_take_never_gets_the_name_of_its_source(bench: Bench, way: str) -> None:
    bench.begin()
    source = bench.source.with_suffix(".mp4")
    bench.source.rename(source)
    out = source
    if way != "the name itself":
        (source.parent / "way").symlink_to(source.parent)
        out = source.parent / "way" / source.name
    told = bench.live(bench.order(source=str(source), out=str(out)))
    source.rename(bench.source)

    assert list(judge.of_last(bench, told, sends=1)) == []
    assert Path(told.take) == out.with_name("film (2).mp4")
