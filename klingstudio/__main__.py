"""`python -m klingstudio` is the same as `klingstudio`."""

from __future__ import annotations

import sys

from klingstudio.cli import main

if __name__ == "__main__":
    sys.exit(main())
