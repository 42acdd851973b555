"""Many calls of the media worker in one limited process, so that thousands of files take minutes.

The same code runs as in a process for each call: `restrain`, then the worker's own answer to a command. What a file does
to the process is seen from outside: one that ends it or does not come to an end is reported, and the rest goes on in
a new one. `python -m tests.torture.media.bulk` is that process.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from klingstudio.domain.errors import Kind
from klingstudio.media.child import answer, private_stdout, restrain, write_line
from klingstudio.media.worker import ALLOWANCES, worker_environment

ROOT = Path(__file__).resolve().parents[3]
GIVE_UP_S = 20.0
"""No file may keep a call for so long."""
_ALL_CPU_S = 600
_FAILED = Kind.MEDIA_WORKER_FAILED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one call came to."""

    command: dict[str, Any]
    kind: str
    """Empty: a result. `crashed`, `hung`: what happened to the process; else the `Kind` of the refusal."""
    detail: str = ""
    result: Any = None
    took_s: float = 0.0
    grew_bytes: int = 0
    """Most memory in use above what it was before."""

    @property
    def is_good(self) -> bool:
        """True when the file was taken for what it says."""
        return not self.kind

    @property
    def is_contained(self) -> bool:
        """True when the window would be told that the worker failed, not what is wrong with the file."""
        return self.kind in ("crashed", "hung", _FAILED)


def run_all(
    commands: Sequence[dict[str, Any]], *, memory_bytes: int = ALLOWANCES["verify"].memory_bytes
) -> list[Outcome]:
    """Carry out every command in as few processes as the files leave alive."""
    return list(_run(list(commands), memory_bytes))


def _run(commands: list[dict[str, Any]], memory_bytes: int) -> Iterator[Outcome]:
    at = 0
    while at < len(commands):
        with _Child(memory_bytes) as child:
            for command in commands[at:]:
                at += 1
                outcome = child.ask(command)
                yield outcome
                if outcome.is_contained:
                    # What it held on to, or how much it once had, would be held against the next file.
                    break


class _Child:
    def __init__(self, memory_bytes: int) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        command = [sys.executable, "-P", "-m", "tests.torture.media.bulk", str(memory_bytes)]
        environment = worker_environment(os.environ) | {"PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment, cwd="/", start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def ask(self, command: dict[str, Any]) -> Outcome:
        assert self._process.stdin is not None
        began = time.monotonic()
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            line = self._lines.get(timeout=GIVE_UP_S)
        except queue.Empty:
            return Outcome(command=command, kind="hung", took_s=time.monotonic() - began)
        except BrokenPipeError:
            line = ""
        if not line:
            code = self._process.wait()
            name = signal.Signals(-code).name if code < 0 else f"code {code}"
            return Outcome(command=command, kind="crashed", detail=name, took_s=time.monotonic() - began)
        told = json.loads(line)
        problem = told["answer"].get("problem") or {"kind": "", "detail": ""}
        return Outcome(
            command=command,
            kind=problem["kind"],
            detail=problem["detail"] + told["answer"].get("traceback", ""),
            result=told["answer"].get("result"),
            took_s=told["took_s"],
            grew_bytes=told["grew_bytes"],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


def main() -> None:
    """The process: one command a line, one answer a line."""
    answers = private_stdout()
    restrain(memory_bytes=int(sys.argv[1]), cpu_s=_ALL_CPU_S, nice=0, parent=os.getppid())
    for line in sys.stdin:
        command = json.loads(line)
        before, began = _forget_peak(), time.monotonic()
        told = _told(command)
        took_s = time.monotonic() - began
        write_line(answers, {"answer": told, "took_s": took_s, "grew_bytes": _peak_bytes() - before})


def _told(command: dict[str, Any]) -> dict[str, Any]:
    match command["do"]:
        case "preview":
            from tests.torture.media.preview import preview

            return preview(Path(command["path"]))
        case "judge":
            from tests.torture.media.judge import judge

            return judge(Path(command["path"]), Path(command["original"]))
        case "crash":
            # So that a test can see what is made of it.
            os.kill(os.getpid(), signal.SIGSEGV)
            raise AssertionError
        case _:
            return answer(command, lambda _: None)


def _forget_peak() -> int:
    """Memory in use now; the peak is counted from here on."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak_bytes()


def _peak_bytes() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines: Iterable[str] = status.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


if __name__ == "__main__":
    main()
