"""A take gets its name only when it is whole, keeps its name when the commit was lost, and never takes another's."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.domain.errors import DiskProblem, Kind
from klingstudio.domain.job import Job, State
from klingstudio.domain.request import Request
from klingstudio.engine.finish import HELD_WAITS_S, NAME_MAX_BYTES, Finish, clean_name, is_take, sweep
from klingstudio.media.worker import MediaWorker
from klingstudio.net.download import no_credentials
from tests.fakes.wire import Wire, reply

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def a_job(**request: str) -> Job:
    values = {"source": "/films/Beach day.mov", "prompt": "Deep snow like @Image1, please!", "provider": "p"} | request
    return Job(id="7f", state=State.SUCCEEDED, request=Request(**values), created_at=NOW, updated_at=NOW)  # type: ignore[arg-type]


def a_finish(job: Job, takes: Path) -> Finish:
    return Finish(job, folders=[takes], media=MediaWorker(), allow_loopback=False)


async def test_the_name_tells_source_and_wish(tmp_path: Path) -> None:
    (tmp_path / "7f.part").write_bytes(b"film")

    name, digest = await a_finish(a_job(), tmp_path).plan_name()

    assert name == tmp_path / "Beach day_deep_snow_like_v01.mp4"
    assert digest == sha256(b"film").hexdigest()


async def test_the_next_take_of_the_same_name_gets_the_next_number(tmp_path: Path) -> None:
    (tmp_path / "7f.part").write_bytes(b"film")
    for number in (1, 2):
        (tmp_path / f"Beach day_deep_snow_like_v0{number}.mp4").touch()

    name, _ = await a_finish(a_job(), tmp_path).plan_name()

    assert name.name == "Beach day_deep_snow_like_v03.mp4"


async def test_a_name_that_was_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "7f.part").write_bytes(b"film")
    finish = a_finish(a_job(), tmp_path)
    planned, _ = await finish.plan_name()
    planned.write_bytes(b"somebody else's")

    assert not await finish.keep(planned)

    assert planned.read_bytes() == b"somebody else's"
    free, _ = await finish.plan_name()
    assert free.name.endswith("_v02.mp4")
    assert await finish.keep(free)
    assert free.read_bytes() == b"film"
    assert not (tmp_path / "7f.part").exists()


async def test_a_take_whose_commit_was_lost_is_recognised_by_its_content(tmp_path: Path) -> None:
    take = tmp_path / "take.mp4"
    take.write_bytes(b"film")
    job = replace(a_job(), planned_take=str(take), take_sha256=sha256(b"film").hexdigest())

    assert await a_finish(job, tmp_path).adopt() == take


async def test_an_adopted_take_leaves_no_part_behind(tmp_path: Path) -> None:
    take = tmp_path / "take.mp4"
    take.write_bytes(b"film")
    (tmp_path / "7f.part").hardlink_to(take)
    job = replace(a_job(), planned_take=str(take), take_sha256=sha256(b"film").hexdigest())

    assert await a_finish(job, tmp_path).adopt() == take

    assert list(tmp_path.iterdir()) == [take]


@pytest.mark.parametrize("content", [b"another film", b""])
async def test_another_file_under_that_name_is_not_adopted(tmp_path: Path, content: bytes) -> None:
    take = tmp_path / "take.mp4"
    take.write_bytes(content)
    job = replace(a_job(), planned_take=str(take), take_sha256=sha256(b"film").hexdigest())

    assert await a_finish(job, tmp_path).adopt() is None
    assert await a_finish(replace(job, planned_take=str(tmp_path / "gone.mp4")), tmp_path).adopt() is None


async def test_a_part_counts_as_whole_only_without_its_mark(tmp_path: Path) -> None:
    finish = a_finish(a_job(), tmp_path)
    part, mark = tmp_path / "7f.part", tmp_path / "7f.part.json"

    assert not await finish.is_downloaded()
    part.write_bytes(b"film")
    mark.write_text("{}")
    assert not await finish.is_downloaded()
    mark.unlink()
    assert await finish.is_downloaded()
    finish.discard()
    assert not await finish.is_downloaded()


@given(st.text(max_size=300))
def test_a_cleaned_name_is_safe_everywhere(text: str) -> None:
    name = clean_name(text)

    assert not set(name) & set('<>:"/\\|?*\0\n\r\t\u202e')
    assert len(name.encode()) <= NAME_MAX_BYTES
    assert name == name.strip(" .-_")


# ------------------------------------------------------------------------------------- disks and programs in the way


def held() -> PermissionError:
    """What Windows answers while a scanner has the file open."""
    error = PermissionError(errno.EACCES, "the process cannot access the file")
    error.winerror = 32  # type: ignore[attr-defined, unused-ignore]
    return error


def refusing(monkeypatch: pytest.MonkeyPatch, error: OSError, times: int) -> list[str]:
    """Names are given only after so many refusals; the answer grows by one for each try."""
    tries: list[str] = []
    link = os.link

    def refuse(src: Path, dst: Path) -> None:
        tries.append(str(dst))
        if len(tries) <= times:
            raise error
        link(src, dst)

    monkeypatch.setattr(os, "link", refuse)
    return tries


async def test_a_name_that_a_scanner_keeps_from_being_given_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "7f.part").write_bytes(b"film")
    tries = refusing(monkeypatch, held(), 3)
    finish = a_finish(a_job(), tmp_path)
    planned, _ = await finish.plan_name()

    assert await finish.keep(planned)

    assert len(tries) == 4
    assert list(tmp_path.iterdir()) == [planned]


async def test_after_a_few_seconds_the_part_stays_and_the_person_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sum(HELD_WAITS_S) == pytest.approx(2.5)
    monkeypatch.setattr("klingstudio.engine.finish.HELD_WAITS_S", (0.01, 0.01))
    (tmp_path / "7f.part").write_bytes(b"film")
    tries = refusing(monkeypatch, held(), 99)
    finish = a_finish(a_job(), tmp_path)
    planned, _ = await finish.plan_name()

    with pytest.raises(DiskProblem) as refused:
        await finish.keep(planned)

    assert refused.value.problem.kind is Kind.DISK_UNWRITABLE
    assert len(tries) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["7f.part"]


async def test_a_folder_that_forbids_it_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "7f.part").write_bytes(b"film")
    tries = refusing(monkeypatch, PermissionError(errno.EACCES, "no"), 99)
    finish = a_finish(a_job(), tmp_path)
    planned, _ = await finish.plan_name()

    with pytest.raises(DiskProblem):
        await finish.keep(planned)

    assert len(tries) == 1


async def test_on_a_disk_without_second_names_no_file_is_overwritten_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "7f.part").write_bytes(b"film")
    refusing(monkeypatch, PermissionError(errno.EPERM, "no hard links here"), 99)
    finish = a_finish(a_job(), tmp_path)
    planned, _ = await finish.plan_name()
    planned.write_bytes(b"somebody else's")

    assert not await finish.keep(planned)
    assert planned.read_bytes() == b"somebody else's"

    free, _ = await finish.plan_name()
    assert await finish.keep(free)
    assert free.read_bytes() == b"film"


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be synced there")
async def test_a_name_that_an_earlier_run_gave_is_on_the_disk_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = tmp_path / "take.mp4"
    take.write_bytes(b"film")
    job = replace(a_job(), planned_take=str(take), take_sha256=sha256(b"film").hexdigest())
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))

    assert await a_finish(job, tmp_path).adopt() == take

    assert synced == [tmp_path.stat().st_ino]


async def test_a_part_that_cannot_be_removed_does_not_undo_a_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "7f.part").write_bytes(b"film")
    finish = a_finish(a_job(), tmp_path)
    planned, _ = await finish.plan_name()

    def refuse(_path: Path) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "unlink", refuse)

    assert await finish.keep(planned)
    assert planned.read_bytes() == b"film"


async def test_what_was_fetched_whole_moves_on_to_the_next_folder(tmp_path: Path) -> None:
    wanted, own = tmp_path / "stick", tmp_path / "own"
    wanted.mkdir()
    (wanted / "7f.part").write_bytes(b"film")
    finish = Finish(a_job(out=str(wanted)), folders=[own], media=MediaWorker(), allow_loopback=False)

    assert await finish.fall_back(DiskProblem(Kind.DISK_UNWRITABLE, "the stick is read-only"))
    assert await finish.is_downloaded()
    planned, _ = await finish.plan_name()
    assert await finish.keep(planned)

    assert planned.parent == own
    assert planned.read_bytes() == b"film"
    told = finish.told_of(planned)
    assert told is not None
    assert told.kind is Kind.TAKE_ELSEWHERE
    assert list(wanted.iterdir()) == []


async def test_a_full_disk_is_no_reason_for_another_folder(tmp_path: Path) -> None:
    finish = Finish(a_job(out=str(tmp_path / "a")), folders=[tmp_path], media=MediaWorker(), allow_loopback=False)

    assert not await finish.fall_back(DiskProblem(Kind.DISK_FULL, "no room"))
    assert finish.told_of(tmp_path / "a" / "take.mp4") is None


async def test_the_longest_name_a_disk_takes_can_be_numbered(tmp_path: Path) -> None:
    out = tmp_path / f"{'ä' * 125}x.mp4"
    assert len(out.name.encode()) == 255
    out.write_bytes(b"somebody else's")
    finish = a_finish(a_job(out=str(out)), tmp_path)
    (tmp_path / "7f.part").write_bytes(b"film")
    planned, _ = await finish.plan_name()

    assert await finish.keep(planned)

    assert len(planned.name.encode()) <= 255
    assert planned.name.endswith(" (2).mp4")


def test_parts_that_nobody_goes_on_with_are_swept(tmp_path: Path) -> None:
    week = 7 * 24 * 3600
    going_on, ended, unknown, young = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)
    jobs = [
        replace(a_job(), id=going_on, state=State.SUCCEEDED),
        replace(a_job(), id=ended, state=State.COMPLETED),
    ]
    for name in (going_on, ended, unknown, young):
        (tmp_path / f"{name}.part").write_bytes(b"film")
        (tmp_path / f"{name}.part.json").write_text("{}")
    for name in ("mine.part", f"{'e' * 32}.mp4", f"{'f' * 31}.part"):
        (tmp_path / name).write_bytes(b"somebody else's")
    now = (tmp_path / f"{unknown}.part").stat().st_mtime
    for path in (tmp_path / f"{young}.part", tmp_path / f"{young}.part.json"):
        os.utime(path, (now + week, now + week))

    sweep(tmp_path, jobs, now + week + 60)

    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {
        *(f"{name}.part{end}" for name in (going_on, young) for end in ("", ".json")),
        *("mine.part", f"{'e' * 32}.mp4", f"{'f' * 31}.part"),
    }
    sweep(tmp_path / "gone", jobs, now)


async def test_a_take_is_known_again_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "moved.mp4").write_bytes(b"film")
    (tmp_path / "another.mp4").write_bytes(b"another")
    job = replace(a_job(), take_sha256=sha256(b"film").hexdigest())

    assert await is_take(job, tmp_path / "moved.mp4")
    assert not await is_take(job, tmp_path / "another.mp4")
    with pytest.raises(DiskProblem):
        await is_take(job, tmp_path / "gone.mp4")


async def test_a_part_that_went_with_its_disk_is_a_problem_of_the_disk(tmp_path: Path) -> None:
    finish = a_finish(a_job(), tmp_path / "stick")

    with pytest.raises(DiskProblem):
        await finish.plan_name()
    with pytest.raises(DiskProblem):
        await is_take(replace(a_job(), take_sha256="0" * 64), tmp_path / "stick" / "take.mp4")


async def test_something_that_is_no_file_in_the_place_of_the_part_is_a_problem_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "7f.part").mkdir()
    async with Wire(reply(200, b"\0\0\0\x20ftypisom")) as wire:
        finish = Finish(a_job(), folders=[tmp_path], media=MediaWorker(), allow_loopback=True)
        with pytest.raises(DiskProblem):
            await finish.download(wire.url, lambda fraction: None, no_credentials)
