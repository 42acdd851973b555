"""Measuring in a process of its own, which prints one JSON object as its last line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
_LIMIT_S = 300


class NotMeasured(Exception):
    """A measuring process ended without a result, or what it needs is not there."""


def told(script: str, *arguments: object, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a script of this folder and return what it said.

    Raises:
        NotMeasured: it said nothing.
    """
    try:
        child = subprocess.run(
            [sys.executable, str(HERE / script), *map(str, arguments)],
            env={**(os.environ if environ is None else environ), "PYTHONPATH": str(HERE.parents[1])},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"{script}: no result within {_LIMIT_S} s") from None
    if child.returncode:
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
        raise NotMeasured(f"{script}: {last[0]}")
    result: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return result
