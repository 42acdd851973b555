"""Repeating what is free. A paid request never comes here."""

from __future__ import annotations

import asyncio
import math
from collections import deque
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
    courtesy: Courtesy | None = None
    """What all calls to one provider have in common; None: each call is alone."""

    async def repeat(self, call: Callable[[], Awaitable[T]]) -> T:
        """The first answer, or the last try's error."""
        for number in range(self.tries):
            if self.courtesy is not None and (turn_s := self.courtesy.turn()) > 0:
                await self.sleep(turn_s)
            try:
                answer = await call()
            except NetworkProblem as error:
                if self.courtesy is not None:
                    self.courtesy.asked_to_wait(error.retry_after_s)
                if error.problem.kind not in PASSING or number == self.tries - 1:
                    raise
                if self.courtesy is not None and not self.courtesy.may_repeat(error.problem.kind):
                    raise
                wait_s = error.retry_after_s
                if wait_s is None:
                    wait_s = self.random() * min(self.longest_s, self.first_s * 2**number)
            else:
                if self.courtesy is not None:
                    self.courtesy.answered()
                return answer
            await self.sleep(wait_s)
        raise AssertionError("tries must be positive")


REPEATS_MOST = 150
"""In tokens. Others give 500 to programs that ask a thousand times as often."""
_REPEAT_COSTS, _AFTER_SILENCE_COSTS, _ANSWER_GIVES = 5, 10, 5
_SPAN_S = 60.0


class Courtesy:
    """What one provider is owed by all calls together, whatever they are about.

    - Its limit of requests is kept in any minute, not only on the average.
    - A wait that it asks one call for holds for all.
    - Repeats have a budget: while it is away every call is made once, instead of four times.
    """

    def __init__(self, per_minute: int | None = None, clock: Callable[[], float] | None = None) -> None:
        """`clock` counts seconds and never goes back; None: the running loop's."""
        # One is kept back for the paid request, which waits for nobody.
        self._turns: deque[float] | None = None if per_minute is None else deque(maxlen=max(1, per_minute - 1))
        self._clock = clock or _loop_time
        self._held_until = 0.0
        self._tokens = REPEATS_MOST

    def turn(self) -> float:
        """Seconds to wait for the next turn, which is taken with this call."""
        now = self._clock()
        at = max(now, self._held_until)
        if self._turns is not None:
            if len(self._turns) == self._turns.maxlen:
                at = max(at, self._turns[0] + _SPAN_S)
            self._turns.append(at)
        return at - now

    def asked_to_wait(self, seconds: float | None) -> None:
        """An answer said so, or did not."""
        if seconds is not None:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def may_repeat(self, kind: Kind) -> bool:
        """Spend one repeat; False when there is none left."""
        costs = _AFTER_SILENCE_COSTS if kind is Kind.NETWORK_SLOW else _REPEAT_COSTS
        if self._tokens < costs:
            return False
        self._tokens -= costs
        return True

    def answered(self) -> None:
        """A call came through."""
        self._tokens = min(REPEATS_MOST, self._tokens + _ANSWER_GIVES)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


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
