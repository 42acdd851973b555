"""A thin line that fills, and a toast that goes by itself."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QHideEvent,
    QPainter,
    QPaintEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.labels import announce, label

TOAST_MS = 5000
OFFER_MS = 10_000
"""For a toast with a button: somebody has to get there."""
_STEP_MS = 40


class ProgressLine(QProgressBar):
    """How far something is; a part that wanders where that is not known."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setTextVisible(False)
        self.setFixedHeight(theme.px(theme.PROGRESS))
        self._place = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(_STEP_MS)
        self._timer.timeout.connect(self._wander)
        self.show_fraction(None)

    def show_fraction(self, fraction: float | None) -> None:
        """0 to 1, or None where the length is not known."""
        if fraction is None:
            self.setRange(0, 0)
        else:
            self.setRange(0, 1000)
            self.setValue(round(min(max(fraction, 0.0), 1.0) * 1000))
        self._run()
        self.update()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._run()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _run(self) -> None:
        # Imported when needed: its many enums take as long as all the rest of this window's classes.
        from PySide6.QtWidgets import QStyle

        # A person who asked for no motion gets a still part instead.
        moves = self.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration, None, self) > 0
        if self.maximum() == 0 and self.isVisible() and moves:
            self._timer.start()
        else:
            self._timer.stop()

    def _wander(self) -> None:
        self._place = (self._place + 0.012) % 1.0
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        area = QRectF(self.rect())
        round_px = area.height() / 2
        painter.setBrush(QColor(theme.mix(t.raised, t.text, 0.16)))
        painter.drawRoundedRect(area, round_px, round_px)
        painter.setBrush(QColor(t.accent))
        if self.maximum() > 0:
            area.setWidth(max(area.width() * self.value() / self.maximum(), area.height() if self.value() else 0))
        else:
            wide = area.width() * 0.3
            area = QRectF((area.width() + wide) * self._place - wide, 0, wide, area.height()).intersected(area)
        painter.drawRoundedRect(area, round_px, round_px)
        painter.end()


class Toast(QFrame):
    """A short word about something that has passed, at the top of its place."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._place_in = parent
        self.setProperty("ground", "card")
        self.setProperty("edge", "line")
        self._words = label(role="small")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(14), theme.px(8), theme.px(14), theme.px(8))
        self._does: Callable[[], object] | None = None
        self.button = Button("", self, kind="link")
        # A click leaves the keyboard with whoever is writing.
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(self._act)
        self.button.hide()
        row.addWidget(self._words)
        row.addWidget(self.button)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._end)
        parent.installEventFilter(self)
        self.hide()

    @property
    def words(self) -> str:
        return self._words.text() if self.isVisible() else ""

    def say(self, words: str, *, button: str = "", does: Callable[[], object] | None = None) -> None:
        """Show the words for five seconds and tell them to a screen reader. With a button they stay longer."""
        self._words.setText(words)
        self._does = does
        self.button.setText(button)
        self.button.setVisible(does is not None)
        self._place()
        self.show()
        self.raise_()
        self._timer.start(TOAST_MS if does is None else OFFER_MS)
        announce(self, f"{words}. {button}" if does is not None else words)

    def withdraw(self) -> None:
        """What the button offers is no longer possible."""
        if self._does is not None:
            self._timer.stop()
            self.hide()

    def _act(self) -> None:
        does = self._does
        self.withdraw()
        if does is not None:
            does()

    def _end(self) -> None:
        if self.underMouse() or self.button.hasFocus():
            self._timer.start(TOAST_MS)
        else:
            self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        parent = self._place_in
        self.setMaximumWidth(parent.width() - theme.px(2 * theme.AROUND))
        self.adjustSize()
        self.move((parent.width() - self.width()) // 2, theme.px(theme.AROUND + theme.BETWEEN))
