"""The ring around what has the keyboard. Drawn outside the control, and only for people who use the keyboard."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QLineEdit, QMenuBar, QPlainTextEdit, QTextEdit, QWidget
from shiboken6 import isValid

from klingstudio.ui import theme

_KEYS = (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
_FOLLOWED = (
    QEvent.Type.Move,
    QEvent.Type.Resize,
    QEvent.Type.Hide,
    QEvent.Type.Show,
    QEvent.Type.DynamicPropertyChange,
)


class FocusRing(QWidget):
    """Lies over its window and follows the focus. A control with a property `ringArea` gets the ring around that part."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._target: QWidget | None = None
        self._followed: list[QWidget] = []
        self._by_keyboard = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._on_focus)
        window.installEventFilter(self)

    @property
    def target(self) -> QWidget | None:
        """What the ring is around; None while it is not shown."""
        return self._target if self.isVisible() else None

    def _on_focus(self, _old: QWidget | None, new: QWidget | None) -> None:
        for followed in self._followed:
            # A window that is being closed for good takes its controls away one by one.
            if isValid(followed):
                followed.removeEventFilter(self)
        self._followed.clear()
        self._target = None
        window = self._window
        if new is None or new.window() is not window.window() or isinstance(new, QMenuBar):
            self.hide()
            return
        self._target = new
        widget: QWidget | None = new
        while widget is not None and widget is not window:
            self._followed.append(widget)
            widget.installEventFilter(self)
            widget = widget.parentWidget()
        self._place()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in _KEYS or kind == QEvent.Type.MouseButtonPress:
            # The focus moves between this event and the next: what was used last decides.
            self._by_keyboard = kind in _KEYS
            self._place()
        elif kind in _FOLLOWED:
            self._place()
        return False

    def _place(self) -> None:
        if self._target is not None and not isValid(self._target):
            # Its parent may tell us of its own end after it.
            self._target = None
        target, window = self._target, self._window
        is_text = isinstance(target, (QLineEdit, QPlainTextEdit, QTextEdit))
        if target is None or not self._by_keyboard or is_text or target.visibleRegion().isEmpty():
            self.hide()
            return
        out = theme.RING + 1
        shown = target.visibleRegion().boundingRect()
        if isinstance(part := target.property("ringArea"), QRect):
            shown = shown.intersected(part)
        area = QRect(target.mapTo(window, QPoint(0, 0)) + shown.topLeft(), shown.size()).adjusted(-out, -out, out, out)
        self.setGeometry(area)
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_neutral = self._target is not None and self._target.property("ring") == "neutral"
        painter.setPen(QPen(QColor(t.secondary if is_neutral else t.accent), theme.RING))
        half = theme.RING / 2
        round_px = theme.px(theme.RADIUS) + half
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(half, half, -half, -half), round_px, round_px)
        painter.end()
