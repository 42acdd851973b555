"""The list of jobs, newest first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from klingstudio.ui import text, theme
from klingstudio.ui.models.jobs import JobsModel
from klingstudio.ui.widgets.empty import EmptyState
from klingstudio.ui.widgets.icons import Button, IconButton
from klingstudio.ui.widgets.labels import label

if TYPE_CHECKING:
    from klingstudio.ui.takes.card import TakeCard
    from klingstudio.ui.takes.words import Act

SHOWN_AT_FIRST = 40
_TICK_MS = 1000


class TakesPanel(QWidget):
    """Cards in a list. Knows what each button of a card means for the queue; the rest it passes on."""

    take_chosen = Signal(str)
    """Show this job's take beside its source."""
    comparison_wanted = Signal(str)
    """Show this job's take beside the one in the viewer."""
    run_again = Signal(str)
    show_in_folder = Signal(str)
    settings_wanted = Signal(str)
    """Provider id."""
    page_wanted = Signal(str)
    """Address of a page of the provider."""
    closed = Signal()
    """The drawer was closed."""

    def __init__(self, jobs: JobsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._cards: dict[str, TakeCard] = {}
        self._limit = SHOWN_AT_FIRST
        self._chosen = ""
        self._close = IconButton("x", "Close", self, token="secondary")
        self._close.clicked.connect(self.closed)
        self._close.hide()
        self._empty = EmptyState("film", ("Takes appear here", "and stay on this computer"), self)
        self._list = QWidget(self)
        self._list.setProperty("clear", "true")
        self._column = QVBoxLayout(self._list)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.px(theme.BETWEEN))
        self._more = Button("Show older takes", self._list, kind="link")
        self._more.clicked.connect(self._show_more)
        self._column.addWidget(self._more)
        self._column.addStretch(1)
        self._scroll = QScrollArea(self)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(self._list)

        head = QHBoxLayout()
        head.addStrut(theme.px(theme.HEAD))
        head.addWidget(label("Takes", "section"))
        head.addStretch()
        head.addWidget(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addLayout(head)
        column.addWidget(self._empty, stretch=1)
        column.addWidget(self._scroll, stretch=1)
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self._on_tick)

        jobs.was_attached.connect(self._rebuild)
        jobs.added.connect(self._on_added)
        jobs.changed.connect(self._on_changed)
        jobs.progressed.connect(self._on_progress)
        jobs.pictured.connect(self._on_picture)
        self._rebuild()

    def set_drawer(self, is_drawer: bool) -> None:
        """Whether the panel lies over the others and can be closed."""
        self._close.setVisible(is_drawer)

    def card(self, job_id: str) -> TakeCard | None:
        return self._cards.get(job_id)

    def cards(self) -> tuple[TakeCard, ...]:
        """The cards that are shown, newest first."""
        return tuple(self._cards[id_] for id_ in self._jobs.ids() if id_ in self._cards)

    def choose(self, job_id: str) -> None:
        """Mark a card as the one in the viewer; empty for none."""
        self._chosen = job_id
        for card in self._cards.values():
            self._mark(card)

    def _mark(self, card: TakeCard) -> None:
        card.set_chosen(card.job_id == self._chosen)
        sources = {self._jobs.job(one).request.source for one in (card.job_id, self._chosen) if one}
        card.offer_comparison(self._chosen not in ("", card.job_id) and len(sources) == 1)

    # building

    def _rebuild(self) -> None:
        for n, job_id in enumerate(self._jobs.ids()[: self._limit]):
            if job_id not in self._cards:
                self._column.insertWidget(n, self._make(job_id))
        self._refresh()

    def _make(self, job_id: str) -> TakeCard:
        from klingstudio.ui.takes.card import TakeCard

        card = TakeCard(job_id, self._jobs, self._list)
        card.chosen.connect(self._on_chosen)
        card.asked.connect(self._on_asked)
        card.stepped.connect(self._on_step)
        card.sent_again.connect(self._jobs.send_again)
        card.dropped.connect(self._jobs.drop)
        card.found.connect(self._jobs.found)
        card.copies_unwanted.connect(self._jobs.delete_copies)
        self._cards[job_id] = card
        self._mark(card)
        return card

    def _show_more(self) -> None:
        self._limit += SHOWN_AT_FIRST
        self._rebuild()

    def _refresh(self) -> None:
        self._empty.setVisible(not self._cards)
        self._scroll.setVisible(bool(self._cards))
        self._more.setVisible(len(self._jobs.ids()) > len(self._cards))
        if self._jobs.running and not self._tick.isActive():
            self._tick.start()
        elif not self._jobs.running:
            self._tick.stop()

    def _on_added(self, job_id: str) -> None:
        self._column.insertWidget(0, self._make(job_id))
        self._scroll.verticalScrollBar().setValue(0)
        self._refresh()

    def _on_changed(self, job_id: str) -> None:
        if (card := self._cards.get(job_id)) is not None:
            card.refresh()
        self._refresh()

    def _on_progress(self, job_id: str) -> None:
        if (card := self._cards.get(job_id)) is not None:
            card.refresh_progress()

    def _on_picture(self, job_id: str) -> None:
        # Several jobs of one source share its picture.
        for card in self._cards.values():
            if card.job_id == job_id or not card.can_play:
                card.show_picture()

    def _on_tick(self) -> None:
        for card in self._cards.values():
            if self._jobs.job(card.job_id).is_active:
                card.refresh_progress()

    # wishes

    def _on_chosen(self, job_id: str) -> None:
        if self._jobs.job(job_id).take is not None:
            self.take_chosen.emit(job_id)

    def _on_asked(self, job_id: str, act: Act) -> None:
        from klingstudio.ui.takes.words import Act

        job = self._jobs.job(job_id)
        match act:
            case Act.CANCEL | Act.STOP:
                self._jobs.cancel(job_id)
            case Act.CONTINUE | Act.TRY_AGAIN | Act.FETCH_AGAIN:
                self._jobs.carry_on(job_id)
            case Act.LOOK_AGAIN:
                self._jobs.look_again(job_id)
            case Act.RUN_AGAIN:
                self.run_again.emit(job_id)
            case Act.ADD_KEY:
                self.settings_wanted.emit(job.request.provider)
            case Act.ACCOUNT_PAGE:
                self.page_wanted.emit(self._jobs.page(job))
            case Act.PLAY:
                self.take_chosen.emit(job_id)
            case Act.COMPARE:
                self.comparison_wanted.emit(job_id)
            case Act.SHOW_IN_FOLDER:
                self.show_in_folder.emit(job.take or "")
            case Act.LOCATE:
                self._locate(job_id)
            case Act.COPY_PROMPT:
                QGuiApplication.clipboard().setText(job.request.prompt)
            case Act.COPY_DETAILS:
                QGuiApplication.clipboard().setText(self._details(job_id))
            case Act.FOUND | Act.SEND_AGAIN | Act.DROP | Act.DELETE_COPIES:
                pass  # The card asks a second time and tells by signals of its own.

    def _locate(self, job_id: str) -> None:
        from PySide6.QtWidgets import QFileDialog

        take = self._jobs.job(job_id).take or ""
        dialog = QFileDialog(self, f"Where is {Path(take).name}?", "", "Videos (*.mp4)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self._jobs.relink(job_id, Path(path)))
        dialog.open()

    def _details(self, job_id: str) -> str:
        job = self._jobs.job(job_id)
        lines = [f"job {job.id}", f"state {job.state}", f"provider {job.request.provider}"]
        lines += [f"provider's id {job.remote_id}"] if job.remote_id else []
        lines += [text.details(job.problem)] if job.problem else []
        return "\n".join(lines)

    def _on_step(self, job_id: str, by: int) -> None:
        cards = self.cards()
        at = next(n for n, card in enumerate(cards) if card.job_id == job_id)
        card = cards[min(max(at + by, 0), len(cards) - 1)]
        card.setFocus(Qt.FocusReason.TabFocusReason)
        self._scroll.ensureWidgetVisible(card)
