"""The window's timers and the memory during a 200 MB upload, through everything that a real upload goes through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.bench.table import Figure

RUNS = 5
SIZE_BYTES = 200_000_000
_HERE = Path(__file__).resolve().parent
_LIMIT_S = 300

Run = dict[str, float | None]


def measure(folder: Path, runs: int | None) -> list[Figure]:
    """Each run is a process of its own that measures its idle loop first, then the upload."""
    clip = big_file(folder / "clip.mp4")
    done: list[Run] = []
    note = ""
    for turn in range(runs or RUNS):
        try:
            done.append(_run(clip, folder / f"home-{turn}"))
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


class NotMeasured(Exception):
    """The measuring process ended without a result."""


def _run(clip: Path, home: Path) -> Run:
    environ = os.environ | {"KLINGSTUDIO_HOME": str(home), "PYTHONPATH": str(_HERE.parents[1])}
    try:
        child = subprocess.run(
            [sys.executable, str(_HERE / "child_upload.py"), str(clip)],
            env=environ,
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"no result within {_LIMIT_S} s") from None
    if child.returncode:
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
        raise NotMeasured(last[0])
    result: Run = json.loads(child.stdout)
    return result


def big_file(path: Path) -> Path:
    """A clip's size in bytes that no file system can shorten."""
    piece = os.urandom(1_000_000)
    with path.open("wb") as file:
        for number in range(SIZE_BYTES // len(piece)):
            file.write(number.to_bytes(8, "big") + piece[8:])
    return path
