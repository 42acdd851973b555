"""Two clips played to their end twice; the frames' numbers are read from the screen. `child_in_step.py BEFORE AFTER`.

At first right after opening, while the program still looks through both clips in the background, then when it is done.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PySide6.QtCore import QRect
from PySide6.QtGui import QImage

from klingstudio.ui.player.playback.pair import Pair
from tests.bench import clips
from tests.bench.stage import HEIGHT_PX, WIDTH_PX, Stage

_CELL_PX = clips.CELLS_WIDTH / clips.BITS * WIDTH_PX
_ROW_PX = round((clips.CELLS_TOP + clips.CELLS_HEIGHT / 2) * HEIGHT_PX)
_LEFT = QRect(0, _ROW_PX, round(clips.CELLS_WIDTH * WIDTH_PX), 1)
_RIGHT = QRect(WIDTH_PX - _LEFT.width(), _ROW_PX, _LEFT.width(), 1)
_HALF = 128


class Reader:
    """Reads each pair's numbers from the screen as soon as it is there."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        # The pair that is there already, before it is played on.
        self.steps = {0}
        self.mismatched = 0
        self._note = stage.view.watch
        stage.view.watch = self._read

    def _read(self, pair: Pair) -> None:
        self._note(pair)
        if pair.before is None or pair.after is None:
            return
        view = self._stage.view
        screen = view.screen()
        numbers = []
        for strip, is_red in ((_LEFT, True), (_RIGHT, False)):
            image = screen.grabWindow(view.winId(), strip.x(), strip.y(), strip.width(), 1).toImage()
            numbers.append(_number(image, is_red=is_red))
        # The clips have the same frames at the same times: step, left and right number are one and the same.
        if numbers != [pair.step, pair.step]:
            self.mismatched += 1
        self.steps.add(numbers[0])


def _number(image: QImage, *, is_red: bool) -> int:
    colors = (image.pixelColor(int((digit + 0.5) * _CELL_PX), 0) for digit in range(clips.BITS))
    return sum((color.red() if is_red else color.blue()) > _HALF and 1 << digit for digit, color in enumerate(colors))


def play(stage: Stage) -> dict[str, int]:
    """From the first pair to the last one."""
    player = stage.player
    player.seek(0)
    stage.until_exact(0)
    reader = Reader(stage)
    player.play()
    stage.until(lambda: not player.is_playing)
    timeline = player.timeline
    assert timeline is not None
    return {"mismatched": reader.mismatched, "shown": len(reader.steps), "due": timeline.count}


def main() -> None:
    stage = Stage(Path(sys.argv[1]), Path(sys.argv[2]))
    stage.player.set_looping(False)
    stage.load()
    at_once = play(stage)
    stage.until_surveyed()
    later = play(stage)
    print(json.dumps({"at_once": at_once, "later": later}))
    stage.close()


main()
