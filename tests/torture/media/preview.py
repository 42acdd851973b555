"""What the window does with a file that it plays: the decoder, the survey and the sound, on their threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from klingstudio.media.decode import Broken, ClipDecoder, Event, Opened
from klingstudio.media.sound import Event as Heard
from klingstudio.media.sound import SoundReader
from klingstudio.media.survey import ClipSurvey, Surveyed

_BOX = (320, 240)
_PATIENCE_S = 18.0
_MOST_FRAMES = 60


def preview(path: Path) -> dict[str, Any]:
    """Open, ask for frames, survey and listen. The answer is shaped like the worker's; `result` counts the pictures."""
    woken, seen = threading.Event(), list[Event]()

    def tell(event: Event) -> None:
        seen.append(event)
        woken.set()

    arrived = 0
    with closing(ClipDecoder(path, tell)) as decoder:
        if not _waited(woken, lambda: bool(seen)):
            return _problem("hung", "neither opened nor refused")
        first = seen[0]
        if isinstance(first, Broken):
            return _problem(first.problem.kind, first.problem.detail)
        assert isinstance(first, Opened)
        wanted = range(min(len(first.index), _MOST_FRAMES))
        for frame in wanted:
            decoder.request([frame], _BOX)
            if not _waited(woken, partial(_is_settled, decoder, frame, seen)):
                return _problem("hung", f"frame {frame} neither came nor was called damaged")
            if decoder.picture(frame) is None:
                break
            arrived += 1
        if not _surveyed(path, first) or not _listened(path):
            return _problem("hung", "survey or sound")
    return {"result": arrived}


def _is_settled(decoder: ClipDecoder, frame: int, seen: list[Event]) -> bool:
    return decoder.has(frame) or any(isinstance(one, Broken) for one in seen)


def _surveyed(path: Path, opened: Opened) -> bool:
    over = threading.Event()

    def tell(surveyed: Surveyed) -> None:
        if surveyed.is_over:
            over.set()

    with closing(ClipSurvey(path, opened.index, opened.shape, tell, stamp=None)):
        return over.wait(_PATIENCE_S)


def _listened(path: Path) -> bool:
    told = threading.Event()

    def tell(_event: Heard, _reader: SoundReader) -> None:
        told.set()

    with closing(SoundReader(path, tell)) as reader:
        if not told.wait(_PATIENCE_S):
            return False
        told.clear()
        reader.play(0.0, 1.0)
        # A file without sound says no more.
        told.wait(0.2)
    return True


def _waited(woken: threading.Event, is_there: Callable[[], bool]) -> bool:
    while not is_there():
        woken.clear()
        if not is_there() and not woken.wait(_PATIENCE_S):
            return False
    return True


def _problem(kind: str, detail: str) -> dict[str, Any]:
    return {"problem": {"kind": kind, "detail": detail, "subject": "", "type": "StudioError"}}
