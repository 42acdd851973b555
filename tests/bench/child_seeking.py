"""Exact seeks to frames that are nowhere ready, ours and mpv's in turn. `child_seeking.py CLIP FOLDER COUNT`.

Ours counts until the frame is on the screen, mpv's until it says that the frame is decoded.
"""

from __future__ import annotations

import json
import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.bench import clips
from tests.bench.mpv import Mpv, mpv
from tests.bench.stage import HEIGHT_PX, WIDTH_PX, Stage

FIRST, LAST = 20, clips.GOP - 1
"""Places of one group of pictures, behind those that are ready around its key frame."""


def forget_pictures(stage: Stage) -> None:
    """Stand on the first frame with nothing else decoded."""
    stage.player.seek(0)
    stage.until_exact(0)
    for width_px, height_px in ((WIDTH_PX // 2, HEIGHT_PX // 2), (WIDTH_PX, HEIGHT_PX)):
        # Pictures of another size are of no use.
        stage.painted.clear()
        stage.player.set_box(width_px, height_px)
        stage.until_exact(0)


def our_seek(stage: Stage, frame: int) -> float:
    forget_pictures(stage)
    began_s = time.perf_counter()
    stage.player.seek(frame)
    return stage.until_exact(frame) - began_s


def their_seek(peer: Mpv, frame: int) -> float:
    took_s = peer.seek(frame, clips.FPS)
    shown = round(peer.shown_s() * clips.FPS)
    if shown != frame:
        sys.exit(f"mpv shows frame {shown} instead of {frame}")
    return took_s


def main() -> None:
    clip, folder, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(3)
    frames = [chance.randint(FIRST, LAST) for _ in range(count)]
    ours: list[float] = []
    theirs: list[float] = []
    stage = Stage(clip)
    stage.load()
    stage.until_surveyed()
    with ExitStack() as stack:
        peer = stack.enter_context(mpv(folder, clip, "--vo=null"))
        for turn, frame in enumerate(frames):
            if turn % 2:
                ours.append(our_seek(stage, frame))
            theirs.append(their_seek(peer, frame))
            if not turn % 2:
                ours.append(our_seek(stage, frame))
    print(json.dumps({"ours_s": ours, "theirs_s": theirs}))
    stage.close()


main()
