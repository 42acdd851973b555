"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from klingstudio.disk import sync_folder
from klingstudio.domain.errors import DiskProblem, Kind

PART_PREFIX = ".klingstudio-"
"""Begins the name of every unfinished file. What is left of a power cut can be found and removed by it."""

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_OF_THE_DISK = _FULL | {errno.EIO, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENODEV, errno.ENXIO, errno.ENOENT}


def is_of_the_disk(error: OSError) -> bool:
    """True for what a disk answers; what a codec library calls an error of the system is mostly about the file."""
    return error.errno in _OF_THE_DISK


def disk_problem(error: OSError, path: Path) -> DiskProblem:
    """The problem a person can act on: no room, or no permission."""
    kind = Kind.DISK_FULL if error.errno in _FULL else Kind.DISK_UNWRITABLE
    return DiskProblem(kind, f"{path.parent}: {error.strerror or error}")


def new_part(out: Path) -> Path:
    """An empty temporary file beside `out`, on the same disk, so that it can be renamed.

    Raises:
        DiskProblem: the folder cannot be written to.
    """
    while True:
        part = out.with_name(f"{PART_PREFIX}{secrets.token_hex(4)}{out.suffix}")
        try:
            # Not mkstemp, which lets only its owner read: a clip is an ordinary file.
            part.touch(exist_ok=False)
        except FileExistsError:
            continue
        except OSError as error:
            raise disk_problem(error, out) from error
        return part


@contextmanager
def writing(part: Path, out: Path) -> Iterator[None]:
    """Around everything that fills `part`: afterwards it is synced and renamed to `out`; on any error it is removed.

    Raises:
        DiskProblem: the disk is full or cannot be written to.
    """
    try:
        yield
        _sync(part)
        part.replace(out)
        sync_folder(out.parent)
    except OSError as error:
        discard(part)
        raise disk_problem(error, out) from error
    except BaseException:
        discard(part)
        raise


def discard(part: Path) -> None:
    """Remove an unfinished file. Where the disk refuses even that, the next start sweeps it: it hides no other error."""
    with suppress(OSError):
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
