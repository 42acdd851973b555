"""Media workers that are forked off instead of started: the same process with the same limits, a fifth of a second earlier.

What the worker does to its files is counted with what its program does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NoReturn, cast

from klingstudio.media import child, worker


@dataclass(slots=True)
class _Forked:
    """As much of an `asyncio.subprocess.Process` as a media worker's caller uses."""

    pid: int
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    returncode: int | None = None

    async def wait(self) -> int:
        """Its exit code, when it has ended."""
        if self.returncode is None:
            _, status = await asyncio.to_thread(os.waitpid, self.pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def fork_workers() -> None:
    """For the rest of this process's life."""
    worker._process = _process


@asynccontextmanager
async def _process(command: Sequence[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    del command  # It would start what is here already.
    commands, answers = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        _work(commands[0], answers[1])
    os.close(commands[0])
    os.close(answers[1])
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=worker._LINE_MAX_BYTES)
    incoming, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(answers[0], "rb", 0)
    )
    outgoing, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(commands[1], "wb", 0)
    )
    process = _Forked(pid, asyncio.StreamWriter(outgoing, protocol, None, loop), reader)
    try:
        yield cast("asyncio.subprocess.Process", process)
    finally:
        worker._kill(cast("asyncio.subprocess.Process", process))
        outgoing.close()
        while await reader.read(worker._LINE_MAX_BYTES):
            pass
        incoming.close()
        await process.wait()


def _work(commands: int, answers: int) -> NoReturn:
    code = 1
    try:
        os.setsid()
        os.dup2(commands, 0)
        os.dup2(answers, 1)
        os.closerange(3, 256)
        sys.stdin = os.fdopen(0, "r", closefd=False)
        child.main()
        code = 0
    finally:
        os._exit(code)
