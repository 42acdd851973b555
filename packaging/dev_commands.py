"""setup, demo, check, test, coverage, bench and torture."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dev_environment
import dev_system
import with_keyring
from dev_report import ROOT, Outcome, SetUpFailed, run_aloud, run_quietly, say
from dev_system import Purpose

_NO_TESTS = 5
"""pytest's exit code when nothing was selected."""
_WORKERS_MOST = 4
_COVERED = ("engine", "net", "store")
"""What carries money and jobs: each has to be covered by itself."""
_COVERED_BY = """
    tests/unit/engine tests/unit/net tests/unit/store tests/unit/providers tests/contract tests/torture/test_hours.py
    tests/torture/test_journal.py tests/torture/test_machine.py tests/torture/test_network.py
    tests/torture/test_replies.py tests/torture/test_submits.py
""".split()
"""Tests that run in the one process that is watched."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="dev.py", description="Set-up, demo, checks and tests of Kling Studio.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("setup", "install what is missing on this system and make .venv"),
        ("demo", "setup, then the whole loop on the built-in sandbox; arguments go to `klingstudio demo`"),
        ("check", "setup, then style, types and architecture"),
        ("test", "check, then all tests; arguments go to pytest"),
        ("coverage", "setup, then what the tests leave out of engine, net and store; arguments go to pytest"),
        ("bench", "setup, then the measurements; arguments go to tests/bench/run.py"),
        ("torture", "setup, then hours of rough handling in minutes; arguments go to tests/torture/run.py"),
    ):
        commands.add_parser(name, help=text, add_help=False)
    options, rest = parser.parse_known_args(arguments)
    try:
        match options.command:
            case "setup":
                _set_up(Purpose.TEST)
                return 0
            case "demo":
                _set_up(Purpose.RUN)
                return _run_program(["-m", "klingstudio", "demo", *rest], os.environ)
            case "check":
                _set_up(Purpose.RUN)
                dev_environment.add_clients()
                return _check()
            case "test":
                _set_up(Purpose.TEST)
                dev_environment.add_clients()
                return _check() or _test(rest)
            case "coverage":
                _set_up(Purpose.RUN)
                return _coverage(rest)
            case "torture":
                _set_up(Purpose.RUN)
                return _run_program(["tests/torture/run.py", *rest], os.environ)
            case _:
                _set_up(Purpose.BENCH)
                dev_environment.add_clients()
                return _bench(rest)
    except SetUpFailed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _set_up(purpose: Purpose) -> None:
    dev_system.install_missing(purpose)
    dev_environment.make()


def _run_program(arguments: list[str], environ: os._Environ[str] | dict[str, str]) -> int:
    command = [str(dev_environment.PYTHON), *arguments]
    say(f"starting {' '.join(arguments)}")
    if os.name == "posix":
        # In place of this script: signals and the terminal are the program's own.
        os.execve(command[0], command, dict(environ))
    return subprocess.call(command, env=dict(environ))


def _check() -> int:
    python = str(dev_environment.PYTHON)
    failed = []
    with tempfile.TemporaryDirectory() as cache:
        environ = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        for name, command in (
            ("ruff check", [python, "-m", "ruff", "check", "."]),
            ("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
            ("compileall", [python, "-m", "compileall", "-q", "klingstudio", "packaging", "tests"]),
            ("import-linter", [dev_environment.program("lint-imports"), "--no-cache"]),
            ("mypy", [python, "-m", "mypy"]),
        ):
            done = run_quietly(command, environ)
            say(f"{name}: {'FAILED' if done.code else 'ok'} in {done.took_s:.1f} s")
            if done.code:
                failed.append(name)
                print(done.output, flush=True)
    if failed:
        say(f"checks FAILED: {', '.join(failed)}")
    return 1 if failed else 0


def _test(arguments: list[str]) -> int:
    """Five runs: most of it in several processes; in one each what needs a keychain, locks it, hears, or has a screen."""
    python = str(dev_environment.PYTHON)
    absent = dev_system.missing_programs(Purpose.TEST)
    can_use_keychain = not {"dbus-run-session", "dbus-send", "gnome-keyring-daemon"}.intersection(absent)
    environ = _out_of_sight()
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    pytest = [python, "-m", "pytest", *colour]
    runs: list[tuple[str, Outcome]] = []
    not_run: list[str] = []

    # Many tests wait for processes of their own, so one worker more than processors is worth it.
    workers = [] if "-n" in arguments else ["-n", str(min((os.cpu_count() or 1) + 1, _WORKERS_MOST))]
    runs.append(("tests", _aloud("tests", [*pytest, *workers, *arguments], environ)))
    if not can_use_keychain:
        not_run.append("tests of the keychain (gnome-keyring-daemon or D-Bus is missing)")
    elif "-m" not in arguments:
        with_bus = {**environ, "KLINGSTUDIO_TEST_KEYRING": "required"}
        for name, mark in (("keychain", "keyring"), ("locked keychain", "keyring_locked")):
            command = with_keyring.command_line([*pytest, "-m", mark, *arguments])
            runs.append((name, _aloud(f"tests with a {name}", command, with_bus)))
    if {"pulseaudio", "parec", "pactl"}.intersection(absent):
        not_run.append("tests of sound (pulseaudio or its tools are missing)")
    elif "-m" not in arguments:
        runs.append(("sound", _aloud("tests with sound", [*pytest, "-m", "pulse", *arguments], environ)))
    if {"Xvfb", "openbox", "xdotool"}.intersection(absent):
        not_run.append("tests with a screen (Xvfb, openbox or xdotool is missing)")
    elif "-m" not in arguments:
        with _screen() as display:
            on_screen = {**environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
            command = [*pytest, "-m", "xcb", *arguments]
            runs.append(("screen", _aloud("tests with a screen", command, on_screen)))

    # Arguments may select tests of one run only; without any, a run that finds nothing is broken.
    empty_is_fine = bool(arguments) and any(done.code != _NO_TESTS for _, done in runs)
    failed = [name for name, done in runs if done.code and not (done.code == _NO_TESTS and empty_is_fine)]
    for name in not_run:
        say(f"not run: {name}")
    for name, done in runs:
        say(f"{name}: {'FAILED' if name in failed else 'ok'} in {done.took_s:.1f} s")
    for _, done in runs:
        print(_closing_line(done.output), flush=True)
    # Where nobody reads the lines above, a test that was not run counts as one that failed.
    return 1 if failed or (not_run and os.environ.get("CI")) else 0


def _coverage(arguments: list[str]) -> int:
    """One run in one process, then a report for each package; each has to reach `fail_under` of pyproject.toml."""
    (ROOT / "build").mkdir(exist_ok=True)
    coverage = [str(dev_environment.PYTHON), "-m", "coverage"]
    environ = _out_of_sight()
    runs = [("tests", _aloud("tests", [*coverage, "run", "-m", "pytest", "-q", *_COVERED_BY, *arguments], environ))]
    for name in _COVERED:
        report = [*coverage, "report", f"--include=klingstudio/{name}/*"]
        runs.append((name, _aloud(f"coverage of {name}", report, environ)))
    for name, done in runs:
        say(f"{name}: {'FAILED' if done.code else 'ok'} in {done.took_s:.1f} s")
    return 1 if any(done.code for _, done in runs) else 0


def _out_of_sight() -> dict[str, str]:
    """An environment in which tests are neither seen nor heard."""
    environ = {**os.environ, "PYTHONUNBUFFERED": "1", "QT_QPA_PLATFORM": "offscreen"}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        environ.pop(name, None)
    # Those that listen start a sound server of their own.
    return environ | {"QT_AUDIO_BACKEND": "pulseaudio", "PULSE_SERVER": "unix:/nonexistent"}


def _aloud(name: str, command: list[str], environ: dict[str, str]) -> Outcome:
    say(name)
    return run_aloud(command, environ)


def _closing_line(output: str) -> str:
    lines = [line for line in output.splitlines() if re.search(r"\d+ \w+.* in [\d.]+s|no tests ran", line)]
    return lines[-1] if lines else "pytest did not come to an end"


@contextmanager
def _screen() -> Iterator[str]:
    """An X server of our own; gives its display."""
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=[write_end],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        os.close(write_end)
        with os.fdopen(read_end) as told:
            number = told.readline().strip()
        if not number:
            raise SetUpFailed("Xvfb did not start, so the tests with a screen cannot run.")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def _bench(arguments: list[str]) -> int:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # What is measured is what people run: compiled byte code.
    compiled = run_quietly([str(dev_environment.PYTHON), "-m", "compileall", "-q", "klingstudio"], environ)
    say(f"byte code: compiled in {compiled.took_s:.1f} s")
    os.chdir(ROOT)
    return _run_program(["tests/bench/run.py", *arguments], environ)
