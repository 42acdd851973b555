"""The window's timers and the memory during a 200 MB upload, through everything that a real upload goes through."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.bench.child import NotMeasured, told
from tests.bench.table import Figure

RUNS = 5
SIZE_BYTES = 200_000_000

Run = dict[str, float | None]


def measure(folder: Path, runs: int | None) -> list[Figure]:
    """Each run is a process of its own that measures its idle loop first, then the upload."""
    clip = big_file(folder / "clip.mp4")
    done: list[Run] = []
    note = ""
    for turn in range(runs or RUNS):
        try:
            environ = os.environ | {"KLINGSTUDIO_HOME": str(folder / f"home-{turn}")}
            done.append(told("child_upload.py", clip, environ=environ))
        except NotMeasured as error:
            note = str(error)
            break

    def middle(name: str) -> float | None:
        values = [value for run in done if (value := run[name]) is not None]
        return median(values) if values and not note else None

    def worst(name: str, pick: Callable[[list[float]], float] = max) -> str:
        values = [value for run in done if (value := run[name]) is not None]
        return note or (f"worst of {len(values)} runs {pick(values):.1f}" if values else "not known on this system")

    speed = middle("mb_per_s")
    return [
        Figure(
            name="timer lateness while uploading 200 MB, p99",
            ours=middle("upload_p99_ms"),
            peer=middle("idle_p99_ms"),
            unit="ms",
            must=10,
            note=worst("upload_p99_ms") + (f"; {speed:.0f} MB/s" if speed else ""),
        ),
        Figure(
            name="timer lateness while uploading 200 MB, max",
            ours=middle("upload_max_ms"),
            peer=middle("idle_max_ms"),
            unit="ms",
            must=100,
            note=worst("upload_max_ms"),
        ),
        Figure(
            name="memory growth of that upload",
            ours=middle("growth_mb"),
            peer=None,
            unit="MB",
            must=8,
            note=worst("growth_mb"),
        ),
    ]


def big_file(path: Path) -> Path:
    """A clip's size in bytes that no file system can shorten."""
    piece = os.urandom(1_000_000)
    with path.open("wb") as file:
        for number in range(SIZE_BYTES // len(piece)):
            file.write(number.to_bytes(8, "big") + piece[8:])
    return path
