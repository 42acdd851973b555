#!/usr/bin/env python3
"""Set-up, demo, checks and tests with nothing but Python: `python3 packaging/dev.py --help`."""

# This file keeps to a grammar that every Python can read, so that an old one is told what is wrong.
import sys

if sys.version_info < (3, 11) or sys.version_info >= (3, 14):
    sys.exit(
        "Kling Studio needs Python 3.11, 3.12 or 3.13 and this is %d.%d. Start this script with one of those, "  # noqa: UP031
        "for example: python3.12 packaging/dev.py demo" % sys.version_info[:2]
    )

from dev_commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
