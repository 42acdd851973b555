"""The sound of one clip on demand: from any time, at any speed that can be listened to, read on a thread of its own.

A `SoundReader` opens the file at once and, while somebody listens, keeps about a second of sound ready. Whoever takes
samples never waits: what is not there yet is silence, and the same length is left out of what comes late, so that the
sound stays at its place in time. No Qt here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from klingstudio.domain.errors import Kind, Problem, StudioError
from klingstudio.media.file_thread import FileThread
from klingstudio.media.sound_file import FRAME_BYTES, RATE_HZ, SoundFile

if TYPE_CHECKING:
    from av import AudioFrame
    from av.filter import Graph

SLOWEST, FASTEST = 0.5, 2.0
"""Beyond these speeds, and backwards, there is nothing that one would want to hear."""

BUFFER_FRAMES = RATE_HZ
"""What is kept ready: 192 kB."""
_ENOUGH_FRAMES = RATE_HZ // 5
"""From here on playing can begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """This clip has a sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The sound that was asked for by `play` number `number` can be taken."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """This clip has no sound. Said once."""

    problem: Problem | None
    """None: it simply has none."""


Event = Opened | Ready | Silent


def is_audible(rate: float) -> bool:
    """True: sound can be played at this speed."""
    return SLOWEST <= rate <= FASTEST


class SoundReader(FileThread):
    """Samples of one file: 48 kHz, stereo, 16 bits. The newest `play` wins."""

    def __init__(self, path: Path, tell: Callable[[Event, SoundReader], None]) -> None:
        """Start opening `path`. `tell` is called on the reader's thread, with this reader, and must return at once."""
        super().__init__()
        self.path = path
        self._tell = tell
        self._buffer = bytearray()
        self._missed_bytes = 0
        """Silence that was given instead of sound: as much of the sound is out of date when it comes."""
        self._number = 0
        self._start_s = 0.0
        self._rate = 1.0
        self._is_wanted = False
        self._has_ended = False
        self._start(f"sound {path.name}")

    def play(self, start_s: float, rate: float) -> int:
        """Get the sound ready from `start_s` of the file's own time on. Gives the number that `Ready` will carry."""
        if not is_audible(rate):
            raise ValueError(rate)
        with self._wake:
            self._number += 1
            self._start_s, self._rate = start_s, rate
            self._is_wanted, self._has_ended = True, False
            self._forget()
            self._wake.notify()
            return self._number

    def rest(self) -> None:
        """Nobody listens: read no further."""
        with self._wake:
            self._number += 1
            self._is_wanted = False
            self._forget()
            self._wake.notify()

    def take(self, frames: int) -> bytes:
        """The next samples, at once; silence for what is not there yet and after the end."""
        wanted = frames * FRAME_BYTES
        with self._wake:
            taken = bytes(self._buffer[:wanted])
            del self._buffer[:wanted]
            missing = wanted - len(taken)
            if not self._has_ended:
                self._missed_bytes += missing
            self._wake.notify()
        return taken + bytes(missing)

    def skip(self, frames: int) -> None:
        """Leave out the next samples."""
        with self._wake:
            dropped = min(frames * FRAME_BYTES, len(self._buffer))
            del self._buffer[:dropped]
            self._missed_bytes += frames * FRAME_BYTES - dropped
            self._wake.notify()

    @property
    def buffered_frames(self) -> int:
        """What can be taken now."""
        with self._wake:
            return len(self._buffer) // FRAME_BYTES

    def stop(self) -> None:
        """Let the thread close the file and end; what is ready is not taken any more."""
        with self._wake:
            self._forget()
            super().stop()

    def _forget(self) -> None:
        self._buffer.clear()
        self._missed_bytes = 0

    def _run(self) -> None:
        file = SoundFile(self.path)
        with closing(file):
            try:
                has_sound = file.open()
            except StudioError as error:
                self._tell(Silent(problem=error.problem), self)
                return
            if not has_sound:
                self._tell(Silent(problem=None), self)
                return
            self._tell(Opened(), self)
            done = 0
            while (wish := self._next_wish(done)) is not None:
                done, start_s, rate = wish
                self._fill(done, in_tempo(file.samples(start_s), rate))

    def _give_up(self, why: str) -> None:
        self._tell(Silent(problem=Problem(kind=Kind.SOURCE_DAMAGED, detail=why, subject="source")), self)

    def _next_wish(self, done: int) -> tuple[int, float, float] | None:
        with self._wake:
            self._wake.wait_for(lambda: self._is_stopping or (self._is_wanted and self._number != done))
            return None if self._is_stopping else (self._number, self._start_s, self._rate)

    def _fill(self, number: int, samples: Iterator[bytes]) -> None:
        is_ready = False
        for piece in samples:
            with self._wake:
                self._wake.wait_for(lambda: self._is_over(number) or len(self._buffer) < BUFFER_FRAMES * FRAME_BYTES)
                if self._is_over(number):
                    return
                late = min(self._missed_bytes, len(piece))
                self._missed_bytes -= late
                self._buffer += piece[late:]
                has_enough = len(self._buffer) >= _ENOUGH_FRAMES * FRAME_BYTES
            if has_enough and not is_ready:
                is_ready = True
                self._tell(Ready(number=number), self)
        with self._wake:
            if self._is_over(number):
                return
            self._has_ended = True
        if not is_ready:
            self._tell(Ready(number=number), self)

    def _is_over(self, number: int) -> bool:
        return self._is_stopping or self._number != number


def in_tempo(samples: Iterator[bytes], rate: float) -> Iterator[bytes]:
    """The same sound faster or slower, at the same pitch."""
    if rate == 1.0:
        yield from samples
        return
    graph = _tempo_graph(rate)
    for piece in samples:
        graph.push(_as_frame(piece))
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _tempo_graph(rate: float) -> Graph:
    from av.filter import Graph

    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE_HZ, format="s16", layout="stereo", time_base=Fraction(1, RATE_HZ))
    tempo = graph.add("atempo", f"{rate:.6f}")
    source.link_to(tempo)
    tempo.link_to(graph.add("abuffersink"))
    graph.configure()
    return graph


def _as_frame(samples: bytes) -> AudioFrame:
    from av import AudioFrame

    frame = AudioFrame(format="s16", layout="stereo", samples=len(samples) // FRAME_BYTES)
    frame.sample_rate = RATE_HZ
    plane = frame.planes[0]
    plane.update(samples + bytes(plane.buffer_size - len(samples)))
    return frame


def _pulled(graph: Graph) -> Iterator[bytes]:
    """What has come out by now."""
    import av

    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        assert isinstance(frame, av.AudioFrame)
        yield bytes(frame.planes[0])[: frame.samples * FRAME_BYTES]
