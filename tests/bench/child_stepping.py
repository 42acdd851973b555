"""What a person does with two clips: drag, jump back and forth, hold an arrow key. `child_stepping.py BEFORE AFTER`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer

from tests.bench.stage import Stage

REPEAT_MS = 33
"""A held key comes about thirty times a second."""
DRAG_MS = 16
"""A pointer comes about sixty times a second."""
NEAR = 12
"""Frames around which a person jumps back and forth."""
JUMPS = 60


def paced(stage: Stage, steps: Sequence[int], every_ms: int, ask: Callable[[int], None]) -> list[float]:
    """Ask for each step at its time, whether the one before came or not; how long each took until it was painted.

    A step that was overtaken by a later one counts until that one is painted.
    """
    asked: list[tuple[int, float]] = []
    stage.painted.clear()
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)

    def next_step() -> None:
        step = steps[len(asked)]
        asked.append((step, time.perf_counter()))
        if len(asked) == len(steps):
            timer.stop()
        ask(step)

    timer.timeout.connect(next_step)
    timer.start(every_ms)
    stage.until(lambda: len(asked) == len(steps) and any(shown.step == steps[-1] for shown in stage.painted))
    order = {step: place for place, step in enumerate(steps)}
    took_ms = []
    for step, asked_s in asked:
        at_s = min(
            shown.at_s for shown in stage.painted if shown.at_s >= asked_s and order.get(shown.step, -1) >= order[step]
        )
        took_ms.append((at_s - asked_s) * 1000)
    return took_ms


def main() -> None:
    stage = Stage(Path(sys.argv[1]), Path(sys.argv[2]))
    player = stage.player
    stage.load()
    stage.until_surveyed()
    timeline = player.timeline
    assert timeline is not None
    last = timeline.count - 1

    # To the end and half the way back, as a hand moves: the first drag of all is among them. Each step only once.
    there = list(range(3, last, 4))
    back = [step + 1 for step in reversed(there[len(there) // 2 :])]
    dragged_ms = paced(stage, there + back, DRAG_MS, player.scrub)

    player.seek(0)
    stage.until_exact(0)
    forward_ms = paced(stage, range(1, last + 1), REPEAT_MS, lambda _: player.move(1))
    stage.until_exact(last)
    back_ms = paced(stage, range(last - 1, -1, -1), REPEAT_MS, lambda _: player.move(-1))

    middle = timeline.count // 2
    for step in range(middle, middle + NEAR):
        player.seek(step)
        stage.until_exact(step)
    cached_ms = []
    for turn in range(JUMPS):
        step = middle + turn * 5 % NEAR
        began_s = time.perf_counter()
        player.seek(step)
        cached_ms.append((stage.until_exact(step) - began_s) * 1000)

    print(json.dumps({"dragged": dragged_ms, "forward": forward_ms, "back": back_ms, "cached": cached_ms}))
    stage.close()


main()
