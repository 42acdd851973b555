"""One life of the real engine: a studio on a home, told what to do through a pipe, killed where it was told to die.

Only its waiting is short. Everything else, the database, the sockets, the media worker, is what the program has.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import random
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import av
import httpx
import truststore

import klingstudio.engine.follow
import klingstudio.engine.queue
import klingstudio.media.images
import klingstudio.net.download
from klingstudio import logs
from klingstudio.domain.errors import StudioError
from klingstudio.domain.job import Job, Progress
from klingstudio.domain.request import Request
from klingstudio.net.api import Deadlines
from klingstudio.net.client import keyless_client
from klingstudio.paths import paths
from klingstudio.studio import Studio
from tests.fakes.studio_run import hurried
from tests.torture.kills import points
from tests.torture.kills.birth import Birth, Mouth, Said

# Imported by whoever needs them first, and a fork is to find them there.
PRELOADED = (av, httpx, truststore, klingstudio.media.images)

DEADLINES = Deadlines(reply_s=1.5, order_s=1.5, stall_s=1.5, silence_s=3.0)
"""An answer that never comes is given up after this."""
BLOCK_BYTES = 65_536
"""Small, so that a download has many blocks."""


def hurry() -> None:
    """What waits by its own clock waits shorter."""
    klingstudio.engine.follow.CHARGE_WITHIN_S = 1.0
    klingstudio.engine.queue.SUBMIT_GRACE_S = 2.0
    keyless_client.__kwdefaults__ = {**(keyless_client.__kwdefaults__ or {}), "stall_s": DEADLINES.stall_s}
    vars(klingstudio.net.download)["CHUNK_BYTES"] = BLOCK_BYTES


def plant(defect: str) -> None:
    """Call `package.module:function`."""
    module, _, function = defect.partition(":")
    getattr(importlib.import_module(module), function)()


def live(birth: Birth, commands: int, mouth: Mouth) -> NoReturn:
    """Live until told to close, or killed."""
    code = 0
    try:
        random.seed(birth.seed)
        hurry()
        if birth.plant:
            plant(birth.plant)
        points.plant(points.Trap(birth.point, birth.nth, mouth.say))
        asyncio.run(_live(birth, commands, mouth))
    except BaseException:  # noqa: BLE001 - whatever it was, the parent has to hear of it
        mouth.say(bug=traceback.format_exc())
        code = 1
    sys.stdout.flush()
    os._exit(code)


async def _live(birth: Birth, commands: int, mouth: Mouth) -> None:
    environ = dict(birth.environ)
    where = paths(environ)
    end_log = logs.start(where.logs)
    heard: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    listen(commands, heard)
    try:
        studio = await Studio.open(where, environ, on_bug=telling(mouth), pause=hurried, deadlines=DEADLINES)
    except StudioError as error:
        mouth.say(shut=str(error.problem.kind), detail=error.problem.detail)
        return
    try:
        studio.queue.subscribe(Observer(mouth))
        for job in studio.queue.jobs():
            mouth.say(**seen(job))
        mouth.say(open=True)
        while (told := await heard.get()) is not None and told["do"] != "close":
            await obey(studio, told, mouth)
    finally:
        mouth.say(closing=True)
        await studio.aclose()
        end_log()
    mouth.say(closed=True)


def telling(mouth: Mouth) -> Callable[[Exception], None]:
    """Says what bug it was."""
    return lambda error: mouth.say(bug="".join(traceback.format_exception(error)))


def listen(commands: int, heard: asyncio.Queue[dict[str, Any] | None]) -> None:
    """Put every command into the queue; without a parent there is nothing to live for."""
    loop = asyncio.get_running_loop()
    said = Said()

    def wait() -> None:
        while piece := os.read(commands, 65536):
            for message in said.feed(piece):
                loop.call_soon_threadsafe(heard.put_nowait, message)
        # The parent is gone, and nobody is left to hear of anything.
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="commands", daemon=True).start()


class Observer:
    """Tells the parent of every stored change."""

    def __init__(self, mouth: Mouth) -> None:
        self._mouth = mouth

    def job_changed(self, job: Job) -> None:
        """A stored change."""
        self._mouth.say(**seen(job))

    def job_progress(self, progress: Progress) -> None:
        """Nobody needs it."""


def seen(job: Job) -> dict[str, Any]:
    """What a person sees of a job."""
    kind = job.problem.kind if job.problem is not None else ""
    is_asked = job.cancel_requested_at is not None
    return {"job": job.id, "state": job.state, "paused": job.paused, "problem": str(kind), "cancelling": is_asked}


async def obey(studio: Studio, told: dict[str, Any], mouth: Mouth) -> None:
    """What a hand on the window would do."""
    queue = studio.queue
    try:
        match told:
            case {"do": "enqueue", "request": request, "takes": takes}:
                made = queue.enqueue(Request(**request), takes=takes)
                mouth.say(made=[job.id for job in made])
            case {"do": "found", "job": job_id, "remote_id": remote_id}:
                queue.found(job_id, remote_id)
            case {"do": "delete_copies", "job": job_id}:
                await queue.delete_copies(job_id)
            case {"do": "cancel" | "carry_on" | "look_again" | "send_again" | "drop" as what, "job": job_id}:
                getattr(queue, what)(job_id)
            case _:
                raise ValueError(told)
    except StudioError as error:
        mouth.say(refused=str(error.problem.kind), told=told)


def born() -> tuple[Birth, Mouth]:
    """What a process of its own is told: the birth is the first line of standard input."""
    line = bytearray()
    while not line.endswith(b"\n"):
        line += os.read(0, 1)
    # What libraries print must not land between the messages.
    reports = os.dup(1)
    os.dup2(2, 1)
    return Birth.of(bytes(line)), Mouth(reports)


def main() -> None:
    """A life of its own, where there is no fork."""
    birth, mouth = born()
    live(birth, 0, mouth)


if __name__ == "__main__":
    main()
