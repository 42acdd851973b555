"""One clip played to its end, and what a frame on the screen costs. `child_playing.py CLIP`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from klingstudio.ui.player.playback.pair import Pair, Side
from tests.bench.clips import SETTLED
from tests.bench.stage import Stage


class Meter:
    """Counts from the first pair after opening and reading ahead are over."""

    def __init__(self, stage: Stage) -> None:
        self._note = stage.view.watch
        self.steps: set[int] = set()
        self.began_cpu_s = self.ended_cpu_s = 0.0
        stage.view.watch = self._count
        stage.player.playing_changed.connect(self._end)

    def _count(self, pair: Pair) -> None:
        self._note(pair)
        if pair.step >= SETTLED:
            self.began_cpu_s = self.began_cpu_s or time.process_time()
            self.steps.add(pair.step)

    def _end(self, is_playing: bool) -> None:
        if not is_playing:
            self.ended_cpu_s = time.process_time()


def main() -> None:
    stage = Stage(Path(sys.argv[1]))
    # What goes on in the background after a clip was opened has figures of its own.
    stage.player.hold_survey(True)
    stage.player.set_looping(False)
    stage.until(lambda: bool(stage.view.took_ms))
    meter = Meter(stage)
    stage.player.load(Side.BEFORE, Path(sys.argv[1]), plays=True)
    stage.until(lambda: meter.ended_cpu_s > 0)
    timeline = stage.player.timeline
    assert timeline is not None
    cpu_s = meter.ended_cpu_s - meter.began_cpu_s
    print(json.dumps({"cpu_s": cpu_s, "shown": len(meter.steps) - 1, "due": timeline.count - SETTLED - 1}))
    stage.close()


main()
