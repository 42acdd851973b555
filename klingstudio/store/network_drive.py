"""Does a folder lie on another computer? There SQLite's log is not safe: it needs memory that all programs share."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
_REMOTE = re.compile(
    r"nfs\d*|cifs|smb\d*|smbfs|afs|ncpfs|9p|ceph|glusterfs|lustre|davfs|fuse\.(sshfs|rclone|s3fs|davfs2?|gvfsd-fuse)"
)
_DRIVE_REMOTE = 4


def is_on_network(path: Path, mounts: Path = MOUNTS) -> bool:
    """True where that is known. On macOS it is not asked: SQLite itself refuses there where it has to."""
    if sys.platform == "win32":
        return _is_remote_drive(path)
    with contextlib.suppress(OSError):
        return bool(_REMOTE.fullmatch(_file_system(os.path.realpath(path), mounts.read_text(errors="surrogateescape"))))
    return False


def _file_system(place: str, mounts: str) -> str:
    """The type of the file system that was mounted nearest above the place."""
    longest, found = -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.partition(" ")[0]
        if len(fields) > 4:
            mounted = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
            is_above = place == mounted or place.startswith(mounted.rstrip("/") + "/")
            # Of two in the same place the later one is seen.
            if is_above and len(mounted) >= longest:
                longest, found = len(mounted), kind
    return found


def _is_remote_drive(path: Path) -> bool:
    import ctypes

    drive = path.absolute().drive
    return drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\") == _DRIVE_REMOTE  # type: ignore[attr-defined, no-any-return, unused-ignore]
