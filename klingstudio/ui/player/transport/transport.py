"""The row below the picture: play, frame by frame, where it is, how fast, who is heard."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.player.actions import ACTS, PlayerActions, tooltip
from klingstudio.ui.player.playback.sound import Sound
from klingstudio.ui.player.transport.change_strip import ChangeStrip
from klingstudio.ui.player.transport.controls import Choice, PlayButton, PlayerButton, Segment, WordButton
from klingstudio.ui.player.transport.peaks import Changes
from klingstudio.ui.player.transport.row import Row
from klingstudio.ui.player.transport.scrub_bar import ScrubBar
from klingstudio.ui.player.transport.sound_button import SoundButton
from klingstudio.ui.player.transport.time_field import TimeField
from klingstudio.ui.widgets.labels import label
from klingstudio.ui.widgets.moments import timecode

SPEEDS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 4.0)


class Transport(QWidget):
    """Strip, bar and buttons. Says what is wanted, shows what it is told."""

    step_wished = Signal(int)
    step_dragged = Signal(int)
    pointed = Signal(int)
    """The pointer is over this step of the bar."""
    pointer_left = Signal()
    moment_wished = Signal(object)  # Moment
    rate_wished = Signal(float)
    touched = Signal()
    """The keyboard belongs to the picture again."""

    def __init__(self, actions: PlayerActions, sound: Sound, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self._count = 0
        self._is_playing = False
        self.strip = ChangeStrip(self)
        self.bar = ScrubBar(self)
        self._play = PlayButton(self)
        self._play.clicked.connect(actions["play"].trigger)
        self._back = self._button("step-back", "frame_back", "frameBack")
        self._forward = self._button("step-forward", "frame_on", "frameForward")
        self._loop = self._button("repeat", "loop", "loop")
        for button in (self._back, self._forward):
            button.setAutoRepeat(True)
        self._time = TimeField(self)
        self._frame = label(role="secondary", parent=self)
        self._frame.setObjectName("frame")
        self._frame.setFont(theme.tabular(self._frame.font()))
        self._shift = WordButton("shift", self)
        self._shift.say("", self.tr("Alignment"))
        self._shift.setMenu(_menu(self, (actions[name] for name in ("later", "earlier", "align", "reset_alignment"))))
        self._speed = WordButton("speed", self)
        self._speed.setMenu(self._speeds(actions))
        self._listen = Segment(
            (
                Choice(actions["listen_before"], self.tr("Before")),
                Choice(actions["listen_after"], self.tr("After")),
            ),
            self.tr("Listen to"),
            self,
        )
        self._sound = SoundButton(sound, actions, self)
        self._row = self._make_row()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.strip)
        column.addWidget(self.bar)
        column.addSpacing(theme.px(theme.GAP))
        column.addWidget(self._row)

        for button in (self._play, self._back, self._forward, self._loop, self._sound):
            button.touched.connect(self.touched)
        for other in (self._shift, self._speed, self._listen, self.bar, self.strip):
            other.touched.connect(self.touched)
        self._time.left.connect(self.touched)
        self._time.moment_wished.connect(self.moment_wished)
        for bar in (self.bar, self.strip):
            bar.step_wished.connect(self.step_wished)
            bar.pointed.connect(self.pointed)
            bar.left.connect(self.pointer_left)
        self.bar.step_dragged.connect(self.step_dragged)
        self.show_changes(None)
        self.show_rate(1.0)
        self.show_shift(None)
        self.show_paired(False)
        self.set_count(0)

    def set_count(self, count: int, *, page: int = 1) -> None:
        """How many steps there are to go through; `page`: steps in a second."""
        self._count = count
        self.bar.set_count(count, page=page)
        self._play.setEnabled(count > 1)
        if not count:
            self._time.show_time(None)
            self._frame.setText("")

    def show_step(self, step: int, time_s: float) -> None:
        """Say which picture is on screen."""
        self.bar.show_step(step)
        self._time.show_time(time_s)
        self._frame.setText(self.tr("frame {number} of {count}").format(number=step + 1, count=self._count))
        if not self._is_playing:
            self._tell_position(time_s)

    def show_playing(self, is_playing: bool, time_s: float) -> None:
        """Whether the pictures are moving."""
        self._is_playing = is_playing
        if is_playing:
            self._play.show_icon("pause", self.tr("Pause (Space)"))
        else:
            self._play.show_icon("play", self.tr("Play (Space)"))
            self._tell_position(time_s)

    def show_rate(self, rate: float) -> None:
        """How fast it plays."""
        words = f"{rate:.2f}".rstrip("0").rstrip(".").replace("-", "\N{MINUS SIGN}") + "×"
        self._speed.say(words, self.tr("Speed: {rate}").format(rate=words))
        for action in self._speed.menu().actions():
            action.setChecked(action.data() == rate)

    def show_shift(self, words: str | None, name: str = "") -> None:
        """How After was moved against Before; None: it was not."""
        if words is not None:
            self._shift.say(words, name)
        self._row.want(self._shift, words is not None)

    def show_paired(self, is_paired: bool) -> None:
        """Whether there are two clips: only then there is one to choose."""
        self._row.want(self._listen, is_paired)

    def show_changes(self, changes: Changes | None) -> None:
        """How much each step differs; None: there is nothing to compare."""
        self.strip.setVisible(changes is not None)
        self.strip.show_changes(changes or ())

    def ask_for_moment(self) -> None:
        """Let the person write where to go."""
        self._time.ask()

    def _make_row(self) -> Row:
        row = Row(self)
        for widget in (self._play, self._back, self._forward, self._loop):
            row.add(widget)
        row.add_gap()
        row.add(self._time)
        row.add(self._frame)
        row.add_stretch()
        for control in (self._shift, self._speed, self._listen, self._sound):
            row.add(control)
        row.let_go(self._frame, self._shift, self._listen, self._speed, self._loop, self._back, self._forward)
        return row

    def _button(self, icon: str, act_id: str, name: str) -> PlayerButton:
        button = PlayerButton(icon, tooltip(ACTS[act_id]), name, self)
        button.obey(self._actions[act_id])
        return button

    def _speeds(self, actions: PlayerActions) -> QMenu:
        menu = QMenu(self)
        for speed in SPEEDS:
            action = menu.addAction(f"{speed:g}×")
            action.setCheckable(True)
            action.setData(speed)
        menu.triggered.connect(self._on_speed)
        menu.addSeparator()
        menu.addActions([actions["slower"], actions["faster"]])
        return menu

    def _on_speed(self, action: QAction) -> None:
        if isinstance(action.data(), float):
            self.rate_wished.emit(action.data())

    def _tell_position(self, time_s: float) -> None:
        # A screen reader would talk without end if this changed with every frame.
        self.bar.setAccessibleDescription(f"{self._frame.text()}, {timecode(time_s)}" if self._frame.text() else "")


def _menu(parent: QWidget, actions: Iterable[QAction]) -> QMenu:
    menu = QMenu(parent)
    menu.addActions(list(actions))
    return menu
