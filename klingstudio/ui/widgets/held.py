"""What can be taken into the hand: a button that is used by a click or Enter, pulled away with the mouse, and has a menu."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QCursor, QEnterEvent, QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QScrollArea, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import IconButton


class Pull:
    """Tells a pull with the mouse from a click."""

    def __init__(self) -> None:
        self._pressed_at: QPointF | None = None

    @property
    def may_be_click(self) -> bool:
        """True from the press until it is let go or has become a pull."""
        return self._pressed_at is not None

    def press(self, event: QMouseEvent) -> None:
        self._pressed_at = event.position() if event.button() == Qt.MouseButton.LeftButton else None

    def is_begun_by(self, event: QMouseEvent) -> bool:
        """True for the one move with which the click becomes a pull."""
        at = self._pressed_at
        if at is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return False
        if (event.position() - at).manhattanLength() < QApplication.startDragDistance():
            return False
        self._pressed_at = None
        return True

    def end(self) -> None:
        self._pressed_at = None


class HeldButton(QAbstractButton):
    """Click or Enter uses it, Del removes it, and the menu opens by the right button, the menu key and Shift+F10."""

    removed = Signal()
    drag_wanted = Signal()
    menu_wanted = Signal(QPoint)
    """Where on the screen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pull = Pull()
        self._is_second_click = self._was_pulled = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    @property
    def can_be_removed(self) -> bool:
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = event.modifiers()
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if not keys & Qt.KeyboardModifier.ControlModifier:
                self.click()
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace:
                # Where there is nothing to remove, what it lies in must not take the key for itself.
                if self.can_be_removed:
                    self.removed.emit()
            case Qt.Key.Key_F10 if keys & Qt.KeyboardModifier.ShiftModifier:
                self.menu_wanted.emit(self._middle())
            case _:
                super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        is_by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        self.menu_wanted.emit(self._middle() if is_by_key else event.globalPos())
        menu = QApplication.activePopupWidget()
        if isinstance(menu, QMenu):
            menu.aboutToHide.connect(self._look_for_pointer, Qt.ConnectionType.QueuedConnection)

    def _look_for_pointer(self) -> None:
        """Qt tells nobody that the pointer went away while a menu was open."""
        if self.underMouse() and not self.rect().contains(self.mapFromGlobal(QCursor.pos())):
            self.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
            QApplication.sendEvent(self, QEvent(QEvent.Type.Leave))
            self.update()

    def _middle(self) -> QPoint:
        return self.mapToGlobal(self.rect().center())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pull.press(event)
        self._was_pulled = False
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pull.is_begun_by(event):
            self._was_pulled = True
            self.setDown(False)
            self.drag_wanted.emit()
        if not self._was_pulled:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pull.end()
        if self._is_second_click:
            self._is_second_click = False
            return
        if self._was_pulled:
            # Wherever it was let go, that is no click.
            self._was_pulled = False
            self.setDown(False)
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        # The first click has used it; once is what is meant.
        self._is_second_click = event.button() == Qt.MouseButton.LeftButton


class ReferenceTile(HeldButton):
    """A tile with a cross in its corner, which can be moved by keys and lit up."""

    moved = Signal(int)
    """Asked to change places: -1 towards the first, +1 towards the last."""

    def __init__(
        self, parent: QWidget | None, *, steps: Mapping[int, int], cross: str = "text", on: str = "picture"
    ) -> None:
        """What is different from tile to tile.

        Args:
            steps: the keys that move it together with Alt, and which way.
            cross: token of the colour of the cross.
            on: what the cross lies on.
        """
        super().__init__(parent)
        self._steps = steps
        self._cross = IconButton("x", "Remove", self, token=cross)
        self._cross.setProperty("on", on)
        self._cross.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._cross.clicked.connect(self.removed)
        self._cross.hide()
        self._flash = QTimer(self)
        self._flash.setSingleShot(True)
        self._flash.setInterval(theme.FLASH_MS)
        self._flash.timeout.connect(self.update)

    def flash(self) -> None:
        """Bring it into view and light it up for a moment: this is the one that was meant."""
        parent = self.parentWidget()
        while parent is not None:
            if isinstance(parent, QScrollArea):
                parent.ensureWidgetVisible(self)
            parent = parent.parentWidget()
        self._flash.start()
        self.update()

    @property
    def is_lit(self) -> bool:
        return self._flash.isActive()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = self._steps.get(event.key(), 0)
        if step and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.moved.emit(step)
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._cross.show()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._cross.setVisible(self.hasFocus())
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._cross.show()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._cross.setVisible(self.underMouse())
        super().focusOutEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cross.adjustSize()
        inset = theme.px(theme.GAP)
        self._cross.move(self.width() - self._cross.width() - inset, inset)
