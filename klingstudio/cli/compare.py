"""The comparer from the command line: two files, looked at before a window opens for them.

Imports as little as the studio's own start does: somebody is waiting for the window.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from klingstudio.cli import WRONG_INPUT, console, lacks_display
from klingstudio.domain.errors import InputRefused
from klingstudio.media.source_file import stat_source


def run(arguments: Sequence[str]) -> int:
    """Open the comparer; `arguments` begin with the command itself. Returns the exit code."""
    console.make_usable()
    before, after = _files(arguments)
    try:
        for path in (before, after):
            stat_source(path)
    except InputRefused as error:
        from klingstudio.ui import text

        print(f"klingstudio: {' '.join(text.passage(error.problem).split())}", file=sys.stderr)
        return WRONG_INPUT
    if lacks_display():
        return WRONG_INPUT
    from klingstudio import app

    return app.compare(before, after)


def _files(arguments: Sequence[str]) -> tuple[Path, Path]:
    names = arguments[1:]
    if len(names) != 2 or any(name.startswith("-") for name in names):
        # Help, a dash before the names, or something wrong. Imported when needed: it knows the words of every command.
        from klingstudio.cli.parser import parser

        args = parser().parse_args(arguments)
        names = [args.before, args.after]
    before, after = (Path(name) for name in names)
    return before, after
