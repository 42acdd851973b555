"""One quiet pass over a clip, for three uses: drafts for scrubbing, how much it changed, and by how much it is shifted.

A `ClipSurvey` looks at the frames of a clip from start to end on a thread of its own. Of each it keeps a small JPEG,
which can be shown at once where decoding the frame itself would take a second, and a signature of a few thousand
bytes, by which it can be compared with the frames of another clip.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from klingstudio.domain.errors import StudioError
from klingstudio.media.decode_index import FrameIndex
from klingstudio.media.decode_pixels import Picture, Shape
from klingstudio.media.drafts import Drafts
from klingstudio.media.file_thread import FileThread
from klingstudio.media.signature import Moment, Signature
from klingstudio.media.source_file import Stamp, stamp_of, stat_source

_TELL_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """How far the pass has come."""

    done: int
    """Frames from the start that are known."""
    count: int
    is_over: bool
    """True: nothing more will come, also where the data ended or broke before the last frame."""


class ClipSurvey(FileThread):
    """What the pass has found so far. Read by one thread: the one that paints."""

    niceness = 15

    def __init__(
        self, path: Path, index: FrameIndex, shape: Shape, tell: Callable[[Surveyed], None], *, stamp: Stamp | None
    ) -> None:
        """Start at once. `tell` is called on the survey's thread, at most ten times a second and once at the end.

        `stamp`: of the file that `index` tells of; if another one lies there by now, nothing is found. None: not known.
        """
        super().__init__()
        self._path, self._index, self._shape, self._tell, self._stamp = path, index, shape, tell, stamp
        self._drafts = Drafts(index)
        self._signatures: dict[int, Signature] = {}
        self._surveyed = Surveyed(done=0, count=len(index), is_over=False)
        self._is_held = False
        self._start(f"survey {path.name}")

    def draft(self, frame: int) -> Picture | None:
        """The frame, small and compressed, once the pass has been there. Takes about a millisecond.

        Of long clips only every n-th frame is kept: then it is the nearest one before, and `Picture.index` says which.
        """
        return self._drafts.picture(frame)

    def has_draft(self, frame: int) -> bool:
        """True when `draft` has an answer."""
        return self._drafts.has(frame)

    def signature(self, frame: int) -> Signature | None:
        """What exactly this frame looks like, if it was looked at."""
        return self._signatures.get(frame)

    def moments(self) -> list[Moment]:
        """Every signature so far and its time, in order."""
        # In one step, so that nothing is added half-way.
        signatures = list(self._signatures.items())
        return [Moment(time_s=self._index.time_s(frame), signature=signature) for frame, signature in signatures]

    @property
    def progress(self) -> float:
        """From 0 to 1; 1 also when the rest cannot be read."""
        surveyed = self._surveyed
        return 1.0 if surveyed.is_over else surveyed.done / surveyed.count

    @property
    def kept_bytes(self) -> int:
        """What drafts and signatures take now."""
        return self._drafts.size_bytes + sum(len(signature.cells) for signature in list(self._signatures.values()))

    def hold(self, is_held: bool) -> None:
        """Pause while the machine is needed for something more urgent, or go on."""
        with self._wake:
            self._is_held = is_held
            self._wake.notify()

    def _run(self) -> None:
        # A file that has gone or broken since it was opened is the decoder's to complain about.
        with suppress(StudioError):
            self._look()
        self._end()

    def _give_up(self, why: str) -> None:
        del why
        self._end()

    def _end(self) -> None:
        if not self._is_stopping:
            self._drafts.finish()
            self._surveyed = Surveyed(done=self._surveyed.done, count=len(self._index), is_over=True)
            self._tell(self._surveyed)

    def _look(self) -> None:
        # Here and not above: the window is on screen before the video library is loaded.
        from klingstudio.media.survey_pass import looks

        if self._stamp not in (None, stamp_of(stat_source(self._path))):
            return
        told_at = monotonic()
        with closing(looks(self._path, self._index, self._shape, lambda: self._is_stopping)) as passing:
            for look in passing:
                self._drafts.put(look.draft, look.known_until)
                self._signatures[look.draft.frame] = look.signature
                done = min(look.known_until, len(self._index))
                self._surveyed = Surveyed(done=done, count=len(self._index), is_over=False)
                if monotonic() - told_at >= _TELL_EVERY_S:
                    told_at = monotonic()
                    self._tell(self._surveyed)
                with self._wake:
                    self._wake.wait_for(lambda: self._is_stopping or not self._is_held)
