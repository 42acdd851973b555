"""The time of what is on screen; pressed, a field for the time to go to."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.player.transport.controls import WordButton
from klingstudio.ui.widgets.labels import announce
from klingstudio.ui.widgets.moments import read_moment, timecode
from klingstudio.ui.widgets.passing_field import PassingField

_HINT = "00:03.14, 3.5, 80f, +10, -1s"


class TimeField(QWidget):
    """Shows a time, and asks for one."""

    moment_wished = Signal(object)  # Moment
    left = Signal()
    """The field was closed: the keyboard belongs to the picture again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._time = WordButton("time", self, kind="moment")
        self._time.say("", self.tr("Go to time (G)"))
        self._field = PassingField(self)
        self._field.setObjectName("goTo")
        self._field.setAccessibleName(self.tr("Go to time"))
        self._field.setToolTip(_HINT)
        self._field.setPlaceholderText("80f")
        self._field.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._time)
        row.addWidget(self._field)
        self._time.clicked.connect(self.ask)
        self._field.returnPressed.connect(self._on_return)
        self._field.given_up.connect(self._close)
        self._field.left.connect(self._close)
        self.show_time(None)

    def show_time(self, time_s: float | None) -> None:
        """What is on screen; None: nothing."""
        words = "" if time_s is None else timecode(time_s)
        if len(words) != len(self._time.text()):
            # Digits are of equal width: the row moves only when there are more of them.
            self._time.setFixedWidth(self._wide_enough_for(words))
        self._time.say(words, self.tr("Go to time (G)"))
        self._time.setEnabled(time_s is not None)

    def ask(self) -> None:
        """Let the person write where to go."""
        if not self._time.isEnabled():
            return
        self._field.setFixedWidth(max(self._time.width(), self._wide_enough_for("00:00:00.00")))
        self._time.hide()
        self._field.setText(self._time.text())
        self._field.show()
        self._field.selectAll()
        self._field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _wide_enough_for(self, words: str) -> int:
        return self._time.fontMetrics().horizontalAdvance(words) + 2 * theme.px(theme.BETWEEN)

    def _on_return(self) -> None:
        moment = read_moment(self._field.text())
        if moment is None:
            self._field.selectAll()
            announce(self._field, self.tr("Write a time such as {hint}").format(hint=_HINT))
            return
        self._close()
        self.moment_wished.emit(moment)

    def _close(self) -> None:
        if self._field.isVisible():
            had_focus = self._field.hasFocus()
            self._field.hide()
            self._time.show()
            if had_focus:
                self.left.emit()
