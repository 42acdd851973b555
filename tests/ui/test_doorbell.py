"""What the open program hears of later starts: names of files, and nothing else from nobody else."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio
from pytestqt.qtbot import QtBot

from klingstudio.ui.window.doorbell import LINE_MOST_BYTES, RINGS_MOST, Doorbell, hand_over

posix = pytest.mark.skipif(sys.platform == "win32", reason="a socket of the file system")


class House:
    """A bell, and what it has said."""

    def __init__(self, bell: Path) -> None:
        self.bell = bell
        self.rings: list[list[Path]] = []
        self.doorbell = Doorbell(bell)
        self.doorbell.rung.connect(self.rings.append)

    async def ring(self, *files: Path) -> bool:
        return await asyncio.to_thread(hand_over, self.bell, files)

    async def say(self, words: bytes) -> bytes:
        """Say anything, as any program of this person could; the answer."""

        def said() -> bytes:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(10)
                line.connect(str(self.bell))
                try:
                    line.sendall(words)
                    line.shutdown(socket.SHUT_WR)
                    return line.recv(100)
                except OSError:
                    return b""

        return await asyncio.to_thread(said)


@pytest_asyncio.fixture
async def house(qtbot: QtBot, tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path / "studio.bell")
    yield made
    made.doorbell.close()


async def test_files_arrive_with_their_whole_place(house: House, tmp_path: Path) -> None:
    assert await house.ring(tmp_path / "a ü.mp4", Path("b.png"))
    assert await house.ring()

    assert house.rings == [[tmp_path / "a ü.mp4", Path.cwd() / "b.png"], []]


async def test_where_nobody_is_at_home_nobody_is_waited_for(qtbot: QtBot, tmp_path: Path) -> None:
    bell = tmp_path / "studio.bell"
    began = time.monotonic()

    assert not await asyncio.to_thread(hand_over, bell, [])
    if sys.platform != "win32":
        with socket.socket(socket.AF_UNIX) as left_by_a_kill:
            left_by_a_kill.bind(str(bell))
            left_by_a_kill.listen()
        assert not await asyncio.to_thread(hand_over, bell, [])
    assert time.monotonic() - began < 5

    house = House(bell)
    assert await house.ring()
    house.doorbell.close()
    assert not bell.exists()


async def test_more_names_than_a_line_holds_are_not_cut(house: House) -> None:
    assert not await house.ring(*(Path(f"/clips/{number:050}.mp4") for number in range(100)))

    assert house.rings == []


@posix
async def test_only_the_owner_can_ring(house: House) -> None:
    assert stat.S_IMODE(house.bell.stat().st_mode) & 0o077 == 0


def junk(random: Random) -> bytes:
    """Anything but a line of file names."""
    other: list[object] = [None, 7, {}, {"raise": 1}, ["a.mp4"], ["/a", 3], ["/a\0b"], [["/a"]], "/a", ["../a"]]
    match random.randrange(5):
        case 0:
            return random.randbytes(random.randrange(1, 6000)).replace(b"\n", b"")
        case 1:
            return json.dumps(["/a" * 4000]).encode() + b"\n"
        case 2:
            return b"[" * random.randrange(1, LINE_MOST_BYTES + 10) + b"\n"
        case 3:
            return b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        case _:
            return json.dumps(random.choice(other)).encode() + b"\n"


@posix
async def test_whoever_says_anything_else_gets_no_answer_and_changes_nothing(house: House) -> None:
    random = Random(6)

    for _ in range(200):
        said = junk(random)
        assert await house.say(said) == b"", said[:60]

    assert house.rings == []
    assert await house.ring(Path("/clips/a.mp4"))
    assert house.rings == [[Path("/clips/a.mp4")]]


@posix
async def test_whoever_says_nothing_does_not_keep_others_out(house: House) -> None:
    silent = [socket.socket(socket.AF_UNIX) for _ in range(3 * RINGS_MOST)]
    for line in silent:
        line.setblocking(False)
        line.connect_ex(str(house.bell))
        await asyncio.sleep(0.01)

    async with asyncio.timeout(10):
        while not await house.ring(Path("/clips/a.mp4")):
            await asyncio.sleep(0.1)

    assert house.rings == [[Path("/clips/a.mp4")]]
    for line in silent:
        line.close()
