"""The stand-in for the services runs while it is needed, knows no key, and is gone with the program."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from klingstudio.domain.errors import InputRefused, Kind, NetworkProblem
from klingstudio.engine import sandbox_process
from klingstudio.engine.sandbox_process import SandboxProcess
from klingstudio.net.source import served_bytes


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[SandboxProcess]:
    process = SandboxProcess(tmp_path / "state")
    yield process
    await process.aclose()


def pid_of(process: SandboxProcess) -> int:
    assert process._process is not None
    return process._process.pid


async def test_it_is_started_once_without_the_persons_keys_and_ends_with_the_program(
    process: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMEBODYS_API_KEY", "canary-5ecret-key")

    address, again = await asyncio.gather(process.address(), process.address())

    assert address == again
    pid = pid_of(process)
    if sys.platform == "linux":
        assert b"5ecret" not in Path(f"/proc/{pid}/environ").read_bytes()
    # It answers, though there is no clip at its own address.
    with pytest.raises(InputRefused, match="404"):
        await served_bytes(address, allow_loopback=True)
    await process.aclose()
    await process.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
async def test_one_that_died_is_started_again_and_one_that_hangs_is_ended(process: SandboxProcess) -> None:
    await process.address()
    first = pid_of(process)
    os.kill(first, signal.SIGKILL)
    assert process._process is not None
    await process._process.wait()

    await process.address()

    second = pid_of(process)
    assert second != first
    # Deaf to the end of its standard input.
    os.kill(second, signal.SIGSTOP)
    await process.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


SAYINGS = {
    "nothing": "pass",
    "junk": "print('ready')",
    "no address": "print('{}')",
    "something else": "print('[1]')",
    "nothing for too long": "import sys; sys.stdin.read()",
}


@pytest.mark.skipif(sys.platform == "win32", reason="a script in the place of a program")
@pytest.mark.parametrize("saying", SAYINGS)
async def test_one_that_does_not_start_is_told_and_leaves_no_process(
    process: SandboxProcess, saying: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox_process, "START_S", 0.5 if saying == "nothing for too long" else 20.0)
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S -c "{SAYINGS[saying]}"\n')
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))

    with pytest.raises(NetworkProblem) as failed:
        await process.address()

    assert failed.value.problem.kind is Kind.NETWORK_DOWN
    assert process._process is None


async def test_whoever_asks_after_somebody_gave_up_gets_one_that_runs(process: SandboxProcess) -> None:
    impatient = asyncio.create_task(process.address())
    while process._process is None:
        await asyncio.sleep(0.001)
    first = pid_of(process)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient

    address = await process.address()

    assert address.startswith("http://")
    assert pid_of(process) != first
