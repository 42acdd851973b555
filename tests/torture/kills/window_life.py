"""One life of the real window: `python -m klingstudio` on a screen that is not there, with a hand that does as told.

Only the waiting of its engine is short, and the hand reaches the studio directly. The rest is the whole program.
"""

from __future__ import annotations

import asyncio
import os
import random
import runpy
import sys
from collections.abc import Callable, Mapping
from typing import Any

from klingstudio import studio
from klingstudio.paths import Paths
from tests.fakes.studio_run import hurried
from tests.torture.kills import life, points
from tests.torture.kills.birth import Birth, Mouth

opened = studio.Studio.open


def main() -> None:
    """The birth is the first line of standard input; commands follow it."""
    birth, mouth = life.born()
    os.environ.update({**birth.environ, "QT_QPA_PLATFORM": "offscreen"})
    random.seed(birth.seed)
    life.hurry()
    if birth.plant:
        life.plant(birth.plant)
    points.plant(points.Trap(birth.point, birth.nth, mouth.say))
    studio.Studio.open = staticmethod(_opening(birth, mouth))  # type: ignore[method-assign]
    sys.argv = ["klingstudio"]
    runpy.run_module("klingstudio", run_name="__main__", alter_sys=True)


def _opening(birth: Birth, mouth: Mouth) -> Callable[..., Any]:
    hands: list[asyncio.Task[None]] = []

    async def open_studio(
        paths: Paths,
        environ: Mapping[str, str],
        *,
        on_bug: Callable[[Exception], None] | None = None,
        **options: Any,
    ) -> studio.Studio:
        def bug(error: Exception) -> None:
            life.telling(mouth)(error)
            if on_bug is not None:
                on_bug(error)

        heard: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        life.listen(0, heard)
        options |= {"pause": hurried, "deadlines": life.DEADLINES}
        running = await opened(paths, environ, on_bug=bug, **options)
        running.queue.subscribe(life.Observer(mouth))
        hands.append(asyncio.get_running_loop().create_task(_hand(running, heard, mouth)))
        return running

    return open_studio


async def _hand(running: studio.Studio, heard: asyncio.Queue[dict[str, Any] | None], mouth: Mouth) -> None:
    # After the window has taken it over.
    await asyncio.sleep(0)
    for job in running.queue.jobs():
        mouth.say(**life.seen(job))
    mouth.say(open=True)
    while (told := await heard.get()) is not None:
        await life.obey(running, told, mouth)


if __name__ == "__main__":
    main()
