"""Whether the system's sound server still answers, on Linux.

WORKAROUND(Qt 6.11 and 6.12): starting a QAudioSink after the PulseAudio server has gone ends the whole program
(`pa_context_get_state` is called without a context), and Qt tells nobody that it has gone. Drop when a test that kills
the server under a paused player passes without this.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

_ANSWER_S = 0.2


class SoundServer:
    """The server that was there when this was made, if its socket is at one of the usual places."""

    def __init__(self) -> None:
        place = _usual_place() if sys.platform == "linux" else None
        self._socket = place if place is not None and _answers(place) else None

    def is_alive(self) -> bool:
        """False: it was there and is gone. True also where we do not know it."""
        return self._socket is None or _answers(self._socket)


def _usual_place() -> Path | None:
    if named := os.environ.get("PULSE_SERVER"):
        return Path(named.removeprefix("unix:")) if named.startswith(("unix:", "/")) else None
    if folder := os.environ.get("PULSE_RUNTIME_PATH"):
        return Path(folder) / "native"
    if folder := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(folder) / "pulse" / "native"
    return None


def _answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(_ANSWER_S)
        try:
            asked.connect(str(place))
        except OSError:
            return False
        return True
