"""Whether the window that was open before this one came to its end, or was ended by a crash, a kill or a power cut.

A file says that a window is at work. Who holds the lock of the data folder and finds it knows that nobody is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOOP_WITHIN = timedelta(minutes=5)
LOOP_CRASHES = 3
"""So many crashes within that time: starting once more the same way would end the same way."""

_NAME = "life.json"
_CRASH = "crash.txt"
_MOST_BYTES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of the windows before."""

    ended_badly: bool = False
    """The last one did not come to its end."""
    crashes: tuple[datetime, ...] = ()
    """When each of the latest that ended badly had begun: the one thing that is known of its time for sure."""

    @property
    def is_loop(self) -> bool:
        """The last one crashed, and so did those just before it."""
        return self.ended_badly and len(self.crashes) >= LOOP_CRASHES


def look_back(folder: Path, now: datetime) -> Past:
    """What the window before has left. Nothing is written."""
    known = _read(folder)
    running = known.get("running")
    ended_badly = isinstance(running, dict)
    begun = [*_moments(known.get("crashes")), *_moments([running.get("since")] if isinstance(running, dict) else [])]
    return Past(ended_badly=ended_badly, crashes=tuple(at for at in begun if abs(now - at) <= LOOP_WITHIN))


class Life:
    """This window's own mark. Made while the lock of the data folder is held."""

    def __init__(self, folder: Path, past: Past, now: datetime) -> None:
        """Remember the past, and that a window is at work from now on."""
        self._folder = folder
        self._crashes = [at.isoformat() for at in past.crashes]
        self._write({"pid": os.getpid(), "since": now.isoformat()})

    def end(self) -> None:
        """It has come to its end."""
        self._write(None)

    def _write(self, running: Mapping[str, object] | None) -> None:
        # A mark that cannot be written is no reason to disturb the person's work.
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f"{_NAME}.part"
            part.write_text(json.dumps({"running": running, "crashes": self._crashes}), "utf-8")
            part.replace(self._folder / _NAME)


def last_crash(folder: Path) -> str:
    """What the interpreter wrote as it crashed last; empty where there is nothing."""
    with suppress(OSError), (folder / _CRASH).open("rb") as file:
        file.seek(max(0, (folder / _CRASH).stat().st_size - _MOST_BYTES))
        whole = file.read().decode("utf-8", "replace")
        # Each begins with a line of its own; the file may hold several.
        begins = max(whole.rfind("Fatal Python error"), whole.rfind("Windows fatal exception"), 0)
        at = datetime.fromtimestamp((folder / _CRASH).stat().st_mtime, UTC)
        return f"at {at:%Y-%m-%d %H:%M} UTC\n{whole[begins:].strip()}" if whole.strip() else ""
    return ""


def _read(folder: Path) -> Mapping[str, object]:
    with suppress(OSError, ValueError, RecursionError):
        known = json.loads((folder / _NAME).read_text("utf-8"))
        if isinstance(known, dict):
            return known
    return {}


def _moments(value: object) -> list[datetime]:
    found = []
    for text in value if isinstance(value, list) else []:
        with suppress(ValueError, TypeError):
            at = datetime.fromisoformat(text)
            found.append(at if at.tzinfo else at.replace(tzinfo=UTC))
    return found
