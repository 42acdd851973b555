"""What `packaging/dev.py torture` starts: the same as `python -m tests.torture`, from any folder."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    runpy.run_module("tests.torture", run_name="__main__")
