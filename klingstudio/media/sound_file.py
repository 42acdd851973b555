"""The sound of an open clip: samples from any time on, in one format, each at its own place in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer

RATE_HZ = 48_000
FRAME_BYTES = 4
"""One moment of sound: left and right, 16 bits each."""

_LEAD_S = 0.3
"""Decoded before the first sample that is wanted, so that a coder that leans on what was before it has settled."""
_FURTHER_BACK_S = (0.0, 2.0, 10.0)
"""How much earlier to look when the file's own search lands behind the place, as it does in MPEG-TS."""
_GAP_S = 0.05
"""Smaller steps between two packets come from rounded times and are no gaps."""
_SILENCE_FRAMES = RATE_HZ // 10

Piece = tuple[int, bytes]
"""Number of the first sample, counted from time zero of the file, and the samples."""


class SoundFile:
    """Belongs to one thread. `open` first, `close` in any case."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container: InputContainer | None = None
        self._stream: AudioStream

    def open(self) -> bool:
        """Open the file. False: it has no sound that we can decode.

        Raises:
            InputRefused: the file cannot be read or is no video.
        """
        from av.stream import Discard

        from klingstudio.media.decode_file import open_container
        from klingstudio.media.source_file import stat_source

        stat_source(self._path)
        self._container = open_container(self._path)
        # A stream in a format that FFmpeg knows only by its number has no decoder.
        found = [stream for stream in self._container.streams.audio if getattr(stream, "codec_context", None)]
        if found:
            self._stream = found[0]
        for stream in self._container.streams:
            if stream not in found[:1]:
                # Its bytes need not even be read.
                stream.discard = Discard.all
        return bool(found)

    def samples(self, start_s: float) -> Iterator[bytes]:
        """Stereo samples from exactly `start_s` of the file's own time to the end of the sound; silence in its gaps."""
        first = round(start_s * RATE_HZ)
        return in_place(self._pieces(start_s), first)

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()

    def _pieces(self, start_s: float) -> Iterator[Piece]:
        line: _Line | None = None
        for frame in self._frames(start_s):
            if frame.time is None:
                continue
            if line is None or not line.goes_on_with(frame):
                if line is not None:
                    yield from line.rest()
                line = _Line(frame.time)
            yield from line.add(frame)
        if line is not None:
            yield from line.rest()

    def _frames(self, start_s: float) -> Iterator[AudioFrame]:
        """What decodes, from a packet well before `start_s`."""
        import av

        assert self._container is not None
        wanted_s = start_s - _LEAD_S
        for is_last, back_s in ((back_s == _FURTHER_BACK_S[-1], back_s) for back_s in _FURTHER_BACK_S):
            frames = self._frames_after(wanted_s - back_s)
            try:
                first = next(frames, None)
            except av.FFmpegError:
                first = None
            if first is None and is_last:
                return
            if first is not None and (is_last or (first.time or 0.0) <= start_s):
                yield first
                yield from frames
                return

    def _frames_after(self, time_s: float) -> Iterator[AudioFrame]:
        import av

        assert self._container is not None
        assert self._stream.time_base is not None
        try:
            self._container.seek(round(time_s / self._stream.time_base), stream=self._stream)
        except av.FFmpegError:
            # Before the first packet, or a file without an index: then from where reading begins.
            self._container.seek(self._container.start_time or 0)
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                return
            if packet is None:
                return
            try:
                yield from packet.decode()
            except av.FFmpegError:
                # A damaged packet is a gap, and a gap is silence.
                continue


class _Line:
    """Frames that follow each other without a gap, on their way to our one format."""

    def __init__(self, start_s: float) -> None:
        from av.audio.resampler import AudioResampler

        self._resampler: AudioResampler = AudioResampler(format="s16", layout="stereo", rate=RATE_HZ)
        self._next = round(start_s * RATE_HZ)
        self._ends_s = start_s

    def goes_on_with(self, frame: AudioFrame) -> bool:
        return frame.time is not None and abs(frame.time - self._ends_s) < _GAP_S

    def add(self, frame: AudioFrame) -> Iterator[Piece]:
        self._ends_s += frame.samples / frame.sample_rate
        # Times are counted here; a rounded one would make the resampler stretch or cut.
        frame.pts = None
        yield from self._pieces(self._resampler.resample(frame))

    def rest(self) -> Iterator[Piece]:
        yield from self._pieces(self._resampler.resample(None))

    def _pieces(self, frames: Iterable[AudioFrame]) -> Iterator[Piece]:
        for frame in frames:
            yield self._next, bytes(frame.planes[0])[: frame.samples * FRAME_BYTES]
            self._next += frame.samples


def in_place(pieces: Iterable[Piece], first: int) -> Iterator[bytes]:
    """Samples in a row from number `first` on: silence where nothing is, and nothing twice."""
    place = first
    for start, samples in pieces:
        while place < start:
            silence = min(start - place, _SILENCE_FRAMES)
            yield bytes(silence * FRAME_BYTES)
            place += silence
        fresh = samples[(place - start) * FRAME_BYTES :]
        if fresh:
            yield fresh
            place += len(fresh) // FRAME_BYTES
