"""What every test can rely on: its own data folder, no network but loopback, Qt's loop where it has a window.

And what every test is held to: no thread, task, process or unexpected warning in the log is left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.fakes.sandbox import Sandbox, run_quick_sandbox
from tests.leaks import pytest_sessionfinish, pytest_terminal_summary  # noqa: F401 - pytest finds them by their names

# Machines are shared and noisy: how long an example took says nothing about the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# Before Qt is imported by anything. Tests marked `xcb` are run with another platform by packaging/dev.py.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

if TYPE_CHECKING:
    from PySide6.QtCore import QCoreApplication

ROOT = Path(__file__).resolve().parents[1]
_GRACE_S = 3.0
"""How long something may take to end after a test ended it."""


# --- the process ------------------------------------------------------------------------------------------------------


def pytest_configure() -> None:
    """A shell starts what runs in its background deaf to Ctrl+C, and every program that a test starts would be so, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# --- the event loop ---------------------------------------------------------------------------------------------------

_application: list[QCoreApplication] = []
"""Kept for the whole run: Qt bears one application per process."""
_litter: list[str] = []
"""The last test, if it had a window."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests with a window run on the loop the program has, all others on asyncio's own."""
    wanted = set(getattr(item, "fixturenames", ()))
    if wanted & {"qtbot", "qapp"}:
        return {"qasync": _qt_loop}
    return {"asyncio": asyncio.new_event_loop}


def _qt_loop() -> asyncio.AbstractEventLoop:
    import qasync
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance() or QApplication(["klingstudio-tests"])
    if not _application:
        _application.append(application)
        # The program does the same: closing a window must not stop the loop under the feet of the rest.
        application.setQuitOnLastWindowClosed(False)  # type: ignore[attr-defined]
    loop: asyncio.AbstractEventLoop = qasync.QEventLoop(application)
    return loop


@pytest.fixture(autouse=True)
def _qt_objects_die_in_the_main_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """As in the program: a collection in a worker thread would destroy timers under the feet of the Qt loop."""
    if _litter:
        # What a test with a window left, its event loop among it, was still in use when that test ended.
        _litter.clear()
        gc.collect()
    if not {"qtbot", "qapp"} & set(request.fixturenames):
        yield
        return
    from PySide6.QtCore import QCoreApplication, QEvent

    gc.disable()
    try:
        yield
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    finally:
        gc.collect()
        gc.enable()
        _litter.append(request.node.name)


@pytest.fixture(autouse=True)
def _no_clipboard_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test has copied goes with it: Qt would destroy it after Python has ended, and take the process along."""
    yield
    if {"qtbot", "qapp"} & set(request.fixturenames):
        from PySide6.QtGui import QGuiApplication

        QGuiApplication.clipboard().clear()


# --- isolation --------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `KLINGSTUDIO_HOME` of this test. Keys and addresses of the person who runs the tests are out of reach."""
    for name in list(os.environ):
        is_ours = name.startswith("KLINGSTUDIO_") and name != _KEYRING_VARIABLE
        if is_ours or name.upper().endswith(("_API_KEY", "FAL_KEY", "_PROXY")):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("KLINGSTUDIO_HOME", str(folder))
    return folder


class NetworkForbidden(Exception):
    """A test reached for a machine that is not this one."""


_forbidden: list[str] = []


def _is_here(host: object) -> bool:
    if host is None or isinstance(host, bytes | bytearray):
        host = bytes(host or b"").decode("ascii", "replace")
    return str(host) in {"", "localhost", "::1", "0.0.0.0", "::"} or str(host).startswith("127.")


def _guard_network(event: str, args: tuple[Any, ...]) -> None:
    match event:
        case "socket.connect" | "socket.sendto":
            address = args[1]
            if isinstance(address, tuple) and not _is_here(address[0]):
                _refuse(f"{event} to {address[0]}")
        case "socket.getaddrinfo":
            if not _is_here(args[0]):
                _refuse(f"look-up of {args[0]}")
        case _:
            pass


def _refuse(what: str) -> None:
    _forbidden.append(what)
    raise NetworkForbidden(what)


sys.addaudithook(_guard_network)


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    """A refused connection may be translated into a friendly error on its way up, so it is remembered, too."""
    _forbidden.clear()
    yield
    if _forbidden:
        pytest.fail(f"the test reached for the network: {', '.join(sorted(set(_forbidden)))}", pytrace=False)


# --- no leftovers -----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_leftovers(request: pytest.FixtureRequest, home: Path) -> Iterator[None]:
    """Fails a test that leaves a thread, a task or a child process running."""
    loop = _loop_of(request)
    threads_before = set(threading.enumerate())
    children_before = _children()
    yield
    left = _pending_tasks(loop) if loop is not None else []
    deadline = time.monotonic() + _GRACE_S
    while True:
        extra = _new_threads(threads_before, loop)
        extra += [what for pid, what in _children().items() if pid not in children_before]
        if not extra or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    if left + extra:
        pytest.fail("left behind: " + "; ".join(left + extra), pytrace=False)


def _loop_of(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoop | None:
    if not inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        return None
    # Asked for here so that it outlives this fixture: the runner cancels what is left over without a word.
    runner: asyncio.Runner = request.getfixturevalue("_function_scoped_runner")
    return runner.get_loop()


def _pending_tasks(loop: asyncio.AbstractEventLoop) -> list[str]:
    deadline = time.monotonic() + _GRACE_S / 3
    while (tasks := asyncio.all_tasks(loop)) and time.monotonic() < deadline:
        loop.run_until_complete(asyncio.sleep(0.01))
    return [f"task {task.get_name()} ({task.get_coro()!r})" for task in tasks]


def _new_threads(before: set[threading.Thread], loop: asyncio.AbstractEventLoop | None) -> list[str]:
    # The pool of `asyncio.to_thread` ends with the loop; QThreads show up as dummies and are Qt's to end.
    return [
        f"thread {thread.name}"
        for thread in threading.enumerate()
        if thread not in before
        and not isinstance(thread, threading._DummyThread)
        and not (loop is not None and thread.name.startswith("asyncio_"))
    ]


def _children() -> dict[str, str]:
    """The child processes of this process by their number, on Linux; elsewhere none are seen."""
    found = {}
    for task in Path("/proc/self/task").glob("*"):
        with contextlib.suppress(OSError):
            for pid in (task / "children").read_text().split():
                with contextlib.suppress(OSError):
                    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    # Python keeps one of these for the whole run.
                    if "multiprocessing.resource_tracker" not in command and "forkserver" not in command:
                        found[pid] = f"process {pid} ({command.strip() or 'ended, but nobody waited for it'})"
    return found


# --- the log ----------------------------------------------------------------------------------------------------------


class _Collector(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")
        if record.exc_info and record.exc_info[1] is not None:
            self.lines.append(repr(record.exc_info[1]))


@pytest.fixture(autouse=True)
def _no_unexpected_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test during which our code logged a warning, unless it is marked `log_ok` or reads the log itself."""
    watched = {"klingstudio": _Collector(logging.WARNING)}
    # Here asyncio tells of tasks whose failure nobody looked at.
    watched |= {name: _Collector(logging.ERROR) for name in ("asyncio", "qasync")}
    for name, collector in watched.items():
        logging.getLogger(name).addHandler(collector)
    yield
    for name, collector in watched.items():
        logging.getLogger(name).removeHandler(collector)
    lines = [line for collector in watched.values() for line in collector.lines]
    expected = request.node.get_closest_marker("log_ok") is not None or "caplog" in request.fixturenames
    if lines and not expected:
        pytest.fail("unexpected in the log:\n" + "\n".join(lines), pytrace=False)


@pytest.fixture(autouse=True)
def _no_concealed_keys() -> Iterator[None]:
    """Keys of one test would be masked in the log of the next."""
    yield
    if "klingstudio.logs" in sys.modules:
        sys.modules["klingstudio.logs"]._concealed.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logged travels to another process, which takes whole characters only."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


# --- the keychain -----------------------------------------------------------------------------------------------------

_KEYRING_VARIABLE = "KLINGSTUDIO_TEST_KEYRING"
"""Set by packaging/dev.py, which starts a real secret service: then a missing one is a failure, not a reason to skip."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    needs_bus = item.get_closest_marker("keyring") or item.get_closest_marker("keyring_locked")
    if needs_bus and not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        missing = "there is no session bus; `python3 packaging/dev.py test` starts one"
        if os.environ.get(_KEYRING_VARIABLE):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)


# --- the sandbox ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def edits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sandboxes of this run keep the edits that they have rendered, whichever process they belong to."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "edits"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, tmp_path: Path, edits: Path) -> Iterator[Sandbox]:
    """The real sandbox in a process of its own, with an empty ledger. It renders what no other one of this run has."""
    wanted = request.node.get_closest_marker("edits_take")
    arguments = ["--queue-delay", str(wanted.args[0])] if wanted is not None else []
    with run_quick_sandbox(tmp_path / "sandbox", *arguments, edits=edits) as running:
        yield running
