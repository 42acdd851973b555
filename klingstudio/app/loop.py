"""Runs Qt's loop first, and asyncio's in it after the first paint; the only user of qasync.

The window is on screen before anything heavy is loaded: a plain Qt loop runs until the first paint, then the rest is
imported and the asyncio loop takes over. The window's own `closed` ends `main`, which closes everything it opened
in reverse order while the loop still runs; with `aboutToQuit` the loop would be gone before that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from klingstudio.app.collector import Collector
from klingstudio.app.ends import closing_on_signals, leaving, report_task, reporting
from klingstudio.app.opening import gives_way
from klingstudio.app.session import main
from klingstudio.ui.theme import Theme
from klingstudio.ui.window import Window

if TYPE_CHECKING:
    from klingstudio.ui.window.comparer import Comparer

PAINT_LIMIT_MS = 1000
"""A window that was started minimised is not painted at all; the program goes on without."""


def run(argv: Sequence[str], *, demo: bool) -> int:
    """Open the window and stay until it is closed. Returns the exit code.

    Args:
        argv: files, taken as if dropped on the window.
        demo: show the whole loop by itself, once, on the sandbox and the sample clip.
    """
    app = _application()
    files = [Path(name) for name in argv]
    if not demo and gives_way(files):
        return 0
    collector = Collector(app)
    window = Window(None, Theme(app))
    with closing_on_signals(window.close):
        return _run(app, window, collector, files, demo=demo)


def _run(app: QApplication, window: Window, collector: Collector, files: list[Path], *, demo: bool) -> int:
    window.show()
    if not _painted(app, window):
        return 0

    from klingstudio.ui.models.bundle import Models

    models = Models()
    window.furnish(models)
    window.take_files(files)
    if not _painted(app, window):
        return 0

    import asyncio

    from qasync import QEventLoop

    from klingstudio import logs
    from klingstudio.paths import paths

    end_log = logs.start(paths(os.environ).logs)
    hook = sys.excepthook
    sys.excepthook = reporting(models.problems, hook)
    loop = QEventLoop(app, already_running=False)
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(lambda _loop, context: report_task(models.problems, context))
    try:
        with loop:
            loop.run_until_complete(main(window, models, files, demo=demo))
    finally:
        sys.excepthook = hook
        asyncio.set_event_loop(None)
        end_log()
        collector.stop()
        window.hide()
        window.deleteLater()
    return 0


def compare(before: Path, after: Path) -> int:
    """Open the comparer on two files and stay until it is closed. Returns the exit code.

    There is no asyncio, no database, no keychain and no network in this: Qt's own loop and the player.
    """
    from klingstudio.ui.window.comparer import Comparer

    app = _application()
    # Qt would write it behind the title, which begins with it already.
    app.setApplicationDisplayName("")
    collector = Collector(app)
    window = Comparer(Theme(app))
    window.show()
    if not _painted(app, window):
        return 0

    from klingstudio import logs
    from klingstudio.paths import paths
    from klingstudio.ui.models.problems import Problems

    end_log = logs.start(paths(os.environ).logs)
    problems = Problems()
    hook = sys.excepthook
    sys.excepthook = reporting(problems, leaving(app))
    window.closed.connect(app.quit)
    try:
        window.furnish(problems)
        window.open(before, after)
        return app.exec()
    finally:
        window.detach()
        sys.excepthook = hook
        end_log()
        collector.stop()
        window.hide()
        window.deleteLater()


def _painted(app: QApplication, window: Window | Comparer) -> bool:
    """Run Qt until the window has been painted. False when it was closed instead."""
    is_open = True

    def close() -> None:
        nonlocal is_open
        is_open = False
        app.exit(0)

    limit = QTimer()
    limit.setSingleShot(True)
    # Not at once: what is inside the window is painted after the window itself.
    window.painted.connect(limit.start)
    limit.timeout.connect(lambda: app.exit(0))
    window.closed.connect(close)
    late = QTimer()
    late.setSingleShot(True)
    late.timeout.connect(lambda: app.exit(0))
    late.start(PAINT_LIMIT_MS)
    app.exec()
    late.stop()
    window.painted.disconnect(limit.start)
    window.closed.disconnect(close)
    return is_open


def _application() -> QApplication:
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("klingstudio")
    app.setApplicationDisplayName("Kling Studio")
    app.setDesktopFileName("klingstudio")
    app.setQuitOnLastWindowClosed(False)
    return app
