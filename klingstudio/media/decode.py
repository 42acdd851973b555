"""One clip as pictures on demand: exact frames by number, decoded on a thread of its own.

A `ClipDecoder` opens the file, lists the presentation times of all its frames without decoding any, then decodes what
was asked for last. Everything it says comes as a plain value through one callback, *on the decoder's own thread*; the
user interface brings it over to its own. No Qt here, and PyAV is imported by the thread that opens a file.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from klingstudio.domain.errors import Kind, Problem, StudioError
from klingstudio.media.decode_file import ClipFile
from klingstudio.media.decode_index import FrameIndex
from klingstudio.media.decode_pixels import BYTES_PER_PIXEL, Converter, Picture, Shape

CACHE_BYTES = 96 << 20
"""Pictures that one clip may hold. Two clips side by side stay under 200 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The clip can be played."""

    index: FrameIndex
    width_px: int
    """As shown: upright and with square pixels."""
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A picture that was asked for can be taken with `ClipDecoder.picture`."""

    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The file cannot be opened, or ends or breaks before its last frame. Said again only when still less can be shown."""

    problem: Problem
    playable: int
    """Frames from the start that can be shown; 0 when the file cannot be played at all."""


Event = Opened | Arrived | Broken


class ClipDecoder:
    """Pictures of one file. The newest request wins; pictures stay in a cache of bounded size."""

    def __init__(self, path: Path, tell: Callable[[Event], None], *, cache_bytes: int = CACHE_BYTES) -> None:
        """Start opening `path`. `tell` is called on the decoder's thread and must return at once."""
        self._path = path
        self._tell = tell
        self._cache = _PictureCache(cache_bytes)
        self._wake = threading.Condition()
        self._wanted: tuple[int, ...] = ()
        self._back = 0
        self._box = (0, 0)
        self._playable = 0
        self._shape: Shape | None = None
        self._is_stopping = False
        # A daemon: a disk that never answers must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=f"decode {path.name}", daemon=True)
        self._thread.start()

    def request(self, wanted: Sequence[int], box: tuple[int, int], *, back: int = 0) -> None:
        """Ask for frames, the most urgent first, to fit into `box` (width, height in device pixels).

        Replaces what was asked for before. A picture is never larger than the clip itself. `back` frames before a
        target are kept as they pass, so that stepping back does not decode again.
        """
        with self._wake:
            if box != self._box:
                self._cache.clear()
            self._box, self._wanted, self._back = box, tuple(wanted), back
            self._wake.notify()

    def picture(self, index: int) -> Picture | None:
        """The picture of a frame at the size of the last request, if it is there already."""
        with self._wake:
            return self._cache.get(index)

    @property
    def cached_bytes(self) -> int:
        """What the cache holds now."""
        with self._wake:
            return self._cache.size_bytes

    def stop(self) -> None:
        """Let the thread close the file and end. Returns at once; `tell` may be called until it has ended."""
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

    def _run(self) -> None:
        clip = ClipFile(self._path, lambda: self._is_stopping)
        try:
            with closing(clip):
                self._serve(clip)
        except StudioError as error:
            self._tell(Broken(problem=error.problem, playable=0))
        finally:
            with self._wake:
                self._cache.clear()

    def _serve(self, clip: ClipFile) -> None:
        clip.open()
        if self._is_stopping:
            return
        converter = Converter(clip.shape)
        with self._wake:
            self._shape, self._playable = clip.shape, len(clip.index)
        self._tell(Opened(index=clip.index, width_px=clip.shape.width_px, height_px=clip.shape.height_px))
        if clip.damage:
            self._break(clip.damage, self._playable)
        while (task := self._next_task()) is not None:
            if not self._decode(clip, converter, task):
                self._break(f"frame {task.target + 1} cannot be decoded", task.target)

    def _break(self, detail: str, playable: int) -> None:
        with self._wake:
            self._playable = playable
        self._tell(
            Broken(problem=Problem(kind=Kind.SOURCE_DAMAGED, detail=detail, subject="source"), playable=playable)
        )

    def _next_task(self) -> _Task | None:
        """Wait for something to decode. None: stop."""
        with self._wake:
            self._wake.wait_for(lambda: self._is_stopping or self._first_missing() is not None)
            target = self._first_missing()
            if self._is_stopping or target is None:
                return None
            back = min(self._back, self._room() - len(self._wanted))
            return _Task(target=target, keep_from=max(0, target - max(back, 0)), box=self._box)

    def _first_missing(self) -> int | None:
        if min(self._box) < 1:
            return None
        # What does not fit into the cache together would be decoded again and again.
        for index in self._wanted[: self._room()]:
            if index not in self._cache and 0 <= index < self._playable:
                return index
        return None

    def _room(self) -> int:
        """Pictures of the present size that the cache holds together; at least one."""
        if self._shape is None:
            return 1
        width_px, height_px = self._shape.fitted(self._box)
        return max(1, self._cache.capacity_bytes // (width_px * height_px * BYTES_PER_PIXEL))

    def _decode(self, clip: ClipFile, converter: Converter, task: _Task) -> bool:
        """Decode up to the target and keep it. False: the frame does not come out of the data."""
        for is_careful in (False, True):
            for index, frame in clip.frames(task.target, task.keep_from, is_careful=is_careful):
                if task.keep_from <= index <= task.target:
                    picture = converter.picture(frame, index, clip.index.time_s(index), task.box)
                    with self._wake:
                        if self._box == task.box:
                            self._cache.put(picture)
                            is_wanted = index in self._wanted
                        else:
                            is_wanted = False
                    if is_wanted:
                        self._tell(Arrived(index=index))
                if index == task.target:
                    return True
                with self._wake:
                    if self._is_stopping or self._box != task.box or self._first_missing() != task.target:
                        return True
            if self._is_stopping:
                return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    target: int
    keep_from: int
    box: tuple[int, int]


class _PictureCache:
    """The pictures used last, by number, within a number of bytes."""

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self._pictures: OrderedDict[int, Picture] = OrderedDict()
        self.size_bytes = 0

    def __contains__(self, index: int) -> bool:
        return index in self._pictures

    def get(self, index: int) -> Picture | None:
        if index in self._pictures:
            self._pictures.move_to_end(index)
        return self._pictures.get(index)

    def put(self, picture: Picture) -> None:
        if picture.index in self._pictures:
            return
        self._pictures[picture.index] = picture
        self.size_bytes += picture.pixels.nbytes
        while self.size_bytes > self.capacity_bytes and len(self._pictures) > 1:
            _, dropped = self._pictures.popitem(last=False)
            self.size_bytes -= dropped.pixels.nbytes

    def clear(self) -> None:
        self._pictures.clear()
        self.size_bytes = 0
