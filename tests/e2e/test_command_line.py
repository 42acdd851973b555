"""The command line as another program uses it: lines, exit codes, one request, and nothing lost on the way."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from klingstudio.paths import paths
from klingstudio.studio import read_jobs
from tests.fakes.command_line import CommandLine, command_line, lines, until_state
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import KEY, a_clip, environ_of
from tests.fakes.wire import closed_port


@pytest.fixture
def run(home: Path, sandbox: Sandbox) -> Iterator[CommandLine]:
    # A key for one service only: the others are there and have none.
    with command_line(environ_of(home, sandbox, {"oxen": KEY})) as run:
        yield run


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return a_clip(tmp_path / "clip.mp4")


def posts(sandbox: Sandbox) -> int:
    return len(sandbox.requests("POST", "/api/ai/queue"))


def test_an_edit_prints_json_lines_and_ends_with_the_take(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    done = run("edit", str(clip), "--prompt", "deep snow", "--json")

    events = lines(done.stdout)
    assert done.returncode == 0, done.stderr
    assert {event["event"] for event in events} == {"state", "progress", "done"}
    states = [event["state"] for event in events if event["event"] == "state"]
    assert states[-6:] == ["submitting", "remote", "succeeded", "downloading", "verifying", "completed"]
    last = events[-1]
    assert last["state"] == "completed"
    assert Path(last["take"]).stat().st_size > 0
    assert last["charge"] == {"amount": "1.01", "currency": "USD"}
    assert last["error"] is None
    assert posts(sandbox) == 1


def test_without_json_standard_output_is_the_path_of_the_take(run: CommandLine, clip: Path, tmp_path: Path) -> None:
    done = run("edit", str(clip), "--prompt", "night", "--out", str(tmp_path / "out.mp4"))

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'out.mp4'}\n"
    assert "$1.01" in done.stderr


@pytest.mark.edits_take(4)
def test_a_process_that_is_killed_while_the_edit_runs_is_carried_on_by_resume(
    run: CommandLine, sandbox: Sandbox, clip: Path
) -> None:
    process = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    job = until_state(process, "remote")
    process.kill()
    process.wait()

    done = run("resume", "--json")

    last = lines(done.stdout)[-1]
    assert done.returncode == 0, done.stderr
    assert (last["job"], last["state"]) == (job, "completed")
    assert Path(last["take"]).exists()
    assert posts(sandbox) == 1
    assert len(sandbox.ledger()) == 1


def test_a_process_that_is_killed_with_the_request_out_never_sends_it_again(
    run: CommandLine, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "hang", "effect": True}])
    process = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    until_state(process, "submitting")
    deadline = time.monotonic() + 20
    while posts(sandbox) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()

    done = run("resume", "--json")

    assert lines(done.stdout)[-1]["state"] == "completed", done.stderr
    assert done.returncode == 0
    assert posts(sandbox) == 1


@pytest.mark.edits_take(4)
def test_an_interrupted_edit_is_kept_and_resumed(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    process = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    until_state(process, "remote")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert lines(out)[-1]["error"]["kind"] == "interrupted"
    assert "Traceback" not in err
    assert run("resume").returncode == 0
    assert posts(sandbox) == 1


def test_an_outcome_that_stays_unknown_is_left_to_the_person(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "submit", "kind": "reset_before"}])

    unknown = run("edit", str(clip), "--prompt", "deep snow", "--json")

    last = lines(unknown.stdout)[-1]
    assert unknown.returncode == 6
    assert (last["state"], last["error"]["kind"]) == ("unconfirmed", "submit_unconfirmed")
    assert f"resolve {last['job'][:8]}" in unknown.stderr
    assert posts(sandbox) == 1

    again = run("resolve", last["job"][:8], "again")
    assert again.returncode == 0, again.stderr
    assert posts(sandbox) == 2
    assert run("resolve", last["job"][:8], "again").returncode == 2


@pytest.mark.edits_take(6)
def test_jobs_are_listed_beside_a_running_studio(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    assert run("jobs", "--json").stdout == ""
    process = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    job = until_state(process, "remote")

    (listed,) = lines(run("jobs", "--json").stdout)

    assert set(listed) == {"job", "state", "provider", "take", "charge", "created"}
    assert (listed["job"], listed["state"], listed["provider"], listed["take"]) == (job, "remote", "oxen", None)
    busy = run("edit", str(clip), "--prompt", "x")
    assert busy.returncode == 2
    assert busy.stderr.count("\n") == 1
    process.communicate(timeout=60)
    assert "done" in run("jobs").stdout


@pytest.mark.edits_take(60)
def test_cancel_asks_the_provider_and_says_what_it_means(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    process = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    job = until_state(process, "remote")
    process.kill()
    process.wait()

    done = run("cancel", job)

    assert done.returncode == 0
    assert "charged" in done.stdout
    assert sandbox.requests("DELETE", "/api/ai/queue")


def test_a_dry_run_shows_the_exact_request_and_sends_nothing(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    done = run("edit", str(clip), "--prompt", "snow", "--drop-audio", "--dry-run", "--json")

    (plan,) = lines(done.stdout)
    assert done.returncode == 0, done.stderr
    assert (plan["event"], plan["provider"], plan["estimate"]) == (
        "plan",
        "oxen",
        {"amount": "1.01", "currency": "USD"},
    )
    assert plan["fit"]["unchanged"] is True
    assert plan["body"]["input_video"] == clip.as_uri()
    assert plan["body"]["keep_audio"] is False
    assert not sandbox.requests("PUT")
    assert not posts(sandbox)
    assert run("jobs", "--json").stdout == ""


def at_segmind(run: CommandLine, sandbox: Sandbox) -> CommandLine:
    """The same program with a service that does not take WebP."""
    run.environ |= {"KLINGSTUDIO_SEGMIND_URL": sandbox.at("segmind"), "SEGMIND_API_KEY": KEY}
    return run


def test_a_picture_in_a_format_that_the_service_does_not_take_is_converted(
    run: CommandLine, sandbox: Sandbox, clip: Path, tmp_path: Path, home: Path
) -> None:
    picture = tmp_path / "hat.webp"
    Image.new("RGB", (320, 320), (200, 40, 40)).save(picture)

    done = at_segmind(run, sandbox)(
        "edit", str(clip), "--prompt", "put on @Image1", "--image", str(picture), "--provider", "segmind", "--yes"
    )

    assert done.returncode == 0, done.stderr
    (job,) = read_jobs(paths({"KLINGSTUDIO_HOME": str(home)}))
    assert job.order is not None
    (url,) = json.loads(job.order.body)["image_urls"]
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as sent:
        assert sent.read(3) == b"\xff\xd8\xff", "a JPEG"
    assert picture.read_bytes()[8:12] == b"WEBP"


def test_a_picture_that_is_too_heavy_once_converted_is_refused_before_any_upload(
    run: CommandLine, sandbox: Sandbox, clip: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "noise.webp"
    noise = Image.effect_noise((1800, 1800), 200)
    Image.merge("RGBA", [noise, noise.rotate(90), noise.rotate(180), noise.rotate(270)]).save(picture, quality=30)
    assert picture.stat().st_size < 10_000_000

    done = at_segmind(run, sandbox)(
        "edit", str(clip), "--prompt", "put on @Image1", "--image", str(picture), "--provider", "segmind", "--yes"
    )

    assert done.returncode == 2, done.stderr
    assert "Image 1: " in done.stderr
    assert "the most is 10 MB" in done.stderr
    assert not sandbox.requests("POST")
    assert sandbox.ledger() == []


def test_a_trim_that_only_the_services_own_page_accepts_is_sent_as_it_is_and_warned_of(
    run: CommandLine, sandbox: Sandbox, tmp_path: Path, home: Path
) -> None:
    source = a_clip(tmp_path / "long.mp4", seconds=14.0)
    # Without credit the request ends with its answer.
    run.environ["OXEN_API_KEY"] = "broke-5ecret-key"

    done = run("edit", str(source), "--prompt", "night", "--trim", "1-12.5", "--yes")

    assert done.returncode == 4, done.stderr
    assert "11.5 s may be too long" in done.stderr
    assert posts(sandbox) == 1
    (job,) = read_jobs(paths({"KLINGSTUDIO_HOME": str(home)}))
    assert job.clip is not None
    assert abs(job.clip.duration_s - 11.5) < 0.05


def test_takes_of_one_order_are_each_waited_for_and_told(
    run: CommandLine, sandbox: Sandbox, clip: Path, tmp_path: Path
) -> None:
    done = run("edit", str(clip), "--prompt", "night", "--takes", "2", "--json", "--out", str(tmp_path))

    ends = [event for event in lines(done.stdout) if event["event"] == "done"]
    assert done.returncode == 0, done.stderr
    assert [end["state"] for end in ends] == ["completed", "completed"]
    assert len({end["job"] for end in ends}) == len({end["take"] for end in ends}) == 2
    assert posts(sandbox) == 1
    assert len(sandbox.ledger()) == 2


def _broken_files(folder: Path, clip: Path) -> dict[str, Path]:
    fifo = folder / "fifo.mp4"
    os.mkfifo(fifo)
    empty, text_file, cut = folder / "empty.mp4", folder / "text.mp4", folder / "cut.mp4"
    empty.touch()
    text_file.write_text("this is no film")
    cut.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    return {
        "missing": folder / "no such.mp4",
        "directory": folder,
        "fifo": fifo,
        "empty": empty,
        "text": text_file,
        "truncated": cut,
    }


def test_each_unusable_source_is_one_line_exit_2_and_nothing_sent(
    run: CommandLine, sandbox: Sandbox, clip: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()

    for name, path in _broken_files(broken, clip).items():
        done = run("edit", str(path), "--prompt", "snow", "--json")

        assert done.returncode == 2, (name, done.stderr)
        assert done.stderr.count("\n") == 1, (name, done.stderr)
        assert "Traceback" not in done.stderr
        assert lines(done.stdout)[-1]["event"] == "done"
    assert not sandbox.requests("PUT")
    assert not posts(sandbox)


@pytest.mark.parametrize("name", ["🏖 beach.mp4", 'a "quoted" one.mp4', "two\nlines.mp4", "-leading.mp4", "a%20b?#.mp4"])
def test_a_source_with_an_awkward_name_is_edited(run: CommandLine, clip: Path, tmp_path: Path, name: str) -> None:
    awkward = clip.rename(tmp_path / name)

    done = run("edit", str(awkward), "--prompt", "snow", "--dry-run", "--json")

    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)[0]["body"]["input_video"] == awkward.as_uri()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--prompt", ""], 2),
        (["--prompt", "x" * 2501], 2),
        (["--prompt", "like @Image1"], 2),
        (["--prompt", "snow", "--image", "missing.png"], 2),
        (["--prompt", "snow", "--image", "http://plain.example/x.png"], 2),
        (["--prompt", "snow", "--trim", "5"], 2),
        (["--prompt", "snow", "--trim", "0-99"], 2),
        (["--prompt", "snow", "--trim", "0-1"], 2),
        (["--prompt", "snow", "--takes", "9"], 2),
        (["--prompt", "snow", "--provider", "nobody"], 2),
        (["--prompt", "snow", "--max-cost", "lots"], 2),
        (["--prompt", "snow", "--max-cost", "0.10"], 5),
        (["--prompt", "snow", "--max-cost", "1.50", "--takes", "2"], 5),
        ([], 2),
    ],
)
def test_wrong_input_is_one_line_and_its_exit_code(
    run: CommandLine, sandbox: Sandbox, clip: Path, arguments: list[str], code: int
) -> None:
    done = run("edit", str(clip), *arguments)

    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert not sandbox.requests("PUT")
    assert not posts(sandbox)


def test_a_missing_key_and_a_refused_one_are_exit_3(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    del run.environ["OXEN_API_KEY"]
    missing = run("edit", str(clip), "--prompt", "snow")
    run.environ["OXEN_API_KEY"] = "refused-key"
    refused = run("edit", str(clip), "--prompt", "snow")

    assert (missing.returncode, refused.returncode) == (3, 3)
    assert "refused-key" not in refused.stderr
    assert not posts(sandbox)


@pytest.mark.parametrize("kind", ["html", "not_json"])
def test_a_captive_portal_is_not_taken_for_the_provider(
    run: CommandLine, sandbox: Sandbox, clip: Path, kind: str
) -> None:
    sandbox.faults([{"call": "authorize", "kind": kind, "times": 99}])

    done = run("edit", str(clip), "--prompt", "snow")

    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert not posts(sandbox)


def test_an_error_carries_the_providers_answer_and_whether_it_was_charged_but_no_key(
    run: CommandLine, sandbox: Sandbox, clip: Path
) -> None:
    run.environ["OXEN_API_KEY"] = "broke-5ecret-key"

    done = run("edit", str(clip), "--prompt", "snow", "--json")

    error = lines(done.stdout)[-1]["error"]
    assert done.returncode == 4, done.stderr
    assert (error["kind"], error["charged"]) == ("no_credit", "no")
    assert "credit" in error["raw"].lower()
    assert "5ecret" not in done.stdout + done.stderr
    assert "{" not in done.stderr, "one line for a person, without the answer as it came"


def test_a_provider_that_is_down_is_exit_7_and_the_job_is_kept(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    run.environ["KLINGSTUDIO_OXEN_URL"] = closed_port()
    down = run("edit", str(clip), "--prompt", "snow")

    assert down.returncode == 7, down.stderr
    assert "not charged" in down.stderr
    run.environ["KLINGSTUDIO_OXEN_URL"] = sandbox.url
    assert run("resume").returncode == 0
    assert posts(sandbox) == 1


def test_a_file_that_is_not_ours_in_the_place_of_the_journal_is_left_alone(run: CommandLine, home: Path) -> None:
    journal = home / "data" / "studio.sqlite3"
    journal.parent.mkdir(parents=True)
    journal.write_text("somebody's notes")

    for command in (["jobs"], ["resume"]):
        done = run(*command)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
    assert journal.read_text() == "somebody's notes"


def test_keys_are_read_from_standard_input_and_without_a_keychain_not_kept(run: CommandLine) -> None:
    del run.environ["OXEN_API_KEY"]

    kept = run("keys", "set", "oxen", said="my-key-from-stdin\n")

    assert kept.returncode == 3
    assert "The key was not kept" in kept.stderr
    assert "keychain" in kept.stderr
    assert "OXEN_API_KEY" in kept.stderr
    assert "my-key-from-stdin" not in kept.stdout + kept.stderr
    assert run("keys", "list").stdout.split("\t")[:2] == ["oxen", "none"]


def test_a_key_in_the_environment_is_listed_and_tested(run: CommandLine) -> None:
    assert run("keys", "list").stdout.startswith("oxen\tenvironment")
    tested = run("keys", "test", "oxen")
    assert tested.returncode == 0
    assert KEY not in tested.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["edit", "--help"], ["--version"]])
def test_help_is_help(run: CommandLine, arguments: list[str]) -> None:
    done = run(*arguments)

    assert done.returncode == 0
    assert "klingstudio" in done.stdout


def test_the_demo_runs_without_a_display_and_leaves_a_take(run: CommandLine, tmp_path: Path) -> None:
    run.environ.pop("DISPLAY", None)
    for name in ("KLINGSTUDIO_OXEN_URL", "OXEN_API_KEY"):
        del run.environ[name]

    done = run("demo", "--out", str(tmp_path / "takes"))

    assert done.returncode == 0, done.stderr
    (take,) = (tmp_path / "takes").iterdir()
    assert done.stdout == f"{take}\n"
    assert "no display" in done.stderr
