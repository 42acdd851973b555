"""`klingstudio compare` as a program of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.unit.media.numbered_clips import BLUE, numbered_clip

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60
DRIVER = """
import os, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
application = QApplication(["klingstudio"])
from klingstudio import cli
from klingstudio.ui.window.comparer import Comparer

def look():
    window = next((one for one in application.topLevelWidgets() if isinstance(one, Comparer)), None)
    if window is None or not hasattr(window, "player"):
        return
    {look}

timer = QTimer()
timer.timeout.connect(look)
timer.start(20)
sys.exit(cli.main(["compare", *sys.argv[1:]]))
"""
"""Runs the command; `look` is called again and again once the player is there."""


def compare(home: Path, *arguments: str, look: str = "") -> subprocess.CompletedProcess[str]:
    how = (
        ["-c", DRIVER.format(look=textwrap.indent(look, "    ").strip())] if look else ["-m", "klingstudio", "compare"]
    )
    return subprocess.run(
        [sys.executable, *how, *arguments],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def environment(home: Path) -> dict[str, str]:
    return os.environ | {"KLINGSTUDIO_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}


@pytest.fixture
def clips(tmp_path: Path) -> tuple[str, str]:
    return str(numbered_clip(tmp_path / "street.mp4", 12)), str(numbered_clip(tmp_path / "snow.mp4", 12, ink=BLUE))


def test_two_files_open_in_step_and_nothing_of_the_studio_is_loaded(home: Path, clips: tuple[str, str]) -> None:
    look = """
pair = window.player._player.pair
if pair is not None and pair.before is not None and pair.after is not None:
    studio = ("sqlite3", "keyring", "httpx", "qasync", "asyncio", "klingstudio.engine", "klingstudio.studio")
    print(window.windowTitle(), pair.count, [name for name in studio if name in sys.modules])
    timer.stop()
    window.close()
"""

    done = compare(home, *clips, look=look)

    assert done.stdout == "Kling Studio – Compare: street.mp4 and snow.mp4 12 []\n"
    assert done.stderr == ""
    assert done.returncode == 0
    assert not (home / "data").exists()


def test_the_window_is_painted_before_the_video_library_is_loaded(home: Path, clips: tuple[str, str]) -> None:
    code = """
import os, sys
from PySide6.QtCore import QTimer
from klingstudio import cli
from klingstudio.ui.window.comparer import Comparer

def tell(self):
    print([name for name in ("av", "PIL", "klingstudio.ui.player", "klingstudio.logs") if name in sys.modules])
    sys.stdout.flush()
    os._exit(0)

paint = Comparer.paintEvent
Comparer.paintEvent = lambda self, event: (paint(self, event), QTimer.singleShot(0, lambda: tell(self)))[0]
cli.main(["compare", *sys.argv[1:]])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *clips],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert done.stdout == "[]\n", done.stderr


def test_a_damaged_file_opens_the_window_which_says_so(home: Path, clips: tuple[str, str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no film")
    look = """
if window.messages.title:
    print(window.messages.title)
    timer.stop()
    window.close()
"""

    done = compare(home, clips[0], str(broken), look=look)

    assert done.stdout == "This is not a video\n"
    assert done.returncode == 0


def test_an_exception_in_a_slot_is_shown_and_written_to_the_log(home: Path, clips: tuple[str, str]) -> None:
    look = """
if window.messages.title:
    print(window.messages.title, "|", window.messages.hint)
    timer.stop()
    window.close()
else:
    raise ZeroDivisionError("a slot")
"""

    done = compare(home, *clips, look=look)

    assert done.stdout.startswith("Something unexpected happened | ZeroDivisionError: a slot.")
    assert any("a slot" in log.read_text("utf-8") for log in (home / "logs").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal for one process")
def test_ctrl_c_in_the_terminal_ends_it(home: Path, clips: tuple[str, str]) -> None:
    look = f"""
if window.player._player.pair is not None:
    timer.stop()
    os.kill(os.getpid(), {int(signal.SIGINT)})
"""

    done = compare(home, *clips, look=look)

    assert done.returncode == 130
    assert "Traceback" not in done.stderr


# --- wrong input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: BEFORE, AFTER"),
        (["{clip}"], "the following arguments are required: AFTER"),
        (["{clip}", "{clip}", "{clip}"], "unrecognized arguments"),
        (["{clip}", "--json"], "the following arguments are required: AFTER"),
        (["{clip}", "{folder}/no such.mp4"], "This file cannot be found: no such.mp4"),
        (["{folder}/no such.mp4", "{clip}"], "This file cannot be found: no such.mp4"),
        (["{clip}", "two\nlines.mp4"], "This file cannot be found: two lines.mp4"),
        (["{clip}", "{folder}"], "This is not a file that can be read as a video"),
        (["", "{clip}"], "This is not a file that can be read as a video"),
        (["{clip}", "{folder}/empty.mp4"], "This file is empty: empty.mp4"),
        (["--", "-no.mp4", "{clip}"], "This file cannot be found: -no.mp4"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(
    home: Path, clips: tuple[str, str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "empty.mp4").touch()

    done = compare(home, *(one.format(clip=clips[0], folder=tmp_path) for one in arguments))

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_without_a_display_it_says_so(home: Path, clips: tuple[str, str]) -> None:
    environ = {
        name: value
        for name, value in environment(home).items()
        if name not in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    }

    done = subprocess.run(
        [sys.executable, "-m", "klingstudio", "compare", *clips],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("klingstudio: there is no display;")


def test_help_names_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "klingstudio", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "compare" in done.stdout
