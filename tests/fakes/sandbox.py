"""The real sandbox in a process of its own, and what a test may look at in it."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import pytest

from tests.fakes.astray import keys_astray

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox process. Its calls block: they are for arranging and asserting, over loopback."""

    urls: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Base address of the first dialect."""
        return next(iter(self.urls.values()))

    def at(self, dialect: str) -> str:
        """Base address of one dialect."""
        return self.urls[dialect]

    def ledger(self) -> list[dict[str, Any]]:
        """Every charge, oldest first."""
        charges: list[dict[str, Any]] = self._call("GET", "ledger")["charges"]
        return charges

    def requests(self, method: str = "", path: str = "") -> list[dict[str, Any]]:
        """Every request that arrived, oldest first; only those with this method and this beginning of the path."""
        reply = self._call("GET", "requests")
        seen: list[dict[str, Any]] = reply["requests"] if isinstance(reply, dict) else reply
        return [one for one in seen if method in {"", one["method"]} and one["path"].startswith(path)]

    def forget_requests(self) -> list[dict[str, Any]]:
        """What `requests` tells, for the last time."""
        seen: list[dict[str, Any]] = self._call("DELETE", "requests")["requests"]
        return seen

    def faults(self, plan: Sequence[dict[str, Any]]) -> None:
        """Replace the plan of what goes wrong. An empty one: nothing."""
        self._call("POST", "faults", plan)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait(5)

    def _call(self, method: str, name: str, body: object = None) -> Any:
        # Plain, because some tests ask thousands of times.
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            connection.request(method, f"/_sandbox/{name}", None if body is None else json.dumps(body))
            reply = connection.getresponse()
            answer = reply.read()
            if reply.status >= 400:
                raise ValueError(f"{method} {name}: {reply.status} {answer.decode(errors='replace')}")
            return json.loads(answer or b"null")
        finally:
            connection.close()


@contextlib.contextmanager
def run_sandbox(state: Path, *arguments: str, module: str = "klingstudio.sandbox") -> Iterator[Sandbox]:
    """Start a sandbox process that keeps its files in `state`; it ends with the block."""
    state.mkdir(parents=True, exist_ok=True)
    complaints = (state / "stderr.txt").open("ab")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", module, "--until-stdin-closes"),
            *("--state", str(state), *arguments),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = _first_line(process.stdout, 30)
        if not line.startswith(b"{"):
            process.kill()
            process.wait(5)
            pytest.fail(f"the sandbox did not start: {line!r}\n{(state / 'stderr.txt').read_text(errors='replace')}")
        running = Sandbox(urls=json.loads(line), process=process)
        yield running
        if process.poll() is None:
            astray = keys_astray(running.requests())
            assert not astray, f"a key went where none may go: {', '.join(sorted(set(astray)))}"
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        process.stdout.close()
        complaints.close()


def run_quick_sandbox(state: Path, *arguments: str, edits: Path) -> contextlib.AbstractContextManager[Sandbox]:
    """The same, but it renders only what is not among `edits` yet. For whoever does not look at the edit itself."""
    return run_sandbox(state, *arguments, "--edits", str(edits), module="tests.fakes.quick_sandbox")


def _first_line(stream: IO[bytes], limit_s: float) -> bytes:
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.append(stream.readline()), name="first-line", daemon=True)
    reader.start()
    reader.join(limit_s)
    return lines[0] if lines else b""
