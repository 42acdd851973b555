"""A reference in the person's hand: dragged from its tile to another place in the row, into the prompt, onto a slot."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QDrag, QPixmap
from PySide6.QtWidgets import QWidget

from klingstudio.ui import theme

REFERENCE_MIME = "application/x-klingstudio-reference"
"""Its data is the id of the reference, in UTF-8."""


def reference_data(reference_id: str) -> QMimeData:
    """What is dragged. Nothing that another program could take for a file."""
    data = QMimeData()
    data.setData(REFERENCE_MIME, reference_id.encode())
    return data


def dragged_reference(data: QMimeData) -> str:
    """The id of the reference that is dragged; empty where it is something else."""
    return bytes(data.data(REFERENCE_MIME).data()).decode(errors="replace") if data.hasFormat(REFERENCE_MIME) else ""


def drag_reference(tile: QWidget, reference_id: str, picture: QPixmap | None) -> None:
    """Carry the reference until the person lets go. Returns when that is done; the window goes on meanwhile."""
    # Not of the tile: dropped where it becomes something else, the tile goes before the drag has ended.
    drag = QDrag(tile.window())
    drag.setMimeData(reference_data(reference_id))
    side = theme.px(theme.DRAGGED)
    if picture is not None and not picture.isNull():
        shown = picture.scaled(
            side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        drag.setPixmap(shown)
        # Below the pointer, so that what a place says of a drop there stays readable.
        drag.setHotSpot(QPoint(-theme.px(theme.INSIDE), -theme.px(theme.INSIDE)))
    drag.exec(Qt.DropAction.MoveAction)
