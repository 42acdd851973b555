"""One edit, in a process of its own: fetch the inputs, look whether the model takes them, edit, report.

The order arrives as one JSON line on standard input, the report leaves as one on standard output. When standard input
closes, whoever gave the order is gone, and the work ends.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klingstudio.sandbox.effects import NotEditable, Pictures, render, source_facts
from klingstudio.sandbox.fetch import FetchFailed, fetch

CLIP_MAX_BYTES = 200_000_000
PICTURE_MAX_BYTES = 10_000_000
CLIP_S = (2.95, 15.05)
"""3 to 15 s, with the tolerance that the services' own clips need."""
SIDE_PX = (720, 3840)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one edit needs to know."""

    folder: str
    """Exists, is empty, and belongs to this edit alone; the result is `result.mp4` in it."""
    prompt: str
    input_video: str
    images: list[str]
    angles: list[str]
    """Pictures that only lend their colours."""
    keep_audio: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How it went: an error, or what was made."""

    error: str | None = None
    duration_s: float = 0.0
    frame_count: int = 0


def work(task: Task) -> Report:
    """Do one edit."""
    folder = Path(task.folder)
    clip = folder / "clip"
    try:
        fetch(task.input_video, clip, max_bytes=CLIP_MAX_BYTES)
        check_clip(clip)
        rendered = render(
            clip,
            folder / "result.mp4",
            prompt=task.prompt,
            pictures=Pictures(
                shown=_fetched(task.images, folder, "image"), others=_fetched(task.angles, folder, "angle")
            ),
            keep_audio=task.keep_audio,
        )
    except FetchFailed as error:
        return Report(error=str(error))
    except NotEditable as error:
        return Report(error=f"Getting model response error: 422 - {error}")
    return Report(duration_s=rendered.duration_s, frame_count=rendered.frame_count)


def _fetched(urls: list[str], folder: Path, name: str) -> tuple[Path, ...]:
    paths = []
    for n, url in enumerate(urls, 1):
        path = folder / f"{name}{n}"
        fetch(url, path, max_bytes=PICTURE_MAX_BYTES, takes_data=True)
        paths.append(path)
    return tuple(paths)


def check_clip(clip: Path) -> None:
    """Refuse what the model would not edit.

    Raises:
        NotEditable: with the words of the services.
    """
    facts = source_facts(clip)
    shorter, longer = sorted((facts.width_px, facts.height_px))
    if "mp4" not in facts.container:
        raise NotEditable(f"unsupported video format: {facts.container}; use mp4 or mov")
    if not CLIP_S[0] <= facts.duration_s <= CLIP_S[1]:
        raise NotEditable(f"video duration must be between 3 and 15 seconds, this one has {facts.duration_s:.2f}")
    if shorter < SIDE_PX[0] or longer > SIDE_PX[1]:
        raise NotEditable(
            f"video sides must be between {SIDE_PX[0]} and {SIDE_PX[1]} px, "
            f"this one has {facts.width_px}x{facts.height_px}"
        )


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(1)


def main() -> None:
    """Read a task, do it, print the report."""
    if hasattr(os, "nice"):
        # The person at this computer looks at a window meanwhile.
        os.nice(5)
    task: dict[str, Any] = json.loads(_first_line())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    report = work(Task(**task))
    print(json.dumps({"error": report.error, "duration_s": report.duration_s, "frame_count": report.frame_count}))
    sys.stdout.flush()
    # The thread still reads; the interpreter's own way out would wait for its lock.
    os._exit(0)


def _first_line() -> bytes:
    """Unbuffered, so that nothing of the pipe is left in a buffer that the thread does not see."""
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = os.read(sys.stdin.fileno(), 65536)
        if not piece:
            break
        line += piece
    return bytes(line)


if __name__ == "__main__":
    main()
