"""The real sandbox, which renders each edit once and remembers it: `python -m tests.fakes.quick_sandbox --edits FOLDER …`
takes the arguments of the sandbox besides. For tests that look at what becomes of an edit and not at the edit itself.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from klingstudio.media.digest import sha256_of
from klingstudio.media.whole_file import new_part, writing
from klingstudio.sandbox import jobs
from klingstudio.sandbox.fetch import FetchFailed, fetch
from klingstudio.sandbox.process import EditProcess, Outcome
from klingstudio.sandbox.server import serve
from klingstudio.sandbox.work import CLIP_MAX_BYTES, PICTURE_MAX_BYTES


class RememberedEdit:
    """An edit that is looked up before it is made. Its inputs are fetched each time, as the service does."""

    folder = Path()
    """Of all edits that were ever made; several sandboxes may have the same."""

    def __init__(self) -> None:
        self._real = EditProcess()
        self._is_killed = False

    async def run(self, task: dict[str, Any]) -> Outcome:
        """Do the edit, or take what it came to before."""
        place = Path(task["folder"])
        try:
            kept = self.folder / f"{await asyncio.to_thread(_name_of, task, place)}.mp4"
        except FetchFailed as error:
            return Outcome(error=str(error))
        told = kept.with_suffix(".json")
        if told.exists():
            await asyncio.to_thread(shutil.copyfile, kept, place / "result.mp4")
            return Outcome(error=None, duration_s=json.loads(told.read_text("utf-8"))["duration_s"])
        outcome = await self._real.run(task)
        if outcome.error is None and not self._is_killed:
            await asyncio.to_thread(_keep, (place / "result.mp4").read_bytes(), kept)
            # Last, because it says that there is an edit.
            _keep(json.dumps({"duration_s": outcome.duration_s}).encode(), told)
        return outcome

    def kill(self) -> None:
        """End it."""
        self._is_killed = True
        self._real.kill()


def _name_of(task: dict[str, Any], place: Path) -> str:
    """The same for the same inputs, whatever their addresses are."""
    inputs = [(task["input_video"], CLIP_MAX_BYTES, False)]
    inputs += [(url, PICTURE_MAX_BYTES, True) for url in (*task["images"], *task["angles"])]
    digests = []
    for number, (url, most, takes_data) in enumerate(inputs):
        seen = place / f"seen{number}"
        fetch(url, seen, max_bytes=most, takes_data=takes_data)
        digests.append(sha256_of(seen))
        seen.unlink()
    told = [digests, task["prompt"], task["keep_audio"], len(task["images"])]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _keep(content: bytes, place: Path) -> None:
    part = new_part(place)
    with writing(part, place):
        part.write_bytes(content)


def serve_remembering(arguments: Sequence[str]) -> int:
    """The sandbox with a memory."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--edits", type=Path, required=True)
    options, others = parser.parse_known_args(arguments)
    RememberedEdit.folder = options.edits
    vars(jobs)["EditProcess"] = RememberedEdit
    return serve(others)


if __name__ == "__main__":
    sys.exit(serve_remembering(sys.argv[1:]))
