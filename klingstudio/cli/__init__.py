"""The program's entry: opens the window at once, or hands a command to `commands`.

Only what the window's first paint needs is imported here: each further module would keep the person waiting.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from klingstudio import privacy

COMMANDS = frozenset(
    {
        "compare",
        "demo",
        "edit",
        "jobs",
        "cancel",
        "delete-copies",
        "resume",
        "resolve",
        "keys",
        "report",
        "restore",
        "sandbox",
    }
)
WRONG_INPUT = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, or the window, and return the exit code."""
    privacy.close_side_doors()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["--"]:
        # A file may be named like a command, or begin with a dash.
        return window(arguments[1:])
    if arguments and (arguments[0] in COMMANDS or arguments[0].startswith("-")):
        try:
            if arguments[0] == "compare":
                from klingstudio.cli import compare

                return compare.run(arguments)
            from klingstudio.cli import commands

            return commands.run(arguments)
        except KeyboardInterrupt:
            return INTERRUPTED
    return window(arguments)


def window(files: Sequence[str], *, demo: bool = False) -> int:
    """Open the studio; files are taken as if dropped on the window."""
    if lacks_display():
        return WRONG_INPUT
    from klingstudio import app

    return app.run(files, demo=demo)


def lacks_display() -> bool:
    """True, and said, where no window can be opened."""
    if has_display(os.environ) or os.environ.get("QT_QPA_PLATFORM"):
        return False
    print("klingstudio: there is no display; `klingstudio --help` lists what works without one", file=sys.stderr)
    return True


def has_display(environ: Mapping[str, str]) -> bool:
    """True where a window can be shown to somebody."""
    if environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in ("offscreen", "minimal"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
