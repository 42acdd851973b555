"""Notices which takes are not where they were: moved by somebody, or on a disk that is not connected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from klingstudio.ui.models.jobs import JobsModel


class TakeWatch(QObject):
    """Looks when it is told to: when the program begins, and when the person comes back from another one."""

    _looked = Signal(object)

    def __init__(self, jobs: JobsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        # A folder may lie on a slow disk, or on a computer that sleeps.
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._pool.setExpiryTimeout(2000)
        self._looked.connect(jobs.show_offline)
        jobs.was_attached.connect(self.look)

    def look(self) -> None:
        """Have every take looked for."""
        takes = {job_id: take for job_id in self._jobs.ids() if (take := self._jobs.job(job_id).take) is not None}
        if takes:
            self._pool.start(_Look(takes, self._looked.emit))

    def wait(self) -> None:
        """Until nothing is being looked for; the program ends."""
        self._pool.clear()
        self._pool.waitForDone()


class _Look(QRunnable):
    def __init__(self, takes: Mapping[str, str], tell: Callable[[frozenset[str]], None]) -> None:
        super().__init__()
        self._takes = dict(takes)
        self._tell = tell

    def run(self) -> None:
        self._tell(frozenset(job_id for job_id, take in self._takes.items() if not _is_there(Path(take))))


def _is_there(take: Path) -> bool:
    try:
        return take.is_file()
    except (OSError, ValueError):
        return False
