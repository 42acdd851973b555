"""Measure what the program promises. One line a figure; the exit code is 1 when a "must" was missed."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.bench import composer, hosting, journal, player, start_up, trouble, upload
from tests.bench.compiled import compile_runtime
from tests.bench.table import Figure, exit_code, header, line

MEASUREMENTS = {
    "start": start_up.measure,
    "upload": upload.measure,
    "hosting": hosting.measure,
    "player": player.measure,
    "composer": composer.measure,
    "journal": journal.measure,
    "trouble": trouble.measure,
}


def main() -> int:
    """Run the chosen measurements one after the other."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("which", nargs="*", metavar="WHICH", help=f"{', '.join(MEASUREMENTS)}; default: all")
    parser.add_argument("--runs", type=int, default=0, help="runs of each measurement; default: its own")
    options = parser.parse_args()
    unknown = [name for name in options.which if name not in MEASUREMENTS]
    if unknown:
        parser.error(f"no such measurement: {', '.join(unknown)}")
    if options.runs < 0:
        parser.error("--runs must be positive")

    # What is measured is what people run: without a display, and with byte code that is written once.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    compile_runtime()
    if hasattr(os, "getloadavg"):
        # A busy machine makes windows and timers late; whoever reads the table should know.
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(header(), flush=True)
    figures: list[Figure] = []
    for name, measure in MEASUREMENTS.items():
        if options.which and name not in options.which:
            continue
        with tempfile.TemporaryDirectory(prefix="klingstudio-bench-") as folder:
            for figure in measure(Path(folder), options.runs or None):
                figures.append(figure)
                print(line(figure), flush=True)
    return exit_code(figures)


if __name__ == "__main__":
    sys.exit(main())
