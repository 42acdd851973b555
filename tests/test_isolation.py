"""What conftest.py promises to every test, tried on tests that break it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

BAD_TESTS = {
    "test_leaves_a_task": (
        """
        async def test_leaves_a_task():
            asyncio.create_task(asyncio.sleep(100))
        """,
        "left behind: task",
    ),
    "test_leaves_a_task_on_qt_s_loop": (
        """
        async def test_leaves_a_task_on_qt_s_loop(qtbot):
            asyncio.create_task(asyncio.sleep(100))
        """,
        "left behind: task",
    ),
    "test_leaves_a_thread": (
        """
        def test_leaves_a_thread():
            threading.Thread(target=time.sleep, args=(2,), daemon=True, name="lazy").start()
        """,
        "left behind: thread lazy",
    ),
    "test_leaves_a_process": (
        """
        def test_leaves_a_process():
            LEFT.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(2)"]))
        """,
        "left behind: process",
    ),
    "test_warns_in_the_log": (
        """
        def test_warns_in_the_log():
            logging.getLogger("klingstudio.engine").warning("the sky falls")
        """,
        "WARNING klingstudio.engine: the sky falls",
    ),
    "test_forgets_a_failed_task": (
        """
        async def test_forgets_a_failed_task():
            async def fail():
                raise ValueError("nobody looks")
            task = asyncio.create_task(fail())
            await asyncio.sleep(0.01)
            del task
        """,
        "Task exception was never retrieved",
    ),
    "test_goes_out": (
        """
        def test_goes_out():
            try:
                socket.create_connection(("192.0.2.1", 80), timeout=0.1)
            except Exception:
                pass
        """,
        "reached for the network: look-up of 192.0.2.1",
    ),
    "test_looks_a_name_up": (
        """
        def test_looks_a_name_up():
            with pytest.raises(Exception):
                socket.getaddrinfo("provider.example", 443)
        """,
        "reached for the network: look-up of provider.example",
    ),
    "test_warns": (
        """
        def test_warns():
            import warnings
            warnings.warn("old", DeprecationWarning)
        """,
        "DeprecationWarning: old",
    ),
}

GOOD_TESTS = """
import asyncio, logging, os, socket, subprocess, sys, threading, time
import pytest

LEFT = []

@pytest.mark.parametrize("n", range(15))
async def test_a_window_runs_on_the_loop_of_the_program(qtbot, n):
    import qasync
    from PySide6.QtWidgets import QPushButton
    assert isinstance(asyncio.get_running_loop(), qasync.QEventLoop)
    button = QPushButton("x")
    qtbot.addWidget(button)
    button.show()
    assert await asyncio.to_thread(lambda: n) == n
    process = await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", "print(1)", stdout=subprocess.PIPE)
    assert (await process.communicate())[0].split() == [b"1"]

@pytest.mark.parametrize("n", range(10))
async def test_without_a_window_it_is_asyncio_s_own(n):
    assert type(asyncio.get_running_loop()).__module__.startswith("asyncio.")

@pytest.mark.parametrize("n", range(5))
def test_a_window_without_a_loop(qtbot, n):
    from PySide6.QtWidgets import QPushButton
    button = QPushButton("x")
    qtbot.addWidget(button)
    with qtbot.waitSignal(button.clicked):
        button.click()

@pytest.mark.log_ok
def test_an_expected_warning():
    logging.getLogger("klingstudio.engine").warning("as expected")

def test_a_warning_that_is_looked_at(caplog):
    logging.getLogger("klingstudio.engine").warning("as expected")
    assert "as expected" in caplog.text

def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()

@pytest.mark.parametrize("n", range(2))
def test_the_home_is_empty_and_no_key_is_in_reach(home, n):
    assert os.environ["KLINGSTUDIO_HOME"] == str(home)
    assert not home.exists()
    assert "OXEN_API_KEY" not in os.environ
    home.mkdir()
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says about good and bad tests under our conftest."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "tests").mkdir()
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8"))
    conftest = (ROOT / "tests" / "conftest.py").read_text("utf-8")
    assert "_GRACE_S = 3.0" in conftest
    (folder / "tests" / "conftest.py").write_text(conftest.replace("_GRACE_S = 3.0", "_GRACE_S = 0.3"))
    for name in ("fakes/sandbox.py", "fakes/astray.py", "leaks.py", "torture/secrets.py", "torture/parts.py"):
        (folder / "tests" / name).parent.mkdir(exist_ok=True)
        (folder / "tests" / name).write_text((ROOT / "tests" / name).read_text("utf-8"))
    bad = "".join(code.replace("\n        ", "\n") for code, _ in BAD_TESTS.values())
    (folder / "tests" / "test_some.py").write_text(GOOD_TESTS + bad)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "--tb=short", "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("name", BAD_TESTS)
def test_a_test_that_breaks_a_promise_fails(name: str, report: str) -> None:
    _, words = BAD_TESTS[name]

    assert words in report
    summary = [line for line in report.splitlines() if line.startswith(("ERROR tests/", "FAILED tests/"))]
    assert any(line.split(" - ")[0].endswith(f"::{name}") or f"::{name}[" in line for line in summary), report


def test_tests_that_keep_the_promises_pass_in_any_order(report: str) -> None:
    bad = [line for line in report.splitlines() if line.startswith(("ERROR tests/", "FAILED tests/"))]

    assert len(bad) == len(BAD_TESTS), report
    assert "::test_loopback_is_open PASSED" in report
