"""The window of the player on more than one screen. Qt knows its screens from the start, so each test is a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = {"name": "here", "x": 0, "y": 0, "width": 1440, "height": 900}
BESIDE = {"name": "beside", "x": 1440, "y": 0, "width": 1920, "height": 1080}
PROGRAM = """
import sys
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
application = QApplication([])
from klingstudio.ui.player.panel import PlayerPanel
from klingstudio.ui.theme import Theme
from klingstudio.ui.window.away import Away
Theme(application, scale=1.0)
home = QWidget()
home.setGeometry(100, 100, 900, 600)
column = QVBoxLayout(home)
player = PlayerPanel(home)
column.addWidget(player)
away = Away(player, home)
away.returned.connect(lambda: column.addWidget(player))
home.show()

def say():
    application.processEvents()
    window = away.window
    print(window.screen().name(), "full" if window.isFullScreen() else "own", *window.geometry().getRect())

{steps}
away.end()
player.close_clips()
"""


def run(folder: Path, screens: list[dict[str, object]], steps: str) -> list[str]:
    """What the steps say, a line each: the screen, the kind of window, its place."""
    config = folder / "screens.json"
    config.write_text(json.dumps({"screens": screens}))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(steps=steps)],
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": f"offscreen:configfile={config}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


def test_it_goes_to_the_second_screen_and_takes_all_of_it_there(tmp_path: Path) -> None:
    steps = "away.toggle_detached(); say(); away.toggle_full_screen(); say(); away.toggle_full_screen(); say()"

    said = run(tmp_path, [HERE, BESIDE], steps)

    assert said == ["beside own 1632 108 1536 864", "beside full 1440 0 1920 1080", "beside own 1632 108 1536 864"]


def test_from_its_place_it_takes_the_screen_it_is_on(tmp_path: Path) -> None:
    said = run(tmp_path, [HERE, BESIDE], "away.toggle_detached(); away.end(); away.toggle_full_screen(); say()")

    assert said == ["here full 0 0 1440 900"]


def test_on_one_screen_it_stays_on_it(tmp_path: Path) -> None:
    said = run(tmp_path, [HERE], "away.toggle_detached(); say()")

    assert said == ["here own 144 90 1152 720"]


def test_a_place_on_a_screen_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    steps = (
        "away.toggle_detached(); away.window.setGeometry(QRect(4000, 100, 800, 600)); application.processEvents()\n"
        "away.end(); away.toggle_detached(); say()"
    )

    said = run(tmp_path, [HERE], steps)

    assert said == ["here own 144 90 1152 720"]
