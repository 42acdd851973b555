"""A real studio on a real sandbox whose waiting is short: everything else is what the program does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import av

from klingstudio.domain.job import Job, Progress
from klingstudio.domain.request import Request
from klingstudio.paths import paths
from klingstudio.providers.registry import SERVICES
from klingstudio.studio import Studio
from tests.fakes.sandbox import Sandbox

KEY = "canary-5ecret-key"


def a_clip(path: Path, *, seconds: float = 3.0, side: int = 720, fps: int = 24) -> Path:
    """A small film that fits every provider as it is: H.264, square, no sound."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        for n in range(round(seconds * fps)):
            frame = av.VideoFrame(side, side, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([(n * 3) % 200 + 20]) * plane.buffer_size)
            frame.pts = n
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def a_request(source: Path, **changes: Any) -> Request:
    """An edit of `source` at the provider that the sandbox plays."""
    return Request(**({"source": str(source), "prompt": "deep snow", "provider": "oxen"} | changes))


async def hurried(seconds: float, until: asyncio.Event) -> None:
    """A pause for tests: real order of events, a hundredth of the time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(min(seconds / 100, 0.2)):
            await until.wait()


def environ_of(home: Path, sandbox: Sandbox, key: str | Mapping[str, str] = KEY) -> dict[str, str]:
    """What makes every service a part of this sandbox. `key`: for all, or one for each by its id."""
    environ = {"KLINGSTUDIO_HOME": str(home)}
    for info in (entry.info for entry in SERVICES):
        environ[info.url_variable] = sandbox.at(info.id)
        value = key if isinstance(key, str) else key.get(info.id)
        if info.key_variable and value:
            environ[info.key_variable] = value
    return environ


@contextlib.asynccontextmanager
async def a_studio(home: Path, sandbox: Sandbox, **options: Any) -> AsyncIterator[Studio]:
    """The studio on this data folder with the sandbox as its providers."""
    environ = environ_of(home, sandbox, options.pop("key", KEY))
    studio = await Studio.open(paths(environ), environ, pause=options.pop("pause", hurried), **options)
    try:
        yield studio
    finally:
        await studio.aclose()


class Watch:
    """Waits for a job to look a certain way."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._changed = asyncio.Event()
        self.progress: list[Progress] = []
        studio.queue.subscribe(self)

    def job_changed(self, job: Job) -> None:
        self._changed.set()

    def job_progress(self, progress: Progress) -> None:
        self.progress.append(progress)

    async def until(self, job_id: str, wanted: Callable[[Job], bool], limit_s: float = 30) -> Job:
        """The job, as soon as `wanted` is true of it."""
        async with asyncio.timeout(limit_s):
            while not wanted(job := self._studio.queue.job(job_id)):
                self._changed.clear()
                await self._changed.wait()
        return job
