"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from klingstudio.domain.errors import DiskProblem, Kind

PART_PREFIX = ".klingstudio-"
"""Begins the name of every unfinished file. What is left of a power cut can be found and removed by it."""

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def disk_problem(error: OSError, path: Path) -> DiskProblem:
    """The problem a person can act on: no room, or no permission."""
    kind = Kind.DISK_FULL if error.errno in _FULL else Kind.DISK_UNWRITABLE
    return DiskProblem(kind, f"{path.parent}: {error.strerror or error}")


def new_part(out: Path) -> Path:
    """An empty temporary file beside `out`, on the same disk, so that it can be renamed.

    Raises:
        DiskProblem: the folder cannot be written to.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=PART_PREFIX, suffix=out.suffix, dir=out.parent)
    except OSError as error:
        raise disk_problem(error, out) from error
    os.close(handle)
    return Path(name)


@contextmanager
def writing(part: Path, out: Path) -> Iterator[None]:
    """Around everything that fills `part`: afterwards it is synced and renamed to `out`; on any error it is removed.

    Raises:
        DiskProblem: the disk is full or cannot be written to.
    """
    try:
        yield
        _sync(part)
        # mkstemp lets only its owner read; a clip is an ordinary file.
        part.chmod(0o666 & ~_umask())
        part.replace(out)
        _sync_folder(out.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise disk_problem(error, out) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # Windows has no way to sync a folder, and does not need one.
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    # There is no way to read it without setting it; this runs in a process of its own.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
