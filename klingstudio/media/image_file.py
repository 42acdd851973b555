"""What can be told of a picture file before it is decoded. Loads nothing heavy."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import BinaryIO

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


SCANS_MAX = 100
"""A progressive JPEG comes in about ten. Each goes over all pixels, and a small file can hold thousands."""
_SCAN = b"\xff\xda"
_READ_BYTES = 1 << 20


def has_too_many_scans(file: BinaryIO) -> bool:
    """True for a JPEG that would keep a decoder at work for ever. Reads on from where the file stands, at most to its end."""
    scans, last = 0, b""
    while scans <= SCANS_MAX and (data := file.read(_READ_BYTES)):
        # The small picture of a camera has some, too, and a colour profile may look like one by chance.
        scans += (last + data).count(_SCAN)
        last = data[-1:]
    return scans > SCANS_MAX


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
