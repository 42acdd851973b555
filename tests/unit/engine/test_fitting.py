"""A fitted clip is made once, found again by what it was made from, and never in anybody's way."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import sys
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from klingstudio.domain.errors import DiskProblem, InputRefused, Kind
from klingstudio.domain.fit import plan_fit
from klingstudio.domain.job import Clip
from klingstudio.domain.media import FitPlan, Framing, Limits, Trim
from klingstudio.engine.fitting import Fits, taken
from klingstudio.media.probe import mark_source
from klingstudio.media.worker import MediaWorker, OnProgress
from tests.fakes.limits import SMALL as LIMITS
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio import FACTS
from tests.fakes.studio_run import Watch, a_request, a_studio
from tests.unit.media.made_clips import make_clip

PLAN = replace(plan_fit(replace(FACTS, duration_s=12.0), replace(LIMITS, side_max_px=1280)), steps=("shorter",))


class Copier(MediaWorker):
    """Makes its clips without a process: the source's bytes and a few more. Waits until it may, counts what it made."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.fails: InputRefused | None = None
        self.was_stopped = False

    async def fit(
        self, source: Path, plan: FitPlan, *, limits: Limits, keep_audio: bool, out: Path, on_progress: OnProgress
    ) -> Clip:
        self.made += 1
        on_progress(0.5)
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.was_stopped = True
            raise
        if self.fails is not None:
            raise self.fails
        if not plan.is_identity:
            out.write_bytes(source.read_bytes() + b"fitted")
        data = (source if plan.is_identity else out).read_bytes()
        return Clip(
            path=str(source if plan.is_identity else out),
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            duration_s=plan.duration_s,
            width_px=plan.width_px,
            height_px=plan.height_px,
            frame_count=25,
            is_source=plan.is_identity,
        )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "street.mkv"
    path.write_bytes(b"a clip")
    return path


@pytest.fixture
def copier() -> Copier:
    return Copier()


@pytest.fixture
async def fits(tmp_path: Path, copier: Copier) -> AsyncIterator[Fits]:
    fits = Fits(tmp_path / "fits", copier)
    fits.open()
    yield fits
    await fits.aclose()


async def fit(fits: Fits, source: Path, plan: FitPlan = PLAN, limits: Limits = LIMITS, **how: bool) -> Clip:
    return await fits.fit(source, plan, limits=limits, keep_audio=how.get("keep_audio", True))


async def fit_now(fits: Fits, source: Path, on_progress: OnProgress = lambda _: None) -> Clip:
    """Of a source that was read just before, so that nothing is waited for but the worker."""
    mark = mark_source(source)
    return await fits.fit(source, PLAN, limits=LIMITS, keep_audio=True, mark=mark, on_progress=on_progress)


def known(fits: Fits, source: Path, plan: FitPlan = PLAN) -> Path | None:
    return fits.known(source, plan, limits=LIMITS, keep_audio=True)


async def until_made(copier: Copier, count: int) -> None:
    while copier.made < count:
        await asyncio.sleep(0)


# -- the disk in the way ----------------------------------------------------------------------------------------------


async def test_no_clip_is_known_of_a_source_that_is_gone(fits: Fits, source: Path) -> None:
    await fit(fits, source)
    source.unlink()

    assert known(fits, source) is None


async def test_a_folder_that_cannot_be_made_is_a_problem_of_the_disk(tmp_path: Path, source: Path) -> None:
    (tmp_path / "blocked").touch()
    fits = Fits(tmp_path / "blocked" / "fits", Copier())
    fits.open()
    try:
        with pytest.raises(DiskProblem):
            await fit(fits, source)
    finally:
        await fits.aclose()


async def test_what_cannot_be_remembered_is_made_again_and_nothing_is_left(
    fits: Fits, source: Path, copier: Copier, tmp_path: Path
) -> None:
    (tmp_path / "fits" / "sources.json").mkdir(parents=True)

    first = await fit(fits, source)
    again = Fits(tmp_path / "fits", copier)
    again.open()
    assert known(again, source) is None
    second = await fit(again, source)
    await again.aclose()

    assert first == second
    assert not [path for path in (tmp_path / "fits").iterdir() if path.name.startswith("part-")]


async def test_a_clip_on_another_disk_is_copied(
    fits: Fits, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = await fit(fits, source)

    def refuse(original: Path, copy: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(original), None, str(copy))

    monkeypatch.setattr(os, "link", refuse)
    mine = taken(fitted, tmp_path / "mine.mp4")

    assert Path(mine.path).read_bytes() == Path(fitted.path).read_bytes()
    assert Path(mine.path).stat().st_nlink == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fits", "mine.mp4", source.name]


# -- once ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
async def test_a_real_clip_is_fitted_once_and_decodes(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "long ribbon.mkv", count=40, size=(400, 40), sound_s=1.6)
    before = source.read_bytes()
    worker = MediaWorker()
    fits = Fits(tmp_path / "fits", worker)
    plan = plan_fit(await worker.probe(source), LIMITS, Trim(start_s=0.2, end_s=0.8), Framing.PAD)
    told: list[float] = []

    first = await fits.fit(source, plan, limits=LIMITS, keep_audio=True, on_progress=told.append)
    written_ns = Path(first.path).stat().st_mtime_ns
    second = await fits.fit(source, plan, limits=LIMITS, keep_audio=True, on_progress=told.append)
    await fits.aclose()

    assert first == second
    assert (first.frame_count, first.width_px, first.height_px, first.is_source) == (15, 160, 64, False)
    assert (await worker.verify(Path(first.path), told.append)).frame_count == 15
    assert Path(first.path).stat().st_mtime_ns == written_ns
    assert source.read_bytes() == before


async def test_what_fits_already_is_the_source_itself_and_nothing_is_written(
    fits: Fits, source: Path, tmp_path: Path
) -> None:
    plan = replace(PLAN, is_identity=True, steps=())

    clip = await fit(fits, source, plan)

    assert (clip.path, clip.is_source) == (str(source), True)
    assert known(fits, source, plan) == source
    assert not list(tmp_path.glob("fits/*"))


async def test_the_same_content_is_the_same_source_whatever_it_is_called(
    fits: Fits, source: Path, copier: Copier, tmp_path: Path
) -> None:
    first = await fit(fits, source)
    copy = tmp_path / "copy.mkv"
    copy.write_bytes(source.read_bytes())

    assert (await fit(fits, copy)).path == first.path
    assert copier.made == 1


async def test_a_clip_is_made_anew_only_when_what_it_shows_would_change(
    fits: Fits, source: Path, copier: Copier
) -> None:
    first = await fit(fits, source)

    same = [
        await fit(fits, source, replace(PLAN, steps=("in other words",))),
        await fit(fits, source, limits=replace(LIMITS, prompt_max_chars=1)),
    ]
    others = [
        await fit(fits, source, replace(PLAN, start_s=0.04)),
        await fit(fits, source, replace(PLAN, end_s=0.92)),
        await fit(fits, source, replace(PLAN, picture_px=(1280, 100), framing=Framing.PAD)),
        await fit(fits, source, keep_audio=False),
        await fit(fits, source, limits=replace(LIMITS, clip_max_bytes=5_000)),
    ]

    assert {clip.path for clip in same} == {first.path}
    assert len({clip.path for clip in (first, *others)}) == 6
    assert copier.made == 6


async def test_a_source_with_other_content_gets_another_clip(fits: Fits, source: Path, copier: Copier) -> None:
    first = await fit(fits, source)
    source.write_bytes(b"another clip")

    assert known(fits, source) is None
    assert (await fit(fits, source)).path != first.path
    assert copier.made == 2


@pytest.mark.parametrize("damage", ["cut off", "removed", "forgotten", "written over"])
async def test_a_clip_that_was_tampered_with_is_made_again(
    damage: str, fits: Fits, source: Path, copier: Copier
) -> None:
    clip = Path((await fit(fits, source)).path)
    match damage:
        case "cut off":
            clip.write_bytes(clip.read_bytes()[:-1])
        case "removed":
            clip.unlink()
        case "forgotten":
            clip.with_suffix(".json").write_text("{")
        case _:
            clip.write_bytes(clip.read_bytes()[::-1])
            os.utime(clip, ns=(0, 0))

    assert known(fits, source) is None
    assert Path((await fit(fits, source)).path).read_bytes() == b"a clipfitted"
    assert copier.made == 2


# -- together --------------------------------------------------------------------------------------------------------


async def test_two_who_want_the_same_clip_at_once_wait_for_one_worker(fits: Fits, source: Path, copier: Copier) -> None:
    copier.may_end.clear()
    told: dict[str, list[float]] = {"window": [], "job": []}

    async with asyncio.TaskGroup() as group:
        both = [group.create_task(fit_now(fits, source, heard.append)) for heard in told.values()]
        await until_made(copier, 1)
        copier.may_end.set()

    assert both[0].result() == both[1].result()
    assert copier.made == 1
    assert told == {"window": [0.5], "job": [0.5]}


async def test_who_gives_up_does_not_stop_it_for_the_other_and_the_last_one_does(
    fits: Fits, source: Path, copier: Copier
) -> None:
    copier.may_end.clear()
    first, second = (asyncio.ensure_future(fit_now(fits, source)) for _ in range(2))
    await until_made(copier, 1)

    first.cancel()
    await asyncio.wait([first])
    stopped_early = copier.was_stopped
    second.cancel()
    await asyncio.wait([second])
    await fits.aclose()

    assert not stopped_early
    assert copier.was_stopped
    assert known(fits, source) is None


async def test_after_it_was_given_up_it_can_be_made_again(fits: Fits, source: Path, copier: Copier) -> None:
    copier.may_end.clear()
    given_up = asyncio.ensure_future(fit(fits, source))
    await until_made(copier, 1)
    given_up.cancel()
    await asyncio.wait([given_up])
    copier.may_end.set()

    clip = await fit(fits, source)

    assert Path(clip.path).exists()
    assert copier.made == 2


async def test_a_failure_reaches_everybody_and_the_next_one_tries_again(
    fits: Fits, source: Path, copier: Copier
) -> None:
    copier.fails = InputRefused(Kind.SOURCE_DAMAGED, subject="source")
    failed = await asyncio.gather(fit(fits, source), fit(fits, source), return_exceptions=True)
    copier.fails = None

    assert [type(error) for error in failed] == [InputRefused, InputRefused]
    assert (await fit(fits, source)).size_bytes == 12


async def test_a_source_that_changes_while_it_is_fitted_leaves_nothing_under_its_old_name(
    fits: Fits, source: Path, copier: Copier, tmp_path: Path
) -> None:
    copier.may_end.clear()
    fitting = asyncio.ensure_future(fit(fits, source))
    await until_made(copier, 1)
    source.write_bytes(b"something else")
    copier.may_end.set()

    with pytest.raises(InputRefused) as refused:
        await fitting

    assert refused.value.problem.kind is Kind.SOURCE_CHANGED
    assert not list(tmp_path.glob("fits/*.mp4"))


async def test_closing_ends_whoever_still_waits(fits: Fits, source: Path, copier: Copier) -> None:
    copier.may_end.clear()
    waiting = asyncio.ensure_future(fit(fits, source))
    await until_made(copier, 1)

    await fits.aclose()
    await asyncio.wait([waiting])

    assert waiting.cancelled()


# -- kept ------------------------------------------------------------------------------------------------------------


async def test_the_next_run_of_the_program_knows_the_clip_without_reading_the_source(
    fits: Fits, source: Path, copier: Copier, tmp_path: Path
) -> None:
    clip = await fit(fits, source)
    await fits.aclose()

    reborn = Fits(tmp_path / "fits", copier)
    reborn.open()

    assert known(reborn, source) == Path(clip.path)
    assert await fit(reborn, source) == clip
    assert copier.made == 1


async def test_what_was_used_longest_ago_goes_and_never_what_a_job_is_about_to_send(
    fits: Fits, copier: Copier, tmp_path: Path
) -> None:
    sources = [tmp_path / f"{n}.mkv" for n in range(4)]
    clips = []
    for n, source in enumerate(sources):
        source.write_bytes(bytes([n]) * 94)
        clips.append(await fit(fits, source))
        os.utime(Path(clips[n].path).with_suffix(".json"), ns=(n, n))
    taken(clips[0], tmp_path / "sent.mp4")
    # Looked at again, so it is the newest now.
    assert known(fits, sources[1])

    Fits(tmp_path / "fits", copier).open(most_bytes=200)

    assert [Path(clip.path).exists() for clip in clips] == [True, True, False, True]
    assert len(list(tmp_path.glob("fits/*.mp4"))) == 3


async def test_what_was_never_finished_is_removed_at_the_next_start(
    fits: Fits, source: Path, copier: Copier, tmp_path: Path
) -> None:
    clip = await fit(fits, source)
    for name in (".klingstudio-1234.mp4", "nobody-knows.mp4"):
        (tmp_path / "fits" / name).write_bytes(b"half")

    Fits(tmp_path / "fits", copier).open()

    assert list(tmp_path.glob("fits/*.mp4")) == [Path(clip.path)]
    assert not list(tmp_path.glob("fits/.klingstudio-*"))


async def test_a_clip_that_was_taken_and_the_kept_one_do_not_depend_on_each_other(
    fits: Fits, source: Path, tmp_path: Path
) -> None:
    kept = await fit(fits, source)
    out = tmp_path / "job.mp4"
    first = taken(kept, out)
    again = taken(kept, out)

    assert first == again == replace(kept, path=str(out))
    out.unlink()
    assert Path(kept.path).exists()
    taken(kept, out)
    Path(kept.path).unlink()
    assert out.read_bytes() == b"a clipfitted"


def served(url: str) -> bytes:
    """What lies at an address of the sandbox."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as reply:
        found: bytes = reply.read()
        return found


async def test_what_is_uploaded_is_the_clip_that_is_shown_before(home: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "street.mkv", count=75, size=(720, 720), sound_s=3.0)
    async with a_studio(home, sandbox) as studio:
        limits = studio.accounts.info("oxen").limits
        plan = plan_fit(await studio.media.probe(source), limits)
        shown = await studio.fits.fit(source, plan, limits=limits, keep_audio=True)
        (job,) = studio.queue.enqueue(a_request(source))
        job = await Watch(studio).until(job.id, lambda job: bool(job.assets))
        assert job.clip is not None
        uploaded = hashlib.sha256(await asyncio.to_thread(served, job.assets[0].url)).hexdigest()

    assert uploaded == shown.sha256 == job.clip.sha256 == hashlib.sha256(Path(shown.path).read_bytes()).hexdigest()
