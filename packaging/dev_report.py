"""What the set-up says while it works: short lines, each with the time since the start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_START = time.monotonic()


class SetUpFailed(Exception):
    """The set-up cannot go on. The text is for the person: what happened and what to do."""


def say(line: str) -> None:
    """Tell the person. On standard error, because standard output belongs to the program that is started."""
    print(f"[{time.monotonic() - _START:6.1f} s] {line}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a program ended."""

    code: int
    output: str
    took_s: float


def run_quietly(command: Sequence[str], environ: Mapping[str, str] | None = None) -> Outcome:
    """Run a program in the project's folder and keep what it says."""
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        encoding="utf-8",
        errors="replace",
    )
    return Outcome(code=done.returncode, output=done.stdout, took_s=time.monotonic() - started)


def run_aloud(command: Sequence[str], environ: Mapping[str, str]) -> Outcome:
    """Run a program in the project's folder, pass on what it says, and keep that, too."""
    started = time.monotonic()
    kept = bytearray()
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        try:
            while piece := os.read(process.stdout.fileno(), 1 << 16):
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
                kept += piece
        except KeyboardInterrupt:
            # The program got the interrupt as well; its own closing words are still to come.
            process.wait()
            raise
    return Outcome(code=process.returncode, output=kept.decode("utf-8", "replace"), took_s=time.monotonic() - started)
