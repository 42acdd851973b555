"""Repeating what is free. A paid request never comes here."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from klingstudio.domain.errors import Kind, NetworkProblem

T = TypeVar("T")

PASSING = frozenset({Kind.NETWORK_DOWN, Kind.NETWORK_SLOW, Kind.PROVIDER_BUSY})
"""Problems that may be gone at the next try. A refused certificate is not among them."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a free call is repeated: full jitter over a doubling span."""

    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    """Uniform in [0, 1)."""
    tries: int = 4
    first_s: float = 0.5
    longest_s: float = 20.0

    async def repeat(self, call: Callable[[], Awaitable[T]]) -> T:
        """The first answer, or the last try's error."""
        for number in range(self.tries):
            try:
                return await call()
            except NetworkProblem as error:
                if error.problem.kind not in PASSING or number == self.tries - 1:
                    raise
                wait_s = error.retry_after_s
                if wait_s is None:
                    wait_s = self.random() * min(self.longest_s, self.first_s * 2**number)
            await self.sleep(wait_s)
        raise AssertionError("tries must be positive")


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, from a Retry-After header: seconds or a date, clamped to 1-120; None for junk or absence."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return None if math.isnan(seconds) else min(max(seconds, 1.0), 120.0)
