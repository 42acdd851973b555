"""A frame to keep: taken from the clip itself at full size, in a thread, to a file or to the clipboard."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QObject, Qt, Signal
from PySide6.QtGui import QImage, QImageWriter

from klingstudio.domain.errors import StudioError
from klingstudio.media.whole_file import new_part, writing
from klingstudio.ui.player.comparison import Comparison, Mode
from klingstudio.ui.player.playback.pair import Pair
from klingstudio.ui.widgets.moments import timecode

if TYPE_CHECKING:
    from klingstudio.media.changes import Heat


class What(StrEnum):
    """What is on the picture."""

    BEFORE = "before"
    AFTER = "after"
    COMPARISON = "comparison"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of one clip."""

    path: Path
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture that is wanted."""

    what: What
    before: Frame | None
    after: Frame | None
    comparison: Comparison
    time_s: float
    heat: Heat | None = None
    """Where the two differ, if that is seen."""

    @property
    def name(self) -> str:
        """A file name that says what it is: `stream 00-03.14 before.png`."""
        frame = self.after if self.what is What.AFTER or self.before is None else self.before
        clip = frame.path.stem if frame is not None else "frame"
        return f"{clip} {timecode(self.time_s).replace(':', '-')} {self.what}.png"


class Purpose(StrEnum):
    """What is done with the picture."""

    SAVE = "save"
    COPY = "copy"
    USE = "use"
    """As a reference image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A picture that is there."""

    shot: Shot
    purpose: Purpose
    image: QImage
    path: Path | None
    """Where it was saved; None for one that was not."""


def what_is_shown(pair: Pair, comparison: Comparison) -> What:
    """What a person sees who looks at this pair."""
    if pair.before is None or pair.after is None:
        return What.AFTER if pair.before is None else What.BEFORE
    match comparison.mode:
        case Mode.BEFORE:
            return What.AFTER if comparison.is_flipped else What.BEFORE
        case Mode.AFTER:
            return What.BEFORE if comparison.is_flipped else What.AFTER
        case _:
            return What.COMPARISON


class Snapshots(QObject):
    """Takes one picture after the other, while the player goes on. Closing it is the owner's duty: `close`."""

    taken = Signal(object)  # Taken
    failed = Signal(object)  # Problem

    _ended = Signal(object)  # Future[Taken]: from the thread to this one

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool: ThreadPoolExecutor | None = None
        self._ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)

    def take(self, shot: Shot, purpose: Purpose, path: Path | None = None) -> None:
        """Take the picture; save it where `path` is given."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="snapshot")
        self._pool.submit(_take, shot, purpose, path).add_done_callback(self._tell)

    def close(self) -> None:
        """Wait for the picture that is being taken; forget the others."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _tell(self, future: Future[Taken]) -> None:
        try:
            self._ended.emit(future)
        except RuntimeError:
            # The window is gone and Qt has deleted this object; nobody is left to hear.
            return

    def _on_ended(self, future: Future[Taken]) -> None:
        try:
            self.taken.emit(future.result())
        except StudioError as error:
            self.failed.emit(error.problem)
        except CancelledError:
            # The player was closed before its turn came.
            return


def _take(shot: Shot, purpose: Purpose, path: Path | None) -> Taken:
    image = _image(shot)
    if path is not None:
        save(image, path)
    return Taken(shot=shot, purpose=purpose, image=image, path=path)


def _image(shot: Shot) -> QImage:
    from klingstudio.media.still import full_frame
    from klingstudio.ui.player.canvas.layers import compose, image_of

    def read(frame: Frame) -> QImage:
        # The picture owns the pixels only as long as it lives.
        return image_of(full_frame(frame.path, frame.number)).copy()

    before = read(shot.before) if shot.before is not None and shot.what is not What.AFTER else None
    after = read(shot.after) if shot.after is not None and shot.what is not What.BEFORE else None
    if before is not None and after is not None:
        return compose(shot.comparison, before, after, shot.heat)
    image = before if before is not None else after
    assert image is not None
    return image


def save(image: QImage, path: Path) -> None:
    """Write a picture as PNG, whole or not at all.

    Raises:
        DiskProblem: the file cannot be written.
    """
    data = QBuffer()
    data.open(QBuffer.OpenModeFlag.WriteOnly)
    QImageWriter(data, b"png").write(image)
    part = new_part(path)
    with writing(part, path):
        part.write_bytes(data.data().data())
