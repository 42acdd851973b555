"""Process start until the window has been painted, as a ratio to a bare Qt window: the studio's and the comparer's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from tests.bench.child import HERE
from tests.bench.table import Figure

RUNS = 9
_LIMIT_S = 60


def measure(folder: Path, runs: int | None) -> Iterator[Figure]:
    """Ours and the bare one in turn, so that a busy moment hits both; medians."""
    # Nothing is read of them before the window is there.
    clips = [folder / f"{name}.mp4" for name in ("before", "after")]
    for clip in clips:
        clip.write_bytes(b"a clip")
    commands: dict[str, Sequence[str | Path]] = {
        "process start to window painted": (),
        "the same of the comparer": ("compare", *clips),
    }
    for name, arguments in commands.items():
        figure = Figure(name=name, ours=None, peer=None, unit="ms", goal=1.5, must=2.0, judges_ratio=True)
        try:
            # The first pair only warms the file cache.
            pairs = [_pair(folder, arguments, turn) for turn in range(-1, runs or RUNS)][1:]
        except NotShown as error:
            yield replace(figure, note=str(error))
            continue
        ratios = sorted(ours / bare for ours, bare in pairs)
        yield replace(
            figure,
            ours=median(ours for ours, _ in pairs),
            peer=median(bare for _, bare in pairs),
            note=f"{len(pairs)} pairs, their ratios {ratios[0]:.2f} to {ratios[-1]:.2f}",
        )


class NotShown(Exception):
    """A window that was to be measured did not come."""


def _pair(folder: Path, arguments: Sequence[str | Path], turn: int) -> tuple[float, float]:
    ours, bare = ("child_window.py", *arguments), ("child_bare_window.py",)
    # Every second time the other way round.
    if turn % 2:
        bare_ms, ours_ms = _started(bare, folder), _started(ours, folder)
    else:
        ours_ms, bare_ms = _started(ours, folder), _started(bare, folder)
    return ours_ms, bare_ms


def _started(command: Sequence[str | Path], folder: Path) -> float:
    """Milliseconds until the script says that its window is painted."""
    script, *arguments = command
    environ = os.environ | {"KLINGSTUDIO_HOME": str(folder / "home"), "PYTHONPATH": str(HERE.parents[1])}
    began_at = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, str(HERE / script), *arguments], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
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
