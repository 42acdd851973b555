"""A job's way from click to take on a real studio, a real journal, a real worker and a real server that misbehaves."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from klingstudio.domain.element import Image
from klingstudio.domain.errors import Charged, InputRefused, Kind, StudioBusy
from klingstudio.domain.job import QUIET, Job, State
from klingstudio.domain.price import Money
from klingstudio.studio import Studio
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import KEY, Watch, a_clip, a_request, a_studio


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return a_clip(tmp_path / 'beach 🏖 "one".mp4')


def rests(job: Job) -> bool:
    return not job.is_active


def is_in(state: State) -> Any:
    return lambda job: job.state is state


def posts(sandbox: Sandbox) -> int:
    return len(sandbox.requests("POST", "/api/ai/queue"))


def net_charges(sandbox: Sandbox) -> Decimal:
    return sum((Decimal(str(row["amount"])) for row in sandbox.ledger()), Decimal(0))


async def test_a_clip_becomes_a_verified_take_for_one_request(home: Path, sandbox: Sandbox, clip: Path) -> None:
    before = (clip.read_bytes(), clip.stat().st_mtime_ns)
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert job.take is not None
    assert Path(job.take).name == "beach 🏖 one_deep_snow_v01.mp4"
    assert Path(job.take).stat().st_size > 1000
    assert job.charge == Money(Decimal("1.01"), "USD")
    assert posts(sandbox) == 1
    assert (clip.read_bytes(), clip.stat().st_mtime_ns) == before
    assert [p.name for p in Path(job.take).parent.iterdir()] == [Path(job.take).name]


async def test_a_fitting_source_is_sent_byte_for_byte(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await Watch(studio).until(job.id, is_in(State.REMOTE))

    (upload,) = sandbox.requests("PUT", "/api/repos")
    assert job.clip is not None
    assert job.clip.is_source
    assert upload["body_bytes"] > clip.stat().st_size


async def test_the_job_is_on_disk_before_anything_is_done_with_it(home: Path, sandbox: Sandbox, clip: Path) -> None:
    from klingstudio.paths import paths
    from klingstudio.studio import read_jobs

    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))

        assert [stored.id for stored in read_jobs(paths({"KLINGSTUDIO_HOME": str(home)}))] == [job.id]


@pytest.mark.parametrize("kind", ["reset_after", "drop_after", "not_json", "no_id"])
async def test_a_lost_answer_is_found_in_the_list_without_a_second_request(
    home: Path, sandbox: Sandbox, clip: Path, kind: str
) -> None:
    sandbox.faults([{"call": "submit", "kind": kind}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        lost = await watch.until(job.id, lambda job: job.state is State.UNCONFIRMED)
        assert lost.problem is not None
        assert lost.problem.charged is Charged.MAYBE
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 1
    assert net_charges(sandbox) == Decimal("1.01")


async def test_absence_from_the_list_never_leads_to_a_second_request(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "reset_before"}])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await Watch(studio).until(job.id, lambda job: job.looks >= 5)

        assert job.state is State.UNCONFIRMED
        assert posts(sandbox) == 1


async def test_send_again_needs_one_approval_for_one_request(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "reset_before"}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, lambda job: job.looks >= 1)

        studio.queue.send_again(job.id)
        with pytest.raises(InputRefused):
            studio.queue.send_again(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 2
    uploads = {request["path"] for request in sandbox.requests("HEAD", "/api/repos")}
    assert len(uploads) == 2, "each request has an address of its own"


async def test_a_dropped_job_rests_and_is_said_to_be_perhaps_charged(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "reset_before"}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, lambda job: job.state is State.UNCONFIRMED)

        studio.queue.drop(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.ABANDONED
    assert job.problem is not None
    assert job.problem.charged is Charged.MAYBE


async def test_an_id_that_the_person_found_carries_the_job_on(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "reset_after"}, {"call": "list", "kind": "list_empty", "times": 99}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, lambda job: job.looks >= 1)
        (charged,) = {row["generation_id"] for row in sandbox.ledger()}

        studio.queue.found(job.id, f" {charged} ")
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "code": 401}, Kind.KEY_REFUSED),
        ({"kind": "status", "code": 422}, Kind.REQUEST_REJECTED),
        ({"kind": "status", "code": 404}, Kind.REQUEST_REJECTED),
    ],
)
async def test_a_definite_no_ends_the_job_uncharged(
    home: Path, sandbox: Sandbox, clip: Path, fault: dict[str, Any], kind: Kind
) -> None:
    sandbox.faults([{"call": "submit"} | fault])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.REJECTED
    assert job.problem is not None
    assert (job.problem.kind, job.problem.charged) == (kind, Charged.NO)
    assert posts(sandbox) == 1


async def test_a_busy_provider_is_tried_three_times_and_then_waits_for_the_person(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "status", "code": 429, "times": 9}])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await Watch(studio).until(job.id, rests)

    assert (job.state, job.paused) == (State.READY, True)
    assert job.problem is not None
    assert job.problem.kind is Kind.PROVIDER_BUSY
    assert posts(sandbox) == 3
    assert sandbox.ledger() == []


@pytest.mark.parametrize("kind", ["html", "truncated", "unknown_status", "reset_before", "not_json"])
async def test_polls_that_make_no_sense_do_not_end_the_job(home: Path, sandbox: Sandbox, clip: Path, kind: str) -> None:
    sandbox.faults([{"call": "poll", "kind": kind, "times": 6}])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 1


@pytest.mark.parametrize("kind", ["half_file", "wrong_file", "expired_link", "no_length", "reset_before"])
async def test_a_result_that_arrives_badly_is_fetched_again(
    home: Path, sandbox: Sandbox, clip: Path, kind: str
) -> None:
    sandbox.faults([{"call": "result", "kind": kind}])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.COMPLETED
    assert job.take is not None
    assert [p.suffix for p in Path(job.take).parent.iterdir()] == [".mp4"]


async def test_a_result_that_stays_damaged_is_fetched_twice_kept_apart_and_waits_for_the_person(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "result", "kind": "half_file", "times": 99}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await watch.until(job.id, rests)

        assert (job.state, job.paused) == (State.SUCCEEDED, True)
        assert job.problem is not None
        assert (job.problem.kind, job.problem.charged) == (Kind.RESULT_DAMAGED, Charged.YES)
        (kept,) = studio.paths.damaged.iterdir()
        assert job.problem.detail.endswith(f"what came is kept as {kept}")
        assert kept.read_bytes()[4:8] == b"ftyp"
        assert list(studio.paths.takes.iterdir()) == []
        assert len([r for r in sandbox.requests("GET", "/api/repos") if r["call"] == "result"]) == 2

        sandbox.faults([])
        studio.queue.carry_on(job.id)
        assert (await watch.until(job.id, rests)).state is State.COMPLETED


async def test_a_link_that_stays_dead_is_kept_in_view_and_not_called_failed(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "result", "kind": "expired_link", "times": 999}])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await Watch(studio).until(job.id, is_in(State.RESULT_UNAVAILABLE))

    assert job.problem is not None
    assert (job.problem.kind, job.problem.charged) == (Kind.RESULT_GONE, Charged.YES)
    assert job.state not in QUIET


async def test_a_failed_edit_says_why_and_what_it_cost(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "fail_job", "message": "Face not found in @Image1"}])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.REMOTE_FAILED
    assert job.problem is not None
    assert "Face not found" in job.problem.detail
    assert job.problem.charged is Charged.NO


async def test_stopping_before_it_was_sent_costs_nothing_and_can_be_taken_back(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "upload", "kind": "slow", "seconds": 5}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, is_in(State.UPLOADING))
        studio.queue.cancel(job.id)
        stopped = studio.queue.job(job.id)
        assert (stopped.state, stopped.problem and stopped.problem.kind) == (State.DRAFT, Kind.STOPPED)
        assert posts(sandbox) == 0

        studio.queue.carry_on(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 1


async def test_cancelling_at_the_provider_ends_as_the_provider_says(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, is_in(State.REMOTE))
        studio.queue.cancel(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.REMOTE_CANCELLED
    assert len(sandbox.requests("DELETE", "/api/ai/queue")) >= 1


async def test_several_edits_at_once_are_several_takes(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        jobs = [*studio.queue.enqueue(a_request(clip)), *studio.queue.enqueue(a_request(clip))]
        ended = [await watch.until(job.id, rests) for job in jobs]

    assert [job.state for job in ended] == [State.COMPLETED] * 2
    assert len({job.take for job in ended}) == 2
    assert posts(sandbox) == 2


async def test_where_a_request_makes_one_take_several_takes_are_several_jobs(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        single = next(info for info in studio.accounts.services() if info.takes_per_order == 1)
        jobs = studio.queue.enqueue(a_request(clip, provider=single.id), takes=3)

        assert [job.request.takes for job in jobs] == [1, 1, 1]


async def test_a_take_never_replaces_a_file_that_is_there(home: Path, sandbox: Sandbox, clip: Path) -> None:
    mine = clip.parent / "mine.mp4"
    mine.write_text("precious")
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip, out=str(mine)))
        job = await Watch(studio).until(job.id, rests)

    assert mine.read_text() == "precious"
    assert job.take == str(clip.parent / "mine (2).mp4")


async def test_a_price_above_the_cap_is_refused_before_anything_is_sent(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip, max_cost=Decimal("0.50")))
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.DRAFT
    assert job.problem is not None
    assert job.problem.kind is Kind.OVER_MAX_COST
    assert sandbox.requests("PUT") == []


async def test_a_source_that_changes_during_the_upload_is_not_sent(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "upload", "kind": "slow", "seconds": 1}])
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(a_request(clip))
        await watch.until(job.id, is_in(State.UPLOADING))
        with clip.open("ab") as handle:
            handle.write(b"more")
        job = await watch.until(job.id, rests)

    assert job.state is State.DRAFT
    assert job.problem is not None
    assert job.problem.kind is Kind.SOURCE_CHANGED
    assert posts(sandbox) == 0


async def test_quitting_while_the_edit_runs_and_starting_again_brings_the_take(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, is_in(State.REMOTE))

    async with a_studio(home, sandbox) as studio:
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.COMPLETED
    assert posts(sandbox) == 1


async def test_what_was_not_sent_waits_for_the_person_after_a_restart(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "upload", "kind": "slow", "seconds": 5}])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, is_in(State.UPLOADING))

    async with a_studio(home, sandbox) as studio:
        waiting = studio.queue.job(job.id)
        assert (waiting.state, waiting.paused) == (State.PREPARED, True)
        assert posts(sandbox) == 0

        studio.queue.carry_on(job.id)
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.COMPLETED


async def test_quitting_waits_for_an_answer_that_is_on_its_way(home: Path, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "slow", "seconds": 1}])
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, is_in(State.SUBMITTING))
        queue = studio.queue

    assert queue.job(job.id).state is State.REMOTE


async def test_a_job_of_another_account_waits_for_its_own_key(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, is_in(State.REMOTE))

    async with a_studio(home, sandbox, key="key-of-somebody") as studio:
        waiting = await Watch(studio).until(job.id, lambda job: job.paused)

    assert waiting.state is State.REMOTE
    assert waiting.problem is not None
    assert waiting.problem.kind is Kind.OTHER_ACCOUNT
    async with a_studio(home, sandbox) as studio:
        assert (await Watch(studio).until(job.id, rests)).state is State.COMPLETED


async def test_a_second_studio_on_the_same_folder_is_refused(home: Path, sandbox: Sandbox) -> None:
    async with a_studio(home, sandbox):
        with pytest.raises(StudioBusy):
            async with a_studio(home, sandbox):
                pass


async def test_the_key_is_nowhere_on_disk_and_goes_to_nobody_but_the_provider(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, rests)

    written = [path for path in home.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    with_key = {r["path"].split("?")[0] for r in sandbox.requests() if KEY in r["headers"].get("authorization", "")}
    results = [r for r in sandbox.requests("GET", "/api/repos") if "signature" in str(r.get("query", ""))]
    assert with_key
    assert results
    assert all("authorization" not in r["headers"] for r in results)


async def test_a_queue_with_work_closes_without_leaving_anything_running(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox) as studio:
        studio.queue.enqueue(a_request(clip), takes=4)
        await asyncio.sleep(0.2)

    names = {task.get_name() for task in asyncio.all_tasks()} - {asyncio.current_task().get_name()}  # type: ignore[union-attr]
    assert not {name for name in names if len(name) == 32}


async def test_what_an_ended_program_left_in_the_work_folder_is_removed(home: Path, sandbox: Sandbox) -> None:
    work = home / "cache" / "work"
    work.mkdir(parents=True)
    (work / ".klingstudio-abc").write_bytes(b"half a clip")

    async with a_studio(home, sandbox):
        assert list(work.iterdir()) == []


async def test_two_jobs_of_one_clip_fit_it_once_and_each_removes_only_its_own_copy(
    home: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    small = a_clip(tmp_path / "small.mp4", side=320)
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        jobs = [*studio.queue.enqueue(a_request(small)), *studio.queue.enqueue(a_request(small))]
        done = [await watch.until(job.id, rests, limit_s=90) for job in jobs]

    kept = list((home / "cache" / "fits").glob("*.mp4"))
    assert [job.state for job in done] == [State.COMPLETED] * 2
    assert [job.clip.is_source for job in done if job.clip] == [False, False]
    assert len({job.clip.path for job in done if job.clip}) == 2
    assert list((home / "cache" / "work").iterdir()) == []
    assert len(kept) == 1
    assert {job.clip.size_bytes for job in done if job.clip} == {kept[0].stat().st_size}


async def test_frames_stay_as_long_as_a_job_speaks_of_them(home: Path, sandbox: Sandbox, clip: Path) -> None:
    used, unused = (home / "data" / "frames" / name / "clip 00-01.00 before.png" for name in ("a", "b"))
    for frame in (used, unused):
        frame.parent.mkdir(parents=True)
        PIL.Image.new("RGB", (400, 400)).save(frame)

    async with a_studio(home, sandbox) as studio:
        studio.queue.enqueue(a_request(clip, images=(Image(place=str(used)),), prompt="like @Image1"))
        assert unused.exists()

    assert used.exists()
    assert not unused.parent.exists()


async def test_two_who_need_a_provider_at_once_get_the_same_one(home: Path, sandbox: Sandbox) -> None:
    async with a_studio(home, sandbox) as studio:
        first, second = await asyncio.gather(studio.accounts.provider("oxen"), studio.accounts.provider("oxen"))

        assert first is second


async def test_unknown_and_ambiguous_job_names_are_refused(home: Path, sandbox: Sandbox) -> None:
    async with a_studio(home, sandbox) as studio:
        assert isinstance(studio, Studio)
        for name in ("", "nothing"):
            with pytest.raises(InputRefused):
                studio.queue.job(name)
