"""The program shows its whole loop by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

if TYPE_CHECKING:
    from klingstudio.ui.models.bundle import Models
    from klingstudio.ui.window import Window


class Demo:
    """Fills the draft and presses Generate once, as soon as it can be pressed."""

    def __init__(self, window: Window, models: Models) -> None:
        self._window = window
        self._models = models

    def start(self) -> None:
        """Begin."""
        draft = self._models.draft
        self._models.drafts.use_blank()
        draft.use_free_provider(remember=False)
        draft.changed.connect(self._look)
        self._window.use_sample()

    def _look(self) -> None:
        if self._window.generate.readiness().ok:
            self._models.draft.changed.disconnect(self._look)
            # Not from inside the signal: the panels have not all heard of the change yet.
            QTimer.singleShot(0, self._window.generate.generate_now)
