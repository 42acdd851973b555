"""What the surveys of two clips tell about them: how far they are, and where the two differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from klingstudio.ui.player.playback.differences import Differences
from klingstudio.ui.player.playback.lineup import Lineup

if TYPE_CHECKING:
    from klingstudio.media.changes import Heat

_NEWS_MS = 100
"""What is found out is said no more often than this."""

_CALM_S, _LONGEST_CALM_S = 2.0, 60.0
"""When pictures run short, the surveys stand back for so long while it plays; twice as long each time."""


class Findings(QObject):
    """Follows the surveys of what is lined up, and has the shift looked for when they are complete."""

    changed = Signal()

    def __init__(self, lineup: Lineup, now: Callable[[], float], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lineup = lineup
        self._now = now
        self._is_held = False
        self._back_at: float | None = None
        """Until then the surveys stand back. None: pictures never ran short since it plays."""
        self._calm_s = _CALM_S
        self._differences = Differences()
        self._news = QTimer(self, singleShot=True, interval=_NEWS_MS)
        self._news.timeout.connect(self._on_news)
        self._next = QTimer(self, singleShot=True, interval=0)
        self._next.timeout.connect(self._compare)
        lineup.changed.connect(self._on_lineup)
        lineup.surveyed.connect(self._have_news)

    @property
    def progress(self) -> float:
        """Of the surveys, from 0 to 1."""
        decks = self._lineup.decks
        return sum(deck.survey_progress for deck in decks) / len(decks) if decks else 0.0

    @property
    def changes(self) -> Sequence[float | None]:
        """How much the two clips differ at each step, from 0 to 1; empty where there is one clip only."""
        return self._differences.values

    def heat(self, step: int) -> Heat | None:
        """Where they differ at a step."""
        return self._differences.heat(step)

    def hold(self, is_held: bool) -> None:
        """Keep the surveys from using the machine, or let them go on."""
        self._is_held = is_held

    def stand_back(self) -> None:
        """Pictures run short: they have the machine to themselves for a while."""
        now = self._now()
        if self._back_at is None or now >= self._back_at:
            self._calm_s = _CALM_S if self._back_at is None else min(2 * self._calm_s, _LONGEST_CALM_S)
        self._back_at = now + self._calm_s

    def stand_still(self) -> None:
        """Nothing plays, so nothing can run short."""
        self._back_at = None

    def go_on(self, *, may_start: bool) -> None:
        """Let the surveys work if nothing speaks against it. `may_start`: what is looked at is on screen."""
        is_held = self._is_held or (self._back_at is not None and self._now() < self._back_at)
        for deck in self._lineup.decks:
            deck.hold_survey(is_held)
            if may_start and not is_held:
                deck.start_survey()

    def _on_lineup(self) -> None:
        self._differences.watch(self._lineup.laid)
        self._have_news()

    def _have_news(self) -> None:
        if not self._news.isActive():
            self._news.start()

    def _on_news(self) -> None:
        self._lineup.search_alignment()
        self._next.start()
        self.changed.emit()

    def _compare(self) -> None:
        if self._differences.go_on():
            self._next.start()
            self._have_news()
