"""The row below the picture: play, step, loop, where we are."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.player.scrub_bar import ScrubBar
from klingstudio.ui.widgets.icons import IconButton
from klingstudio.ui.widgets.labels import label


class Transport(QWidget):
    """Buttons and the playhead. Says what is wanted, shows what it is told."""

    play_wished = Signal()
    """Play when paused, pause when playing."""
    move_wished = Signal(int)  # steps, negative: back
    step_wished = Signal(int)
    step_dragged = Signal(int)
    loop_wished = Signal(bool)
    touched = Signal()
    """A control was pressed with the mouse."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = 0
        self._is_playing = False
        self._bar = ScrubBar(self)
        self._play = _PlayButton(self)
        self._back = _Button("step-back", self.tr("Back one frame (Left)"), "frameBack", self)
        self._forward = _Button("step-forward", self.tr("Forward one frame (Right)"), "frameForward", self)
        self._loop = _Button("repeat", self.tr("Loop"), "loop", self)
        self._loop.setCheckable(True)
        self._loop.setChecked(True)
        for button in (self._back, self._forward):
            button.setAutoRepeat(True)
        self._time = label(parent=self)
        self._time.setObjectName("time")
        self._time.setFont(theme.tabular(self._time.font()))
        self._frame = label(role="secondary", parent=self)
        self._frame.setObjectName("frame")
        self._frame.setFont(theme.tabular(self._frame.font()))

        row = QHBoxLayout()
        row.setSpacing(theme.px(theme.GAP))
        for widget in (self._play, self._back, self._forward, self._loop):
            row.addWidget(widget)
        row.addSpacing(theme.px(theme.BETWEEN))
        row.addWidget(self._time)
        row.addSpacing(theme.px(theme.BETWEEN))
        row.addWidget(self._frame)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(theme.GAP))
        column.addWidget(self._bar)
        column.addLayout(row)

        self._play.clicked.connect(self.play_wished)
        self._back.clicked.connect(self._on_back)
        self._forward.clicked.connect(self._on_forward)
        self._loop.toggled.connect(self.loop_wished)
        for button in (self._play, self._back, self._forward, self._loop):
            button.touched.connect(self.touched)
        self._bar.touched.connect(self.touched)
        self._bar.step_wished.connect(self.step_wished)
        self._bar.step_dragged.connect(self.step_dragged)
        self.set_count(0)

    def set_count(self, count: int, *, page: int = 1) -> None:
        """How many steps there are to go through; `page`: steps in a second."""
        self._count = count
        self._bar.set_count(count, page=page)
        for button in (self._play, self._back, self._forward):
            button.setEnabled(count > 1)
        if not count:
            self._time.setText("")
            self._frame.setText("")

    def show_step(self, step: int, time_s: float) -> None:
        """Say which picture is on screen."""
        self._bar.show_step(step)
        self._time.setText(timecode(time_s))
        self._frame.setText(self.tr("frame {number} of {count}").format(number=step + 1, count=self._count))
        if not self._is_playing:
            self._tell_position()

    def show_playing(self, is_playing: bool) -> None:
        """Whether the pictures are moving."""
        self._is_playing = is_playing
        if is_playing:
            self._play.show_icon("pause", self.tr("Pause (Space)"))
        else:
            self._play.show_icon("play", self.tr("Play (Space)"))
            self._tell_position()

    def _tell_position(self) -> None:
        # A screen reader would talk without end if this changed with every frame.
        self._bar.setAccessibleDescription(f"{self._frame.text()}, {self._time.text()}")

    def _on_back(self) -> None:
        self.move_wished.emit(-1)

    def _on_forward(self) -> None:
        self.move_wished.emit(1)


class _Button(IconButton):
    """Reached with Tab. A click leaves the keyboard to the picture, so that Space plays and does not press it again."""

    touched = Signal()

    def __init__(self, icon: str, name: str, object_name: str, parent: QWidget) -> None:
        super().__init__(icon, name, parent)
        self.setObjectName(object_name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self.touched.emit()


class _PlayButton(_Button):
    """The largest control of the row, on a round ground."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("play", self.tr("Play (Space)"), "play", parent)
        self.setFixedSize(theme.px(theme.CONTROL), theme.px(theme.CONTROL))

    def paintEvent(self, _event: QPaintEvent) -> None:
        # Its own palette has no ground: the stylesheet makes buttons transparent.
        t = theme.tokens((self.parentWidget() or self).palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        ground = t.raised if not self.underMouse() else theme.mix(t.raised, t.text, 0.06)
        painter.setBrush(QColor(ground))
        painter.drawEllipse(QRectF(self.rect()))
        side = self.iconSize()
        mode = self.icon().Mode.Normal if self.isEnabled() else self.icon().Mode.Disabled
        self.icon().paint(
            painter,
            (self.width() - side.width()) // 2,
            (self.height() - side.height()) // 2,
            side.width(),
            side.height(),
            Qt.AlignmentFlag.AlignCenter,
            mode,
        )
        painter.end()


def timecode(time_s: float) -> str:
    """Minutes, seconds and hundredths, hours where there are any: `00:03.14`."""
    hundredths = int(time_s * 100 + 0.5)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:" if hours else ""
    return f"{start}{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"
