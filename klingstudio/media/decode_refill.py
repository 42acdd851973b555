"""A second walk through an open clip: fetches the frames behind the user, while the first one keeps its place ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from klingstudio.media.decode_file import ClipFile
from klingstudio.media.decode_plan import Run

if TYPE_CHECKING:
    from av import VideoFrame


class Refill:
    """One run after the other; each can be left in the middle and gone on with later."""

    def __init__(self, path: Path, beside: ClipFile, is_stopping: Callable[[], bool]) -> None:
        """Open the file that `beside` has open once more.

        Raises:
            InputRefused: it can no longer be read, or another one lies there now.
        """
        self._file = ClipFile(path, is_stopping)
        self._run: Run | None = None
        self._done = 0
        self._frames: Iterator[tuple[int, VideoFrame]] = iter(())
        self._given: set[int] = set()
        try:
            self._file.open_beside(beside)
        except BaseException:
            self._file.close()
            raise

    def will_give(self, frame: int) -> bool:
        """True when the run that was begun has yet to come by this frame."""
        return self._run is not None and max(self._run.first, self._done) <= frame <= self._run.target

    def begin(self, run: Run) -> None:
        """Start a run. What is left of the one before is given up."""
        self._run, self._done, self._given = run, 0, set()
        # What was left out on the way here is wanted now.
        self._file.leave_place()
        self._frames = self._file.frames(run.target, run.first)

    def frames(self) -> Iterator[tuple[int, VideoFrame]]:
        """What is decoded from here to the end of the run, in order. It begins before the frames that are kept."""
        for number, frame in self._frames:
            self._done = number + 1
            self._given.add(number)
            yield number, frame

    def keeps(self, frame: int) -> bool:
        """True for a frame of the run itself."""
        return self._run is not None and self._run.first <= frame <= self._run.target

    def finish(self) -> set[int]:
        """Give up the run, and say what did not come out of it."""
        run, self._run = self._run, None
        return set(range(run.first, run.target + 1)) - self._given if run is not None else set()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
