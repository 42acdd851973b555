"""The composer: how soon the strip of a clip is there, and what is found at a key."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from klingstudio.media.thumbs import filmstrip
from tests.bench import clips
from tests.bench.child import NotMeasured, told
from tests.bench.table import Figure

RUNS = 3
_THUMBNAILS, _THUMBNAIL_PX = 20, 90

THUMBNAILS = Figure(
    name="20 thumbnails, peer ffmpeg, one pass",
    ours=None,
    peer=None,
    unit="s",
    must=0.6,
    judges_ratio=True,
)

TYPING = Figure(
    name="key to what is found, painted, p95",
    ours=None,
    peer=None,
    unit="ms",
    must=50,
)


def measure(folder: Path, runs: int | None) -> Iterator[Figure]:
    """One figure after the other."""
    yield _thumbnails(folder, runs or RUNS)
    yield _typing()


def _typing() -> Figure:
    try:
        told_by_child = told("child_typing.py")
    except NotMeasured as error:
        return replace(TYPING, note=str(error))
    if not told_by_child["found"]:
        return replace(TYPING, note="nothing was found in what was typed")
    note = f"{told_by_child['keys']:.0f} keys, the slowest {told_by_child['most_ms']:.1f} ms"
    return replace(TYPING, ours=told_by_child["p95_ms"], note=note)


def _thumbnails(folder: Path, runs: int) -> Figure:
    if shutil.which("ffmpeg") is None:
        return replace(THUMBNAILS, note="ffmpeg is not installed")
    clip = clips.make(folder / "clip.mp4", clips.BEFORE)
    rate = _THUMBNAILS / clips.BEFORE.seconds
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(clip)]
    command += ["-vf", f"fps={rate},scale=-2:{_THUMBNAIL_PX}", str(folder / "thumbnail-%02d.png")]
    ours, theirs = [], []
    # The first turn only brings files and code into memory.
    for _ in range(runs + 1):
        began_s = time.perf_counter()
        subprocess.run(command, check=True)
        between_s = time.perf_counter()
        filmstrip(clip, _THUMBNAILS, _THUMBNAIL_PX)
        theirs.append(between_s - began_s)
        ours.append(time.perf_counter() - between_s)
    ratios = sorted(mine / peer for mine, peer in zip(ours[1:], theirs[1:], strict=True))
    note = f"{len(ratios)} pairs, their ratios {ratios[0]:.2f} to {ratios[-1]:.2f}"
    return replace(THUMBNAILS, ours=median(ours[1:]), peer=median(theirs[1:]), note=note)
