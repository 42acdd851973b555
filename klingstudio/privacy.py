"""What a program that holds keys does first: it closes the side doors through which one could leave.

Called before anything is loaded; it takes no time that a person would notice.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_PR_SET_DUMPABLE = 4
_NO_CORE = 1
"""In bytes. Linux takes less than a page for none, and of all limits only 1 also keeps it from handing the memory of a
crashed program to another one, as most desktops have it do."""


def close_side_doors() -> None:
    """Leave no memory behind after a crash, and let nobody write down the keys of encrypted connections."""
    # Whatever set it for another program, OpenSSL would write there what decrypts every request of this one.
    os.environ.pop("SSLKEYLOGFILE", None)
    if sys.platform == "win32":
        return
    import resource

    with suppress(OSError, ValueError):
        _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        none = _NO_CORE if hard == resource.RLIM_INFINITY else min(_NO_CORE, hard)
        resource.setrlimit(resource.RLIMIT_CORE, (none, hard))


def hide_memory() -> None:
    """Let no other program of this person look into this one. Linux only; elsewhere the system sees to that.

    Not for a program with a window: the portals look at who asks, and refuse its file dialogs to whom they cannot see.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
