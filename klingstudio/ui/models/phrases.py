"""Words for one click: clauses that say what has to stay, and the person's own snippets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.errors import StudioError
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.studio import Studio

NAME_MOST = 40
"""Characters; a longer name would not fit a button."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A name and the text that it stands for. Tokens are written out in it: `@Image1`."""

    name: str
    text: str


CLAUSES = (
    Phrase("keep motion", "Keep all motion and timing as in the clip."),
    Phrase("keep face", "Keep every face exactly as it is."),
    Phrase("keep lighting", "Keep the lighting and shadows as they are."),
    Phrase("keep camera", "Keep the camera movement and framing as they are."),
)
"""An edit model changes what it is not told to keep."""


class PhrasesModel(QObject):
    """The snippets, kept among the settings."""

    changed = Signal()

    def __init__(self, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self._studio: Studio | None = None
        self._snippets: tuple[Phrase, ...] = ()

    @property
    def snippets(self) -> tuple[Phrase, ...]:
        """The person's own, in the order they were made."""
        return self._snippets

    def attach(self, studio: Studio) -> None:
        """The studio is open: read them."""
        self._studio = studio
        self._snippets = tuple(Phrase(one.name, one.text) for one in studio.settings.choices.snippets)
        self.changed.emit()

    def add(self, name: str, text: str) -> Phrase | None:
        """Keep this text. A name that is taken gets a number; None where there is no text."""
        if not text.strip():
            return None
        made = Phrase(self._free(_tidy(name) or _tidy(text)), text.strip())
        self._keep((*self._snippets, made))
        return made

    def rename(self, name: str, new: str) -> None:
        """Give a snippet another name."""
        if not _tidy(new) or _tidy(new) == name:
            return
        free = self._free(_tidy(new))
        self._keep(tuple(Phrase(free, one.text) if one.name == name else one for one in self._snippets))

    def remove(self, name: str) -> None:
        """Take a snippet away; `restore` brings it back."""
        self._keep(tuple(one for one in self._snippets if one.name != name))

    def restore(self, snippets: tuple[Phrase, ...]) -> None:
        """Have these again: what `snippets` was before a change."""
        self._keep(snippets)

    def _free(self, name: str) -> str:
        taken = {one.name for one in (*CLAUSES, *self._snippets)}
        names = (name, *(f"{name} {n}" for n in range(2, len(taken) + 3)))
        return next(one for one in names if one not in taken)

    def _keep(self, snippets: tuple[Phrase, ...]) -> None:
        self._snippets = snippets
        if self._studio is not None:
            from klingstudio.store.settings import Snippet

            try:
                self._studio.settings.update(snippets=tuple(Snippet(one.name, one.text) for one in snippets))
            except StudioError as error:
                self._problems.report("settings", error)
        self.changed.emit()


def _tidy(name: str) -> str:
    words = " ".join(name.split())
    return words if len(words) <= NAME_MOST else words[: NAME_MOST - 1].rstrip() + "…"
