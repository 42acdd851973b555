"""Bears lives by `fork`: everything is imported once, so that a life begins in milliseconds instead of half a second.

It speaks by messages of a socket: `{"bear": …}` with two pipes, `{"kill": pid}`, `{"bury": pid}`. Whatever a life leaves
running becomes a child of this process, so that it can be told of.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from klingstudio.net.trust import tls
from tests.torture.kills import life
from tests.torture.kills.birth import Birth, Mouth

LEFT_WITHIN_S = 5.0
"""How long what a dead life had started may still run: it dies by a signal of the system."""
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_PDEATHSIG = 1
_MESSAGE_BYTES = 65536


def main(channel: socket.socket) -> None:
    """Do as told until the other side is gone."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # Made once, on a thread that has ended by the time somebody forks.
    asyncio.run(tls())
    gc.collect()
    gc.freeze()
    channel.send(b'{"ready": true}')
    while True:
        told, pipes, _flags, _address = socket.recv_fds(channel, _MESSAGE_BYTES, 2)
        match json.loads(told) if told else None:
            case {"bear": birth}:
                pid = os.fork()
                if not pid:
                    channel.close()
                    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                    _live(Birth(**birth), *pipes)
                for pipe in pipes:
                    os.close(pipe)
                channel.send(json.dumps({"born": pid}).encode())
            case {"kill": pid}:
                # Not waited for yet, so the number is still its own.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            case {"bury": pid}:
                channel.send(json.dumps(_buried(pid)).encode())
            case _:
                return


def _live(birth: Birth, commands: int, reports: int) -> NoReturn:
    if birth.is_window:
        os.dup2(commands, 0)
        os.dup2(reports, 1)
        os.execv(sys.executable, [sys.executable, "-m", "tests.torture.kills.window_life"])
    gc.enable()
    life.live(birth, commands, Mouth(reports))


def _buried(pid: int) -> dict[str, Any]:
    _, status = os.waitpid(pid, 0)
    deadline = time.monotonic() + LEFT_WITHIN_S
    while _is_parent() and time.monotonic() < deadline:
        time.sleep(0.005)
    left = [_command(child) for child in _children()]
    for child in _children():
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return {"status": os.waitstatus_to_exitcode(status), "left": left}


def _is_parent() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return str(pid)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
