"""What is heard: the sound of one of the two clips, in step with the pictures."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import assert_never

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from klingstudio.media.sound import Event, Opened, Ready, Silent, SoundReader, is_audible
from klingstudio.media.sound_file import RATE_HZ
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.player.playback.player import PairPlayer
from klingstudio.ui.player.playback.speaker import Speaker

_SEARCH_AFTER_MS = 300
"""Looking for the device takes 100 ms the first time. The first picture comes before that."""
_LOOK_EVERY_MS = 50
_LOOKS_IN_VAIN = 60
"""After three seconds in which nothing was heard the device is taken for gone. Some need two to wake up."""
_LATE_S = 0.04
"""Sound that is later than this, twice in a row, leaves a little out. What is less, the clock makes up for unseen."""
_HABIT = 0.3
"""How much the last start counts when the next one's delay is guessed."""
_USUAL_DELAY_S, _MOST_DELAY_S = 0.015, 0.1


class Sound(QObject):
    """Follows the player's clock when it starts and jumps, and leads it while it runs. Without a device: silence."""

    changed = Signal()

    _told = Signal(object, object)  # SoundReader, Event: from the reader's thread to this one

    def __init__(self, player: PairPlayer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._player = player
        self._side = Side.BEFORE
        self._volume = 1.0
        self._is_muted = False
        self._reader: SoundReader | None = None
        self._readers: list[SoundReader] = []
        """Every reader whose file may still be open."""
        self._has_sound = False
        self._rate: float | None = None
        """None: the clock stands."""
        self._awaited = 0
        self._begin_s = 0.0
        """Time of the clock that the reader was asked to begin at."""
        self._heard_from_s = 0.0
        """Time of the clock that the first sample belongs to."""
        self._delay_s = _USUAL_DELAY_S
        self._last_s = 0.0
        self._last_frames = 0
        self._in_vain = 0
        """Looks in a row that found nothing new heard."""
        self._is_first_look = False
        self._was_late = False
        self._speaker = Speaker(self)
        self._search = QTimer(self)
        self._search.setSingleShot(True)
        self._search.setInterval(_SEARCH_AFTER_MS)
        self._search.timeout.connect(self._speaker.look)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look)
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)
        self._speaker.changed.connect(self._on_device)
        player.timeline_changed.connect(self._on_timeline)
        player.ran.connect(self._on_ran)
        player.stood_still.connect(self._on_stood_still)
        # A partial without `self`: by then this object is half gone.
        self.destroyed.connect(partial(_stop, self._readers))

    # What is listened to

    @property
    def side(self) -> Side:
        """The clip that is heard."""
        return self._side

    def listen_to(self, side: Side) -> None:
        """Hear this clip, from the same moment on."""
        if side is not self._side:
            self._side = side
            self._on_timeline()
            self.changed.emit()

    @property
    def has_sound(self) -> bool:
        """True: the clip that is listened to has a sound, as far as is known."""
        return self._has_sound

    @property
    def has_device(self) -> bool:
        """True: the computer has something to play sound with. Known soon after a clip with a sound was opened."""
        return self._speaker.has_device

    @property
    def volume(self) -> float:
        """0 to 1 as people hear it: half is half as loud."""
        return self._volume

    def set_volume(self, volume: float) -> None:
        """Louder or softer; at once, also while muted."""
        self._set_volume(min(max(volume, 0.0), 1.0), is_muted=self._is_muted)

    @property
    def is_muted(self) -> bool:
        return self._is_muted

    def set_muted(self, is_muted: bool) -> None:
        """Silent until it is taken back; sound goes on at its place."""
        self._set_volume(self._volume, is_muted=is_muted)

    def close(self) -> None:
        """Be silent, and wait until the files are closed."""
        self._search.stop()
        self._halt()
        self._reader, self._has_sound = None, False
        for reader in self._readers:
            reader.close()
        self._readers.clear()
        self._speaker.close()

    def _set_volume(self, volume: float, *, is_muted: bool) -> None:
        if (volume, is_muted) != (self._volume, self._is_muted):
            self._volume, self._is_muted = volume, is_muted
            self._speaker.set_volume(volume, is_muted=is_muted)
            self.changed.emit()

    # Following the clock

    def _on_timeline(self) -> None:
        path = self._player.path(self._side)
        if self._reader is not None and self._reader.path == path:
            return
        self._halt()
        self._readers[:] = [reader for reader in self._readers if reader.is_running()]
        if self._reader is not None:
            self._reader.stop()
        self._reader, self._has_sound = None, False
        if path is not None:
            self._reader = SoundReader(path, self._tell)
            self._readers.append(self._reader)
        self.changed.emit()

    def _tell(self, event: Event, reader: SoundReader) -> None:
        try:
            self._told.emit(reader, event)
        except RuntimeError:
            # The window is gone and Qt has deleted this object; nobody is left to hear.
            reader.stop()

    def _on_told(self, reader: SoundReader, event: Event) -> None:
        if reader is not self._reader:
            return
        match event:
            case Opened():
                self._has_sound = True
                self._search.start()
                self.changed.emit()
                self._begin()
            case Ready(number=number):
                if number == self._awaited:
                    self._start(reader)
            case Silent():
                self._halt()
                self._has_sound = False
                self.changed.emit()
            case other:
                assert_never(other)

    def _on_ran(self, _time_s: float, rate: float) -> None:
        self._rate = rate
        self._begin()

    def _on_stood_still(self) -> None:
        self._rate = None
        self._halt()

    def _on_device(self) -> None:
        if self._speaker.has_device and not self._speaker.is_running:
            self._begin()
        self.changed.emit()

    def _halt(self) -> None:
        self._timer.stop()
        self._speaker.stop()
        self._awaited = 0
        if self._reader is not None:
            self._reader.rest()

    def _begin(self) -> None:
        """Fetch the sound of this moment; it starts when some of it is there."""
        self._halt()
        clip_s, starts_at_s = self._player.clip_time_s(self._side), self._player.starts_at_s(self._side)
        if self._reader is None or not self._has_sound:
            return
        if clip_s is None or starts_at_s is None or self._rate is None or not is_audible(self._rate):
            return
        self._begin_s = self._player.time_s
        self._awaited = self._reader.play(starts_at_s + clip_s, self._rate)

    def _start(self, reader: SoundReader) -> None:
        """Leave out what is over by the time that the first sample comes out of the device."""
        if self._rate is None:
            return
        now_s = self._player.time_s
        frames = max(0, round(((now_s - self._begin_s) / self._rate + self._delay_s) * RATE_HZ))
        reader.skip(frames)
        self._heard_from_s = self._begin_s + frames / RATE_HZ * self._rate
        self._last_s, self._last_frames, self._in_vain = now_s, 0, 0
        self._is_first_look, self._was_late = True, False
        if self._speaker.start(reader.take):
            self._timer.start()

    def _look(self) -> None:
        """Compare what is heard with what is seen: late sound hurries, and the clock follows the rest."""
        frames, now_s, rate = self._speaker.heard_frames(), self._player.time_s, self._rate
        self._in_vain = 0 if frames > self._last_frames else self._in_vain + 1
        if self._in_vain == _LOOKS_IN_VAIN:
            self._halt()
            self._speaker.give_up()
            return
        if not frames or rate is None or self._reader is None or now_s < self._last_s:
            # A clock that went back has begun again, and will say so.
            return
        self._last_s, self._last_frames = now_s, frames
        heard_s = self._heard_from_s + frames / RATE_HZ * rate
        late_s = (now_s - heard_s) / rate
        if self._is_first_look:
            self._is_first_look = False
            self._delay_s = min(max(self._delay_s + _HABIT * late_s, 0.0), _MOST_DELAY_S)
        is_late = late_s > _LATE_S
        if not is_late:
            self._player.steer(heard_s)
        elif self._was_late:
            missed = round(late_s * RATE_HZ)
            self._reader.skip(missed)
            self._heard_from_s += missed / RATE_HZ * rate
        self._was_late = is_late


def _stop(readers: Iterable[SoundReader], _gone: QObject | None = None) -> None:
    for reader in readers:
        reader.stop()
