from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.command_line import CommandLine, command_line
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import environ_of


@pytest.fixture
def run(home: Path, sandbox: Sandbox) -> Iterator[CommandLine]:
    """The program with a key for every service of the sandbox."""
    with command_line(environ_of(home, sandbox)) as run:
        yield run
