"""What the parts of the torture have in common: what each is given, and what each must say at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PULSE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stint:
    """One part's share of a run."""

    seed: int
    """Every choice comes from it, so that a run can be repeated."""
    until: float | None = None
    """`time.monotonic()` at which to stop, however far it has come; None: do all of it."""
    workers: int = 1
    """Processes that may be at work at once."""

    def is_over(self) -> bool:
        """True when the time is up."""
        return self.until is not None and time.monotonic() >= self.until


class Pulse:
    """Tells whoever waits how far a part has come: one line a minute, whichever process it is in."""

    def __init__(self, who: str, every_s: float = PULSE_S) -> None:
        self._who, self._every_s = who, every_s
        self._told_at = time.monotonic()

    def __call__(self, **counts: object) -> None:
        """So much is done."""
        now = time.monotonic()
        if now - self._told_at >= self._every_s:
            self._told_at = now
            told = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
            print(f"    … {self._who}: {told}", flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one part."""

    part: str
    counts: Mapping[str, int | float | str] = field(default_factory=dict)
    """What was done and seen, by its name."""
    violations: tuple[str, ...] = ()
    """Each a broken promise, with what is needed to see it again."""

    @property
    def is_good(self) -> bool:
        """True when every promise was kept."""
        return not self.violations


Part = Callable[[Stint], Verdict]
