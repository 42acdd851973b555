"""Which take stands in front: a new one comes by itself where nothing is pushed aside, any other when it is asked for."""

from __future__ import annotations

from PySide6.QtCore import QObject

from klingstudio.ui.models.bundle import Models
from klingstudio.ui.takes.panel import TakesPanel
from klingstudio.ui.window.stage import Stage


class Front(QObject):
    """Listens to jobs and cards, and tells the stage."""

    def __init__(self, models: Models, stage: Stage, takes: TakesPanel, parent: QObject) -> None:
        super().__init__(parent)
        self._models = models
        self._stage = stage
        self._awaits_take = False
        takes.take_chosen.connect(self.show)
        takes.comparison_wanted.connect(self.compare)
        models.jobs.completed.connect(self._on_completed)

    def await_take(self) -> None:
        """Generate was pressed: what comes of it is wanted in front."""
        self._awaits_take = True

    def show(self, job_id: str) -> None:
        """This take beside its source."""
        self._awaits_take = False
        self._stage.show_take(job_id)

    def compare(self, job_id: str) -> None:
        """This take beside the one that is in front."""
        self._awaits_take = False
        self._stage.compare_with_shown(job_id)

    def _on_completed(self, job_id: str) -> None:
        draft, job = self._models.draft, self._models.jobs.job(job_id)
        is_of_source = draft.source is not None and str(draft.source.path) == job.request.source
        # One press of Generate may bring several takes: the first is shown, the others must not push it aside.
        is_free = not self._stage.job or self._awaits_take
        if not self._stage.has_clip or (is_of_source and is_free):
            self.show(job_id)
        self._stage.say(f"v{self._models.jobs.number(job_id):02} is ready")
