"""A text field whose chips answer to the mouse: a click opens the menu of a chip, resting on it shows its picture."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QHelpEvent, QMouseEvent, QTextCursor, QTextLine
from PySide6.QtWidgets import QTextEdit, QWidget

from klingstudio.domain.prompt import Token
from klingstudio.ui.prompt import document as words


class ChipField(QTextEdit):
    """Finds its chips by Qt's places, and tells what is wanted of one."""

    menu_wanted = Signal(object, object)
    """The menu of a chip (Qt's place of it) or of the text (None), at this point of the screen."""
    card_wanted = Signal(object)
    """The larger picture of the chip at this place of Qt's; None: no longer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pressed: int | None = None
        self.viewport().setMouseTracking(True)

    def chosen_chip(self) -> int | None:
        """Place of the chip that is selected alone, or that the caret stands next to; None where there is none."""
        cursor = self.textCursor()
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        places = (start,) if end == start + 1 else (start - 1, start) if start == end else ()
        return next((place for place in places if self.token_at(place) is not None), None)

    def token_at(self, place: int) -> Token | None:
        """The token that stands at this place of Qt's."""
        return words.neighbour(self.document(), place)

    def select_span(self, start: int, end: int) -> None:
        """Select from and to these places of Qt's."""
        cursor = self.textCursor()
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def chip_area(self, place: int) -> QRect:
        """Where the chip at this place of Qt's is painted, in the viewport; empty where there is none."""
        block = self.document().findBlock(place)
        line = block.layout().lineForTextPosition(place - block.position())
        if not line.isValid() or self.token_at(place) is None:
            return QRect()
        edges = [_x_of(line, place - block.position() + by) for by in (0, 1)]
        origin = self.document().documentLayout().blockBoundingRect(block).topLeft()
        area = QRectF(min(edges), line.y(), abs(edges[1] - edges[0]), line.height())
        scrolled = QPoint(self.horizontalScrollBar().value(), self.verticalScrollBar().value())
        return area.translated(origin).toRect().translated(-scrolled)

    def chip_under(self, point: QPoint) -> int | None:
        """The chip at this point of the viewport."""
        place = self.cursorForPosition(point).position()
        return next((one for one in (place - 1, place) if one >= 0 and self.chip_area(one).contains(point)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.card_wanted.emit(None)
        is_left = event.button() == Qt.MouseButton.LeftButton
        self._pressed = self.chip_under(event.position().toPoint()) if is_left else None
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        super().mouseReleaseEvent(event)
        is_here = pressed is not None and self.chip_under(event.position().toPoint()) == pressed
        cursor = self.textCursor()
        if pressed is not None and is_here and cursor.selectionEnd() - cursor.selectionStart() <= 1:
            self.select_span(pressed, pressed + 1)
            self._want_menu()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        is_chip = self.chip_under(event.position().toPoint()) is not None
        shape = Qt.CursorShape.PointingHandCursor if is_chip else Qt.CursorShape.IBeamCursor
        if self.viewport().cursor().shape() != shape:
            self.viewport().setCursor(shape)
        if not is_chip:
            self.card_wanted.emit(None)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            self.card_wanted.emit(self.chip_under(event.pos()))
            return True
        if event.type() == QEvent.Type.Leave:
            self.card_wanted.emit(None)
        return super().viewportEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self._want_menu()
            return
        place = self.chip_under(event.pos())
        if place is not None:
            self.select_span(place, place + 1)
        self.menu_wanted.emit(place, event.globalPos())

    def _want_menu(self) -> None:
        place = self.chosen_chip()
        area = self.cursorRect() if place is None else self.chip_area(place)
        self.menu_wanted.emit(place, self.viewport().mapToGlobal(area.bottomLeft()))


def _x_of(line: QTextLine, position: int) -> float:
    """Where the caret stands in the line; Qt gives the place that it found along with it."""
    found: Any = line.cursorToX(position)
    return float(found[0] if isinstance(found, tuple) else found)
