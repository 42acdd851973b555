"""Where the sandbox keeps its things, and how it writes them so that a kill at any moment leaves them readable."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any


class State:
    """One folder. Without a place of its own it is a temporary one that is removed by `close`."""

    def __init__(self, folder: Path | None) -> None:
        self._is_temporary = folder is None
        self.root = Path(tempfile.mkdtemp(prefix="klingstudio-sandbox-")) if folder is None else folder.absolute()
        self.blobs = self.root / "blobs"
        """Uploaded files, named by us."""
        self.jobs = self.root / "jobs"
        self.results = self.root / "results"
        self.work = self.root / "work"
        """What an edit has fetched and is writing."""
        self.ledger = self.root / "ledger.jsonl"
        self.repositories = self.root / "repositories.json"
        self._own = self.root / "sandbox.json"
        for place in (self.blobs, self.jobs, self.results, self.work):
            place.mkdir(parents=True, exist_ok=True)
        # What was being fetched or drawn when the last run ended is begun again.
        for leftover in self.work.iterdir():
            shutil.rmtree(leftover, ignore_errors=True)
        own = read_json(self._own, {})
        self.secret: str = own.get("secret") or secrets.token_hex(16)
        """Signs result links, so that they outlive a restart."""
        self.ports: dict[str, int] = own.get("ports") or {}
        """Where each dialect listened last: addresses handed out then still lead here."""

    def remember_ports(self, ports: dict[str, int]) -> None:
        """Note where the dialects listen."""
        self.ports = ports
        write_json(self._own, {"secret": self.secret, "ports": ports})

    def close(self) -> None:
        """Remove the folder if it was a temporary one."""
        if self._is_temporary:
            shutil.rmtree(self.root, ignore_errors=True)


def read_json(path: Path, default: Any) -> Any:
    """What was written by `write_json`, or `default` where nothing was."""
    return json.loads(path.read_text("utf-8")) if path.exists() else default


def write_json(path: Path, value: Any) -> None:
    """Replace a file in one step."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    part.replace(path)
