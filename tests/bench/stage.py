"""The player with its view in a window of 1280 × 720, and when each pair really was painted."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication

from klingstudio.app import Collector
from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.player.comparison import Comparison, Mode
from klingstudio.ui.player.playback.pair import Pair, Side
from klingstudio.ui.player.playback.player import PairPlayer
from klingstudio.ui.theme import Theme

WIDTH_PX, HEIGHT_PX = 1280, 720
_LIMIT_S = 60.0
_LOOK_MS = 500


class Late(Exception):
    """What was waited for did not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """A pair that came to the screen. Without its pictures: keeping them would cost what no program pays."""

    step: int
    is_exact: bool
    at_s: float


class _WatchedView(PairView):
    """Says when a pair has been painted and handed over to the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.watch: Callable[[Pair], None] = lambda pair: None
        self.took_ms: list[float] = []
        self._newest: Pair | None = None

    def show_pair(self, pair: Pair | None) -> None:
        self._newest = pair
        super().show_pair(pair)

    def paintEvent(self, event: QPaintEvent) -> None:
        began = time.perf_counter()
        super().paintEvent(event)
        self.took_ms.append((time.perf_counter() - began) * 1000)
        pair = self._newest
        if pair is not None:
            # It comes when the window has handed its pixels over.
            QTimer.singleShot(0, lambda: self.watch(pair))


class Stage:
    """One player, one view; both clips are wiped over each other, each at the full size of the view."""

    def __init__(self, before: Path, after: Path | None = None) -> None:
        # What fails in a slot would leave figures of something that does not work.
        sys.excepthook = _end
        self._app = QApplication([])
        Theme(self._app, scale=1.0).choose("dark")
        self._collector = Collector(self._app)
        self.player = PairPlayer(time.perf_counter)
        self.view = _WatchedView()
        self.view.watch = self._note
        self.painted: list[Painted] = []
        self.pair: Pair | None = None
        """What is on the screen."""
        self.player.pair_shown.connect(self.view.show_pair)
        self.player.timeline_changed.connect(self._tell_sizes)
        self.view.box_changed.connect(self.player.set_box)
        self.view.set_paired(after is not None)
        self.view.set_comparison(Comparison(mode=Mode.WIPE if after is not None else Mode.BEFORE))
        self.view.setFixedSize(WIDTH_PX, HEIGHT_PX)
        self.view.show()
        self._clips = {Side.BEFORE: before, Side.AFTER: after}

    def load(self) -> None:
        """Open the clips and wait until their first pair is painted."""
        for side, path in self._clips.items():
            if path is not None:
                self.player.load(side, path, offset_s=0.0)
        both = self._clips[Side.AFTER] is not None
        self.until(lambda: self._is_exact() and ((self.pair is not None and self.pair.after is not None) or not both))

    def until(self, is_so: Callable[[], bool]) -> None:
        """Let the window work until it is so. Looks after every event, and sleeps in between."""
        limit = time.perf_counter() + _LIMIT_S
        awake = QTimer()
        awake.start(_LOOK_MS)
        while not is_so():
            if time.perf_counter() > limit:
                raise Late(f"not within {_LIMIT_S:.0f} s")
            self._app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def until_surveyed(self) -> None:
        """Until drafts and signatures of every frame are there."""
        self.until(lambda: self.player.survey_progress >= 1)

    def until_exact(self, step: int) -> float:
        """Until exactly this step is on the screen; when that was."""
        self.until(lambda: self._is_exact() and self.painted[-1].step == step)
        return self.painted[-1].at_s

    def close(self) -> None:
        """Close the files, then the window."""
        self.player.close()
        self.view.close()
        self._collector.stop()

    def _tell_sizes(self) -> None:
        self.view.set_source_sizes(self.player.size(Side.BEFORE), self.player.size(Side.AFTER))

    def _is_exact(self) -> bool:
        return bool(self.painted) and self.painted[-1].is_exact

    def _note(self, pair: Pair) -> None:
        if pair is not self.pair:
            self.pair = pair
            self.painted.append(Painted(step=pair.step, is_exact=not pair.is_draft, at_s=time.perf_counter()))


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    traceback.print_exception(kind, error, trace)
    sys.stderr.flush()
    os._exit(1)
