"""Mutated answers through every adapter, fifty thousand for each. One line a provider; the exit code is 1 where one
of them let an exception out or drew a wrong conclusion."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from random import SystemRandom

from klingstudio.providers.registry import SERVICES
from tests.torture.replies import torture_alone

REPLIES = 50_000
SHOWN = 5
"""How many answers of each provider that went wrong are printed."""


def main() -> int:
    """Run the chosen providers, as many at once as there are processors."""
    ids = [entry.info.id for entry in SERVICES]
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("which", nargs="*", metavar="PROVIDER", help=f"{', '.join(ids)}; default: all")
    parser.add_argument("--replies", type=int, default=REPLIES, help=f"answers for each; default: {REPLIES}")
    parser.add_argument("--seed", type=int, help="to repeat a run; default: another one each time")
    options = parser.parse_args()
    unknown = [name for name in options.which if name not in ids]
    if unknown:
        parser.error(f"no such provider: {', '.join(unknown)}")
    seed = SystemRandom().randrange(10**9) if options.seed is None else options.seed
    print(f"seed {seed}")
    print(_row("provider", "answers", "per second", "ends", "uncaught", "wrong ends"), flush=True)
    chosen = [name for name in ids if not options.which or name in options.which]
    is_good = True
    with ProcessPoolExecutor() as pool:
        runs = {name: pool.submit(torture_alone, name, options.replies, seed) for name in chosen}
        for name, run in runs.items():
            tally = run.result()
            speed = f"{tally.replies / max(tally.took_s, 0.001):.0f}"
            counts = [str(len(tally.outcomes)), str(len(tally.uncaught)), str(len(tally.wrong))]
            print(_row(name, str(tally.replies), speed, *counts), flush=True)
            for line in (tally.uncaught + tally.wrong)[:SHOWN]:
                print(f"    {line}", flush=True)
            is_good = is_good and not tally.uncaught and not tally.wrong
    return 0 if is_good else 1


def _row(*cells: str) -> str:
    return "  ".join(cell.ljust(12) for cell in cells).rstrip()


if __name__ == "__main__":
    sys.exit(main())
