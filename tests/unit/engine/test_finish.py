"""A take gets its name only when it is whole, keeps its name when the commit was lost, and never takes another's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.domain.job import Job, State
from klingstudio.domain.request import Request
from klingstudio.engine.finish import NAME_MAX_BYTES, Finish, clean_name
from klingstudio.media.worker import MediaWorker

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def a_job(**request: str) -> Job:
    values = {"source": "/films/Beach day.mov", "prompt": "Deep snow like @Image1, please!", "provider": "p"} | request
    return Job(id="7f", state=State.SUCCEEDED, request=Request(**values), created_at=NOW, updated_at=NOW)  # type: ignore[arg-type]


def a_finish(job: Job, takes: Path) -> Finish:
    return Finish(job, takes=takes, media=MediaWorker(), allow_loopback=False)


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
