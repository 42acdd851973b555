"""Remembers which clip was being opened when the program crashed: one that did it twice is not decoded here again.

The player decodes in the program itself, so a file that makes the video library crash takes the window with it, and
would do so at each start. A mark lies beside the cache from the opening of a clip until its first pictures are there.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.paths import paths

CRASHES_MOST = 2
_FOLDER = "previews"


class Trial:
    """The mark of one clip."""

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self._path = path
        self._folder = folder or paths(os.environ).cache / _FOLDER
        self._mark: Path | None = None

    def begin(self) -> None:
        """Mark the clip.

        Raises:
            InputRefused: opening it has ended the program twice.
        """
        try:
            facts = self._path.stat()
        except OSError:
            # Whoever opens it says so.
            return
        # A changed file is another one.
        name = f"{self._path.absolute()}\0{facts.st_size}\0{facts.st_mtime_ns}"
        mark = self._folder / hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        crashes = _crashes(mark)
        if crashes >= CRASHES_MOST:
            raise InputRefused(Kind.PREVIEW_UNSAFE, self._path.name, subject="source")
        # A mark that cannot be written is no reason not to play.
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            mark.write_text(json.dumps({"pid": os.getpid(), "crashes": crashes}), "utf-8")
            self._mark = mark

    def passed(self) -> None:
        """It went well: what was before is forgotten. May be said again and again."""
        mark, self._mark = self._mark, None
        if mark is not None:
            with suppress(OSError):
                mark.unlink(missing_ok=True)


def _crashes(mark: Path) -> int:
    """How often it was marked by a program that did not come back to it."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        known = json.loads(mark.read_text("utf-8"))
        return int(known["crashes"]) + (0 if _is_running(int(known["pid"])) else 1)
    return 0


def _is_running(pid: int) -> bool:
    if pid == os.getpid():
        return True
    if sys.platform == "win32":
        # There, asking would end it.
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
