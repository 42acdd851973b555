"""The program is started a second time: it hands its files to the one that is open, whose window comes forward.

The bell is a socket in the data folder, which is the owner's alone; on Windows a pipe that is. What is heard are names of
files, as they could be dropped on the window, and nothing else: one line of JSON, of 4 kB at most. Whoever says anything
else gets no answer.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

log = logging.getLogger(__name__)

LINE_MOST_BYTES = 4096
RINGS_MOST = 4
"""Who comes while so many have not finished their line is turned away."""
REACHED_WITHIN_MS = 300
HEARD_WITHIN_MS = 1000
_HEARD = b"heard\n"
_STEP_MS = 10
_CONNECTED = QLocalSocket.LocalSocketState.ConnectedState


def hand_over(bell: Path, files: Sequence[Path]) -> bool:
    """Give files to the program whose bell this is; True when it has them.

    Waits a little more than a second at most. False too where they are too many for one line.
    """
    line = json.dumps([str(file.absolute()) for file in files]).encode() + b"\n"
    if len(line) > LINE_MOST_BYTES:
        return False
    socket = QLocalSocket()
    socket.connectToServer(_name(bell))
    try:
        if not socket.waitForConnected(REACHED_WITHIN_MS):
            return False
        socket.write(line)
        until = time.monotonic() + HEARD_WITHIN_MS / 1000
        while not socket.canReadLine():
            # In small steps: Qt lets no other thread of Python go on while it waits.
            is_gone = not socket.waitForReadyRead(_STEP_MS) and socket.state() != _CONNECTED
            if is_gone or time.monotonic() > until:
                return False
        return socket.readLine(len(_HEARD) + 1).data() == _HEARD
    finally:
        socket.abort()


class Doorbell(QObject):
    """Hears later starts of the program. Only who holds the lock of the data folder may hang it up."""

    rung = Signal(list)
    """A list of absolute paths, maybe empty. They may be of anything."""

    def __init__(self, bell: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.setMaxPendingConnections(RINGS_MOST)
        self._server.newConnection.connect(self._answer)
        # A program that was killed has left it.
        QLocalServer.removeServer(_name(bell))
        if not self._server.listen(_name(bell)):
            # As on a drive of the network: then a second start says that the program is open.
            log.info("no bell: %s", self._server.errorString())

    def close(self) -> None:
        """Hear nobody any more."""
        self._server.close()
        for socket in self._server.findChildren(QLocalSocket):
            socket.abort()

    def _answer(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            if len(self._server.findChildren(QLocalSocket)) > RINGS_MOST:
                socket.abort()
                continue
            socket.setReadBufferSize(LINE_MOST_BYTES)
            socket.readyRead.connect(partial(self._hear, socket))
            QTimer.singleShot(HEARD_WITHIN_MS, socket, socket.abort)
            # It may have spoken before anybody listened.
            self._hear(socket)

    def _hear(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() >= LINE_MOST_BYTES:
                socket.abort()
            return
        files = _files(bytes(socket.readLine(LINE_MOST_BYTES + 1).data()))
        if files is None:
            socket.abort()
            return
        socket.write(_HEARD)
        socket.flush()
        socket.disconnectFromServer()
        self.rung.emit(files)


def _files(line: bytes) -> list[Path] | None:
    """The files that a line names; None where it is none of ours."""
    with suppress(ValueError, RecursionError):
        names = json.loads(line)
        if isinstance(names, list) and all(isinstance(name, str) and "\0" not in name for name in names):
            files = [Path(name) for name in names]
            return files if all(file.is_absolute() for file in files) else None
    return None


def _name(bell: Path) -> str:
    """What Qt calls it: the path, or on Windows a name that no other data folder has."""
    if sys.platform == "win32":
        return f"klingstudio-{hashlib.sha256(str(bell).encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"
    return str(bell)
