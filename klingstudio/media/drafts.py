"""The intra proxy: frames of a clip as small JPEGs in memory, each readable on its own in a millisecond."""

from __future__ import annotations

import threading
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klingstudio.media.decode_index import FrameIndex
from klingstudio.media.decode_pixels import Picture

if TYPE_CHECKING:
    from av import VideoCodecContext

    from klingstudio.media.decode_scale import Painter

DRAFT_BYTES = 48 << 20
"""What the drafts of one clip may take together. Ten seconds of video take five to fifteen MB."""

SIDE_PX = 640
"""Longest side of a draft."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One upright frame, compressed."""

    frame: int
    jpeg: bytes
    matrix: int
    """What a JPEG cannot say: by which matrix its luma and chroma were made."""


class Drafts:
    """Filled in order by one thread, read by one other.

    Bounded: when the bytes are used up, every second draft is given up, and what follows is kept as sparsely.
    """

    def __init__(self, index: FrameIndex, *, capacity_bytes: int = DRAFT_BYTES) -> None:
        self._index = index
        self._capacity_bytes = capacity_bytes
        self._lock = threading.Lock()
        self._drafts: list[Draft] = []
        self._size_bytes = 0
        self._offered = 0
        self._keeps_one_in = 1
        self._known_until = 0
        """For every frame before this one some draft stands, from the first draft on."""
        self._reader: _Reader | None = None

    @property
    def size_bytes(self) -> int:
        """What the drafts take now."""
        return self._size_bytes

    def put(self, draft: Draft, known_until: int) -> None:
        """Keep a draft, later than all before it, that stands for every frame before `known_until`."""
        with self._lock:
            self._known_until = known_until
            if self._offered % self._keeps_one_in == 0:
                self._drafts.append(draft)
                self._size_bytes += len(draft.jpeg)
            self._offered += 1
            while self._size_bytes > self._capacity_bytes and len(self._drafts) > 1:
                self._drafts = self._drafts[::2]
                self._size_bytes = sum(len(kept.jpeg) for kept in self._drafts)
                self._keeps_one_in *= 2

    def finish(self) -> None:
        """No more will come: the last draft stands for the rest of the clip."""
        with self._lock:
            self._known_until = len(self._index)

    def has(self, frame: int) -> bool:
        """True when `picture` has an answer."""
        return self._standing_for(frame) is not None

    def picture(self, frame: int) -> Picture | None:
        """The draft of a frame, or of the nearest one before it that is kept."""
        draft = self._standing_for(frame)
        if draft is None:
            return None
        if self._reader is None:
            self._reader = _Reader()
        return self._reader.picture(draft, self._index.time_s(draft.frame))

    def _standing_for(self, frame: int) -> Draft | None:
        with self._lock:
            if not 0 <= frame < self._known_until:
                return None
            place = bisect_right(self._drafts, frame, key=lambda draft: draft.frame) - 1
            return self._drafts[place] if place >= 0 else None


class _Reader:
    """Makes pictures of drafts, for one thread."""

    def __init__(self) -> None:
        import av

        from klingstudio.media.decode_scale import Painter

        self._decoder: VideoCodecContext = av.VideoCodecContext.create("mjpeg", "r")
        # Several threads would hold each frame back until the next ones are there.
        self._decoder.thread_count = 1
        self._painter: Painter = Painter()

    def picture(self, draft: Draft, time_s: float) -> Picture:
        from av import Packet

        (frame,) = self._decoder.decode(Packet(draft.jpeg))
        frame.colorspace = draft.matrix
        return self._painter.picture(frame, draft.frame, time_s, is_draft=True)
