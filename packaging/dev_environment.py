"""The environment in `.venv`: made once from the lock files, left alone until those change."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import sys
from pathlib import Path

from dev_report import ROOT, Outcome, SetUpFailed, run_quietly, say
from dev_system import how_to_get_libraries

VENV = ROOT / ".venv"
LOCK = ROOT / "packaging" / "requirements.lock"
CLIENTS_LOCK = ROOT / "packaging" / "clients.lock"
_STAMP = VENV / "klingstudio-stamp"
_CLIENTS_STAMP = VENV / "klingstudio-clients-stamp"
_CLIENTS_LIBC = (2, 34)
"""On Linux, oxenai's wheel needs this glibc or a newer one."""
_BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = _BIN / ("python.exe" if os.name == "nt" else "python")

_NETWORK_TROUBLE = re.compile(
    r"(?i)timed out|timeout|connection (?:reset|refused|aborted|broken)|max retries|name resolution|unreachable"
    r"|incompleteread|protocolerror|newconnectionerror|remotedisconnected|\b50[0234] (?:server )?error"
    r"|no matching distribution found for"
)


def program(name: str) -> str:
    """A program of the environment."""
    return str(_BIN / name)


def make() -> None:
    """Bring `.venv` up to what the lock file says. Quick when it is already there."""
    wanted = _fingerprint(LOCK)
    if PYTHON.exists() and _is_stamped(_STAMP, wanted):
        say("environment: .venv is up to date")
        return
    _make_venv()
    # The clients share packages with the rest, so they are looked at again, too.
    for stamp in (_STAMP, _CLIENTS_STAMP):
        stamp.unlink(missing_ok=True)
    say("environment: installing the packages of packaging/requirements.lock (about 400 MB on disk)")
    took_s = _install(LOCK)
    took_s += _pip(["--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    _try_libraries()
    _STAMP.write_text(wanted + "\n", encoding="ascii")
    say(f"environment: ready in {took_s:.0f} s")


def add_clients() -> None:
    """Bring in the official clients that tests and benches measure us against. Quick when they are already there."""
    libc, version = platform.libc_ver()
    if libc == "glibc" and tuple(int(part) for part in version.split(".")[:2]) < _CLIENTS_LIBC:
        say(f"not installed: packaging/clients.lock, because oxenai needs glibc 2.34 and this is {version}")
        return
    wanted = _fingerprint(CLIENTS_LOCK)
    if _is_stamped(_CLIENTS_STAMP, wanted):
        return
    _CLIENTS_STAMP.unlink(missing_ok=True)
    say("environment: installing the official clients of packaging/clients.lock (about 500 MB on disk)")
    took_s = _install(CLIENTS_LOCK)
    _CLIENTS_STAMP.write_text(wanted + "\n", encoding="ascii")
    say(f"environment: clients ready in {took_s:.0f} s")


def _install(lock: Path) -> float:
    # Wheels only: nothing is compiled here and no foreign set-up code runs.
    return _pip(["--require-hashes", "--only-binary", ":all:", "-r", str(lock)])


def _is_stamped(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text(encoding="ascii").strip() == wanted


def _fingerprint(lock: Path) -> str:
    parts = [lock.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), sys.version.encode(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _make_venv() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if PYTHON.exists():
        asked = run_quietly([str(PYTHON), "-c", "import sys, pip; print('%d.%d' % sys.version_info[:2])"])
        if asked.code == 0 and asked.output.strip() == version:
            return
        say(f"environment: .venv is broken or of another Python; making it again for {version}")
    else:
        say(f"environment: making .venv with Python {sys.version.split()[0]}")
    if importlib.util.find_spec("ensurepip") is None:
        raise SetUpFailed(
            f"This Python cannot make environments. On Debian and Ubuntu: sudo apt-get install python{version}-venv"
        )
    # An environment may itself be the one that runs this; a new one is made with the Python behind it.
    base = getattr(sys, "_base_executable", None) or sys.executable
    made = run_quietly([base, "-m", "venv", "--clear", str(VENV)])
    if made.code != 0:
        raise SetUpFailed(f"{made.output[-2000:]}\nPython could not make the environment; its last words are above.")


def _pip(arguments: list[str]) -> float:
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    command += ["--quiet", "--progress-bar", "off", *arguments]
    done: Outcome | None = None
    for is_last in (False, True):
        done = run_quietly(command)
        if done.code == 0:
            return done.took_s
        if is_last or not _NETWORK_TROUBLE.search(done.output):
            break
        say("environment: the network failed on the way; trying once more")
    assert done is not None
    advice = "Check the connection and run the same command again." if _NETWORK_TROUBLE.search(done.output) else ""
    raise SetUpFailed(f"{done.output[-3000:]}\npip could not install the packages; its last words are above. {advice}")


def _try_libraries() -> None:
    tried = run_quietly([str(PYTHON), "-c", "import PySide6.QtWidgets, PySide6.QtMultimedia, av"])
    if tried.code == 0:
        return
    reason = (tried.output.strip().splitlines() or ["unknown"])[-1]
    say(f"environment: a system library is missing, so no window can be opened: {reason}")
    if command := how_to_get_libraries():
        say(f"    {command}")
