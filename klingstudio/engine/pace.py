"""Keeps the polls of all jobs of one provider so far apart that its limit of requests is never reached."""

from __future__ import annotations

import time
from collections.abc import Callable

from klingstudio.providers.base import ProviderInfo


class Pace:
    """Hands out turns. `clock` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free_from: dict[str, float] = {}

    def turn(self, info: ProviderInfo) -> float:
        """Seconds to wait for the next free turn, which is taken with this call; none without a limit."""
        if info.requests_per_minute is None:
            return 0.0
        now = self._clock()
        at = max(now, self._free_from.get(info.id, now))
        self._free_from[info.id] = at + 60 / info.requests_per_minute
        return at - now
