"""The studio with a window on it; the only user of qasync.

The window is on screen before anything heavy is loaded: a plain Qt loop runs until the first paint, then the rest is
imported and the asyncio loop takes over. The window's own `closed` ends `main`, which closes everything it opened
in reverse order while the loop still runs; with `aboutToQuit` the loop would be gone before that.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from klingstudio.ui.theme import Theme
from klingstudio.ui.window import Window

if TYPE_CHECKING:
    import asyncio

    from klingstudio.domain.errors import Problem
    from klingstudio.engine.restored import Found
    from klingstudio.paths import Paths
    from klingstudio.studio import Studio
    from klingstudio.ui.models.bundle import Models
    from klingstudio.ui.models.problems import Problems
    from klingstudio.ui.window.comparer import Comparer

PAINT_LIMIT_MS = 1000
"""A window that was started minimised is not painted at all; the program goes on without."""
COLLECT_EVERY_MS = 1000
OTHER_IS_UP_WITHIN_S = 1.0
INTERRUPTED = 130
_HEAVY = ("klingstudio.studio", "klingstudio.media.decode")
_ENDS = ("SIGTERM", "SIGINT", "SIGHUP")
"""How a system, a terminal or a person ends a program."""


def run(argv: Sequence[str], *, demo: bool) -> int:
    """Open the window and stay until it is closed. Returns the exit code.

    Args:
        argv: files, taken as if dropped on the window.
        demo: show the whole loop by itself, once, on the sandbox and the sample clip.
    """
    app = _application()
    files = [Path(name) for name in argv]
    if not demo and _hand_over(files):
        return 0
    collector = Collector(app)
    window = Window(None, Theme(app))
    with _closing_on_signals(window.close):
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
    sys.excepthook = _reporting(models.problems, hook)
    loop = QEventLoop(app, already_running=False)
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(lambda _loop, context: _report_task(models, context))
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


def _hand_over(files: Sequence[Path]) -> bool:
    """True when the program is open already: it has the files now, and its window comes forward."""
    from klingstudio.paths import paths

    bell = paths(os.environ).bell
    # Most starts are the first: they pay for one look at the disk only.
    if sys.platform != "win32" and not bell.exists():
        return False
    from klingstudio.ui.window.doorbell import hand_over

    return hand_over(bell, files)


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
    sys.excepthook = _reporting(problems, _leaving(app))
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


class Collector(QObject):
    """Collects garbage in the GUI thread, and nowhere else.

    Python collects in whatever thread happens to reach the threshold. A Qt object that is destroyed in a decoder's
    thread leaves its timers behind, and the next one that fires takes the program down.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(COLLECT_EVERY_MS)
        gc.disable()

    def look(self) -> None:
        """Collect the generations that are due, as the interpreter would."""
        due = [
            generation
            for generation, (count, threshold) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True))
            if 0 < threshold < count
        ]
        if due:
            gc.collect(due[-1])

    def stop(self) -> None:
        """Leave it to the interpreter again."""
        self._timer.stop()
        gc.enable()


@contextmanager
def _closing_on_signals(close: Callable[[], object]) -> Iterator[None]:
    """Who ends the program from outside closes its window: nothing is lost by that, and an answer is waited for.

    Python hears of a signal in the next slot that runs; the collector's is never far.
    """

    def hear(_number: int, _frame: object) -> None:
        # Not from inside whatever was interrupted.
        QTimer.singleShot(0, close)

    numbers = [getattr(signal, name) for name in _ENDS if hasattr(signal, name)]
    # A shell has what it starts in the background ignore some of them.
    before = {n: signal.signal(n, hear) for n in numbers if signal.getsignal(n) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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


async def main(window: Window, models: Models, files: Sequence[Path] = (), *, demo: bool) -> None:
    import asyncio
    from datetime import UTC, datetime

    from klingstudio.life import Life, look_back
    from klingstudio.paths import paths

    closed = asyncio.Event()
    window.closed.connect(closed.set)
    folder = paths(os.environ).logs
    past = look_back(folder, datetime.now(UTC))
    to_hand_over = None if demo else files
    studio = await _open(window, models, closed, to_hand_over, goes_on=not past.is_loop)
    if studio is None:
        return
    from klingstudio.ui.window.doorbell import Doorbell

    # Only who has the data folder for itself may say so.
    life = Life(folder, past, datetime.now(UTC))
    bell = None
    try:
        models.attach(studio)
        studio.recovery.hear(lambda found: _tell_found(models, found))
        window.normal_wanted.connect(studio.go_on)
        window.attach(past)
        bell = Doorbell(paths(os.environ).bell)
        bell.rung.connect(partial(_answer, window))
        # Kept until the end: Qt does not keep an object alive because a signal is connected to it.
        show = Demo(window, models)
        if demo:
            show.start()
        await closed.wait()
        life.end()
    finally:
        if bell is not None:
            bell.close()
        window.detach()
        await models.aclose()
        await studio.aclose()


def _answer(window: Window, files: list[Path]) -> None:
    window.come_forward()
    window.take_files(files)


async def _open(
    window: Window, models: Models, closed: asyncio.Event, to_hand_over: Sequence[Path] | None, *, goes_on: bool
) -> Studio | None:
    """The open studio, or None when the person gave up, or another program that is open took over.

    Args:
        to_hand_over: what such a program is given; None where this one is not to give way.
        goes_on: with every job that was sent.
    """
    import asyncio
    import importlib
    import logging

    from klingstudio.domain.errors import Kind, StudioError
    from klingstudio.paths import paths

    # On a thread, so that the window answers meanwhile.
    for name in _HEAVY:
        await asyncio.to_thread(importlib.import_module, name)
    from klingstudio.studio import Studio

    folders = paths(os.environ)
    while not closed.is_set():
        try:
            return await Studio.open(
                folders,
                os.environ,
                on_bug=lambda error: models.problems.report("a job", error),
                goes_on=goes_on,
            )
        except StudioError as error:
            logging.getLogger(__name__).info("the studio cannot be opened: %s", error)
            is_busy = error.problem.kind is Kind.STUDIO_BUSY
            if is_busy and to_hand_over is not None and await _taken_over(to_hand_over):
                return None
            await _ask(window, folders, error.problem)
    return None


async def _taken_over(files: Sequence[Path]) -> bool:
    """True when the other program took the files: it may have been started a moment before this one."""
    import asyncio

    until = asyncio.get_running_loop().time() + OTHER_IS_UP_WITHIN_S
    while not (taken := await asyncio.to_thread(_hand_over, files)):
        if asyncio.get_running_loop().time() > until:
            break
        await asyncio.sleep(0.1)
    return taken


async def _ask(window: Window, folders: Paths, problem: Problem) -> None:
    """Show why the studio cannot be opened, and do what the person wants; returns when it is to be tried again."""
    import asyncio

    from klingstudio.domain.errors import StudioError
    from klingstudio.studio import put_back, rescue

    answered = asyncio.Event()
    ways: list[tuple[Any, Path | None]] = []

    def choose(way: object, backup: Path | None) -> None:
        ways.append((way, backup))
        answered.set()

    window.retry_wanted.connect(answered.set)
    window.closed.connect(answered.set)
    window.way_wanted.connect(choose)
    shown = problem
    try:
        while True:
            window.show_failure(shown, await asyncio.to_thread(rescue, folders, problem))
            await answered.wait()
            window.hide_failure()
            if not ways:
                return
            try:
                await asyncio.to_thread(put_back, folders, problem, *ways.pop())
            except StudioError as error:
                answered.clear()
                shown = error.problem
            else:
                return
    finally:
        window.retry_wanted.disconnect(answered.set)
        window.closed.disconnect(answered.set)
        window.way_wanted.disconnect(choose)


def _tell_found(models: Models, found: Found) -> None:
    """What a provider's list had after a backup was put back: money was spent there, so it stays until it was read."""
    from klingstudio.domain.errors import Kind, Problem
    from klingstudio.ui import text

    since = f"{found.since.astimezone():%Y-%m-%d %H:%M}"
    if found.problem is not None:
        why = f"{found.provider.title}: {text.sentence(found.problem).title.lower()}"
        models.problems.show(Problem(kind=Kind.LIST_UNREAD, detail=why))
    elif found.jobs:
        words = text.found_again(found.jobs, found.provider.title, since)
        models.problems.show(Problem(kind=Kind.EDITS_FOUND, detail=words))
    else:
        models.problems.say(text.found_again(0, found.provider.title, since))


class Demo:
    """Fills the draft and presses Generate once, as soon as it can be pressed."""

    def __init__(self, window: Window, models: Models) -> None:
        self._window = window
        self._models = models

    def start(self) -> None:
        """Begin."""
        draft = self._models.draft
        self._models.drafts.use_blank()
        draft.use_free_provider(remember=False)
        draft.changed.connect(self._look)
        self._window.use_sample()

    def _look(self) -> None:
        if self._window.generate.readiness().ok:
            self._models.draft.changed.disconnect(self._look)
            # Not from inside the signal: the panels have not all heard of the change yet.
            QTimer.singleShot(0, self._window.generate.generate_now)


def _reporting(problems: Problems, before: Any) -> Any:
    """An exception in a slot is shown in the window, and logged; who interrupts the program is `before`'s matter."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            before(kind, error, trace)
            return
        problems.report("the window", error)

    return hook


def _leaving(app: QApplication) -> Any:
    """Ctrl+C in the terminal ends the program as it ends others: it is noticed in the next slot that runs."""

    def hook(_kind: type[BaseException], _error: BaseException, _trace: TracebackType | None) -> None:
        app.exit(INTERRUPTED)

    return hook


def _report_task(models: Models, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if isinstance(error, Exception):
        models.problems.report(str(context.get("message", "a task")), error)
    else:
        import logging

        logging.getLogger(__name__).error("%s", context.get("message"))
