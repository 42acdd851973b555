"""The command line under rough handling: signals, closed pipes, names that are no text, a full output. No traceback, ever."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.command_line import CommandLine, command_line, until_state
from tests.fakes.sandbox import ROOT, Sandbox
from tests.fakes.studio_run import KEY, a_clip, environ_of


@pytest.fixture
def run(home: Path, sandbox: Sandbox) -> Iterator[CommandLine]:
    with command_line(environ_of(home, sandbox, {"oxen": KEY})) as run:
        yield run


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


def posts(sandbox: Sandbox) -> int:
    return len(sandbox.requests("POST", "/api/ai/queue"))


def test_a_reader_that_goes_away_leaves_the_job_to_resume(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "poll", "kind": "slow", "seconds": 1, "times": 3}])
    process = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    until_state(process, "submitting")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()

    assert process.wait(30) == 130
    assert process.stderr.read() == ""
    assert run("resume").returncode == 0
    assert posts(sandbox) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_cannot_be_written_is_one_line(run: CommandLine) -> None:
    with Path("/dev/full").open("w") as full:
        done = run("jobs", stdout=full)

    assert done.returncode == 130
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_with_its_streams_closed_it_still_works(run: CommandLine, home: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m klingstudio jobs --json 0<&- 1>&- 2>&-"],
        cwd=ROOT,
        env=run.environ,
        timeout=30,
        check=False,
    )

    assert done.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_s", [0.1, 0.3, 0.5])
def test_a_signal_while_it_starts_is_an_interruption(
    run: CommandLine, sandbox: Sandbox, clip: Path, number: signal.Signals, after_s: float
) -> None:
    process = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    time.sleep(after_s)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)

    # Before a line of ours has run, the signal does what it does to every program.
    assert process.returncode in {130, -number}, err
    assert process.returncode == -number or "Traceback" not in err
    if process.returncode == 130 and out:
        last = json.loads(out.splitlines()[-1])
        assert (last["event"], last["error"]["kind"]) == ("done", "interrupted")
    assert posts(sandbox) <= 1


@pytest.mark.parametrize("state", ["uploading", "submitting", "downloading"])
def test_a_termination_in_any_phase_ends_with_one_line_and_is_resumed(
    run: CommandLine, sandbox: Sandbox, clip: Path, state: str
) -> None:
    sandbox.faults(
        [
            {"call": "upload", "kind": "slow", "seconds": 0.5},
            {"call": "submit", "kind": "slow", "seconds": 1},
            {"call": "result", "kind": "slow", "seconds": 1},
        ]
    )
    process = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    job = until_state(process, state)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert err.count("\n") == 1, err
    last = json.loads(out.splitlines()[-1])
    assert (last["event"], last["job"], last["error"]["kind"]) == ("done", job, "interrupted")
    is_sent = state in {"submitting", "downloading"}
    assert ("may have been charged" in last["error"]["message"]) == is_sent
    resumed = run("resume", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert posts(sandbox) == 1


def test_names_and_words_that_are_no_text_are_refused_in_one_line(
    run: CommandLine, sandbox: Sandbox, clip: Path, tmp_path: Path
) -> None:
    odd = os.fsencode(tmp_path) + b"/b\xffd.mp4"
    try:
        Path(os.fsdecode(odd)).write_bytes(clip.read_bytes())
    except OSError:
        pytest.skip("this file system takes text only")

    for arguments in ((odd, b"--prompt", b"snow"), (str(clip), b"--prompt", b"sn\xffw")):
        for more in ((), ("--json",), ("--json", "--dry-run")):
            done = run("edit", *arguments, *more)
            assert done.returncode == 2, done.stderr
            assert done.stderr.count("\n") == 1, done.stderr
            assert not more or json.loads(done.stdout)["event"] == "done"
    assert run("edit", odd + b".none", b"--prompt", b"snow").returncode == 2
    assert run("jobs", "--json").stdout == ""
    assert not sandbox.requests("PUT")


def test_a_key_that_is_no_text_is_refused(run: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00key\n")
    with (tmp_path / "key").open("rb") as key:
        done = run("keys", "set", "oxen", stdin=key)

    assert done.returncode == 3
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_names_are_printed_in_every_locale(run: CommandLine, clip: Path, tmp_path: Path, locale: str) -> None:
    run.environ |= {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "latin-1"}
    named = tmp_path / "\N{BEACH WITH UMBRELLA}.mp4"
    named.write_bytes(clip.read_bytes())

    done = run("edit", str(named), "--prompt", "snow", "--dry-run")
    as_json = run("edit", str(named), "--prompt", "snow", "--dry-run", "--json")

    for each in (done, as_json):
        # Where the name cannot even be passed in, it is refused; it is never a traceback.
        assert each.returncode in {0, 2}, each.stderr
        assert "Traceback" not in each.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--element", ""], ["--element", ","], ["--max-cost", "1e99999999"], ["--max-cost", "-1"], ["--image", ""]],
)
def test_odd_arguments_are_wrong_input(run: CommandLine, clip: Path, arguments: list[str]) -> None:
    done = run("edit", str(clip), "--prompt", "snow", *arguments)

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("command", [["edit", "x.mp4", "--prompt", "x"], ["resume"]])
def test_an_error_before_there_is_a_job_is_told_as_the_last_line(
    run: CommandLine, home: Path, command: list[str]
) -> None:
    journal = home / "data" / "studio.sqlite3"
    journal.parent.mkdir(parents=True)
    journal.write_text("somebody's notes")

    done = run(*command, "--json")

    last = json.loads(done.stdout)
    assert done.returncode == 2
    assert (last["event"], last["job"], last["error"]["kind"]) == ("done", None, "database_damaged")


@pytest.mark.slow
def test_a_lost_job_that_was_looked_for_in_vain_is_looked_for_again_by_resume(
    run: CommandLine, sandbox: Sandbox, clip: Path
) -> None:
    sandbox.faults([{"call": "submit", "kind": "drop_after"}, {"call": "list", "kind": "list_empty", "times": 999}])
    assert run("edit", str(clip), "--prompt", "deep snow").returncode == 6
    sandbox.faults([])

    done = run("resume", "--json")

    assert done.returncode == 0, done.stderr
    assert posts(sandbox) == 1


@pytest.mark.edits_take(4)
def test_an_older_job_that_is_still_followed_does_not_speak_into_a_new_one(
    run: CommandLine, sandbox: Sandbox, clip: Path
) -> None:
    process = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    until_state(process, "remote")
    process.kill()
    process.wait()

    done = run("edit", str(clip), "--prompt", "night", "--json")

    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert len({event["job"] for event in events}) == 1


ASKING = """
import asyncio, sys
from klingstudio.cli import commands
async def ask():
    print("asked", flush=True)
    commands._ask_consent("public", agreed=False)
try:
    commands._run(ask())
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_question_for_consent_at_once(number: int) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ASKING], cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        assert b"public" in os.read(ours, 1000)
        process.send_signal(number)

        assert process.wait(5) == 130
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
        os.close(theirs)


def test_after_two_dashes_everything_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from klingstudio import cli

    opened: list[list[str]] = []
    monkeypatch.setattr(cli, "window", lambda files: opened.append(list(files)))

    cli.main(["--", "edit", "-x.mp4"])

    assert opened == [["edit", "-x.mp4"]]
