"""An open video file: the list of its frames, and the walk from a key frame to the frame that is wanted."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.media.decode_index import FrameIndex
from klingstudio.media.decode_pixels import Shape, shape_of
from klingstudio.media.source_file import Stamp, stamp_of, stat_source

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer


class ClipFile:
    """Belongs to one thread. `open` first, `close` in any case."""

    def __init__(self, path: Path, is_stopping: Callable[[], bool]) -> None:
        self._path = path
        self._is_stopping = is_stopping
        self._container: InputContainer | None = None
        self._stream: VideoStream
        self._stamp: Stamp
        self._pending: deque[VideoFrame] = deque()
        self._packets: Iterator[Packet[VideoStream]] = iter(())
        self._next: int | None = None
        """The frame that comes out next; None: only a seek helps."""
        self._skipped_to = 0
        """Highest time of a packet whose frame the decoder was allowed to skip since the last seek."""
        self.damage = ""
        self.index: FrameIndex
        self.shape: Shape

    def open(self) -> None:
        """Open the file, list its frames and look at the first one.

        Raises:
            InputRefused: the file cannot be read, is no video, or has no picture.
        """
        self._open()
        self.index = self._list_frames()
        if not self._is_stopping():
            self.shape = self._look_at_first_frame()

    def open_beside(self, other: ClipFile) -> None:
        """Open the same file a second time, to decode at another place. What is known of it is not worked out again.

        Raises:
            InputRefused: the file can no longer be read, or another one lies there now.
        """
        self._open()
        if self._stamp != other._stamp:
            raise InputRefused(Kind.SOURCE_CHANGED, self._path.name, subject="source")
        self.index, self.shape = other.index, other.shape

    def frames(self, target: int, keep_from: int) -> Iterator[tuple[int, VideoFrame]]:
        """Every frame that has to be decoded to reach `target`, as (number, frame). The last is the target.

        Frames before `keep_from` that no other frame refers to are left out. Where the target does not come out so, a
        second attempt starts further back and leaves nothing out, for data whose key frames are not what they say.
        Without the target at the end, the data does not have it.
        """
        for is_careful in (False, True):
            for number, frame in self._walk(target, keep_from, is_careful=is_careful):
                yield number, frame
                if number == target:
                    return

    def reaches(self, target: int) -> bool:
        """True when going on from here gives the frame, and starting again from a key frame would be no shorter."""
        if self._next is None or not self.index.key_before(target) <= self._next <= target:
            return False
        return self.index.pts(target) > self._skipped_to

    def leave_place(self) -> None:
        """Start from a key frame next time: what was left out on the way here is wanted now."""
        self._next = None

    def close(self) -> None:
        """Close the file."""
        self._pending.clear()
        if self._container is not None:
            self._container.close()

    def _open(self) -> None:
        from av.stream import Discard

        self._stamp = stamp_of(stat_source(self._path))
        self._container = open_container(self._path)
        self._stream = picture_stream(self._container, self._path.name)
        self._stream.thread_type = "AUTO"
        for other in self._container.streams:
            if other is not self._stream:
                # What is not read is not loaded either: sound lies between the pictures.
                other.discard = Discard.all

    def _walk(self, target: int, keep_from: int, *, is_careful: bool) -> Iterator[tuple[int, VideoFrame]]:
        if is_careful or not self.reaches(target):
            self._seek(target, is_careful=is_careful)
        exact_from = self.index.pts(0 if is_careful else keep_from)
        for frame in self._decode(exact_from):
            if frame.pts is None:
                continue
            number = self.index.of_pts(frame.pts)
            self._next = number + 1
            yield number, frame
            if number >= target:
                return
        self._next = None

    def _list_frames(self) -> FrameIndex:
        from av.error import FFmpegError

        stream = self._stream
        assert self._container is not None
        assert stream.time_base is not None
        times, keys, packets, last = array("q"), array("q"), 0, (0, 0)
        try:
            for packet in self._container.demux(stream):
                if self._is_stopping():
                    break
                time = _time_of(packet)
                if time is None:
                    continue
                packets += 1
                # An edit list hides frames at the start: they are decoded and never shown.
                if not packet.is_discard:
                    times.append(time)
                    last = max(last, (time, packet.duration or 0))
                    if packet.is_keyframe:
                        keys.append(time)
        except FFmpegError:
            self.damage = f"{self._path.name} cannot be read to its end"
        if not times:
            raise InputRefused(Kind.SOURCE_NO_PICTURE, self._path.name, subject="source")
        if packets < stream.frames and not self._holds_frames_to(sum(last)):
            self.damage = f"{self._path.name} ends after {packets} of {stream.frames} frames"
        usual = 1 / (stream.average_rate or 25) / stream.time_base
        return FrameIndex(times, keys or times[:1], stream.time_base, last[1] or round(usual))

    def _holds_frames_to(self, end: int) -> bool:
        """True for an AVI that ends in time: it counts places, one for each tick, and leaves them empty to hold a frame."""
        assert self._container is not None
        stream = self._stream
        a_second = round(1 / (stream.time_base or 1))
        return self._container.format.name == "avi" and end + a_second >= stream.frames

    def _look_at_first_frame(self) -> Shape:
        for number, frame in self.frames(0, 0):
            if number == 0:
                # It is what will be asked for first: put back, it need not be decoded again.
                self._pending.appendleft(frame)
                self._next = 0
                return shape_of(frame, self._stream.sample_aspect_ratio)
        raise InputRefused(Kind.SOURCE_DAMAGED, f"{self._path.name} has no frame that can be decoded", subject="source")

    def _seek(self, target: int, *, is_careful: bool) -> None:
        assert self._container is not None
        stream = self._stream
        self._pending.clear()
        self._skipped_to = self.index.pts(0) - 1
        key = self.index.key_before(target)
        earlier_key = self.index.key_before(max(key - 1, 0))
        two_seconds = round(2 / (stream.time_base or 1))
        offsets = [self.index.pts(key), self.index.pts(earlier_key), self.index.pts(key) - two_seconds]
        for offset in offsets[1:] if is_careful else offsets:
            if self._jumps_to(offset, stream, key):
                return
        if self._jumps_to(self._container.start_time or 0, None, key):
            return
        self._packets = iter(())
        self._next = None

    def _jumps_to(self, offset: int, stream: VideoStream | None, key: int) -> bool:
        """Jump to `offset`. False: the file's own search landed behind the key frame, as it does in MPEG-TS."""
        from av.error import FFmpegError

        assert self._container is not None
        try:
            self._container.seek(offset, stream=stream, backward=True, any_frame=False)
            self._packets = self._container.demux(self._stream)
            first = next((packet for packet in self._packets if packet.is_keyframe), None)
        except FFmpegError:
            return False
        time = None if first is None else _time_of(first)
        if first is None or time is None or time > self.index.pts(key):
            return False
        self._packets = chain((first,), self._packets)
        self._next = self.index.of_pts(time)
        return True

    def _decode(self, exact_from: int) -> Iterator[VideoFrame]:
        from av.error import FFmpegError

        context = self._stream.codec_context
        while True:
            while self._pending:
                yield self._pending.popleft()
            try:
                packet = next(self._packets, None)
            except FFmpegError:
                packet = None
            if packet is None or self._is_stopping():
                return
            time = _time_of(packet)
            if time is not None and time < exact_from:
                context.skip_frame = "NONREF"
                self._skipped_to = max(self._skipped_to, time)
            else:
                context.skip_frame = "DEFAULT"
            try:
                self._pending.extend(packet.decode())
            except FFmpegError:
                # What this packet held is missing from the pictures; whoever waits for it will notice.
                continue


def open_container(path: Path) -> InputContainer:
    """Open a file and nothing else, whatever its name or its content ask for.

    Raises:
        InputRefused: the file cannot be read, or is no video.
    """
    import av

    from klingstudio.media.container import TAGS_ERRORS, only, refuse_bomb, sniff_played

    try:
        with path.open("rb") as file:
            demuxer = sniff_played(file.read(600))
            if demuxer is None:
                raise InputRefused(Kind.SOURCE_NOT_VIDEO, path.name, subject="source")
            refuse_bomb(file, demuxer, path.name)
        # "file:" keeps a name such as "concat:a|b" a name. Without codecs FFmpeg does not decode the first frames only to
        # look at them: a tenth of a second at 1080p.
        options = {**only(demuxer, "file"), "codec_whitelist": "none"}
        return av.open(f"file:{path.absolute()}", format=demuxer, options=options, metadata_errors=TAGS_ERRORS)
    except OSError as error:
        raise InputRefused(Kind.SOURCE_UNREADABLE, path.name, subject="source") from error
    except av.error.FFmpegError as error:
        raise InputRefused(Kind.SOURCE_NOT_VIDEO, path.name, subject="source") from error


def picture_stream(container: InputContainer, name: str) -> VideoStream:
    """The first moving picture in a file.

    Raises:
        InputRefused: there is none, or none that can be decoded.
    """
    from av.stream import Disposition

    from klingstudio.media.container import CODEC_LIMITS, MAX_FRAME_PIXELS

    for stream in container.streams.video:
        # The cover picture of a sound file is a video stream too.
        if not stream.disposition & Disposition.attached_pic:
            # One in a format that FFmpeg knows only by its number has no decoder.
            if getattr(stream, "codec_context", None) is None:
                raise InputRefused(Kind.SOURCE_NO_PICTURE, f"{name}: unknown codec", subject="source")
            width_px, height_px = stream.codec_context.width, stream.codec_context.height
            if width_px * height_px > MAX_FRAME_PIXELS:
                raise InputRefused(Kind.SOURCE_UNFITTABLE, f"{width_px}×{height_px} px", subject="source")
            stream.codec_context.options = CODEC_LIMITS
            return stream
    raise InputRefused(Kind.SOURCE_NO_PICTURE, name, subject="source")


def _time_of(packet: Packet[VideoStream]) -> int | None:
    return packet.pts if packet.pts is not None else packet.dts
