"""Repeating what is free. A paid request never comes here."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
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


def asked_wait_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that an answer asks us to wait, clamped to 1-120; None where it asks nothing that can be understood.

    `headers` has lower-case names. One provider sends no Retry-After but the time at which its limit is lifted.
    """
    wait_s = retry_after_s(headers.get("retry-after"), now)
    return _seconds_until(headers.get("x-rate-limit-reset-at-utc"), now) if wait_s is None else wait_s


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, from a Retry-After header: seconds or a date, clamped to 1-120; None for junk or absence."""
    if value is None:
        return None
    try:
        return _clamped(float(value))
    except ValueError:
        return _seconds_until(value, now)


def _seconds_until(moment: str | None, now: datetime) -> float | None:
    at = None if moment is None else _http_date(moment) or _iso_date(moment) or _epoch(moment)
    return None if at is None else _clamped((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None


def _iso_date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        return None


def _epoch(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _clamped(seconds: float) -> float | None:
    return None if math.isnan(seconds) else min(max(seconds, 1.0), 120.0)
