"""The parent's side of a life: bears it, speaks with it, kills it, and asks what it left running."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Protocol

from tests.fakes.sandbox import ROOT
from tests.torture.kills.birth import Birth, Said, line_of

STARTS_WITHIN_S = 60.0


class Grave(Protocol):
    """Who ends a life and waits for its end."""

    def kill(self, pid: int) -> None:
        """At once, without any clean-up."""

    def bury(self, pid: int) -> dict[str, Any]:
        """Its exit code as `status`, and as `left` the command lines of what it left running."""


class Life:
    """A process that lives, or lived."""

    def __init__(self, pid: int, commands: int, reports: int, grave: Grave) -> None:
        self.pid = pid
        self._commands = commands
        self._reports = reports
        self._grave = grave
        self._said = Said()
        self.is_over = False
        """True once it can say nothing more."""

    def tell(self, **message: Any) -> None:
        """Tell it to do something. One that has just died does not mind."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._commands, line_of(message))

    def hear(self, within_s: float) -> list[dict[str, Any]]:
        """What it has said, as soon as it says anything; nothing where the time is up first, or it has died."""
        if self.is_over or not select.select([self._reports], [], [], max(0.0, within_s))[0]:
            return []
        piece = os.read(self._reports, 1 << 20)
        if not piece:
            self.is_over = True
        return self._said.feed(piece)

    def kill(self) -> None:
        """At once, without any clean-up."""
        self._grave.kill(self.pid)

    def bury(self) -> tuple[int, list[str], list[dict[str, Any]]]:
        """Wait for its end: the exit code, what it left running, and its last words."""
        last = []
        while not self.is_over:
            last += self.hear(STARTS_WITHIN_S)
        os.close(self._commands)
        os.close(self._reports)
        end = self._grave.bury(self.pid)
        return end["status"], end["left"], last


class Nursery:
    """Bears lives one after the other."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def bear(self, birth: Birth) -> Life:
        """Begin a life."""
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        message = json.dumps({"bear": json.loads(birth.line())}).encode()
        socket.send_fds(self._channel, [message], [theirs_in, theirs_out])
        os.close(theirs_in)
        os.close(theirs_out)
        if birth.is_window:
            os.write(ours_out, birth.line())
        return Life(self._answer()["born"], ours_out, ours_in, self)

    def kill(self, pid: int) -> None:
        """At once, without any clean-up."""
        self._channel.send(json.dumps({"kill": pid}).encode())

    def bury(self, pid: int) -> dict[str, Any]:
        """Its exit code, and the command lines of what it left running."""
        self._channel.send(json.dumps({"bury": pid}).encode())
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._channel.recv(1 << 20))
        return answer


class Wilderness:
    """Lives as processes of their own, for systems without `fork`. What they leave running nobody can tell there."""

    def __init__(self) -> None:
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def bear(self, birth: Birth) -> Life:
        """Begin a life."""
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        module = "window_life" if birth.is_window else "life"
        command = [sys.executable, "-m", f"tests.torture.kills.{module}"]
        process = subprocess.Popen(command, cwd=ROOT, stdin=theirs_in, stdout=theirs_out)
        os.close(theirs_in)
        os.close(theirs_out)
        os.write(ours_out, birth.line())
        self._processes[process.pid] = process
        return Life(process.pid, ours_out, ours_in, self)

    def kill(self, pid: int) -> None:
        """At once, without any clean-up."""
        self._processes[pid].kill()

    def bury(self, pid: int) -> dict[str, Any]:
        """Its exit code."""
        return {"status": self._processes.pop(pid).wait(), "left": []}


@contextlib.contextmanager
def a_nursery() -> Iterator[Nursery | Wilderness]:
    """Where lives come from on this system."""
    if sys.platform != "linux":
        yield Wilderness()
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            command = [sys.executable, "-m", "tests.torture.kills.zygote", str(theirs.fileno())]
            process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        try:
            ours.settimeout(STARTS_WITHIN_S)
            if not ours.recv(4096):
                raise RuntimeError("the zygote did not start")
            yield Nursery(ours)
        finally:
            ours.close()
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        process.kill()
        process.wait(5)
