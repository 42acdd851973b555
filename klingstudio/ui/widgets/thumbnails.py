"""Small versions of local pictures, read on a thread so that a large one never holds the window up."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QSize, QThreadPool, Signal
from PySide6.QtGui import QImage, QImageReader, QPixmap

from klingstudio.domain.errors import InputRefused
from klingstudio.media.image_file import has_too_many_scans, refuse_no_file, sniff_image

THUMB_PX = 400
THUMBS_KEPT = 64


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
    """The picture, upright, its longer side at most `side_px`; null where it cannot be read.

    Qt has readers for many more kinds of files, and this is the window's own process: none but the three are tried.
    """
    form = _form(path)
    if form is None:
        return QImage()
    reader = QImageReader(str(path), form.encode())
    reader.setAutoDetectImageFormat(False)
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid() and max(size.width(), size.height()) > side_px:
        factor = side_px / max(size.width(), size.height())
        reader.setScaledSize(QSize(max(1, round(size.width() * factor)), max(1, round(size.height() * factor))))
    return reader.read()


def _form(path: Path) -> str | None:
    """By content: the name may lie. None: nothing that is read here, perhaps by now."""
    try:
        refuse_no_file(path)
        with path.open("rb") as file:
            form = sniff_image(file.read(12))
            return None if form == "jpeg" and has_too_many_scans(file) else form
    except (InputRefused, OSError):
        return None


class KeptThumbnails(QObject):
    """The small pictures that were asked for last: as many as are worth their memory, each read once for its content."""

    came = Signal(str)
    """Path of one that can be shown now."""

    def __init__(self, parent: QObject | None = None, *, most: int = THUMBS_KEPT) -> None:
        """`most`: more than are ever shown at a time."""
        super().__init__(parent)
        self._most = most
        self._kept: dict[str, tuple[str, QPixmap | None]] = {}
        """By path, the one asked for last at the end: its content, and the picture once it is there."""
        self._thumbnails = Thumbnails(self)
        self._thumbnails.ready.connect(self._on_ready)

    def of(self, path: str, content: str = "") -> QPixmap | None:
        """The picture, or None until `came`. With another `content` the file is read again; the older one stays so long."""
        known = self._kept.pop(path, None)
        is_new = known is None or known[0] != content
        picture = known[1] if known is not None else None
        self._kept[path] = (content, picture)
        if is_new:
            while len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
            self._thumbnails.want(path)
        return picture

    def wait(self) -> None:
        """Until nothing is being read any more."""
        self._thumbnails.wait()

    def _on_ready(self, path: str, image: QImage) -> None:
        if not image.isNull() and path in self._kept:
            self._kept[path] = (self._kept[path][0], QPixmap.fromImage(image))
            self.came.emit(path)
