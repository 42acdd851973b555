"""Byte code for everything that is measured, so that no run pays for compiling."""

from __future__ import annotations

import compileall
import sys
import sysconfig
from pathlib import Path

import klingstudio


def compile_runtime() -> None:
    """Compile the installed packages and our own; what is up to date already is left alone."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *klingstudio.__path__}
    print(f"compiling byte code for Python {sys.version.split()[0]}", flush=True)
    for folder in sorted(folders):
        # Some packages carry templates and tests of other Python versions, which do not compile: no harm.
        compileall.compile_dir(str(Path(folder)), quiet=2, workers=0)
