"""What has to be on the disk before anything relies on it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_UNKNOWN = (errno.EINVAL, errno.ENOTSUP)
"""What a drive says that cannot sync a folder, many of other computers among them: no reason to give up."""


def sync_folder(folder: Path) -> None:
    """Put names that were given or taken in it on the disk. Windows has no way to, and does not need one.

    Raises:
        OSError: it cannot be read, or the disk fails.
    """
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
    finally:
        os.close(handle)
