"""One run: a window, a fast timer, first an idle loop, then a large upload. Prints one JSON object."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable
from pathlib import Path

import qasync
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow, QProgressBar

from klingstudio.paths import paths
from klingstudio.studio import Studio
from tests.bench.memory import forget_highest, resident_mb
from tests.bench.table import at_share

TICK_MS = 5
IDLE_S = 2.0
WARM_UP_BYTES = 1_000_000


class Ticks:
    """When a timer of the window came."""

    def __init__(self) -> None:
        self._at: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    def _tick(self) -> None:
        self._at.append(time.perf_counter())

    async def lateness_ms(self, work: Awaitable[object]) -> list[float]:
        """How much later than due each tick came while `work` went on, sorted."""
        self._at = [time.perf_counter()]
        self._timer.start()
        await work
        # A gap that is still open at the end counts, too.
        self._tick()
        self._timer.stop()
        gaps = ((after - before) * 1000 - TICK_MS for before, after in zip(self._at, self._at[1:], strict=False))
        return sorted(max(0.0, gap) for gap in gaps)


async def measure(clip: Path, bar: QProgressBar) -> dict[str, float | None]:
    """Idle, a small upload to warm everything up, then the large one."""
    studio = await Studio.open(paths(os.environ), os.environ)
    try:
        provider = await studio.accounts.provider(studio.providers[-1].id)

        def show(done: int, total: int) -> None:
            bar.setValue(done * 1000 // max(1, total))

        small = clip.with_name(f"small-{os.getpid()}.mp4")
        small.write_bytes(os.urandom(WARM_UP_BYTES))
        await provider.upload(small, "small.mp4", show)
        ticks = Ticks()
        idle = await ticks.lateness_ms(asyncio.sleep(IDLE_S))

        is_exact = forget_highest()
        before_mb = resident_mb("VmRSS")
        began_at = time.perf_counter()
        busy = await ticks.lateness_ms(provider.upload(clip, "clip.mp4", show))
        took_s = time.perf_counter() - began_at
        highest_mb = resident_mb("VmHWM" if is_exact else "VmRSS")
    finally:
        await studio.aclose()
    grew = highest_mb - before_mb if highest_mb is not None and before_mb is not None else None
    return {
        "idle_p99_ms": at_share(idle, 0.99),
        "idle_max_ms": idle[-1],
        "upload_p99_ms": at_share(busy, 0.99),
        "upload_max_ms": busy[-1],
        "growth_mb": grew,
        "mb_per_s": clip.stat().st_size / 1e6 / took_s,
        "ticks": len(busy),
    }


def main() -> None:
    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    window = QMainWindow()
    bar = QProgressBar()
    bar.setRange(0, 1000)
    window.setCentralWidget(bar)
    window.show()
    loop = qasync.QEventLoop(app)
    with loop:
        result = loop.run_until_complete(measure(Path(sys.argv[1]), bar))
    print(json.dumps(result))


main()
