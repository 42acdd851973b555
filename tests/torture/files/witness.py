"""Keeps what a power cut could leave of a life: every commit as it came onto the disk, every operation on the takes."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

OPERATIONS = "operations.jsonl"
TAKES = "home/takes"
_JOURNAL = ("studio.sqlite3", "studio.sqlite3-wal", "studio.sqlite3-seal")


class Witness:
    """Sits in the process of a life, and is told of each operation right before it happens."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._home = home
        self._pid = os.getpid()
        self._folder = folder
        self._commits = 0
        self._syncs = False
        folder.mkdir(parents=True, exist_ok=True)
        self._log = (folder / OPERATIONS).open("w", encoding="utf-8", buffering=1)

    def __call__(self, words: str) -> None:
        """The next operation."""
        if os.getpid() != self._pid:
            # A worker only reads here, and has closed what it does not need.
            return
        if self._syncs:
            # The one before was a sync of the journal, and it is done by now.
            self._commits += 1
            kept = self._folder / str(self._commits)
            kept.mkdir()
            for name in _JOURNAL:
                if (file := self._home / "data" / name).exists():
                    shutil.copyfile(file, kept / name)
            self._log.write(json.dumps("commit") + "\n")
        self._syncs = words == "sync home/data/studio.sqlite3-wal"
        if TAKES not in words:
            return
        self._log.write(json.dumps(words) + "\n")
        what, _, place = words.partition(" ")
        if what == "unlink" and (leaving := self._home.parent / place).exists():
            # Both the mark and the part go before the end, and are needed to build the states.
            shutil.copyfile(leaving, self._folder / leaving.name)
