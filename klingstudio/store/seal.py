"""What the journal was like when it was last left: a line beside it, so that damage is noticed that SQLite cannot see.

A flipped bit inside a stored text, a log of the last changes (`-wal`) that was deleted or cut, an old copy in place of
the journal: SQLite opens all of them without a word. The seal has two facts that show them:

- `commits`, which is a row of the journal as well. It is written after each commit, so it is never ahead of the journal.
- The digest of the main file. That file changes only while SQLite moves the log into it, which the program does itself,
  seldom, and with the digest taken off before: a kill on the way leaves a seal without one, not a wrong one.

Nothing of it protects against somebody who wants to deceive the program; it is about disks, tools and copies.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

_BEGIN = "KLNG1"
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What must be true of the journal."""

    commits: int = 0
    digest: str = ""
    """Of the main file; empty while it is not known."""
    is_closed: bool = False
    """True: the program ended by itself and left no log."""


def seal_of(journal: Path) -> Path:
    """Where the seal of a journal is."""
    return journal.with_name(f"{journal.name}-seal")


def read_seal(journal: Path) -> Seal | None:
    """The seal; None where there is none that can be read."""
    try:
        words = seal_of(journal).read_bytes().decode("ascii").split()
        begin, commits, digest, closed, check = words
        if begin != _BEGIN or check != _check(words[:4]):
            return None
        return Seal(commits=int(commits), digest=digest.strip("-"), is_closed=closed == "closed")
    except (OSError, ValueError):
        return None


def write_seal(journal: Path, seal: Seal, *, synced: bool) -> None:
    """Write it in place: the line always has the same length.

    Raises:
        OSError: it could not be written; what stands there is the old one, or none.
    """
    words = [_BEGIN, f"{seal.commits:020}", seal.digest or "-" * 25, "closed" if seal.is_closed else "in-use"]
    line = " ".join([*words, _check(words)]) + "\n"
    handle = os.open(seal_of(journal), os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.write(handle, line.encode("ascii"))
        if synced:
            os.fsync(handle)
    finally:
        os.close(handle)


def break_seal(journal: Path) -> None:
    """Before a journal that has passed is opened to be written: whatever becomes of that, its file may be another then.

    A start that fails later changes it as well: SQLite moves the log into it when the connection is closed.

    Raises:
        OSError: it could not be written.
    """
    seal = read_seal(journal)
    if seal is not None:
        write_seal(journal, Seal(commits=seal.commits), synced=True)


def digest_of(file: FileIO) -> str:
    """The length and checksum of a file that is open.

    The handle must outlive every connection to the file: where one is closed, POSIX drops the locks of the whole process.
    """
    file.seek(0)
    size = crc = 0
    while piece := file.read(_PIECE_BYTES):
        size, crc = size + len(piece), zlib.crc32(piece, crc)
    return f"{size:016}:{crc:08x}"


def _check(words: list[str]) -> str:
    return f"{zlib.crc32(' '.join(words).encode('ascii')):08x}"
