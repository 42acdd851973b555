"""The program with its real studio, each time in a process of its own: it owns the event loop from start to end."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import ClassVar

from filelock import FileLock
from PySide6.QtWidgets import QApplication

from klingstudio import app

ROOT = Path(__file__).resolve().parents[2]
DRIVER = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
application = QApplication(["klingstudio"])
from klingstudio import app
from klingstudio.ui.window import Window

def window():
    return next(w for w in application.topLevelWidgets() if isinstance(w, Window))

def end():
    timer.stop()
    window().close()

def look():
    if not hasattr(window(), "_models"):
        return
    {look}

timer = QTimer()
timer.timeout.connect(look)
timer.start(20)
sys.exit(app.run({files!r}, demo=False))
"""


def run(home: Path, look: str, files: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the program; `look` is called again and again until it closes the window."""
    code = DRIVER.format(look=textwrap.indent(textwrap.dedent(look).strip(), "    ").strip(), files=list(files))
    environment = {**os.environ, "KLINGSTUDIO_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_program_opens_takes_a_file_and_closes_without_a_word(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")

    done = run(
        tmp_path / "home",
        """
        source = window()._models.draft.source
        if source is not None and source.problem is not None:
            print(source.problem.kind, window().generate.reason)
            end()
        """,
        (str(broken),),
    )

    assert done.stdout == "source_not_video This is not a video\n"
    assert done.stderr == ""
    assert done.returncode == 0


def test_a_second_window_on_the_same_folder_says_so_and_can_try_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)

    with FileLock(home / "data" / "studio.lock"):
        done = run(
            home,
            """
            from klingstudio.ui.window.failure import FailurePage
            page = window().findChild(FailurePage)
            if page is not None:
                print(page.accessibleName())
                end()
            """,
        )

    assert done.stdout == "Kling Studio is already open\n"
    assert done.returncode == 0


def test_an_exception_in_a_slot_is_shown_in_the_window(tmp_path: Path) -> None:
    done = run(
        tmp_path / "home",
        """
        if window().messages.title:
            print(window().messages.title, "|", window().messages.hint)
            end()
        elif window()._models.draft.is_attached:
            raise ZeroDivisionError("a slot")
        """,
    )

    assert done.stdout.startswith("Something unexpected happened | ZeroDivisionError: a slot.")
    assert done.returncode == 0


def test_the_window_is_on_screen_before_anything_heavy_is_loaded() -> None:
    code = (
        "import sys, klingstudio.app; "
        "print(sorted({'av', 'httpx', 'keyring', 'msgspec', 'qasync', 'asyncio', 'sqlite3'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_garbage_is_collected_in_the_gui_thread_only(qapp: QApplication) -> None:
    class Loop:
        """A cycle that says in which thread it was destroyed."""

        died_in: ClassVar[list[str]] = []

        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            self.died_in.append(threading.current_thread().name)

    collector = app.Collector(qapp)
    try:
        Loop()
        worker = threading.Thread(target=lambda: [[n] for n in range(50_000)])
        worker.start()
        worker.join()
        assert Loop.died_in == []

        for _ in range(3):
            litter = [[n] for n in range(5_000)]
            del litter
            collector.look()
        gc.collect()
    finally:
        collector.stop()
        collector.deleteLater()

    assert Loop.died_in == ["MainThread"]
    assert gc.isenabled()
