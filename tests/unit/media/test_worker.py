from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from klingstudio.domain.errors import DiskProblem, InputRefused, Kind, StudioError
from klingstudio.domain.fit import plan_fit
from klingstudio.domain.media import Trim
from klingstudio.media.probe import mark_source
from klingstudio.media.worker import ALLOWANCES, Allowance, MediaWorker, worker_command, worker_environment
from tests.fakes.limits import SMALL as LIMITS
from tests.unit.media.made_clips import is_upright, make_clip, opened, picture

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")

BEGIN = "import json, os, signal, sys, time\ncommand = json.loads(sys.stdin.readline())\n"


@pytest.fixture
def scripted(tmp_path: Path) -> Callable[..., MediaWorker]:
    """A worker whose process runs a few lines of the test instead of the real ones."""

    def make(
        script: str, *, wall_s: float = 20.0, memory_bytes: int = 2**30, silence_s: float | None = None
    ) -> MediaWorker:
        path = tmp_path / "worker_script.py"
        path.write_text(BEGIN + script)
        allowance = Allowance(wall_s=wall_s, memory_bytes=memory_bytes, silence_s=silence_s)
        return MediaWorker([sys.executable, str(path)], dict.fromkeys(ALLOWANCES, allowance))

    return make


@pytest.fixture
def long_source(tmp_path: Path) -> Path:
    """Takes a few seconds to fit."""
    return make_clip(tmp_path / "long.mp4", count=45, size=(1280, 720), sound_s=1.8)


async def failure(call: object) -> StudioError:
    with pytest.raises(StudioError) as failed:
        await call  # type: ignore[misc]
    return failed.value


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".klingstudio-")]


# -- what it is for --------------------------------------------------------------------------------------------------


async def test_a_clip_is_measured_fitted_verified_and_shown(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "clip 🎬.mp4", count=40, sound_s=1.6, turn_deg=90)
    before = mark_source(source)
    worker = MediaWorker()
    told: list[float] = []

    plan = plan_fit(await worker.probe(source), LIMITS, Trim(start_s=0.2, end_s=0.8))
    clip = await worker.fit(
        source, plan, limits=LIMITS, keep_audio=True, out=tmp_path / "out.mp4", on_progress=told.append
    )
    facts = await worker.verify(Path(clip.path), told.append)
    poster = opened(await worker.poster(source, 0.4, 64))
    strip = [opened(png) for png in await worker.filmstrip(source, 3, 32)]
    times = await worker.frame_times(source)

    assert (clip.frame_count, clip.is_source) == (15, False)
    assert (facts.frame_count, facts.fps, facts.audio_codec) == (15, 25, "aac")
    assert times == pytest.approx([n / 25 for n in range(41)])
    assert is_upright(poster)
    assert [is_upright(one) for one in strip] == [True] * 3
    assert all(0 <= done <= 1 for done in told)
    assert mark_source(source) == before
    assert left_over(tmp_path) == []


async def test_a_source_that_fits_is_not_copied(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "fits.mp4")
    worker = MediaWorker()
    plan = plan_fit(await worker.probe(source), LIMITS)

    clip = await worker.fit(
        source, plan, limits=LIMITS, keep_audio=True, out=tmp_path / "out.mp4", on_progress=lambda _: None
    )

    assert (clip.path, clip.is_source, clip.sha256) == (str(source), True, mark_source(source).sha256)
    assert not (tmp_path / "out.mp4").exists()


async def test_a_picture_is_measured_and_cleaned(tmp_path: Path) -> None:
    picture(9, 320, 200).save(tmp_path / "plain.png")
    picture(9, 320, 200).save(tmp_path / "spoken.jpg", comment=b"somebody")
    worker = MediaWorker()

    facts = await worker.image(tmp_path / "plain.png")
    same = await worker.clean_image(tmp_path / "plain.png", tmp_path / "a.png", ["jpeg", "png"])
    clean = await worker.clean_image(tmp_path / "spoken.jpg", tmp_path / "b.jpg", ["jpeg", "png"])

    assert (facts.format, facts.width_px, facts.height_px) == ("png", 320, 200)
    assert same == tmp_path / "plain.png"
    assert clean == tmp_path / "b.jpg"
    assert b"somebody" not in clean.read_bytes()
    assert left_over(tmp_path) == []


async def test_bad_input_arrives_with_its_kind(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video " * 100)
    worker = MediaWorker()

    source = await failure(worker.probe(tmp_path / "text.mp4"))
    image = await failure(worker.image(tmp_path / "text.mp4"))
    take = await failure(worker.verify(tmp_path / "text.mp4", lambda _: None))

    assert isinstance(source, InputRefused)
    assert (source.problem.kind, source.problem.subject) == (Kind.SOURCE_NOT_VIDEO, "source")
    assert isinstance(image, InputRefused)
    assert image.problem.kind is Kind.IMAGE_WRONG_TYPE
    assert take.problem.kind is Kind.RESULT_DAMAGED


async def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")

    async with asyncio.timeout(10):
        refused = await failure(MediaWorker().probe(tmp_path / "pipe.mp4"))

    assert refused.problem.kind is Kind.SOURCE_NOT_A_FILE


async def test_many_calls_at_once_do_not_mix(tmp_path: Path) -> None:
    clips = [make_clip(tmp_path / f"{count}.mp4", count=count) for count in (3, 5, 7, 9)]
    worker = MediaWorker()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(worker.probe(clip)) for clip in clips]

    assert [task.result().frame_count for task in tasks] == [3, 5, 7, 9]


async def test_it_works_on_the_loop_of_the_window(qapp: object, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "clip.mp4", count=5)

    facts = await MediaWorker().probe(source)

    assert type(asyncio.get_running_loop()).__module__.startswith("qasync")
    assert facts.frame_count == 5


# -- what may happen to the process ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("os.abort()", "SIGABRT"),
        ("os._exit(3)", "code 3"),
        ("print('no json', flush=True)", "probe"),
        ("print('{\"other\": 1}', flush=True)", "no sense"),
        ("os.close(1); os._exit(0)", "code 0"),
        ("print('[' * 200_000, flush=True)", "without end"),
        ("print('{\"problem\": []}', flush=True)", "no sense"),
        ('print(\'{"problem": {"kind": "no such"}}\', flush=True)', "no sense"),
        ('print(\'{"result": {"fps": "1/0"}}\', flush=True)', "no sense"),
        ("print('{\"result\": 7}', flush=True)", "no sense"),
    ],
)
async def test_a_worker_that_crashes_is_reported(
    script: str, detail: str, scripted: Callable[..., MediaWorker], tmp_path: Path
) -> None:
    failed = await failure(scripted(script).probe(tmp_path / "any.mp4"))

    assert failed.problem.kind is Kind.MEDIA_WORKER_FAILED
    assert detail in failed.problem.detail


async def test_a_worker_that_hangs_is_ended_with_its_children(
    scripted: Callable[..., MediaWorker], tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    worker = scripted(
        f"child = os.fork()\nopen({str(note)!r}, 'a').write(f'{{os.getpid()}} ')\ntime.sleep(600)", wall_s=1.5
    )

    failed = await failure(worker.probe(tmp_path / "any.mp4"))

    assert failed.problem.kind is Kind.MEDIA_WORKER_FAILED
    assert "1.5 s" in failed.problem.detail
    pids = [int(word) for word in note.read_text().split()]
    assert len(pids) == 2
    assert_gone(pids)


async def test_a_worker_that_says_nothing_is_ended_long_before_its_time(
    scripted: Callable[..., MediaWorker], tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    script = f"open({str(note)!r}, 'w').write(str(os.getpid()))\nwhile True: pass"
    began = time.monotonic()

    failed = await failure(scripted(script, wall_s=60, silence_s=1.5).probe(tmp_path / "any.mp4"))

    assert failed.problem.kind is Kind.MEDIA_WORKER_FAILED
    assert "nothing heard" in failed.problem.detail
    assert time.monotonic() - began < 20
    assert_gone([int(note.read_text())])


async def test_a_worker_that_says_it_is_alive_has_all_its_time(
    scripted: Callable[..., MediaWorker], tmp_path: Path
) -> None:
    script = "while True:\n    print('{\"progress\": 0.0}', flush=True)\n    time.sleep(0.1)"

    failed = await failure(scripted(script, wall_s=4, silence_s=2).probe(tmp_path / "any.mp4"))

    assert "within 4 s" in failed.problem.detail


def test_only_calls_that_tell_how_far_they_are_must_not_be_silent() -> None:
    assert {do for do, allowance in ALLOWANCES.items() if allowance.silence_s} == {"probe", "verify"}
    assert all((allowance.silence_s or 0) < 20 for allowance in ALLOWANCES.values())


@pytest.mark.parametrize(
    "script",
    [
        "while True: os.write(1, bytes(1 << 20))",
        "while True: os.write(1, b'x' * (1 << 20))",
        "while True: os.write(1, b'{\"progress\": 0.5}\\n' * 1000)",
    ],
    ids=["zeros", "one-endless-line", "progress-without-end"],
)
async def test_a_worker_that_talks_without_end_costs_little_memory(
    script: str, scripted: Callable[..., MediaWorker], tmp_path: Path
) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    failed = await failure(scripted(script, wall_s=3).probe(tmp_path / "any.mp4"))

    assert failed.problem.kind is Kind.MEDIA_WORKER_FAILED
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 400 * 2**20


async def test_a_worker_without_end_leaves_nothing_running(
    scripted: Callable[..., MediaWorker], tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    script = (
        "for _ in range(3): os.fork()\n"
        f"open({str(note)!r}, 'a').write(f'{{os.getpid()}} ')\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "while True: time.sleep(0.01)"
    )

    await failure(scripted(script, wall_s=2).probe(tmp_path / "any.mp4"))

    pids = [int(word) for word in note.read_text().split()]
    assert len(pids) == 8
    assert_gone(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not enforce all of them")
async def test_the_limits_of_a_worker_are_in_force(scripted: Callable[..., MediaWorker], tmp_path: Path) -> None:
    note = tmp_path / "limits"
    script = (
        "import resource\nfrom klingstudio.media.child import restrain\nrestrain(**command['limits'])\n"
        "names = ('AS', 'CPU', 'CORE', 'NOFILE')\n"
        f"note = open({str(note)!r}, 'w')\n"
        "json.dump({name: resource.getrlimit(getattr(resource, 'RLIMIT_' + name)) for name in names}, note)\n"
        "note.close()\nfor n in range(1000): command[n] = open('/dev/null')\n"
    )

    await failure(scripted(script, wall_s=20, memory_bytes=2**30).probe(tmp_path / "any.mp4"))

    limits = json.loads(note.read_text())
    assert limits["AS"] == [2**30, 2**30]
    assert limits["CORE"] == [0, 0]
    assert limits["NOFILE"] == [128, 128]
    assert 20 <= limits["CPU"][1] <= 20 * 8


async def test_a_worker_that_eats_memory_is_reported(scripted: Callable[..., MediaWorker], tmp_path: Path) -> None:
    worker = scripted(
        "from klingstudio.media.child import restrain\n"
        "restrain(**command['limits'])\n"
        "hoard = [bytearray(64 * 2**20) for _ in range(10_000)]\n",
        memory_bytes=512 * 2**20,
    )

    failed = await failure(worker.probe(tmp_path / "any.mp4"))

    assert failed.problem.kind is Kind.MEDIA_WORKER_FAILED


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit memory")
async def test_a_take_that_needs_more_memory_than_allowed_is_not_called_damaged(tmp_path: Path) -> None:
    take = make_clip(tmp_path / "large.mp4", count=4, size=(3840, 2160))
    allowances = dict(ALLOWANCES) | {"verify": Allowance(wall_s=20, memory_bytes=200 * 2**20)}

    failed = await failure(MediaWorker(allowances=allowances).verify(take, lambda _: None))

    assert failed.problem.kind is Kind.MEDIA_WORKER_FAILED
    assert "memory" in failed.problem.detail


async def test_a_worker_that_burns_processor_time_is_ended(
    scripted: Callable[..., MediaWorker], tmp_path: Path
) -> None:
    worker = scripted(
        "from klingstudio.media.child import restrain\nrestrain(**command['limits'] | {'cpu_s': 1})\nwhile True: pass\n"
    )

    failed = await failure(worker.probe(tmp_path / "any.mp4"))

    assert failed.problem.kind is Kind.MEDIA_WORKER_FAILED
    assert "SIGKILL" in failed.problem.detail or "SIGXCPU" in failed.problem.detail


async def test_a_program_that_is_not_there_is_reported(tmp_path: Path) -> None:
    failed = await failure(MediaWorker([str(tmp_path / "no-python")]).probe(tmp_path / "any.mp4"))

    assert failed.problem.kind is Kind.MEDIA_WORKER_FAILED


async def test_a_disk_without_room_is_reported_and_nothing_stays(tmp_path: Path, long_source: Path) -> None:
    script = tmp_path / "full_disk.py"
    script.write_text(
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from klingstudio.media.child import main\n"
        "main()\n"
    )
    plan = plan_fit(await MediaWorker().probe(long_source), LIMITS)
    worker = MediaWorker([sys.executable, str(script)])

    failed = await failure(
        worker.fit(
            long_source, plan, limits=LIMITS, keep_audio=True, out=tmp_path / "out.mp4", on_progress=lambda _: None
        )
    )

    assert isinstance(failed, DiskProblem)
    assert failed.problem.kind is Kind.DISK_FULL
    assert not (tmp_path / "out.mp4").exists()
    assert left_over(tmp_path) == []


async def test_a_folder_that_is_gone_is_reported(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "clip.mp4", count=40)
    worker = MediaWorker()
    plan = plan_fit(await worker.probe(source), LIMITS)

    failed = await failure(
        worker.fit(
            source, plan, limits=LIMITS, keep_audio=True, out=tmp_path / "no" / "out.mp4", on_progress=lambda _: None
        )
    )

    assert failed.problem.kind is Kind.DISK_UNWRITABLE


# -- cancelling ------------------------------------------------------------------------------------------------------


async def test_cancelling_ends_the_worker_within_a_second_and_leaves_no_file(tmp_path: Path, long_source: Path) -> None:
    worker = MediaWorker()
    large = replace(LIMITS, side_max_px=1280)
    plan = plan_fit(await worker.probe(long_source), large)
    started = asyncio.Event()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            worker.fit(
                long_source,
                plan,
                limits=large,
                keep_audio=True,
                out=tmp_path / "out.mp4",
                on_progress=lambda _: started.set(),
            )
        )
        async with asyncio.timeout(20):
            await started.wait()
        cancelled_at = time.monotonic()
        task.cancel()

    assert task.cancelled()
    assert time.monotonic() - cancelled_at < 1.0
    assert not (tmp_path / "out.mp4").exists()
    assert left_over(tmp_path) == []


async def test_cancelling_a_hung_worker_ends_its_children_too(
    scripted: Callable[..., MediaWorker], tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    worker = scripted(
        f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.fork()\n"
        f"open({str(note)!r}, 'a').write(f'{{os.getpid()}} ')\n"
        "print('{\"progress\": 0.1}', flush=True)\ntime.sleep(600)"
    )
    running = asyncio.Event()
    told: list[float] = []

    def hear(done: float) -> None:
        told.append(done)
        if len(told) == 2:
            running.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(worker.verify(tmp_path / "any.mp4", hear))
        async with asyncio.timeout(20):
            await running.wait()
        task.cancel()

    assert_gone([int(word) for word in note.read_text().split()])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no death signal")
async def test_a_worker_dies_with_the_program_that_started_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    worker = tmp_path / "sleeper.py"
    worker.write_text(
        BEGIN + "from klingstudio.media.child import restrain\nrestrain(**command['limits'])\n"
        f"open({str(note)!r}, 'w').write(str(os.getpid()))\nprint('{{\"progress\": 0.1}}', flush=True)\ntime.sleep(600)\n"
    )
    program = tmp_path / "program.py"
    program.write_text(
        "import asyncio, os, signal, sys\nfrom pathlib import Path\n"
        "from klingstudio.media.worker import MediaWorker\n"
        f"worker = MediaWorker([sys.executable, {str(worker)!r}])\n"
        "die = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(worker.verify(Path('any.mp4'), die))\n"
    )

    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), env=worker_environment(os.environ), stdin=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(20):
        await process.wait()

    assert process.returncode == -signal.SIGKILL
    assert_gone([int(note.read_text())])


# -- what a worker learns --------------------------------------------------------------------------------------------


def test_a_worker_learns_no_key() -> None:
    seen = worker_environment(
        {
            "PATH": "/bin",
            "LC_ALL": "C.UTF-8",
            "FAL_KEY": "secret",
            "OXEN_API_KEY": "secret",
            "KLINGSTUDIO_FAL_URL": "http://127.0.0.1:1",
            "HTTPS_PROXY": "http://user:secret@127.0.0.1:1",
        }
    )

    assert "secret" not in str(seen)
    assert set(seen) == {"PATH", "LC_ALL", "PYTHONPATH", "MALLOC_ARENA_MAX"}


async def test_the_environment_of_a_running_worker_holds_no_key(
    scripted: Callable[..., MediaWorker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "seen"
    monkeypatch.setenv("FAL_KEY", "5ecret-of-nobody")
    monkeypatch.setenv("SOME_OTHER_VARIABLE", "5ecret-of-nobody")

    await failure(
        scripted(f"open({str(note)!r}, 'wb').write(open('/proc/self/environ', 'rb').read())").probe(
            tmp_path / "any.mp4"
        )
    )

    assert b"MALLOC_ARENA_MAX" in note.read_bytes()
    assert b"5ecret" not in note.read_bytes()


def test_the_command_runs_the_module_with_this_python() -> None:
    assert worker_command()[0] == sys.executable
    assert worker_command()[-1] == "klingstudio.media.child"


def assert_gone(pids: list[int]) -> None:
    """Killed processes may take a moment to disappear; orphans wait for init."""
    deadline = time.monotonic() + 3
    alive = pids
    while alive and time.monotonic() < deadline:
        alive = [pid for pid in alive if _runs(pid)]
        time.sleep(0.01)
    assert alive == []


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
