"""A source or clip that changes under the program's hands is not sent: what is uploaded is what was measured."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.errors import Kind
from klingstudio.domain.job import Job, SourceMark, State
from klingstudio.engine import prepare
from klingstudio.engine.course import Course
from klingstudio.media.probe import mark_source
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio


def rests(job: Job) -> bool:
    return not job.is_active


def posts(sandbox: Sandbox) -> int:
    return len(sandbox.requests("POST", "/api/ai/queue"))


def spoil(place: Path) -> None:
    """Change the last byte and nothing else."""
    with place.open("r+b") as handle:
        handle.seek(-1, os.SEEK_END)
        last = handle.read(1)
        handle.seek(-1, os.SEEK_END)
        handle.write(bytes([last[0] ^ 0xFF]))


async def test_a_source_that_another_program_still_writes_is_not_sent_and_can_be_tried_again(
    home: Path, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def written_meanwhile(path: Path) -> SourceMark:
        mark = mark_source(path)
        with path.open("ab") as handle:
            handle.write(b"more")
        monkeypatch.setattr(prepare, "mark_source", mark_source)
        return mark

    monkeypatch.setattr(prepare, "mark_source", written_meanwhile)
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(a_clip(tmp_path / "clip.mp4")))
        job = await watch.until(job.id, rests)
        assert job.state is State.DRAFT
        assert job.problem is not None
        assert (job.problem.kind, job.problem.subject) == (Kind.SOURCE_CHANGING, "source")
        assert sandbox.requests("PUT") == []

        studio.queue.carry_on(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED


async def test_a_fitted_clip_that_another_program_changes_is_not_sent(
    home: Path, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same length, so that only its content tells."""
    files = prepare._files

    async def changed_before(course: Course, pictures: Path) -> Any:
        spoil(Path(course.clip.path))
        return await files(course, pictures)

    monkeypatch.setattr(prepare, "_files", changed_before)
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(a_clip(tmp_path / "clip.mkv")))
        job = await watch.until(job.id, rests)

    assert job.state is State.DRAFT
    assert job.problem is not None
    assert job.problem.kind is Kind.SOURCE_CHANGED
    assert posts(sandbox) == 0


async def test_a_fitted_clip_that_changes_between_its_parts_is_not_sent(
    home: Path, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        upload_files = prepare._upload_files

        async def changed_meanwhile(course: Course, files: Any) -> Any:
            assets = await upload_files(course, files)
            spoil(Path(course.clip.path))
            return assets

        monkeypatch.setattr(prepare, "_upload_files", changed_meanwhile)
        (job,) = studio.queue.enqueue(a_request(a_clip(tmp_path / "clip.mkv")))
        job = await watch.until(job.id, rests)

    assert job.state is State.DRAFT
    assert job.problem is not None
    assert job.problem.kind is Kind.SOURCE_CHANGED
    assert posts(sandbox) == 0
