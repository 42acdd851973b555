"""A program that crashes leaves no copy of its memory, and nobody writes down the keys of its connections."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.sandbox import ROOT
from tests.fakes.studio_run import KEY
from tests.torture.secrets import core_files, scan_files

CRASH = """
import os, signal, sys
from klingstudio import privacy
if "closed" in sys.argv:
    privacy.close_side_doors()
os.kill(os.getpid(), signal.SIGSEGV)
"""
_PATTERN = Path("/proc/sys/kernel/core_pattern")


def run(code: str, *arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Where a core is allowed, as in a developer's shell."""
    return subprocess.run(
        ["sh", "-c", 'ulimit -S -c unlimited; exec "$@"', "sh", sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there are no core files")
def test_a_crash_leaves_no_core(tmp_path: Path) -> None:
    run(CRASH, "closed", cwd=tmp_path, OXEN_API_KEY=KEY)

    assert core_files([tmp_path]) == []


@pytest.mark.skipif(
    not _PATTERN.exists() or _PATTERN.read_text().strip() != "core", reason="the system keeps cores elsewhere"
)
def test_without_that_there_would_be_one_with_the_key_in_it(tmp_path: Path) -> None:
    run(CRASH, "open", cwd=tmp_path, OXEN_API_KEY=KEY)

    (core,) = core_files([tmp_path])
    found = scan_files([core], [KEY])
    # Here it was left on purpose, and the look at the end of the run would find it.
    core.unlink()
    assert found


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_no_core_is_handed_to_another_program_either(tmp_path: Path) -> None:
    code = "import resource; from klingstudio import privacy as p; p.close_side_doors(); print(resource.getrlimit(resource.RLIMIT_CORE)[0])"

    # Of all limits only this one keeps Linux from starting the program that is named in its core_pattern.
    assert run(code, cwd=tmp_path).stdout == "1\n"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
@pytest.mark.parametrize(("arguments", "dumpable"), [("['keys', 'list']", 0), ("['--version']", 1)])
def test_a_command_lets_no_other_program_look_into_it(tmp_path: Path, arguments: str, dumpable: int) -> None:
    code = (
        "import atexit, ctypes; from klingstudio import cli;"
        " atexit.register(lambda: print('dumpable', ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)));"
        f" cli.main({arguments})"
    )
    done = run(code, cwd=tmp_path, KLINGSTUDIO_HOME=str(tmp_path / "home"))

    assert done.stdout.splitlines()[-1] == f"dumpable {dumpable}", done.stderr


def test_nobody_writes_down_the_keys_of_encrypted_connections(tmp_path: Path) -> None:
    code = "from klingstudio import cli; cli.lacks_display(); {}; import ssl; ssl.create_default_context()"
    environ = {"SSLKEYLOGFILE": str(tmp_path / "keys.log"), "KLINGSTUDIO_HOME": str(tmp_path / "home")}

    run(code.format("pass"), cwd=tmp_path, **environ)
    assert (tmp_path / "keys.log").exists(), "or there was nothing to close"
    (tmp_path / "keys.log").unlink()
    done = run(code.format("cli.main(['jobs'])"), cwd=tmp_path, **environ)

    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "keys.log").exists()
