"""Real disks, small enough to be filled, made read-only or pulled out. They are kept in memory; only root may mount one."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FILLER = "filler"


def can_mount() -> bool:
    """True where this user may mount a disk."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            with a_disk(Path(folder) / "disk", megabytes=1):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


@contextmanager
def a_disk(place: Path, *, megabytes: int) -> Iterator[Path]:
    """A disk of that size, mounted at `place`."""
    place.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(place))
    try:
        yield place
    finally:
        if os.path.ismount(place):
            _run("umount", "-l", str(place))


def befall(words: str) -> None:
    """`fill /mnt`, `read-only /mnt` or `unplug /mnt`."""
    what, _, place = words.partition(" ")
    match what:
        case "fill":
            fill(Path(place))
        case "read-only":
            _run("mount", "-o", "remount,ro", place)
        case "unplug":
            _run("umount", "-l", place)
        case _:
            raise ValueError(words)


def fill(place: Path) -> None:
    """Leave not one byte free."""
    with (place / FILLER).open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def make_room(place: Path) -> None:
    """Take back what `fill` did."""
    with suppress(FileNotFoundError):
        (place / FILLER).unlink()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
