"""The player as one panel: pictures, playhead, keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from klingstudio.domain.errors import Kind, Problem
from klingstudio.ui import theme
from klingstudio.ui.player.pair import Pair, PairPlayer, Side
from klingstudio.ui.player.transport import Transport
from klingstudio.ui.player.view import PairView
from klingstudio.ui.text import sentence

_WRITES = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
_PRESSES = (QAbstractButton, QAbstractItemView, QComboBox)
"""Controls that use Space themselves."""
_MOVES = (QAbstractItemView, QAbstractSlider, QComboBox)
"""Controls that use arrows, Home and End themselves."""

_TAKE_IS_BAD = frozenset(
    {
        Kind.SOURCE_DAMAGED,
        Kind.SOURCE_EMPTY,
        Kind.SOURCE_NOT_VIDEO,
        Kind.SOURCE_NO_PICTURE,
        Kind.SOURCE_NOT_A_FILE,
    }
)


class PlayerPanel(QWidget):
    """Source and take side by side, playing together. Call `close_clips` before the program ends."""

    clip_problem = Signal(object)  # Problem

    def __init__(self, parent: QWidget | None = None, *, now: Callable[[], float] = time.monotonic) -> None:
        """`now`: monotonic seconds."""
        super().__init__(parent)
        self.setObjectName("player")
        self.setAccessibleName(self.tr("Player"))
        self._player = PairPlayer(now, self)
        self._view = PairView(self)
        self._transport = Transport(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addWidget(self._view, stretch=1)
        column.addWidget(self._transport)

        self._player.pair_shown.connect(self._on_pair)
        self._player.timeline_changed.connect(self._on_timeline)
        self._player.playing_changed.connect(self._transport.show_playing)
        self._player.problem_found.connect(self._on_problem)
        self._view.box_changed.connect(self._player.set_box)
        self._transport.play_wished.connect(self.toggle_playing)
        self._transport.move_wished.connect(self._player.move)
        self._transport.step_wished.connect(self._player.seek)
        self._transport.step_dragged.connect(self._player.scrub)
        self._transport.loop_wished.connect(self._player.set_looping)
        self._transport.touched.connect(self._view.setFocus)
        self._shortcuts = self._make_shortcuts()
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._on_focus)

    def show_source(self, path: Path | None) -> None:
        """Put the source on the left, standing on its first frame. None: nothing there."""
        self._player.load(Side.BEFORE, path)

    def show_take(self, path: Path | None, label: str, *, starts_at_s: float = 0.0) -> None:
        """Put a take on the right; both play together from the start as soon as both can be shown.

        None: the source alone. `starts_at_s`: time in the source at which the take begins, where it was trimmed.
        """
        self._view.set_after_label(label)
        self._player.load(Side.AFTER, path, offset_s=starts_at_s, plays=path is not None)

    def toggle_playing(self) -> None:
        """Play when paused, pause when playing."""
        if self._player.is_playing:
            self._player.pause()
        else:
            self._player.play()

    def close_clips(self) -> None:
        """Forget both clips and wait until their files are closed."""
        self._player.close()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        # Nobody is looking: no core should work for it.
        self._player.pause()

    def _on_pair(self, pair: Pair) -> None:
        self._view.show_pair(pair)
        self._transport.show_step(pair.step, pair.time_s)

    def _on_timeline(self) -> None:
        timeline = self._player.timeline
        count = 0 if timeline is None else timeline.count
        page = round(count / timeline.length_s) if timeline is not None and timeline.length_s else 1
        self._transport.set_count(count, page=page)
        self._view.set_paired(timeline is not None and timeline.following is not None)
        if timeline is None and not self._player.is_loading():
            self._view.show_pair(None)
        elif timeline is not None and not count:
            self._view.show_pair(None)
            self._view.show_message(self.tr("The two clips have no moment in common."))

    def _on_problem(self, side: Side, problem: Problem) -> None:
        if side is Side.AFTER:
            kind = Kind.RESULT_DAMAGED if problem.kind in _TAKE_IS_BAD else problem.kind
            problem = replace(problem, kind=kind, subject="take")
        if self._player.timeline is None:
            self._view.show_pair(None)
            self._view.show_message(sentence(problem).title)
        self.clip_problem.emit(problem)

    # Keys

    def _make_shortcuts(self) -> dict[QShortcut, tuple[type[QWidget], ...]]:
        """Every key, and the controls that keep it for themselves."""
        keys: dict[Qt.Key, tuple[Callable[[], None], tuple[type[QWidget], ...]]] = {
            Qt.Key.Key_Space: (self.toggle_playing, _PRESSES),
            Qt.Key.Key_Left: (partial(self._player.move, -1), _MOVES),
            Qt.Key.Key_Right: (partial(self._player.move, 1), _MOVES),
            Qt.Key.Key_Comma: (partial(self._player.move, -1), ()),
            Qt.Key.Key_Period: (partial(self._player.move, 1), ()),
            Qt.Key.Key_Home: (partial(self._player.seek, 0), _MOVES),
            Qt.Key.Key_End: (self._go_to_end, _MOVES),
        }
        made = {}
        for key, (does, keepers) in keys.items():
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setAutoRepeat(key is not Qt.Key.Key_Space)
            shortcut.activated.connect(does)
            made[shortcut] = keepers
        return made

    def _go_to_end(self) -> None:
        if self._player.timeline is not None:
            self._player.seek(self._player.timeline.count - 1)

    def _on_focus(self, _old: QWidget | None, new: QWidget | None) -> None:
        is_writing = isinstance(new, _WRITES) or (isinstance(new, QComboBox) and new.isEditable())
        for shortcut, keepers in self._shortcuts.items():
            shortcut.setEnabled(not is_writing and not isinstance(new, keepers))
