"""The last look of a test run: no key that a test used lies in any file that was made.

Every key of the tests carries one mark, so this needs to know of no test. It covers the folders of all tests, of all
processes that ran them, the examples that Hypothesis keeps, and what is left of processes that crashed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture.secrets import MARK, core_files, scan_files

_KEPT = ".hypothesis"
_SHOWN = 20
_found = pytest.StashKey[list[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look once, in the process that others ran tests for; a key that is found fails the run."""
    config = session.config
    if hasattr(config, "workerinput"):
        return
    root, here = config.rootpath, Path.cwd()
    cores = core_files({root, here})
    made = _folder_of(config)
    found = scan_files([*([made] if made is not None else []), root / _KEPT, *cores], [MARK])
    config.stash[_found] = found
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the places."""
    found = config.stash.get(_found, [])
    if not found:
        return
    terminalreporter.section("keys left behind", red=True, bold=True)
    for line in found[:_SHOWN]:
        terminalreporter.line(line)
    if len(found) > _SHOWN:
        terminalreporter.line(f"… and {len(found) - _SHOWN} more")


def _folder_of(config: pytest.Config) -> Path | None:
    """What all tests of this run made, those of other processes too; None where none asked for a folder."""
    factory: pytest.TempPathFactory | None = getattr(config, "_tmp_path_factory", None)
    return factory._basetemp if factory is not None else None
