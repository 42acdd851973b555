"""The real window with many jobs while everything goes wrong at once: how long it does not answer.

Every call of the services is spoiled now and then, answers hang and drip, the keychain never answers, processes that
read media are stopped, and the disk is busy with the journal of it all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from klingstudio import app
from klingstudio.domain.errors import StudioError
from klingstudio.domain.job import State
from klingstudio.studio import Studio
from klingstudio.ui.models.bundle import Models
from klingstudio.ui.theme import Theme
from klingstudio.ui.window import Window
from tests.bench.table import at_share
from tests.fakes.studio_run import a_clip, a_request

SERVICES = ("oxen", "fal", "segmind")
JOBS = 50
TICK_MS = 5
IDLE_S = 4.0
TROUBLE_S = 45.0
_KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "drop_after"},
    {"kind": "hang"},
    {"kind": "stall", "seconds": 3},
    {"kind": "slow", "seconds": 1},
    {"kind": "status", "code": 503, "headers": {"Retry-After": "1"}},
    {"kind": "status", "code": 429},
    {"kind": "html"},
    {"kind": "not_json"},
    {"kind": "truncated"},
    {"kind": "redirect"},
    {"kind": "half_file"},
    {"kind": "wrong_file"},
)
_CALLS = ("submit", "authorize", "upload", "poll", "list", "result", "charge", "any")


class Heart:
    """Ticks every few milliseconds in the window's own loop, and remembers how long each tick was in coming."""

    def __init__(self) -> None:
        self.gaps_ms: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(TICK_MS)

    def _beat(self) -> None:
        now = time.perf_counter()
        self.gaps_ms.append((now - self._last) * 1000)
        self._last = now

    def begin(self) -> None:
        """Forget what was before."""
        self.gaps_ms.clear()


async def live(folder: Path) -> dict[str, float]:
    models = Models()
    window = Window(models, Theme(QApplication.instance()))  # type: ignore[arg-type]
    window.resize(1440, 900)
    window.show()
    main = asyncio.ensure_future(app.main(window, models, demo=False))
    while models.jobs._studio is None:
        await asyncio.sleep(0.01)
    studio = models.jobs._studio
    clip = a_clip(folder / "clip.mp4")
    await asyncio.sleep(1.0)
    heart = Heart()
    await asyncio.sleep(IDLE_S)
    idle = tuple(heart.gaps_ms)
    heart.begin()
    ids = await _trouble(studio, clip)
    busy = tuple(heart.gaps_ms)
    done = sum(studio.queue.job(job_id).state is State.COMPLETED for job_id in ids)
    met = await asyncio.to_thread(_met)
    main.cancel()
    return {
        "idle_p99_ms": at_share(idle, 0.99),
        "idle_max_ms": max(idle),
        "p99_ms": at_share(busy, 0.99),
        "max_ms": max(busy),
        "ticks": len(busy),
        "jobs": len(ids),
        "completed": done,
        "met": met,
    }


async def _trouble(studio: Studio, clip: Path) -> list[str]:
    chance = random.Random(20261121)
    ids: list[str] = []
    ends_at = time.monotonic() + TROUBLE_S
    while time.monotonic() < ends_at:
        rules = [
            {"call": chance.choice(_CALLS), "times": chance.randint(1, 3)} | chance.choice(_KINDS) for _ in range(8)
        ]
        await asyncio.to_thread(_ask, "POST", "faults", rules)
        for _ in range(3):
            if len(ids) < JOBS:
                request = a_request(clip, prompt=f"deep snow {len(ids)}", provider=chance.choice(SERVICES))
                ids.append(studio.queue.enqueue(request)[0].id)
                await asyncio.sleep(0.05)
        await asyncio.to_thread(_stop_a_worker)
        for job_id in ids:
            job = studio.queue.job(job_id)
            if job.paused or job.state in {State.UNCONFIRMED, State.RESULT_UNAVAILABLE}:
                with contextlib.suppress(StudioError):
                    studio.queue.look_again(job_id)
                # A person presses one button after the other.
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
    return ids


def _stop_a_worker() -> None:
    """What hangs is a process that reads a file."""
    for pid in _children():
        with contextlib.suppress(OSError):
            if b"klingstudio.media.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGSTOP)
                time.sleep(1.0)
                os.kill(pid, signal.SIGCONT)
                return


def _children() -> Iterator[int]:
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            yield from map(int, (task / "children").read_text().split())


def _met() -> int:
    return sum(bool(one["faults"]) for one in _ask("GET", "requests")["requests"])


def _ask(method: str, name: str, body: object = None) -> Any:
    url = os.environ["KLINGSTUDIO_OXEN_URL"]
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{url}/_sandbox/{name}", method=method, data=data, headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as reply:
        return json.loads(reply.read() or b"null")


@contextlib.contextmanager
def silent_keychain(folder: Path) -> Iterator[None]:
    """A session bus that takes every call and answers none."""
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(folder / "bus"))
        bus.listen(8)
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={folder / 'bus'}"
        yield


def main() -> None:
    application = QApplication([])
    application.setQuitOnLastWindowClosed(False)
    loop = QEventLoop(application)
    asyncio.set_event_loop(loop)
    with tempfile.TemporaryDirectory() as folder, silent_keychain(Path(folder)):
        print(json.dumps(loop.run_until_complete(live(Path(folder)))), flush=True)
        # What still hangs hangs on.
        os._exit(0)


main()
