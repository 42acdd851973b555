#!/usr/bin/env python3
"""Run a command with a session bus and an unlocked keychain of its own, in an empty home that is deleted afterwards.

`python3 packaging/with_keyring.py COMMAND...`: needs `dbus-run-session`, `dbus-send` and `gnome-keyring-daemon`.
The exit code is that of the command; 75 when the keychain did not start.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

_INSIDE = "--inside"
_STARTING_S = 15.0
_ENDING_S = 2.0
_NOT_STARTED = 75


def command_line(command: Sequence[str]) -> list[str]:
    """What to start so that `command` runs with a keychain."""
    return [sys.executable, __file__, *command]


def main(arguments: list[str]) -> int:
    """Start the bus and, below it, this script again; below that the keychain and the command."""
    if not arguments:
        print("usage: with_keyring.py COMMAND...", file=sys.stderr)
        return 2
    if arguments[0] == _INSIDE:
        return _inside(int(arguments[1]), arguments[2:])
    with tempfile.TemporaryDirectory(prefix="klingstudio-keyring-", ignore_cleanup_errors=True) as box:
        environ = _environ(Path(box))
        # The bus is talkative, so its words go into a file, and only the command writes to the real standard error.
        complaints = Path(box) / "bus.txt"
        errors = os.dup(2)
        command = ["dbus-run-session", "--", sys.executable, __file__, _INSIDE, str(errors), *arguments]
        with complaints.open("wb") as log:
            code = subprocess.call(command, env=environ, stderr=log, pass_fds=[errors])
        if code in {_NOT_STARTED, 127}:
            print(complaints.read_text(errors="replace"), file=sys.stderr)
        return code


def _environ(box: Path) -> dict[str, str]:
    environ = {**os.environ, "HOME": str(box)}
    # A prompt on a screen would wait for a person.
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "GNOME_KEYRING_CONTROL"):
        environ.pop(name, None)
    for name in ("XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        folder = box / name.lower()
        folder.mkdir(mode=0o700)
        environ[name] = str(folder)
    return environ


def _inside(errors: int, command: list[str]) -> int:
    complaints = Path(os.environ["HOME"]) / "gnome-keyring-daemon.txt"
    with complaints.open("wb") as log:
        daemon = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    assert daemon.stdin is not None
    try:
        # Without a password it makes no collection, and every call would ask for one.
        daemon.stdin.write(secrets.token_hex(16).encode())
        daemon.stdin.close()
        if not _wait_for_service():
            print("the keychain did not start:", complaints.read_text(errors="replace"), file=sys.stderr)
            return _NOT_STARTED
        return subprocess.call(command, stderr=errors)
    finally:
        daemon.terminate()
        try:
            daemon.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            # Now and then it does not end when asked.
            daemon.kill()
            daemon.wait()


def _wait_for_service() -> bool:
    ask = ["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"]
    ask += ["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]
    deadline = time.monotonic() + _STARTING_S
    while time.monotonic() < deadline:
        if b"boolean true" in subprocess.run(ask, capture_output=True, check=False).stdout:
            return True
        time.sleep(0.05)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
