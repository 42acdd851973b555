"""Rough handling, at length: whatever befalls the program, nothing is lost, charged twice or leaked.

Each part prints what it did and saw; the exit code is 1 where a promise was broken. What each part does stands at the
top of its module; its short form is one of the tests.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from random import SystemRandom

from tests.torture.parts import Part, Stint, Verdict

PARTS = {
    "replies": "tests.torture.replies:run",
    "submits": "tests.torture.submits:run",
    "kills": "tests.torture.kills.part:kills",
    "window_kills": "tests.torture.kills.part:window_kills",
    "defects": "tests.torture.defects.part:run",
    "machine": "tests.torture.machine.part:run",
    "hours": "tests.torture.hours.part:run",
    "journal": "tests.torture.journal:run",
    "files": "tests.torture.files.part:run",
    "media": "tests.torture.media.part:run",
    "network": "tests.torture.network.part:run",
    "secrets": "tests.torture.secrets:run",
}
"""Each part by its name, in the order in which they run: module and function."""

SHOWN = 10
"""How many broken promises of each part are printed."""


def main() -> int:
    """Run the chosen parts one after the other."""
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"{', '.join(PARTS)}; default: all")
    parser.add_argument("--minutes", type=float, help="for all parts together; default: as long as each takes")
    parser.add_argument("--seed", type=int, help="to repeat a run; default: another one each time")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="default: one for each processor")
    options = parser.parse_args()
    if unknown := [name for name in options.part if name not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}")
    seed = SystemRandom().randrange(10**9) if options.seed is None else options.seed
    chosen = [name for name in PARTS if not options.part or name in options.part]
    print(f"seed {seed}", flush=True)
    ends = None if options.minutes is None else time.monotonic() + 60 * options.minutes
    broken = []
    for number, name in enumerate(chosen):
        now = time.monotonic()
        # Each part gets an equal share of what the earlier ones have left.
        until = None if ends is None else now + max(0.0, ends - now) / (len(chosen) - number)
        verdict = _load(name)(Stint(seed=seed, until=until, workers=max(1, options.workers)))
        _print(verdict, time.monotonic() - now)
        if not verdict.is_good:
            broken.append(name)
    print(f"broken promises in: {', '.join(broken)}" if broken else "every promise was kept", flush=True)
    return 1 if broken else 0


def _load(name: str) -> Part:
    module, _, function = PARTS[name].partition(":")
    part: Part = getattr(importlib.import_module(module), function)
    return part


def _print(verdict: Verdict, took_s: float) -> None:
    counts = ", ".join(f"{name} {count}" for name, count in verdict.counts.items())
    print(f"{verdict.part}: {'ok' if verdict.is_good else 'BROKEN'} in {took_s:.0f} s: {counts}", flush=True)
    for line in verdict.violations[:SHOWN]:
        print(f"    {line}", flush=True)
    if len(verdict.violations) > SHOWN:
        print(f"    … and {len(verdict.violations) - SHOWN} more", flush=True)


if __name__ == "__main__":
    sys.exit(main())
