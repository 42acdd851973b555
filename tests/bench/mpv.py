"""The peer for seeking: mpv, told what to do through its socket."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_LIMIT_S = 30.0


class Mpv:
    """A running mpv with one clip, standing still."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._rest = b""
        self._asked = 0

    def seek(self, frame: int, fps: float) -> float:
        """Go to exactly this frame; the seconds until it is decoded."""
        began = time.perf_counter()
        # A hair before the frame's own time: the first frame that is not earlier is the one that is shown.
        self._send("seek", frame / fps - 0.001, "absolute+exact")
        self._until(lambda said: said.get("event") == "playback-restart")
        return time.perf_counter() - began

    def shown_s(self) -> float:
        """Time of the frame that is shown."""
        number = self._send("get_property", "time-pos")
        return float(self._until(lambda said: said.get("request_id") == number)["data"])

    def wait_until_loaded(self) -> None:
        """Until the first frame is there."""
        self._until(lambda said: said.get("event") == "playback-restart")

    def _send(self, *command: object) -> int:
        self._asked += 1
        line = json.dumps({"command": command, "request_id": self._asked})
        self._connection.sendall(line.encode() + b"\n")
        return self._asked

    def _until(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            line, found, rest = self._rest.partition(b"\n")
            if not found:
                piece = self._connection.recv(65536)
                if not piece:
                    raise ConnectionError("mpv has ended")
                self._rest += piece
                continue
            self._rest = rest
            said = json.loads(line)
            if is_it(said):
                return dict(said)


@contextmanager
def mpv(folder: Path, clip: Path, *options: str) -> Iterator[Mpv]:
    """mpv with a clip loaded and paused. `options` go to it as they are."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(_LIMIT_S)
        command = [
            "mpv",
            "--no-config",
            "--no-terminal",
            "--no-audio",
            "--hwdec=no",
            "--hr-seek=yes",
            "--keep-open=yes",
        ]
        command += ["--pause", f"--input-ipc-client=fd://{theirs.fileno()}", *options, str(clip)]
        with subprocess.Popen(
            command, cwd=folder, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        ) as player:
            theirs.close()
            try:
                running = Mpv(ours)
                running.wait_until_loaded()
                yield running
            finally:
                player.terminate()
