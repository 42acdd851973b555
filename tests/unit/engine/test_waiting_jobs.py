"""What changes on this computer while a job waits for the person is noticed before anything is uploaded or paid."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import PIL.Image
import pytest

from klingstudio.domain.element import Image
from klingstudio.domain.errors import Kind
from klingstudio.domain.job import Job, State
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return a_clip(tmp_path / "beach.mp4")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "fox.png"
    PIL.Image.linear_gradient("L").resize((400, 400)).convert("RGB").save(path)
    return path


def rests(job: Job) -> bool:
    return not job.is_active


async def waiting(home: Path, sandbox: Sandbox, request: object) -> Job:
    """A job that is prepared and waits for a key."""
    async with a_studio(home, sandbox, key={}) as studio:
        (job,) = studio.queue.enqueue(request)  # type: ignore[arg-type]
        job = await Watch(studio).until(job.id, rests)
    assert (job.state, job.problem and job.problem.kind) == (State.PREPARED, Kind.KEY_MISSING)
    return job


async def with_a_key(home: Path, sandbox: Sandbox, job: Job) -> Job:
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        studio.queue.carry_on(job.id)
        return await watch.until(job.id, rests)


def touched(clip: Path) -> None:
    os.utime(clip, (1, 1))


def longer(clip: Path) -> None:
    with clip.open("ab") as file:
        file.write(b"\0")


CHANGES: dict[str, tuple[Callable[[Path], None], Kind]] = {
    "removed": (Path.unlink, Kind.SOURCE_MISSING),
    "touched": (touched, Kind.SOURCE_CHANGED),
    "longer": (longer, Kind.SOURCE_CHANGED),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_source_that_changed_while_the_job_waited_is_not_sent(
    home: Path, sandbox: Sandbox, clip: Path, change: str
) -> None:
    does, kind = CHANGES[change]
    job = await waiting(home, sandbox, a_request(clip))
    does(clip)

    job = await with_a_key(home, sandbox, job)

    assert (job.state, job.problem and (job.problem.kind, job.problem.subject)) == (State.DRAFT, (kind, "source"))
    assert sandbox.requests("PUT") == []
    assert sandbox.ledger() == []


async def test_a_fitted_clip_that_somebody_removed_is_not_missed_at_the_provider(
    home: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    job = await waiting(home, sandbox, a_request(a_clip(tmp_path / "wide.mp4", side=500)))
    assert job.clip is not None
    assert not job.clip.is_source
    Path(job.clip.path).unlink()

    job = await with_a_key(home, sandbox, job)

    assert (job.state, job.problem and job.problem.kind) == (State.DRAFT, Kind.SOURCE_CHANGED)
    assert sandbox.ledger() == []


async def test_a_picture_that_is_spoiled_meanwhile_is_told_at_its_tile_and_one_of_the_web_is_named_as_it_is(
    home: Path, sandbox: Sandbox, clip: Path, picture: Path
) -> None:
    web = "https://web.example/fox.png"
    request = a_request(
        clip, prompt="Snow like @Image1 on @Image2", images=(Image(place=web), Image(place=str(picture)))
    )
    job = await waiting(home, sandbox, request)
    good = picture.read_bytes()
    picture.write_bytes(good[: len(good) // 2])

    job = await with_a_key(home, sandbox, job)

    assert job.problem is not None
    assert job.problem.subject == "image:2"
    assert sandbox.requests("PUT") == []
    picture.write_bytes(good)
    async with a_studio(home, sandbox) as studio:
        (again,) = studio.queue.enqueue(replace(request, out=None))
        again = await Watch(studio).until(again.id, lambda job: job.state is State.REMOTE)
        studio.queue.cancel(again.id)
    assert [asset.url for asset in again.assets][1] == web
    assert again.order is not None
    assert web in again.order.body
