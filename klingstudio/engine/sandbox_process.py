"""The built-in sandbox as a child process: started when first needed, ended with the program."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from klingstudio.domain.errors import Kind, NetworkProblem

START_S = 20.0


class SandboxProcess:
    """One local stand-in for the services. Its jobs live in `state`, so a restarted one still knows them."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._process: Process | None = None
        self._address = ""
        self._starting = asyncio.Lock()

    async def address(self) -> str:
        """The base address of the stand-in, starting it when it is not running.

        Raises:
            NetworkProblem: it did not start.
        """
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                await self._start()
            return self._address

    async def aclose(self) -> None:
        """End the process: its standard input closes, which it takes as the end of the program."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(3):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _start(self) -> None:
        # No key of the person reaches the child.
        environ = {k: v for k, v in os.environ.items() if not k.endswith("_KEY")}
        arguments = ("-m", "klingstudio.sandbox", "--until-stdin-closes", "--state", str(self._state))
        self._state.mkdir(parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environ
        )
        self._process = process
        line = b""
        try:
            async with asyncio.timeout(START_S):
                if process.stdout is not None:
                    line = await process.stdout.readline()
            addresses = json.loads(line)
            self._address = str(next(iter(addresses.values())))
        except (TimeoutError, ValueError, StopIteration, AttributeError) as error:
            await self.aclose()
            raise NetworkProblem(Kind.NETWORK_DOWN, "the sandbox did not start") from error
        except BaseException:
            # Whoever wanted it gave up: without its address it is of no use to the next who asks.
            await self.aclose()
            raise
