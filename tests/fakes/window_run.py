"""The program with its real window, in a process of its own, which tells what it sees."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.command_line import CommandLine
from tests.fakes.sandbox import ROOT

_DRIVER = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
application = QApplication(["klingstudio"])
from klingstudio import cli
from klingstudio.ui.window import Window
from klingstudio.ui.window.failure import FailurePage

def window():
    return next(w for w in application.topLevelWidgets() if isinstance(w, Window))

def end():
    timer.stop()
    window().close()

def tell(*words):
    print(*words, flush=True)

told = []
def once(name):
    return not (name in told or told.append(name))

def look():
    if not hasattr(window(), "_models"):
        return
    failure = window().findChild(FailurePage)
    if failure is None and not window()._models.draft.is_attached:
        return
    jobs = window()._models.jobs
    states = [str(jobs.job(id).state) for id in jobs.ids()]
    {look}

timer = QTimer()
timer.timeout.connect(look)
timer.start(20)
sys.exit(cli.main(["--"]))
"""
IS_OPEN = 'once("open") and tell("open")'


@contextmanager
def a_window(run: CommandLine, look: str, *, cwd: Path = ROOT) -> Iterator[subprocess.Popen[str]]:
    """The program with its window, which nobody sees; `look` runs again and again inside."""
    code = _DRIVER.format(look=textwrap.indent(textwrap.dedent(look).strip(), "    ").strip())
    environ = {**run.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        # What a developer's shell allows: were it not for the program, there would be a core.
        ["sh", "-c", 'ulimit -S -c unlimited; exec "$@"', "sh", sys.executable, "-c", code],
        cwd=cwd,
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
