"""Hears what providers tell of ended jobs by themselves. A hint that makes the next poll come sooner, and no more: the
stream may be refused, hang or break at any time, and polling goes on as if there were none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from klingstudio.domain.errors import StudioError
from klingstudio.engine.accounts import Accounts
from klingstudio.engine.tasks import TaskOwner
from klingstudio.providers.base import Telling

log = logging.getLogger(__name__)

AGAIN_FIRST_S = 5.0
AGAIN_LONGEST_S = 1800.0
"""Pauses before a stream is opened again; doubled each time that it told nothing."""


class Listener:
    """One stream per provider. `heard` is called with the provider's id and the id of a job there."""

    def __init__(
        self,
        accounts: Accounts,
        pause: Callable[[float, asyncio.Event], Awaitable[None]],
        *,
        heard: Callable[[str, str], None],
        on_bug: Callable[[Exception], None],
    ) -> None:
        self._accounts = accounts
        self._pause = pause
        self._heard = heard
        self._on_bug = on_bug
        self._tasks = TaskOwner()

    def listen(self, provider_id: str) -> None:
        """See to it that this provider is listened to, where it tells anything."""
        with contextlib.suppress(StudioError):
            if self._accounts.info(provider_id).has_events and not self._tasks.running(provider_id):
                self._tasks.start(provider_id, self._listen(provider_id), on_error=self._on_bug)

    def stop(self, provider_id: str) -> None:
        """Nothing is awaited from this provider any more."""
        self._tasks.cancel(provider_id)

    async def aclose(self) -> None:
        """Stop listening."""
        await self._tasks.aclose()

    async def _listen(self, provider_id: str) -> None:
        again_s = AGAIN_FIRST_S
        while True:
            try:
                provider = await self._accounts.provider(provider_id)
                if not isinstance(provider, Telling):
                    return
                async with contextlib.aclosing(provider.events()) as events:
                    async for remote_id in events:
                        again_s = AGAIN_FIRST_S
                        self._heard(provider_id, remote_id)
            except StudioError as error:
                log.info("no events: %s", error.problem.kind)
            await self._pause(again_s, asyncio.Event())
            again_s = min(AGAIN_LONGEST_S, again_s * 2)
