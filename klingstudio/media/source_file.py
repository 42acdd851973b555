"""What can be said of a source before anything opens it. Loads no video library: a window may ask before its first paint."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from klingstudio.domain.errors import InputRefused, Kind

Stamp = tuple[int, int, int]
"""Tells a file from another one, or a later state of it, at the same place: its number, size and last change."""


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a file that was looked at."""
    return found.st_ino, found.st_size, found.st_mtime_ns


def stat_source(path: Path) -> os.stat_result:
    """Refuse what cannot be a video file before anything opens it: opening a named pipe would wait for ever.

    Raises:
        InputRefused: missing, a directory or a device, unreadable, or empty.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        # ValueError: a NUL in the name, which no file has.
        raise InputRefused(Kind.SOURCE_MISSING, path.name, subject="source") from None
    except OSError as error:
        raise InputRefused(Kind.SOURCE_UNREADABLE, f"{path.name}: {error.strerror}", subject="source") from error
    if not stat.S_ISREG(found.st_mode):
        raise InputRefused(Kind.SOURCE_NOT_A_FILE, path.name, subject="source")
    if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        raise InputRefused(Kind.SOURCE_UNREADABLE, path.name, subject="source")
    if found.st_size == 0:
        raise InputRefused(Kind.SOURCE_EMPTY, path.name, subject="source")
    return found
