"""The middle of the window: an invitation while there is no clip, then the player with the source and a take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from klingstudio.ui import theme
from klingstudio.ui.models.bundle import Models
from klingstudio.ui.widgets.drop import DropLight
from klingstudio.ui.window.viewer import EmptyViewer

if TYPE_CHECKING:
    from klingstudio.ui.player.panel import PlayerPanel


class Stage(QStackedWidget):
    """Knows which clips are shown. The player comes later than the window: it is heavy to load."""

    shown = Signal(str)
    """Id of the job whose take is in the player now; empty for none."""
    clip_problem = Signal(object)

    def __init__(self, models: Models, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._models = models
        self._player: PlayerPanel | None = None
        self._source: Path | None = None
        self._job = ""
        self.setMinimumHeight(theme.px(theme.STAGE_LEAST))
        self.empty = EmptyViewer(self)
        self.addWidget(self.empty)
        self.light = DropLight(self)
        models.draft.source_changed.connect(self._on_source)
        self._on_source()

    @property
    def player(self) -> PlayerPanel | None:
        return self._player

    @property
    def has_clip(self) -> bool:
        return self._player is not None and self._source is not None

    @property
    def job(self) -> str:
        """Id of the job whose take is shown; empty for none."""
        return self._job

    def attach(self) -> None:
        """Load the player."""
        from klingstudio.ui.player.panel import PlayerPanel

        self._player = PlayerPanel(self)
        self._player.clip_problem.connect(self.clip_problem)
        self.addWidget(self._player)
        self.light.raise_()
        self._on_source()

    def detach(self) -> None:
        """Close the player's files."""
        if self._player is not None:
            self._player.close_clips()

    def toggle_playing(self) -> None:
        if self._player is not None:
            self._player.toggle_playing()

    def show_take(self, job_id: str) -> None:
        """Play a take beside the source it was made from."""
        job = self._models.jobs.job(job_id)
        if job.take is None or self._player is None:
            return
        self._job = job_id
        self._show_source(Path(job.request.source))
        starts_at_s = job.request.trim.start_s if job.request.trim else 0.0
        words = f"v{self._models.jobs.number(job_id):02}"
        self._player.show_take(Path(job.take), words, starts_at_s=starts_at_s)
        self._choose_page()
        self.shown.emit(job_id)

    def _on_source(self) -> None:
        draft = self._models.draft
        self.empty.show_drawing(draft.is_making_sample and draft.source is None)
        # Only a file that could be read goes into the player; what is wrong with another is said on its card.
        path = draft.source.path if draft.source is not None and draft.source.facts is not None else None
        if path is not None and path != self._source:
            self._leave_take()
            self._show_source(path)
        elif draft.source is None and self._source is not None:
            self._leave_take()
            self._show_source(None)
        self._choose_page()

    def _leave_take(self) -> None:
        if self._player is not None:
            self._player.show_take(None, "")
        if self._job:
            self._job = ""
            self.shown.emit("")

    def _show_source(self, path: Path | None) -> None:
        if self._player is not None and path != self._source:
            self._source = path
            self._player.show_source(path)

    def _choose_page(self) -> None:
        if self._player is not None and self._source is not None:
            self.setCurrentWidget(self._player)
        else:
            self.setCurrentWidget(self.empty)
