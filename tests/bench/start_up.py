"""Process start until the window has been painted, as a ratio to a bare Qt window."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from tests.bench.table import Figure

RUNS = 9
_HERE = Path(__file__).resolve().parent
_LIMIT_S = 60


def measure(folder: Path, runs: int | None) -> list[Figure]:
    """Ours and the bare one in turn, so that a busy moment hits both; medians."""
    name = "process start to window painted"
    try:
        pairs = [_pair(folder, turn) for turn in range(-1, runs or RUNS)]
    except NotShown as error:
        return [
            Figure(name=name, ours=None, peer=None, unit="ms", goal=1.5, must=2.0, judges_ratio=True, note=str(error))
        ]
    # The first pair only warms the file cache.
    pairs = pairs[1:]
    ratios = sorted(ours / bare for ours, bare in pairs)
    return [
        Figure(
            name=name,
            ours=median(ours for ours, _ in pairs),
            peer=median(bare for _, bare in pairs),
            unit="ms",
            goal=1.5,
            must=2.0,
            judges_ratio=True,
            note=f"{len(pairs)} pairs, their ratios {ratios[0]:.2f} to {ratios[-1]:.2f}",
        )
    ]


class NotShown(Exception):
    """A window that was to be measured did not come."""


def _pair(folder: Path, turn: int) -> tuple[float, float]:
    # Every second time the other way round.
    if turn % 2:
        bare_ms, ours_ms = _started("child_bare_window.py", folder), _started("child_window.py", folder)
    else:
        ours_ms, bare_ms = _started("child_window.py", folder), _started("child_bare_window.py", folder)
    return ours_ms, bare_ms


def _started(script: str, folder: Path) -> float:
    """Milliseconds until the script says that its window is painted."""
    environ = os.environ | {"KLINGSTUDIO_HOME": str(folder / "home"), "PYTHONPATH": str(_HERE.parents[1])}
    began_at = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, str(_HERE / script)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        said = child.stdout.readline()
        took_ms = (time.perf_counter() - began_at) * 1000
        try:
            _, complaints = child.communicate(timeout=_LIMIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            raise NotShown(f"{script} did not end") from None
    if said.strip() != b"painted":
        last = complaints.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise NotShown(f"{script}: {last[0]}")
    return took_ms
