"""The rows around the picture. On the full screen they lie over it, and go aside as long as nobody asks for them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.widgets.labels import set_role

RESTS_MS = 2500
"""After so long without a movement or a key the picture is left alone."""

_WAKES = frozenset(
    {
        QEvent.Type.MouseButtonPress,
        QEvent.Type.Wheel,
        QEvent.Type.KeyPress,
        # A key that is a shortcut comes as this only.
        QEvent.Type.ShortcutOverride,
        QEvent.Type.TouchBegin,
    }
)


class _Rail(QFrame):
    """Holds one row; over the picture it has a ground of its own."""

    def __init__(self, row: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(row)

    def lie_over(self, is_over: bool) -> None:
        """Over the picture, or beside it."""
        inside = theme.px(theme.BETWEEN) if is_over else 0
        layout = self.layout()
        assert layout is not None
        layout.setContentsMargins(inside, inside, inside, inside)
        set_role(self, "ground", "panel" if is_over else "")


class Rails(QObject):
    """Lays out a panel: one row above the picture, one below. Nothing moves: the rows are there or they are not."""

    went_aside = Signal()

    def __init__(self, panel: QWidget, above: QWidget, view: PairView, below: QWidget) -> None:
        super().__init__(panel)
        self._panel = panel
        self._view = view
        self._above = _Rail(above, panel)
        self._below = _Rail(below, panel)
        self._is_over = False
        self._pointer = QPoint()
        self._column = QVBoxLayout(panel)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.px(theme.BETWEEN))
        self._column.addWidget(self._above)
        self._column.addWidget(view, stretch=1)
        self._column.addWidget(self._below)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(RESTS_MS)
        self._timer.timeout.connect(self._go_aside)

    @property
    def are_seen(self) -> bool:
        return not self._above.isHidden()

    def lie_over(self, is_over: bool) -> None:
        """Give the whole panel to the picture, the rows over it; or part it among them again."""
        app = QApplication.instance()
        if is_over == self._is_over or app is None:
            return
        self._is_over = is_over
        for rail in (self._above, self._below):
            rail.lie_over(is_over)
        if is_over:
            self._column.removeWidget(self._above)
            self._column.removeWidget(self._below)
            self._pointer = QCursor.pos()
            app.installEventFilter(self)
        else:
            app.removeEventFilter(self)
            self._column.insertWidget(0, self._above)
            self._column.addWidget(self._below)
            self._view.set_covered(0, 0)
        self._come_back()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in _WAKES:
            self._come_back()
        elif kind == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            # A control that appears under a still pointer is told of a movement, too.
            at = event.globalPosition().toPoint()
            if at != self._pointer:
                self._pointer = at
                self._come_back()
        elif (kind == QEvent.Type.Resize and watched is self._panel) or (
            kind == QEvent.Type.LayoutRequest and watched in (self._above, self._below)
        ):
            self._place()
        return False

    def _come_back(self) -> None:
        if not self.are_seen:
            self._view.unsetCursor()
        for rail in (self._above, self._below):
            rail.show()
        if self._is_over:
            self._place()
            self._timer.start()
        else:
            self._timer.stop()

    def _go_aside(self) -> None:
        if self._are_in_use():
            self._timer.start()
            return
        for rail in (self._above, self._below):
            rail.hide()
        self._view.setCursor(Qt.CursorShape.BlankCursor)
        self.went_aside.emit()

    def _are_in_use(self) -> bool:
        """A menu or a question is open, something is held, or the pointer or the keyboard is on a control."""
        focus = QApplication.focusWidget()
        is_held = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        is_asking = QApplication.activePopupWidget() is not None or QApplication.activeModalWidget() is not None
        return is_held or is_asking or any(_has(rail, focus) for rail in (self._above, self._below))

    def _place(self) -> None:
        width, height = self._panel.width(), self._panel.height()
        above, below = (rail.sizeHint().height() for rail in (self._above, self._below))
        self._above.setGeometry(0, 0, width, above)
        self._below.setGeometry(0, height - below, width, below)
        for rail in (self._above, self._below):
            rail.raise_()
        self._view.set_covered(above, below)


def _has(rail: QWidget, focus: QWidget | None) -> bool:
    """The keyboard or the pointer is there."""
    return (focus is not None and rail.isAncestorOf(focus)) or rail.rect().contains(rail.mapFromGlobal(QCursor.pos()))
