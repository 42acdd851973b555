"""The report for whoever helps, made on a thread, also while the studio cannot be opened."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.ui.models.accounts import AccountsModel
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.engine.tasks import TaskOwner


class ReportModel(QObject):
    """Makes it when asked; the newest wish wins."""

    made = Signal(str)
    """The whole text."""

    def __init__(self, accounts: AccountsModel, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._accounts = accounts
        self._problems = problems
        self._tasks: TaskOwner | None = None

    def make(self, *, screen: str, with_names: bool) -> None:
        """Gather what there is; `made` tells it."""
        from klingstudio.engine.tasks import TaskOwner

        self._tasks = self._tasks or TaskOwner()
        self._tasks.restart(
            "report",
            self._make(screen, with_names=with_names),
            on_error=lambda error: self._problems.report("the report", error),
        )

    async def _make(self, screen: str, *, with_names: bool) -> None:
        import asyncio

        from klingstudio.diagnostics import Around, has_proxy, report
        from klingstudio.paths import paths

        keys = {info.id: self._accounts.state(info.id).place.value or "unknown" for info in self._accounts.providers}
        around = Around(keys=keys, screen=screen, has_proxy=has_proxy(os.environ))
        self.made.emit(await asyncio.to_thread(report, paths(os.environ), around, with_names=with_names))

    async def aclose(self) -> None:
        """Nobody waits for it any more."""
        if self._tasks is not None:
            await self._tasks.aclose()
