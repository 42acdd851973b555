"""What is dragged over a window or lies on the clipboard, as Qt's own events and data."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QImage, QImageWriter
from PySide6.QtWidgets import QApplication, QWidget

_HOW = (Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
_AT = QPointF(600, 400)

MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"


def png(width_px: int = 8, height_px: int = 8) -> bytes:
    """A picture that says it has this size; its pixels are there only if it is small."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 0, 0, 0, 0)
    pixels = b"".join(b"\x00" + bytes(width_px) for _ in range(min(height_px, 64)))
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def a_file(path: Path, content: bytes | None = None) -> Path:
    """A file that begins as its name says."""
    usual = {".png": png(), ".jpg": jpeg(), ".jpeg": jpeg(), ".mp4": MP4, ".mov": MP4}
    path.write_bytes(usual.get(path.suffix.lower(), b"words") if content is None else content)
    return path


def jpeg() -> bytes:
    """A small picture."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture = QImage(8, 8, QImage.Format.Format_RGB32)
    picture.fill(0)
    QImageWriter(buffer, b"jpeg").write(picture)
    return bytes(data.data())


def of_files(paths: Sequence[Path]) -> QMimeData:
    """Files as a file manager hands them over."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


class Drag:
    """Something in the person's hand, over one window."""

    def __init__(
        self, window: QWidget, paths: Sequence[Path] = (), at: QPointF = _AT, *, data: QMimeData | None = None
    ) -> None:
        """`at`: where the pointer is in the window. `data`: in place of files."""
        self.window = window
        self.at = at
        self.data = data if data is not None else of_files(paths)

    def enter(self) -> QDragEnterEvent:
        """Come over the window."""
        event: QDragEnterEvent = _moving(QDragEnterEvent, self.data, self.at)
        QApplication.sendEvent(self.window, event)
        return event

    def move(self, to: QPointF | None = None) -> bool:
        """Move on; True when a drop would be taken here."""
        self.at = self.at + QPointF(1, 0) if to is None else to
        event: QDragMoveEvent = _moving(QDragMoveEvent, self.data, self.at)
        QApplication.sendEvent(self.window, event)
        return event.isAccepted()

    def over(self, widget: QWidget) -> bool:
        """Move to the middle of something in the window; True when a drop would be taken there."""
        return self.move(QPointF(widget.mapTo(self.window, widget.rect().center())))

    def leave(self) -> None:
        """Go away without dropping."""
        QApplication.sendEvent(self.window, QDragLeaveEvent())

    def drop(self) -> bool:
        """Let go; True when it was taken."""
        action, button, keys = _HOW
        event = QDropEvent(self.at, action, self.data, button, keys)
        QApplication.sendEvent(self.window, event)
        return event.isAccepted()


def _moving(kind: Any, data: QMimeData, at: QPointF) -> Any:
    action, button, keys = _HOW
    try:
        return kind(at, action, data, button, keys)
    except TypeError:
        # Qt before 6.12 takes whole pixels only; later ones call those deprecated.
        return kind(QPoint(round(at.x()), round(at.y())), action, data, button, keys)
