"""The models of one window, and their common beginning and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from klingstudio.ui.models.accounts import AccountsModel, Place
from klingstudio.ui.models.arrivals import ArrivalsModel
from klingstudio.ui.models.compare import CompareModel
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.drafts import DraftsModel
from klingstudio.ui.models.file_watch import FileWatch
from klingstudio.ui.models.grace import TICK_MS, SendGrace
from klingstudio.ui.models.jobs import JobsModel
from klingstudio.ui.models.library import LibraryModel
from klingstudio.ui.models.phrases import PhrasesModel
from klingstudio.ui.models.picture_edits import PictureEdits
from klingstudio.ui.models.problems import Problems
from klingstudio.ui.models.report import ReportModel
from klingstudio.ui.models.spending import SpendingModel
from klingstudio.ui.models.take_watch import TakeWatch

if TYPE_CHECKING:
    from klingstudio.studio import Studio


class Models(QObject):
    """Made before the studio is open."""

    def __init__(self, parent: QObject | None = None, *, tick_ms: int = TICK_MS) -> None:
        """`tick_ms`: how long a second of the grace after Generate is."""
        super().__init__(parent)
        self.problems = Problems(self)
        self.draft = DraftModel(self.problems, self)
        self.drafts = DraftsModel(self.draft, self.problems, self)
        self.arrivals = ArrivalsModel(self.draft, self.drafts, self.problems, self)
        self.edits = PictureEdits(self.draft, self.problems, self)
        self.files = FileWatch(self.draft, self)
        self.jobs = JobsModel(self.problems, self)
        self.takes = TakeWatch(self.jobs, self)
        self.accounts = AccountsModel(self.problems, self)
        self.spending = SpendingModel(self.jobs, self.problems, self)
        self.grace = SendGrace(self, tick_ms=tick_ms)
        self.library = LibraryModel(self.draft, self.jobs, self.problems, self)
        self.phrases = PhrasesModel(self.problems, self)
        self.compare = CompareModel(self.draft, self.problems, self)
        self.report = ReportModel(self.accounts, self.problems, self)
        self.accounts.changed.connect(self._offer_hosts)
        self.arrivals.elements_came.connect(self.library.import_files)

    def attach(self, studio: Studio) -> None:
        """The studio is open. Keys first: they decide whether the button is grey."""
        self.accounts.attach(studio)
        self.jobs.attach(studio)
        self.spending.attach(studio)
        self.draft.attach(studio)
        self.drafts.attach(studio)
        self.arrivals.attach(studio)
        self.edits.attach(studio)
        self.library.attach(studio)
        self.phrases.attach(studio)
        self.compare.attach(studio)

    def _offer_hosts(self) -> None:
        """Tell the draft who can host files, once that is known of all."""
        states = {info.id: self.accounts.state(info.id) for info in self.draft.hosts}
        if all(state.place is not Place.UNKNOWN for state in states.values()):
            self.draft.offer_hosts([provider_id for provider_id, state in states.items() if state.is_there])

    async def aclose(self) -> None:
        """End everything the models have started, before the studio is closed."""
        # What was held back was not sent.
        self.grace.take_back()
        await self.arrivals.aclose()
        await self.drafts.aclose()
        self.files.wait()
        self.takes.wait()
        await self.edits.aclose()
        await self.library.aclose()
        await self.compare.aclose()
        await self.report.aclose()
        await self.draft.aclose()
        await self.jobs.aclose()
        self.spending.detach()
        await self.accounts.aclose()
