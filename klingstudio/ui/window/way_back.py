"""What is said of undo, of closed drafts and of saving: in the menus, in the toast, in the status line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from klingstudio.ui.models.bundle import Models
from klingstudio.ui.widgets.progress import Toast
from klingstudio.ui.window.body import Body
from klingstudio.ui.window.menus import Menus

if TYPE_CHECKING:
    from klingstudio.domain.draft import Draft


class WayBack(QObject):
    """Offers to undo what was just removed or closed, for as long as undo would take back that and nothing else."""

    def __init__(self, models: Models, menus: Menus, body: Body, toast: Toast, parent: QObject) -> None:
        super().__init__(parent)
        self._models, self._menus, self._body, self._toast = models, menus, body, toast
        self._offered: Draft | None = None
        """The draft just after something was removed from it, while the toast offers to undo that."""
        self._closed = ""
        """Id of the draft that the toast offers to bring back."""
        models.draft.removed.connect(self._on_removed)
        models.draft.history_changed.connect(self._show_history)
        models.drafts.changed.connect(self._show_drafts)
        models.drafts.saved.connect(self._show_saved)
        models.drafts.was_closed.connect(self._on_closed)
        self._show_history()
        self._show_drafts()

    def _show_history(self) -> None:
        draft = self._models.draft
        self._menus.show_history(draft.undo_label, draft.redo_label)
        if self._offered is not None and draft.value is not self._offered:
            # Undo would take something else back by now.
            self._offered = None
            self._toast.withdraw()

    def _show_drafts(self) -> None:
        drafts = self._models.drafts
        self._menus.show_drafts(count=len(drafts.ids), can_reopen=drafts.can_reopen)
        if self._closed and drafts.closed_last != self._closed:
            # It is back already: another one would come now.
            self._closed = ""
            self._toast.withdraw()

    def _show_saved(self) -> None:
        drafts = self._models.drafts
        self._body.show_saved(drafts.saved_at, is_failing=drafts.is_failing)

    def _on_removed(self, step: str) -> None:
        draft = self._models.draft
        self._offered, self._closed = draft.value, ""
        self._toast.say(f"Removed {step.removeprefix('remove ')}", button="Undo", does=draft.undo)

    def _on_closed(self, title: str, count: int) -> None:
        drafts = self._models.drafts
        self._offered, self._closed = None, drafts.closed_last
        words = f"Closed “{title}”" if count == 1 else f"Closed {count} drafts"
        self._toast.say(words, button="Undo", does=lambda: drafts.reopen(count))
