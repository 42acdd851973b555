"""Run as a program: plays a clip, loses the sound server while paused, plays on, and gets it back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.player.playback.player import PairPlayer
from klingstudio.ui.player.playback.sound import Sound
from tests.ui.player.sound_server import running_server

_LIMIT_S = 30.0


def main(clip: Path) -> None:
    """Prints what is true at each stage."""
    with running_server() as server:
        server.use()
        application = QCoreApplication([])
        player = PairPlayer(time.monotonic)
        player.set_box(320, 180)
        sound = Sound(player)

        def until(is_so: Callable[[], bool]) -> None:
            deadline = time.monotonic() + _LIMIT_S
            while not is_so():
                assert time.monotonic() < deadline
                application.processEvents()
                time.sleep(0.002)

        player.load(Side.BEFORE, clip)
        until(lambda: player.pair is not None and sound.has_device)
        player.play()
        until(lambda: player.time_s > 0.3)
        player.pause()

        server.stop()
        player.play()
        until(lambda: player.time_s > 0.6)
        until(lambda: not sound.has_device)
        print("runs without", flush=True)

        server.start()
        player.set_looping(True)
        until(lambda: sound.has_device)
        print("has it back", flush=True)
        sound.close()
        player.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
