"""How long the view paints a pair, in each mode. `child_painting.py BEFORE AFTER`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median

from klingstudio.ui.player.comparison import Mode
from tests.bench.stage import Stage

TIMES = 120


def has_right_size(stage: Stage) -> bool:
    """True when nothing has to be stretched any more."""
    picture = stage.pair.before if stage.pair is not None else None
    width_px, height_px = stage.view.box
    return picture is not None and (picture.width_px == width_px or picture.height_px == height_px)


def main() -> None:
    stage = Stage(Path(sys.argv[1]), Path(sys.argv[2]))
    stage.load()
    stage.until_surveyed()
    view = stage.view
    took_ms: dict[str, float] = {}
    for mode in Mode:
        view.set_comparison(replace(view.comparison, mode=mode))
        stage.until(lambda: has_right_size(stage))
        view.took_ms.clear()
        for turn in range(TIMES):
            # A divider that moves, as while it is dragged; the other modes do not care.
            view.set_comparison(replace(view.comparison, wipe=0.1 + 0.8 * turn / TIMES))
            view.repaint()
        took_ms[mode.value] = median(view.took_ms)
    print(json.dumps(took_ms))
    stage.close()


main()
