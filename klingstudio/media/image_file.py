"""What can be told of a picture file before it is decoded. Loads nothing heavy."""

from __future__ import annotations

import stat
from pathlib import Path

from klingstudio.domain.errors import InputRefused, Kind

ENDINGS = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}
"""Of a file that is written, by its format."""


def sniff_image(head: bytes) -> str | None:
    """The format of a picture that begins with `head` (12 bytes are enough), or None."""
    if head[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return None


def refuse_no_file(path: Path) -> None:
    """Refuse what cannot be opened, or would never come to an end.

    Raises:
        InputRefused: there is nothing, or no ordinary file.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise InputRefused(Kind.IMAGE_MISSING, path.name) from None
    except OSError as error:
        raise InputRefused(Kind.IMAGE_UNREADABLE, f"{path.name}: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):
        raise InputRefused(Kind.IMAGE_UNREADABLE, f"{path.name} is not a file")
