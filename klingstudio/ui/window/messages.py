"""The bar of messages: whatever went wrong without a place of its own is said here."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtWidgets import QWidget

from klingstudio.ui import text
from klingstudio.ui.models.problems import Bug, Problems
from klingstudio.ui.widgets.notice import Notice


class Messages(Notice):
    """Follows the problems. Of several only the last stays: what came before it has been told to a screen reader."""

    def __init__(self, problems: Problems, known: Collection[str], parent: QWidget | None = None) -> None:
        """`known`: the buttons that the window can answer; others are left out."""
        super().__init__(parent, can_close=True)
        self._problems = problems
        self._known = known
        problems.reported.connect(self._show)
        self._show()

    def _show(self) -> None:
        while (problem := self._problems.take()) is not None:
            if isinstance(problem, Bug):
                hint = f"{problem.summary}. It was written to the log; nothing you made is lost."
                self.say("Something unexpected happened", hint, details=f"{problem.where}: {problem.summary}")
            else:
                sentence = text.sentence(problem)
                buttons = (sentence.button,) if sentence.button in self._known else ()
                details = text.details(problem)
                self.say(sentence.title, sentence.hint, buttons, details=details, reply=problem.raw)
