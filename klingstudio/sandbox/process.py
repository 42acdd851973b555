"""Runs one edit in a process of its own, for the job core."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an edit."""

    error: str | None
    duration_s: float = 0.0


class EditProcess:
    """One edit under way. `kill` ends it at once, at any time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._is_killed = False

    async def run(self, task: dict[str, Any]) -> Outcome:
        """Do the edit; the task's keys are the fields of `work.Task`."""
        paths = [str(_PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "klingstudio.sandbox.work",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._process = process
        if self._is_killed:
            self.kill()
        assert process.stdin
        assert process.stdout
        assert process.stderr
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass  # It ended at once; what it printed says why.
        # Standard input stays open: when it closes, the process knows that nobody waits for it any more.
        printed, said = await asyncio.gather(process.stdout.read(), process.stderr.read())
        code = await process.wait()
        process.stdin.close()
        try:
            report = json.loads(printed)
        except ValueError:
            reason = said.decode(errors="replace").strip().splitlines()
            return Outcome(
                error=f"internal server error: the edit ended with {code} {reason[-1] if reason else ''}".strip()
            )
        return Outcome(error=report["error"], duration_s=report["duration_s"])

    def kill(self) -> None:
        """End it; `run` then returns an error that nobody needs."""
        self._is_killed = True
        if self._process and self._process.returncode is None:
            self._process.kill()
