"""One clip as pictures on demand: exact frames by number, decoded on a thread of its own.

A `ClipDecoder` opens the file, lists the presentation times of all its frames without decoding any, then decodes what
was asked for last. Everything it says comes as a plain value through one callback, *on the decoder's own thread*; the
user interface brings it over to its own. No Qt here, and PyAV is imported by the thread that opens a file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from klingstudio.domain.errors import InputRefused, Kind, Problem, StudioError
from klingstudio.media.decode_cache import FrameCache
from klingstudio.media.decode_file import ClipFile
from klingstudio.media.decode_index import FrameIndex
from klingstudio.media.decode_pixels import Picture, Shape
from klingstudio.media.decode_plan import Run, Wishes
from klingstudio.media.decode_refill import Refill
from klingstudio.media.decode_scale import Painter, Scaler
from klingstudio.media.file_thread import FileThread
from klingstudio.media.trial import Trial

if TYPE_CHECKING:
    from av import VideoFrame

CACHE_BYTES = 96 << 20
"""Frames that one clip may hold. Two clips side by side stay under 200 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The clip can be played."""

    index: FrameIndex
    width_px: int
    """As shown: upright and with square pixels."""
    height_px: int
    shape: Shape


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


class ClipDecoder(FileThread):
    """Pictures of one file. The newest request wins; frames stay in a cache of bounded size."""

    niceness = 5
    """What is ready is painted first."""

    def __init__(self, path: Path, tell: Callable[[Event], None], *, cache_bytes: int = CACHE_BYTES) -> None:
        """Start opening `path`. `tell` is called on the decoder's thread and must return at once."""
        super().__init__()
        self._path = path
        self._tell = tell
        self._cache = FrameCache(cache_bytes)
        self._wishes = Wishes()
        self._box = (0, 0)
        self._goal = range(0)
        """The window behind the user when filling it was begun."""
        self._can_refill = True
        self._trial = Trial(path)
        self._refill: Refill | None = None
        """Touched by the thread alone, and open only while it is at work: its decoder holds as much as the first."""
        self._painting = threading.Lock()
        """Guards the painter and what it made."""
        self._painter: Painter | None = None
        self._shown: WeakValueDictionary[int, Picture] = WeakValueDictionary()
        """Pictures that somebody still holds: they are not made twice."""
        self._start(f"decode {path.name}")

    def request(self, wanted: Sequence[int], box: tuple[int, int], *, back: int = 0) -> None:
        """Ask for frames, the most urgent first, to fit into `box` (width, height in device pixels).

        Replaces what was asked for before. A picture is never larger than the clip itself. When all are there, up to
        `back` frames before the first one follow, as many as the cache holds, so that stepping back decodes nothing.
        """
        with self._wake:
            self._box = box
            self._cache.fit(box)
            self._wishes = self._wishes.followed_by(tuple(wanted), back)
            self._wake.notify()

    def picture(self, index: int) -> Picture | None:
        """The picture of a frame at the size of the last request, if it is there already. Made in under a millisecond."""
        with self._wake:
            frame, size_px = self._cache.get(index), self._cache.size_px
            time_s = self._cache.time_s(index) if frame is not None else 0.0
        if frame is None:
            return None
        with self._painting:
            picture = self._shown.get(index)
            if picture is None or (picture.width_px, picture.height_px) != size_px:
                self._painter = self._painter or Painter()
                picture = self._painter.picture(frame, index, time_s)
                self._shown[index] = picture
            return picture

    def has(self, index: int) -> bool:
        """True when `picture` gives the frame."""
        with self._wake:
            return index in self._cache

    @property
    def cached_bytes(self) -> int:
        """What the cache holds now."""
        with self._wake:
            return self._cache.size_bytes

    def _run(self) -> None:
        clip = ClipFile(self._path, lambda: self._is_stopping)
        try:
            self._trial.begin()
            with closing(clip):
                self._serve(clip)
        except StudioError as error:
            self._tell(Broken(problem=error.problem, playable=0))
        finally:
            self._trial.passed()
            if self._refill is not None:
                self._refill.close()
            with self._wake:
                self._cache.clear()

    def _give_up(self, why: str) -> None:
        self._break(f"{self._path.name}: {why}", 0)

    def _serve(self, clip: ClipFile) -> None:
        clip.open()
        if self._is_stopping:
            return
        shape = clip.shape
        scaler = Scaler(shape)
        with self._wake:
            self._cache.open(clip.index, shape, self._box)
        self._tell(Opened(index=clip.index, width_px=shape.width_px, height_px=shape.height_px, shape=shape))
        if clip.damage:
            self._break(clip.damage, len(clip.index))
        while not self._is_stopping:
            task = self._next_task(clip)
            if task is None:
                self._rest(clip)
            elif task.is_behind:
                self._fetch_behind(clip, scaler, task.run)
            elif not self._reach(clip, scaler, task.run):
                self._break(f"frame {task.run.target + 1} cannot be decoded", task.run.target)

    def _break(self, detail: str, playable: int) -> None:
        with self._wake:
            self._cache.playable = playable
        self._tell(
            Broken(problem=Problem(kind=Kind.SOURCE_DAMAGED, detail=detail, subject="source"), playable=playable)
        )

    def _next_task(self, clip: ClipFile) -> _Task | None:
        """The wishes first, then the window behind them."""
        with self._wake:
            ahead = self._wishes.next_ahead(self._cache)
            # Unless the refill comes by that frame anyway, and has the shorter way.
            if ahead is not None and (clip.reaches(ahead.target) or not self._will_refill_give(ahead.target)):
                return _Task(run=ahead)
            if ahead is not None:
                return _Task(run=ahead, is_behind=True)
            behind = self._wishes.next_behind(self._cache, self._goal) if self._can_refill else None
            if behind is None:
                return None
            if behind.target not in self._goal:
                self._goal = self._wishes.window(self._cache.room)
            return _Task(run=behind, is_behind=True)

    def _will_refill_give(self, frame: int) -> bool:
        return self._refill is not None and self._refill.will_give(frame)

    def _rest(self, clip: ClipFile) -> None:
        """Wait for something to do."""
        # Whatever was wanted first is there.
        self._trial.passed()
        if self._refill is not None:
            self._refill.close()
            self._refill = None
        with self._wake:
            self._wake.wait_for(lambda: self._is_stopping or self._next_task(clip) is not None)

    def _fetch_behind(self, clip: ClipFile, scaler: Scaler, run: Run) -> None:
        """Begin to fetch frames behind the user, or go on with it, as long as nothing is more urgent."""
        try:
            self._refill = self._refill or Refill(self._path, clip, lambda: self._is_stopping)
        except InputRefused:
            # The file was taken away while it is shown. What is open can still be played, only not as smoothly back.
            self._can_refill = False
            return
        if not self._refill.will_give(run.target):
            self._refill.begin(run)
        for index, frame in self._refill.frames():
            if self._refill.keeps(index):
                self._keep(index, frame, scaler)
            # Asked after every frame: nobody waits for the whole way from a key frame.
            task = self._next_task(clip)
            if self._is_stopping or task is None or not task.is_behind or not self._refill.will_give(task.run.target):
                return
        self._cache.lose(self._refill.finish())

    def _reach(self, clip: ClipFile, scaler: Scaler, run: Run) -> bool:
        """Decode up to the target and keep it. False: the frame does not come out of the data."""
        for index, frame in clip.frames(run.target, run.first):
            if index >= run.first:
                self._keep(index, frame, scaler)
            if index == run.target:
                return True
            with self._wake:
                ahead = self._wishes.next_ahead(self._cache)
                if self._is_stopping or ahead is None or ahead.target != run.target:
                    return True
        return self._is_stopping

    def _keep(self, index: int, frame: VideoFrame, scaler: Scaler) -> None:
        with self._wake:
            size_px = self._cache.size_px
        if min(size_px) < 1:
            return
        small = scaler.scaled(frame, size_px)
        with self._wake:
            if self._cache.size_px != size_px:
                return
            wanted = self._wishes.frames
            self._cache.put(index, small, wanted, self._wishes.window(self._cache.room))
        if index in wanted:
            self._tell(Arrived(index=index))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    run: Run
    is_behind: bool = False
