"""The open drafts: one of them is on the screen, each has its own way back, and all are on disk within half a second."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from klingstudio.domain.draft import Draft
from klingstudio.domain.errors import StudioError
from klingstudio.ui.models.composer import Composer
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.history import History
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.studio import Studio

SAVE_MS = 300
"""From the first change that is not saved: whoever goes on typing does not put it off."""
RETRY_MS = 5000
"""After a draft could not be written."""
CLOSED_MOST = 50
UNTITLED = "Untitled"
_CHOICES = ("provider", "tier", "keep_audio", "takes", "inputs_via")
"""What a draft that was begun before the studio was open takes from the settings."""
TITLE_MOST = 24
"""Characters of a prompt that a draft is called after."""


class DraftsModel(QObject):
    """Tabs, as far as they are not drawn. The draft model shows the current one; nobody is asked before one is closed."""

    changed = Signal()
    """Which drafts are open, their order or titles, or which one is current."""
    saved = Signal()
    """There is something new to say about saving."""
    was_closed = Signal(str, int)
    """Title of the last and number of the drafts that were closed at once; `reopen` brings them back."""

    def __init__(
        self,
        draft: DraftModel,
        problems: Problems,
        parent: QObject | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        ids: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        """`clock`: seconds that only grow."""
        super().__init__(parent)
        self._draft = draft
        self._problems = problems
        self._clock, self._time, self._ids = clock, now, ids
        self._studio: Studio | None = None
        self._open = [draft.history]
        self._closed: list[tuple[History[Draft], int]] = []
        """The last one last, each with the place it had."""
        self._kept: dict[str, Draft] = {}
        """What the disk has of the open ones."""
        self._kept_order: tuple[str, ...] = ()
        self._leaving: dict[str, tuple[Draft, int] | None] = {}
        """What the disk still has as open: to be kept as closed, or to be forgotten."""
        self._titles = self._make_titles()
        self._saved_at: datetime | None = None
        self._is_failing = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.save)
        self._tried: Draft | None = None
        draft.changed.connect(self._on_changed)
        draft.sample_came.connect(self._on_sample)

    # what stands now

    @property
    def ids(self) -> tuple[str, ...]:
        """The open drafts in the order of their tabs; there is always one."""
        return tuple(history.now.id for history in self._open)

    @property
    def current(self) -> str:
        """Id of the draft on the screen."""
        return self._draft.value.id

    @property
    def can_reopen(self) -> bool:
        return bool(self._closed)

    @property
    def closed_last(self) -> str:
        """Id of the draft that `reopen` brings back first; empty for none."""
        return self._closed[-1][0].now.id if self._closed else ""

    @property
    def saved_at(self) -> datetime | None:
        """When something was written last; None before that."""
        return self._saved_at

    @property
    def is_failing(self) -> bool:
        """True while there is something that could not be written."""
        return self._is_failing

    def title(self, draft_id: str) -> str:
        """What the draft is called: its name, its clip, its first words; with a number where another has the same."""
        return self._titles[self.ids.index(draft_id)]

    def value(self, draft_id: str) -> Draft:
        """The draft as it stands."""
        return self._history(draft_id).now

    def composer(self, draft_id: str) -> Composer | None:
        """The draft as it can be changed, also while another one is shown; None for one that is not open any more."""
        if draft_id not in self.ids:
            return None
        if draft_id == self.current:
            return self._draft
        aside = self._draft.aside(self._history(draft_id))
        aside.changed.connect(self._settle)
        return aside

    def _on_sample(self, draft_id: str, path: Path) -> None:
        if (composer := self.composer(draft_id)) is not None:
            composer.set_source(path)

    def _history(self, draft_id: str) -> History[Draft]:
        return self._open[self.ids.index(draft_id)]

    def _make_titles(self) -> tuple[str, ...]:
        titles: list[str] = []
        for history in self._open:
            base, number = _title(history.now), 2
            title = base
            while title in titles:
                title, number = f"{base} {number}", number + 1
            titles.append(title)
        return tuple(titles)

    # life

    def attach(self, studio: Studio) -> None:
        """The studio is open: bring back what was open. What was begun meanwhile stands behind it and stays in front."""
        self._studio = studio
        try:
            kept, closed = studio.drafts.all_open(), studio.drafts.closed()
        except StudioError as error:
            self._problems.report("drafts", error)
            kept, closed = (), ()
        self._kept = {draft.id: draft for draft in kept}
        self._kept_order = tuple(self._kept)
        self._closed = [(History(draft, self._clock), len(kept)) for draft in reversed(closed)] + self._closed
        begun = [history for history in self._open if not history.now.is_blank]
        if begun:
            # A clip from the command line needs no blank draft beside it.
            self._leaving |= {draft.id: None for draft in kept if draft.is_blank}
            kept = tuple(draft for draft in kept if not draft.is_blank)
        for history in begun:
            if not history.now.provider:
                usual = self._draft.begin().now
                chosen = {name: getattr(usual, name) for name in _CHOICES}
                history.amend(replace(history.now, **chosen))
        shown, wished = self.current, studio.settings.choices.current_draft
        self._open = [*(History(draft, self._clock) for draft in kept), *begun] or self._open
        if shown not in self.ids:
            self._draft.load(self._history(wished if wished in self.ids else self.ids[-1]))
        self._settle()

    def save(self) -> None:
        """Write what is not on disk yet. Where that fails it is said once, and tried again."""
        self._timer.stop()
        if self._studio is None:
            return
        self._tried = self._draft.value
        try:
            self._write(self._studio)
        except StudioError as error:
            if not self._is_failing:
                self._problems.report("drafts", error)
            self._is_failing = True
            self._timer.start(RETRY_MS)
        else:
            self._is_failing = False
        self.saved.emit()

    def _write(self, studio: Studio) -> None:
        at = self._time()
        for draft_id, left in tuple(self._leaving.items()):
            if left is None:
                studio.drafts.remove(draft_id)
            else:
                studio.drafts.save(left[0], position=left[1], is_open=False, at=at)
                self._saved_at = at
            del self._leaving[draft_id]
            self._kept.pop(draft_id, None)
        for position, history in enumerate(self._open):
            draft = history.now
            if self._kept.get(draft.id) != draft:
                studio.drafts.save(draft, position=position, is_open=True, at=at)
                self._kept[draft.id] = draft
                self._saved_at = self._saved_at if draft.is_blank else at
        if self._kept_order != self.ids:
            studio.drafts.arrange(self.ids)
            self._kept_order = self.ids
        if studio.settings.choices.current_draft != self.current:
            studio.settings.update(current_draft=self.current)

    def _on_changed(self) -> None:
        draft = self._draft.value
        if self._kept.get(draft.id) != draft:
            is_put_off = self._is_failing and draft is not self._tried
            if is_put_off or not self._timer.isActive():
                # Not again while it runs: whoever never stops typing would never be saved.
                self._tried = draft
                self._timer.start(SAVE_MS)
        self._retitle()

    def _retitle(self) -> None:
        titles = self._make_titles()
        if titles != self._titles:
            self._titles = titles
            self.changed.emit()

    def _settle(self) -> None:
        """After any change of the tabs: on disk, then told."""
        self._titles = self._make_titles()
        self.save()
        self.changed.emit()

    async def aclose(self) -> None:
        """The program ends: nothing is left unsaved."""
        self.save()
        self._timer.stop()

    # tabs

    def new(self) -> str:
        """A blank draft behind the others, with the settings used last."""
        return self._add(self._draft.begin(self._ids()), len(self._open))

    def use_blank(self) -> None:
        """Have a blank draft in front: the current one where it is, else a new one."""
        if not self._draft.value.is_blank:
            self.new()

    def open_with_source(self, path: Path) -> str:
        """A draft of its own for a clip."""
        draft_id = self.new()
        self._draft.set_source(path)
        self.save()
        return draft_id

    def duplicate(self, draft_id: str) -> str:
        """A copy right behind the draft. The copy is shown."""
        draft, behind = self.value(draft_id), self.ids.index(draft_id) + 1
        return self._add(History(replace(draft, id=self._ids()), self._clock), behind)

    def select(self, draft_id: str) -> None:
        """Show this draft."""
        if draft_id != self.current:
            self.save()
            self._draft.load(self._history(draft_id))
            self._settle()

    def step(self, by: int) -> None:
        """Show the draft that many places after the current one, going round."""
        ids = self.ids
        self.select(ids[(ids.index(self.current) + by) % len(ids)])

    def move(self, draft_id: str, by: int) -> None:
        """Let the draft go that many places towards the end, as far as there are any."""
        at = self.ids.index(draft_id)
        to = min(max(at + by, 0), len(self._open) - 1)
        if to != at:
            self._open.insert(to, self._open.pop(at))
            self._settle()

    def rename(self, draft_id: str, name: str) -> None:
        """Give the draft a name; an empty one calls it after its clip or prompt again."""
        if draft_id == self.current:
            self._draft.rename(name)
        elif (composer := self.composer(draft_id)) is not None:
            composer.rename(name)
        self._settle()

    def close(self, draft_id: str) -> None:
        """Put the draft away. A blank one is gone; any other is kept, and `reopen` brings it back."""
        if len(self._open) > 1 or not self.value(draft_id).is_blank:
            self._close([draft_id])

    def close_others(self, draft_id: str) -> None:
        """Close every draft but this one."""
        self.select(draft_id)
        self._close([other for other in self.ids if other != draft_id])

    def reopen(self, count: int = 1) -> None:
        """Bring back the drafts that were closed last, each with its way back, where it was."""
        for _ in range(min(count, len(self._closed))):
            history, place = self._closed.pop()
            self._leaving.pop(history.now.id, None)
            blank = self._draft.value if len(self._open) == 1 and self._draft.value.is_blank else None
            self._add(history, min(place, len(self._open)))
            if blank is not None:
                self._close([blank.id])

    def _add(self, history: History[Draft], at: int) -> str:
        self.save()
        self._open.insert(at, history)
        self._draft.load(history)
        self._settle()
        return history.now.id

    def _close(self, draft_ids: Sequence[str]) -> None:
        closed: list[str] = []
        for draft_id in draft_ids:
            history, at, is_shown = self._history(draft_id), self.ids.index(draft_id), draft_id == self.current
            if history.now.is_blank:
                self._leaving[draft_id] = None
            else:
                closed.append(self.title(draft_id))
                self._leaving[draft_id] = history.now, at
                self._closed.append((history, at))
            if len(self._open) == 1:
                self._open.append(self._draft.begin(self._ids()))
            self._open.remove(history)
            self._titles = self._make_titles()
            if is_shown:
                self._draft.load(self._open[min(at, len(self._open) - 1)])
        del self._closed[:-CLOSED_MOST]
        self._settle()
        if closed:
            self.was_closed.emit(closed[-1], len(closed))


def _title(draft: Draft) -> str:
    if draft.name or draft.source:
        return draft.name or Path(draft.source).stem
    words = " ".join(draft.text[: 4 * TITLE_MOST].split())
    if len(words) <= TITLE_MOST:
        return words or UNTITLED
    return words[: TITLE_MOST + 1].rsplit(" ", 1)[0][:TITLE_MOST] + "…"
