"""What everything that reads a clip in the background has in common: a thread of its own that can be told to end."""

from __future__ import annotations

import logging
import os
import sys
import threading
from abc import ABC, abstractmethod
from contextlib import suppress

log = logging.getLogger(__name__)


class FileThread(ABC):
    """Whoever derives from it calls `_start` as the last thing when it is made, and keeps to `_is_stopping` in `_run`."""

    niceness = 0
    """How far it stands back, of 19, where others want the cores too. They share by about 1.25 to the power of this."""

    def __init__(self) -> None:
        self._wake = threading.Condition()
        """Guards what the thread and its callers share."""
        self._is_stopping = False

    def stop(self) -> None:
        """Let the thread close the file and end. Returns at once; it may tell of something until it has ended."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify()

    def is_running(self) -> bool:
        """False once the file is closed."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop, and wait until the file is closed: the time of one frame at most."""
        self.stop()
        self._thread.join()

    def _start(self, name: str) -> None:
        # A daemon: a disk that never answers must not keep the program from ending.
        self._thread = threading.Thread(target=self._stand_back_and_run, name=name, daemon=True)
        self._thread.start()

    def _stand_back_and_run(self) -> None:
        # The threads of the video library take after the one that starts them. Elsewhere than on Linux it would be said of
        # the whole program.
        if sys.platform == "linux" and self.niceness:
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self.niceness)
        try:
            self._run()
        except Exception as error:
            # A file can be wrong in ways that nobody has thought of. Whoever waits for it must not wait for ever.
            log.exception("%s ended early", self._thread.name)
            self._give_up(type(error).__name__)

    @abstractmethod
    def _run(self) -> None:
        """On the thread, from the opening of the file to its closing."""

    @abstractmethod
    def _give_up(self, why: str) -> None:
        """On the thread, when `_run` ended in an error that is none of ours: tell whoever waits."""
