"""When a provider may be asked for its jobs: one line for all of them, so that many jobs are no heavier than a few.

- Looks keep so far apart, and so few are out at once, that no limit of requests is reached.
- A provider that is away, or that asks for patience, is asked by one job on behalf of all, ever more rarely: after a
  tenth of the time that it has been away. Its first answer calls all others.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

from klingstudio.domain.errors import KeyProblem, NetworkProblem, StudioError, UnexpectedReply
from klingstudio.providers.base import ProviderInfo

LOOKS_AT_ONCE = 4
APART_S = 1.0
"""Between the beginnings of two looks in the long run, where the provider names no limit."""
AT_FIRST = 10
"""So many may begin at once after a rest, as at a start of the program, where the provider names no limit."""
AWAY_SHARE = 0.1
AWAY_FIRST_S = 10.0
AWAY_LONGEST_S = 600.0


class Asker(Protocol):
    """A job that wants to look at its provider."""

    @property
    def info(self) -> ProviderInfo:
        """Of the provider."""

    async def rest(self, seconds: float) -> bool:
        """Wait; True when it was nudged before that."""

    def nudge(self) -> None:
        """End its present rest."""


class Pace:
    """Lets looks through. `clock` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)

    @asynccontextmanager
    async def look(self, asker: Asker) -> AsyncIterator[None]:
        """Around everything that one look asks the provider; how it ends tells whether the provider is there."""
        line = self._lines[asker.info.id]
        at_first = 1 if asker.info.requests_per_minute else AT_FIRST
        while True:
            asks_for_all = await self._while_away(line, asker)
            at = line.turn(self._clock(), apart_s(asker.info), at_first)
            await asker.rest(at - self._clock())
            line.give_back(at - self._clock())
            async with line.slots:
                # One that was before it in the line may have been asked for patience.
                if asks_for_all or line.away_since is None:
                    with self._noting(line):
                        yield
                    return

    @contextmanager
    def _noting(self, line: _Line) -> Iterator[None]:
        try:
            yield
        except NetworkProblem as error:
            line.failed(self._clock(), error.retry_after_s or 0.0)
            raise
        except UnexpectedReply:
            # A portal or a gateway answers for it, or it has changed: there is no hurry then, either.
            line.failed(self._clock())
            raise
        except KeyProblem:
            # May have been said by this computer.
            raise
        except StudioError:
            line.answered()
            raise
        line.answered()

    async def _while_away(self, line: _Line, asker: Asker) -> bool:
        """Wait until the provider is there, or until this job is the one that asks for all, or the person insists.

        True where it is not known to be there.
        """
        waited_for = None
        line.waiting.add(asker)
        try:
            while line.away_since is not None and line.again_at != waited_for:
                # Another one that asked meanwhile, in vain, has put it off: then the wait begins anew.
                waited_for = line.again_at
                if await asker.rest(waited_for - self._clock()) and line.away_since is not None:
                    break
        finally:
            line.waiting.discard(asker)
        if line.away_since is None:
            return False
        line.put_off(self._clock())
        return True


class _Line:
    """Where one provider's line stands."""

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(LOOKS_AT_ONCE)
        self.waiting: set[Asker] = set()
        self.away_since: float | None = None
        self.again_at = 0.0
        self._free_from = 0.0

    def turn(self, now: float, apart_s: float, at_first: int) -> float:
        """When the next free turn is, which is taken with this call. After a rest `at_first` of them are free at once."""
        at = max(now, self._free_from - (at_first - 1) * apart_s)
        self._free_from = max(at, self._free_from) + apart_s
        return at

    def give_back(self, seconds: float) -> None:
        """Who was nudged did not wait for so much of it; those behind need not, either."""
        self._free_from -= max(0.0, seconds)

    def failed(self, now: float, asked_wait_s: float = 0.0) -> None:
        if self.away_since is None:
            self.away_since = now
        self.put_off(now, asked_wait_s)

    def put_off(self, now: float, at_least_s: float = 0.0) -> None:
        """Nobody asks before that, but the one that is let through."""
        away_s = now - (now if self.away_since is None else self.away_since)
        wait_s = min(AWAY_LONGEST_S, max(AWAY_FIRST_S, AWAY_SHARE * away_s))
        self.again_at = now + max(wait_s, at_least_s)

    def answered(self) -> None:
        if self.away_since is None:
            return
        self.away_since = None
        for asker in tuple(self.waiting):
            asker.nudge()


def apart_s(info: ProviderInfo) -> float:
    """Seconds between the beginnings of two looks."""
    if info.requests_per_minute is not None:
        return 60 / info.requests_per_minute
    # The sandbox is this computer's own.
    return 0.0 if info.key_variable is None else APART_S
