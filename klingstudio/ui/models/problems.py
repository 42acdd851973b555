"""One bridge for messages that have no place of their own, usable before anybody listens."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.errors import Problem, StudioError


@dataclass(frozen=True, slots=True)
class Bug:
    """An exception that is not a `StudioError`: our own mistake, shown so that it can be reported."""

    where: str
    error: BaseException

    @property
    def summary(self) -> str:
        """What may be shown and copied of it: libraries quote in their errors what was sent."""
        from klingstudio.logs import redact

        return redact(f"{type(self.error).__name__}: {self.error}")


class Problems(QObject):
    """Collects what went wrong and tells whoever listens; keeps it until then."""

    reported = Signal()
    said = Signal(str)
    """A short word about something that went well or was declined."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[Problem | Bug] = []

    def report(self, where: str, error: BaseException) -> None:
        """Keep an exception to be shown. Bugs are logged with their traceback."""
        if isinstance(error, StudioError):
            self.show(error.problem)
            return
        import logging

        logging.getLogger(__name__).error("unexpected error in %s", where, exc_info=error)
        self._waiting.append(Bug(where, error))
        self.reported.emit()

    def show(self, problem: Problem) -> None:
        """Keep a problem to be shown."""
        self._waiting.append(problem)
        self.reported.emit()

    def say(self, words: str) -> None:
        self.said.emit(words)

    def take(self) -> Problem | Bug | None:
        """The oldest that nobody has shown yet."""
        return self._waiting.pop(0) if self._waiting else None
