"""From the open studio to the closed one: everything that is opened is closed in reverse order while the loop runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from klingstudio.app.demo import Demo
from klingstudio.app.opening import open_studio

if TYPE_CHECKING:
    from klingstudio.engine.restored import Found
    from klingstudio.ui.models.bundle import Models
    from klingstudio.ui.window import Window


async def main(window: Window, models: Models, files: Sequence[Path] = (), *, demo: bool) -> None:
    """Open the studio, put it behind the window, stay until that is closed, and close everything.

    Args:
        window: on screen, and furnished with `models`.
        files: what this start was given; the window has them already, a program that is open gets them.
        demo: show the whole loop by itself.
    """
    import asyncio
    from datetime import UTC, datetime

    from klingstudio.life import Life, look_back
    from klingstudio.paths import paths

    closed = asyncio.Event()
    window.closed.connect(closed.set)
    folder = paths(os.environ).logs
    past = look_back(folder, datetime.now(UTC))
    to_hand_over = None if demo else files
    studio = await open_studio(window, models, closed, to_hand_over, goes_on=not past.is_loop)
    if studio is None:
        return
    from klingstudio.ui.window.doorbell import Doorbell

    # Only who has the data folder for itself may say so.
    life = Life(folder, past, datetime.now(UTC))
    bell = None
    try:
        models.attach(studio)
        studio.recovery.hear(lambda found: _tell_found(models, found))
        window.normal_wanted.connect(studio.go_on)
        window.attach(past)
        bell = Doorbell(paths(os.environ).bell)
        bell.rung.connect(partial(_answer, window))
        # Kept until the end: Qt does not keep an object alive because a signal is connected to it.
        show = Demo(window, models)
        if demo:
            show.start()
        await closed.wait()
        life.end()
    finally:
        if bell is not None:
            bell.close()
        window.detach()
        await models.aclose()
        await studio.aclose()


def _answer(window: Window, files: list[Path]) -> None:
    window.come_forward()
    window.take_files(files)


def _tell_found(models: Models, found: Found) -> None:
    """What a provider's list had after a backup was put back: money was spent there, so it stays until it was read."""
    from klingstudio.domain.errors import Kind, Problem
    from klingstudio.ui import text

    since = f"{found.since.astimezone():%Y-%m-%d %H:%M}"
    if found.problem is not None:
        why = f"{found.provider.title}: {text.sentence(found.problem).title.lower()}"
        models.problems.show(Problem(kind=Kind.LIST_UNREAD, detail=why))
    elif found.jobs:
        words = text.found_again(found.jobs, found.provider.title, since)
        models.problems.show(Problem(kind=Kind.EDITS_FOUND, detail=words))
    else:
        models.problems.say(text.found_again(0, found.provider.title, since))
