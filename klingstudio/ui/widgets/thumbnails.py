"""Small versions of local pictures, read on a thread so that a large one never holds the window up."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QSize, QThreadPool, Signal
from PySide6.QtGui import QImage, QImageReader

THUMB_PX = 400


class Thumbnails(QObject):
    """Reads one picture at a time. Only for files that were measured before: a decompression bomb has been refused."""

    ready = Signal(str, QImage)
    """Path, and the picture; null where it could not be read."""

    def __init__(self, parent: QObject | None = None, *, side_px: int = THUMB_PX) -> None:
        """`side_px`: of the longer side, at most."""
        super().__init__(parent)
        self.side_px = side_px
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._pool.setExpiryTimeout(2000)

    def want(self, path: str) -> None:
        """Read this one; `ready` tells when it is done."""
        self._pool.start(_Read(path, self))

    def wait(self) -> None:
        """Until nothing is being read any more."""
        self._pool.clear()
        self._pool.waitForDone()


class _Read(QRunnable):
    def __init__(self, path: str, answers: Thumbnails) -> None:
        super().__init__()
        self._path = path
        self._answers = answers

    def run(self) -> None:
        self._answers.ready.emit(self._path, read_small(Path(self._path), self._answers.side_px))


def read_small(path: Path, side_px: int) -> QImage:
    """The picture, upright, its longer side at most `side_px`; null where it cannot be read."""
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    # By content: the name may lie.
    reader.setDecideFormatFromContent(True)
    size = reader.size()
    if size.isValid() and max(size.width(), size.height()) > side_px:
        factor = side_px / max(size.width(), size.height())
        reader.setScaledSize(QSize(max(1, round(size.width() * factor)), max(1, round(size.height() * factor))))
    return reader.read()
