"""The before/after player: what it costs, how exactly it keeps two clips in step, and how fast it answers.

The clips are made anew, so that nobody has to bring any. Ours and the peer are measured in turn; medians.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from tests.bench import clips
from tests.bench.child import NotMeasured, told
from tests.bench.screen import screen
from tests.bench.table import Figure, at_share

RUNS = 3
_SEEKS = 5


def _goal(name: str, unit: str, must: float, *, judges_ratio: bool = False) -> Figure:
    return Figure(name=name, ours=None, peer=None, unit=unit, must=must, judges_ratio=judges_ratio)


MISMATCHED = _goal("pairs that do not match, 2 x 1080p30", "", 0)
LEFT_OUT = _goal("pairs due but not shown", "%", 2)
SHOWN_HD = _goal("CPU a frame, 1080p shown, peer decoding", "ms", 1.4, judges_ratio=True)
SHOWN_4K = _goal("CPU a frame, 4K shown, peer decoding", "ms", 1.25, judges_ratio=True)
WIDGET = _goal("CPU a frame, 1080p, peer QVideoWidget", "ms", 0.45, judges_ratio=True)
SEEK = _goal("exact seek, cold, GOP 250, peer mpv", "ms", 0.9, judges_ratio=True)
STEP_ON = _goal("step +1 of a held key, two clips, p95", "ms", 25)
STEP_BACK = _goal("step -1 of a held key, two clips, p95", "ms", 16)
STEP_BACK_MAX = _goal("step -1 of a held key, two clips, max", "ms", 100)
CACHED = _goal("seek to a frame that is ready, p95", "ms", 8)
DRAG = _goal("drag request to picture, p95", "ms", 16)
DRAFTS = _goal("clip opened to drafts, peer decoding", "s", 2, judges_ratio=True)
CHANGES = _goal("change map of a pair, peer decoding both", "s", 1.5, judges_ratio=True)
WIPE = _goal("wipe painted at 1280x720, p50", "ms", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is measured with."""

    folder: Path
    before: Path
    after: Path
    large: Path
    environ: dict[str, str]
    runs: int

    @property
    def has_screen(self) -> bool:
        """False: windows are painted into memory only."""
        return "DISPLAY" in self.environ


def measure(folder: Path, runs: int | None) -> Iterator[Figure]:
    """Make the clips, then one group of figures after the other."""
    paths = {}
    for name, made in (("before", clips.BEFORE), ("after", clips.AFTER), ("large", clips.LARGE)):
        paths[name] = clips.make(folder / f"{name}.mp4", made)
    with screen() as display:
        environ = {**os.environ, **display, "QT_LOGGING_RULES": "qt.multimedia*=false"}
        bench = Bench(folder=folder, environ=environ, runs=runs or RUNS, **paths)
        for figures, measured in _GROUPS:
            try:
                yield from measured(bench)
            except NotMeasured as error:
                yield from (replace(figure, note=str(error)) for figure in figures)


def _in_step(bench: Bench) -> list[Figure]:
    said = told("child_in_step.py", bench.before, bench.after, environ=bench.environ)
    at_once, later = said["at_once"], said["later"]
    left_out = [100 * (1 - run["shown"] / run["due"]) for run in (at_once, later)]
    return [
        replace(MISMATCHED, ours=at_once["mismatched"] + later["mismatched"], note="read from the screen"),
        replace(
            LEFT_OUT,
            ours=max(left_out),
            note=f"the worse of right after opening {left_out[0]:.1f} and later {left_out[1]:.1f}",
        ),
    ]


def _cost_of_hd(bench: Bench) -> list[Figure]:
    ours, decode, widget = [], [], []
    for _ in range(bench.runs):
        decode.append(_cpu_ms(told("child_decoding_in_time.py", bench.before), "frames"))
        ours.append(_cpu_ms(told("child_playing.py", bench.before, environ=bench.environ), "shown"))
        if bench.has_screen:
            widget.append(_cpu_ms(told("child_video_widget.py", bench.before, environ=bench.environ), "shown"))
    return [
        replace(SHOWN_HD, ours=median(ours), peer=median(decode), note=_spread(ours, decode)),
        replace(
            WIDGET,
            ours=median(ours),
            peer=median(widget) if widget else None,
            note=f"its CPU is {median(widget) / median(ours):.1f} times ours" if widget else "Xvfb is not installed",
        ),
    ]


def _cost_of_4k(bench: Bench) -> list[Figure]:
    ours, decode = [], []
    for _ in range(bench.runs):
        decode.append(_cpu_ms(told("child_decoding_in_time.py", bench.large), "frames"))
        ours.append(_cpu_ms(told("child_playing.py", bench.large, environ=bench.environ), "shown"))
    return [replace(SHOWN_4K, ours=median(ours), peer=median(decode), note=_spread(ours, decode))]


def _seeking(bench: Bench) -> list[Figure]:
    _require("mpv")
    said = told("child_seeking.py", bench.before, bench.folder, bench.runs * _SEEKS, environ=bench.environ)
    ours, theirs = [1000 * took_s for took_s in said["ours_s"]], [1000 * took_s for took_s in said["theirs_s"]]
    note = f"{len(ours)} places, ours painted, mpv decoded; all together {sum(ours) / sum(theirs):.2f}"
    return [replace(SEEK, ours=median(ours), peer=median(theirs), note=note)]


def _stepping(bench: Bench) -> list[Figure]:
    took_ms = told("child_stepping.py", bench.before, bench.after, environ=bench.environ)
    dragged, forward, back, cached = (took_ms[name] for name in ("dragged", "forward", "back", "cached"))
    return [
        replace(STEP_ON, ours=at_share(forward, 0.95), note=f"{len(forward)} steps, max {max(forward):.0f}"),
        replace(STEP_BACK, ours=at_share(back, 0.95), note=f"{len(back)} steps, p50 {median(back):.1f}"),
        replace(STEP_BACK_MAX, ours=max(back)),
        replace(CACHED, ours=at_share(cached, 0.95), note=f"{len(cached)} seeks, max {max(cached):.1f}"),
        replace(
            DRAG,
            ours=at_share(dragged, 0.95),
            note=f"{len(dragged)} requests, the first {dragged[0]:.1f}, max {max(dragged):.1f}",
        ),
    ]


def _surveying(bench: Bench) -> list[Figure]:
    figures = []
    for figure, paths in ((DRAFTS, [bench.before]), (CHANGES, [bench.before, bench.after])):
        ours, decode = [], []
        for _ in range(bench.runs):
            decode.append(told("child_decoding.py", *paths)["took_s"])
            ours.append(told("child_surveying.py", *paths, environ=bench.environ)["took_s"])
        figures.append(replace(figure, ours=median(ours), peer=median(decode), note=_spread(ours, decode)))
    return figures


def _painting(bench: Bench) -> list[Figure]:
    took_ms = told("child_painting.py", bench.before, bench.after, environ=bench.environ)
    others = ", ".join(f"{mode} {value:.2f}" for mode, value in took_ms.items())
    return [replace(WIPE, ours=took_ms["wipe"], note=others)]


_GROUPS: tuple[tuple[tuple[Figure, ...], Callable[[Bench], list[Figure]]], ...] = (
    ((MISMATCHED, LEFT_OUT), _in_step),
    ((SHOWN_HD, WIDGET), _cost_of_hd),
    ((SHOWN_4K,), _cost_of_4k),
    ((SEEK,), _seeking),
    ((STEP_ON, STEP_BACK, STEP_BACK_MAX, CACHED, DRAG), _stepping),
    ((DRAFTS, CHANGES), _surveying),
    ((WIPE,), _painting),
)


def _cpu_ms(said: dict[str, float], count: str) -> float:
    return 1000 * said["cpu_s"] / said[count]


def _spread(ours: list[float], theirs: list[float]) -> str:
    ratios = sorted(mine / peer for mine, peer in zip(ours, theirs, strict=True))
    return f"{len(ratios)} pairs, their ratios {ratios[0]:.2f} to {ratios[-1]:.2f}"


def _require(program: str) -> None:
    if shutil.which(program) is None:
        raise NotMeasured(f"{program} is not installed")
