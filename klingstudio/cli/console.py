"""The terminal and the pipes around a command: descriptors, encodings, signals, and readers that go away."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path


def make_usable() -> None:
    """Descriptors 0 to 2 are open, so that no file of ours gets one of them, and no name is unprintable."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - open until the end
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            is_utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            stream.reconfigure(errors="surrogateescape" if is_utf8 or stream is sys.stdin else "backslashreplace")


def give_up(error: OSError) -> None:
    """The reader of our lines went away, or they cannot be written; the journal has everything."""
    if not isinstance(error, BrokenPipeError):
        with contextlib.suppress(OSError):
            print(f"klingstudio: {error.strerror}", file=sys.stderr)
    with contextlib.suppress(OSError):
        # What is left in the buffer is written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt: before the loop runs, and while a command waits for the person to type."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl+C end a wait for the person's typing at once; the loop's own handler would wait for the loop."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with sigterm_as_ctrl_c():
            yield
    finally:
        signal.signal(signal.SIGINT, before)
