"""The sound device: fetches samples when it needs some, says how many were heard, and may come and go."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PySide6.QtCore import QIODevice, QMessageLogContext, QObject, Qt, QtMsgType, Signal, qInstallMessageHandler

from klingstudio.media.sound_file import FRAME_BYTES, RATE_HZ
from klingstudio.ui.player.playback.sound_server import SoundServer

if TYPE_CHECKING:
    from PySide6.QtMultimedia import QAudioSink, QMediaDevices

log = logging.getLogger(__name__)

Source = Callable[[int], bytes]
"""Gives the next samples: so many, always."""

_RING_FRAMES = RATE_HZ // 5
"""What lies ready for the device: nobody hears it when the window is busy for that long."""
_LATENCY_MS = "60"
"""What the PulseAudio server may keep. Qt asks it for 21 ms, and a busy machine cannot keep up with that."""
_ON_THE_WAY_FRAMES = RATE_HZ * 52 // 1000 if sys.platform == "linux" else RATE_HZ * 20 // 1000
"""What the device has taken and not yet played. Qt does not tell; PulseAudio says 43 to 60 ms when it may keep 60."""
_OFFERED_BYTES = 1 << 20


class Speaker(QObject):
    """The system's default sound device. Loads Qt's multimedia library when it is first looked for."""

    changed = Signal()
    """There is a device now, or another one, or none any more."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._devices: QMediaDevices | None = None
        self._server: SoundServer | None = None
        self._device_id = b""
        self._sink: QAudioSink | None = None
        self._feed: _Feed | None = None
        self._volume = 1.0
        self._is_muted = False

    @property
    def has_device(self) -> bool:
        """False when there is none, none that plays, and before `look`."""
        return bool(self._device_id)

    @property
    def is_running(self) -> bool:
        """True while samples are fetched."""
        return self._feed is not None

    def look(self) -> None:
        """Find the device. Takes 100 ms the first time."""
        if self._devices is not None:
            return
        os.environ.setdefault("PULSE_LATENCY_MSEC", _LATENCY_MS)
        with _qt_told_to_log():
            from PySide6.QtMultimedia import QMediaDevices

            self._devices = QMediaDevices(self)
            device_id = _default_id()
        self._server = SoundServer()
        self._devices.audioOutputsChanged.connect(self._on_devices)
        self._now_have(device_id)

    def start(self, source: Source) -> bool:
        """Play what `source` gives from now on, on this thread. False: there is nothing to play it with."""
        self.stop()
        if self._server is None or not self._server.is_alive() or not _default_id():
            self.give_up()
            return False
        from PySide6.QtMultimedia import QtAudio

        with _qt_told_to_log():
            if self._sink is None:
                self._sink = self._opened()
            self._set_gain()
            self._feed = _Feed(source)
            self._sink.start(self._feed)
        if self._sink.error() != QtAudio.Error.NoError:
            self.give_up()
            return False
        self._now_have(_default_id())
        return True

    def give_up(self) -> None:
        """Nothing comes out: have no device until the system says that something has changed, or the next start."""
        self.close()
        self._now_have(b"")

    def stop(self) -> None:
        """Be silent at once and forget what was fetched."""
        feed, self._feed = self._feed, None
        if feed is None:
            return
        if self._sink is not None:
            # Not `stop`, which would play what is left.
            self._sink.reset()
        feed.close()

    def heard_frames(self) -> int:
        """How many samples were heard since the start; 0 until the device has begun."""
        if self._sink is None or self._feed is None:
            return 0
        return max(0, self._sink.processedUSecs() * RATE_HZ // 1_000_000 - _ON_THE_WAY_FRAMES)

    def set_volume(self, volume: float, *, is_muted: bool) -> None:
        """`volume`: 0 to 1 as people hear it. Takes effect at once."""
        self._volume, self._is_muted = volume, is_muted
        self._set_gain()

    def close(self) -> None:
        """Let the device go."""
        self.stop()
        self._sink = None

    def _opened(self) -> QAudioSink:
        from PySide6.QtMultimedia import QAudioFormat, QAudioSink, QMediaDevices

        form = QAudioFormat()
        form.setSampleRate(RATE_HZ)
        form.setChannelCount(2)
        form.setSampleFormat(QAudioFormat.SampleFormat.Int16)
        sink = QAudioSink(QMediaDevices.defaultAudioOutput(), form)
        sink.setBufferSize(_RING_FRAMES * FRAME_BYTES)
        # Queued: the answer may be to let go of the sink that is still speaking.
        sink.stateChanged.connect(self._on_state, Qt.ConnectionType.QueuedConnection)
        return sink

    def _set_gain(self) -> None:
        if self._sink is None:
            return
        from PySide6.QtMultimedia import QtAudio

        scale = QtAudio.VolumeScale
        gain = QtAudio.convertVolume(self._volume, scale.LogarithmicVolumeScale, scale.LinearVolumeScale)
        self._sink.setVolume(0.0 if self._is_muted else gain)

    def _on_devices(self) -> None:
        now = _default_id()
        if now != self._device_id:
            self.close()
            self._now_have(now)

    def _on_state(self) -> None:
        from PySide6.QtMultimedia import QtAudio

        if self.is_running and self._sink is not None and self._sink.state() == QtAudio.State.StoppedState:
            self.give_up()

    def _now_have(self, device_id: bytes) -> None:
        if device_id != self._device_id:
            log.info("sound device: %s", device_id.decode(errors="replace") or "none")
            self._device_id = device_id
            self.changed.emit()


class _Feed(QIODevice):
    """What the device reads from."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        # Buffered, it would read ahead of what is heard.
        self.open(QIODevice.OpenModeFlag.ReadOnly | QIODevice.OpenModeFlag.Unbuffered)

    def isSequential(self) -> bool:
        return True

    def bytesAvailable(self) -> int:
        return _OFFERED_BYTES

    def readData(self, most_bytes: int) -> bytes:
        return self._source(most_bytes // FRAME_BYTES)


def _default_id() -> bytes:
    from PySide6.QtMultimedia import QMediaDevices

    device = QMediaDevices.defaultAudioOutput()
    return b"" if device.isNull() else bytes(device.id().data()) or b"?"


@contextmanager
def _qt_told_to_log() -> Iterator[None]:
    """Qt prints which libraries and devices it found or missed; to a person at a terminal that is noise."""

    def write(_kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
        log.debug("%s", message)

    before = qInstallMessageHandler(write)
    try:
        yield
    finally:
        qInstallMessageHandler(before)
