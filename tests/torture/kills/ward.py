"""What many runs share: the sandbox with its witness, the nursery that bears lives, and a few clips."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.studio_run import a_clip
from tests.torture.kills.nursery import Nursery, Wilderness, a_nursery
from tests.torture.kills.witness import POSTS, WATCHED

WITNESS = "tests.torture.kills.witness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """Used by one run at a time."""

    folder: Path
    sandbox: Sandbox
    nursery: Nursery | Wilderness
    clips: tuple[Path, ...]
    """The first fits every service as it is, the second one has to be fitted."""

    def watch(self, journal: Path) -> None:
        """A new run begins on this journal: what was seen before belongs to others."""
        (self.folder / WATCHED).write_text(str(journal), "utf-8")
        (self.folder / POSTS).unlink(missing_ok=True)
        self.sandbox.faults([])
        self.sandbox.forget_requests()

    def is_at_work(self) -> bool:
        """True while the sandbox is at an edit."""
        return bool(self.sandbox._call("GET", "jobs")["working"])


@contextlib.contextmanager
def a_ward(folder: Path | None = None) -> Iterator[Ward]:
    """Everything in `folder`, or in a temporary one."""
    own = tempfile.mkdtemp(prefix="klingstudio-kills-") if folder is None else None
    place = Path(own or str(folder))
    place.mkdir(parents=True, exist_ok=True)
    (place / WATCHED).write_text("nowhere", "utf-8")
    try:
        clips = (a_clip(place / "clip.mp4"), a_clip(place / "tall.mp4", side=700))
        sandbox_there = run_sandbox(place / "sandbox", "--queue-delay", "0.02", "--edits", str(place), module=WITNESS)
        with sandbox_there as sandbox, a_nursery() as nursery:
            yield Ward(folder=place, sandbox=sandbox, nursery=nursery, clips=clips)
    finally:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)
