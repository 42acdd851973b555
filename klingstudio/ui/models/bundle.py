"""The models of one window, and their common beginning and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from klingstudio.ui.models.accounts import AccountsModel, Place
from klingstudio.ui.models.compare import CompareModel
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.jobs import JobsModel
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.studio import Studio


class Models(QObject):
    """Made before the studio is open."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.problems = Problems(self)
        self.draft = DraftModel(self.problems, self)
        self.jobs = JobsModel(self.problems, self)
        self.accounts = AccountsModel(self.problems, self)
        self.compare = CompareModel(self.draft, self.problems, self)
        self.accounts.changed.connect(self._offer_hosts)

    def attach(self, studio: Studio) -> None:
        """The studio is open. Keys first: they decide whether the button is grey."""
        self.accounts.attach(studio)
        self.jobs.attach(studio)
        self.draft.attach(studio)
        self.compare.attach(studio)

    def _offer_hosts(self) -> None:
        """Tell the draft who can host files, once that is known of all."""
        states = {info.id: self.accounts.state(info.id) for info in self.draft.hosts}
        if all(state.place is not Place.UNKNOWN for state in states.values()):
            self.draft.offer_hosts([provider_id for provider_id, state in states.items() if state.is_there])

    async def aclose(self) -> None:
        """End everything the models have started, before the studio is closed."""
        await self.compare.aclose()
        await self.draft.aclose()
        await self.jobs.aclose()
        await self.accounts.aclose()
