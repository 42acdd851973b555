"""How the program is ended from outside, and what becomes of an error that nobody caught."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from klingstudio.ui.models.problems import Problems

log = logging.getLogger(__name__)

INTERRUPTED = 130
_ENDS = ("SIGTERM", "SIGINT", "SIGHUP")
"""How a system, a terminal or a person ends a program."""


@contextmanager
def closing_on_signals(close: Callable[[], object]) -> Iterator[None]:
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


def reporting(problems: Problems, before: Any) -> Any:
    """An exception in a slot is shown in the window, and logged; who interrupts the program is `before`'s matter."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            before(kind, error, trace)
            return
        problems.report("the window", error)

    return hook


def leaving(app: QApplication) -> Any:
    """Ctrl+C in the terminal ends the program as it ends others: it is noticed in the next slot that runs."""

    def hook(_kind: type[BaseException], _error: BaseException, _trace: TracebackType | None) -> None:
        app.exit(INTERRUPTED)

    return hook


def report_task(problems: Problems, context: dict[str, Any]) -> None:
    """What asyncio tells of a task that nobody waits for."""
    error = context.get("exception")
    if isinstance(error, Exception):
        problems.report(str(context.get("message", "a task")), error)
    else:
        log.error("%s", context.get("message"))
