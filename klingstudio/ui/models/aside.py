"""A draft that is not on the screen, for what was begun in it and comes only now: a file from the web, the sample clip."""

from __future__ import annotations

from collections.abc import Callable

from klingstudio.domain.draft import Draft
from klingstudio.ui.models.composer import Composer
from klingstudio.ui.models.history import History
from klingstudio.ui.models.problems import Problems


class Aside(Composer):
    """Changes the draft as if it were shown, so that the person can undo it there; nothing is known of its files."""

    def __init__(
        self, problems: Problems, history: History[Draft], ids: Callable[[], str], *, references: int, angles: int
    ) -> None:
        """`references`, `angles`: the most that its provider takes."""
        super().__init__(problems, history, ids, None)
        self._most = references, angles

    @property
    def references_max(self) -> int:
        return self._most[0]

    @property
    def angles_max(self) -> int:
        return self._most[1]
