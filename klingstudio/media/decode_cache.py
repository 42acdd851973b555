"""The frames of one clip that are kept at the size they are shown in, within a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from klingstudio.media.decode_index import FrameIndex
from klingstudio.media.decode_pixels import BYTES_PER_PIXEL, Shape

if TYPE_CHECKING:
    from av import VideoFrame


class FrameCache:
    """Drops what was used longest ago, but never a frame that is waited for, and the window behind it last."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self.size_bytes = 0
        self.size_px = (0, 0)
        """Width and height of every frame in here; (0, 0): nothing is kept."""
        self.playable = 0
        """Frames from the start of the clip that may come out of its data."""
        self._index: FrameIndex | None = None
        self._shape: Shape | None = None
        self._frame_bytes = 0
        self._frames: OrderedDict[int, VideoFrame] = OrderedDict()
        self._lost: set[int] = set()

    def open(self, index: FrameIndex, shape: Shape, box: tuple[int, int]) -> None:
        """From now on frames of this clip are kept."""
        self._index, self._shape, self.playable = index, shape, len(index)
        self.fit(box)

    def fit(self, box: tuple[int, int]) -> None:
        """Keep frames at the size they have in `box`. Those of another size are dropped."""
        if self._shape is None:
            return
        size_px = self._shape.fitted(box) if min(box) > 0 else (0, 0)
        if size_px != self.size_px:
            self.clear()
            self.size_px = size_px
            self._frame_bytes = max(1, size_px[0] * size_px[1] * BYTES_PER_PIXEL)

    def __contains__(self, frame: int) -> bool:
        return frame in self._frames

    def get(self, frame: int) -> VideoFrame | None:
        """The frame, which counts as used now."""
        if frame in self._frames:
            self._frames.move_to_end(frame)
        return self._frames.get(frame)

    def time_s(self, frame: int) -> float:
        """When a frame is shown, in seconds after the first one."""
        return self._index.time_s(frame) if self._index is not None else 0.0

    def put(self, frame: int, image: VideoFrame, wanted: Container[int], window: Container[int]) -> None:
        """Keep a frame. Where there is no room, others go: never one that is wanted, one in the window last."""
        if frame in self._frames:
            return
        self._frames[frame] = image
        self._frame_bytes = _bytes_of(image)
        self.size_bytes += self._frame_bytes
        while self.size_bytes > self._capacity_bytes and len(self._frames) > 1:
            unwanted = [one for one in self._frames if one not in wanted]
            outside = (one for one in unwanted if one not in window)
            # Of the window, the end that is reached last.
            dropped = next(outside, min(unwanted, default=next(iter(self._frames))))
            self.size_bytes -= _bytes_of(self._frames.pop(dropped))

    def lose(self, frames: Iterable[int]) -> None:
        """These did not come out of the data on the way to others."""
        self._lost.update(frames)

    def clear(self) -> None:
        """Drop every frame."""
        self._frames.clear()
        self.size_bytes = 0

    # What the plan asks

    @property
    def room(self) -> int:
        """Frames of the present size that fit in together; at least one."""
        return max(1, self._capacity_bytes // max(1, self._frame_bytes))

    def is_missing(self, frame: int) -> bool:
        """True for a frame of the clip that is not in here and may come out of the data."""
        return frame not in self._frames and 0 <= frame < self.playable and min(self.size_px) > 0

    def is_lost(self, frame: int) -> bool:
        """True for a frame that did not come out on the way to others."""
        return frame in self._lost

    def key_before(self, frame: int) -> int:
        """The frame from which on has to be decoded."""
        return self._index.key_before(frame) if self._index is not None else 0


def _bytes_of(image: VideoFrame) -> int:
    return sum(plane.buffer_size for plane in image.planes)
