"""`klingstudio` run as a program of its own, on one data folder and with services of the test's choice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.fakes.sandbox import ROOT

_LIMIT_S = 100


class CommandLine:
    """Starts the program, or runs it to its end. `environ` may be changed between two runs."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        # No key and no keychain of whoever runs the tests.
        inherited = {k: v for k, v in os.environ.items() if not k.endswith("_KEY") and not k.startswith("DBUS")}
        self.environ = inherited | dict(environ)
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str | bytes, **options: Any) -> subprocess.Popen[str]:
        """Start it and go on."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        process = subprocess.Popen(
            [sys.executable, "-m", "klingstudio", *arguments], cwd=ROOT, env=self.environ, text=True, **streams
        )
        self.started.append(process)
        return process

    def __call__(
        self, *arguments: str | bytes, said: str | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, with these words on its standard input."""
        process = self.start(*arguments, **({"stdin": subprocess.PIPE} if said is not None else {}) | options)
        out, err = process.communicate(said, timeout=_LIMIT_S)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


@contextmanager
def command_line(environ: Mapping[str, str]) -> Iterator[CommandLine]:
    """A command line whose programs are all ended afterwards, whatever happened."""
    made = CommandLine(environ)
    try:
        yield made
    finally:
        for process in made.started:
            process.kill()
            process.communicate()


def lines(output: str) -> list[dict[str, Any]]:
    """What was printed with `--json`."""
    return [json.loads(line) for line in output.splitlines()]


def until_state(process: subprocess.Popen[str], state: str) -> str:
    """Read what an edit prints until its job is in this state; the job's id."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "state" and event["state"] == state:
            return str(event["job"])
    raise AssertionError(f"never {state}")
