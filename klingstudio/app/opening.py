"""Opens the studio: the person is asked while it cannot be, and a program that is open already takes over."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from klingstudio.domain.errors import Problem
    from klingstudio.paths import Paths
    from klingstudio.studio import Studio
    from klingstudio.ui.models.bundle import Models
    from klingstudio.ui.window import Window

OTHER_IS_UP_WITHIN_S = 1.0
_HEAVY = ("klingstudio.studio", "klingstudio.media.decode")


def gives_way(files: Sequence[Path]) -> bool:
    """True when the program is open already: it has the files now, and its window comes forward."""
    from klingstudio.paths import paths

    bell = paths(os.environ).bell
    # Most starts are the first: they pay for one look at the disk only.
    if sys.platform != "win32" and not bell.exists():
        return False
    from klingstudio.ui.window.doorbell import hand_over

    return hand_over(bell, files)


async def open_studio(
    window: Window, models: Models, closed: asyncio.Event, to_hand_over: Sequence[Path] | None, *, goes_on: bool
) -> Studio | None:
    """The open studio, or None when the person gave up, or another program that is open took over.

    Args:
        to_hand_over: what such a program is given; None where this one is not to give way.
        goes_on: with every job that was sent.
    """
    import asyncio
    import importlib
    import logging

    from klingstudio.domain.errors import Kind, StudioError
    from klingstudio.paths import paths

    # On a thread, so that the window answers meanwhile.
    for name in _HEAVY:
        await asyncio.to_thread(importlib.import_module, name)
    from klingstudio.studio import Studio

    folders = paths(os.environ)
    while not closed.is_set():
        try:
            return await Studio.open(
                folders,
                os.environ,
                on_bug=lambda error: models.problems.report("a job", error),
                goes_on=goes_on,
            )
        except StudioError as error:
            logging.getLogger(__name__).info("the studio cannot be opened: %s", error)
            is_busy = error.problem.kind is Kind.STUDIO_BUSY
            if is_busy and to_hand_over is not None and await _taken_over(to_hand_over):
                return None
            await _ask(window, folders, error.problem)
    return None


async def _taken_over(files: Sequence[Path]) -> bool:
    """True when the other program took the files: it may have been started a moment before this one."""
    import asyncio

    until = asyncio.get_running_loop().time() + OTHER_IS_UP_WITHIN_S
    while not (taken := await asyncio.to_thread(gives_way, files)):
        if asyncio.get_running_loop().time() > until:
            break
        await asyncio.sleep(0.1)
    return taken


async def _ask(window: Window, folders: Paths, problem: Problem) -> None:
    """Show why the studio cannot be opened, and do what the person wants; returns when it is to be tried again."""
    import asyncio

    from klingstudio.domain.errors import StudioError
    from klingstudio.studio import put_back, rescue

    answered = asyncio.Event()
    ways: list[tuple[Any, Path | None]] = []

    def choose(way: object, backup: Path | None) -> None:
        ways.append((way, backup))
        answered.set()

    window.retry_wanted.connect(answered.set)
    window.closed.connect(answered.set)
    window.way_wanted.connect(choose)
    shown = problem
    try:
        while True:
            window.show_failure(shown, await asyncio.to_thread(rescue, folders, problem))
            await answered.wait()
            window.hide_failure()
            if not ways:
                return
            try:
                await asyncio.to_thread(put_back, folders, problem, *ways.pop())
            except StudioError as error:
                answered.clear()
                shown = error.problem
            else:
                return
    finally:
        window.retry_wanted.disconnect(answered.set)
        window.closed.disconnect(answered.set)
        window.way_wanted.disconnect(choose)
