"""The middle of the window: an invitation while there is no clip, then the player with the source and a take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from klingstudio.ui import text, theme
from klingstudio.ui.models.bundle import Models
from klingstudio.ui.widgets.drop import DropLight
from klingstudio.ui.window.viewer import AwayViewer, EmptyViewer

if TYPE_CHECKING:
    from klingstudio.domain.errors import Problem
    from klingstudio.domain.job import Job
    from klingstudio.ui.player.panel import PlayerPanel
    from klingstudio.ui.player.playback.pair import Side
    from klingstudio.ui.player.sides import PlayerClip
    from klingstudio.ui.window.away import Away, AwayWindow


class Stage(QStackedWidget):
    """Knows which clips are shown. The player comes later than the window: it is heavy to load."""

    shown = Signal(str)
    """Id of the job whose take is in the player now; empty for none."""
    clip_problem = Signal(object)
    reference_wanted = Signal(object)
    """Path of a frame that is to become a reference image."""
    said = Signal(str)
    """A short word of the player."""
    was_attached = Signal()
    """The player is there."""

    def __init__(self, models: Models, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._models = models
        self._player: PlayerPanel | None = None
        self._away: Away | None = None
        self._source: Path | None = None
        self._job = ""
        self.setMinimumHeight(theme.px(theme.STAGE_LEAST))
        self.empty = EmptyViewer(self)
        self.addWidget(self.empty)
        self.elsewhere = AwayViewer(self)
        self.addWidget(self.elsewhere)
        self.light = DropLight(self)
        models.draft.source_changed.connect(self._on_source)
        for signal in (models.jobs.was_attached, models.jobs.completed):
            signal.connect(self._offer)
        self._on_source()

    @property
    def player(self) -> PlayerPanel | None:
        return self._player

    @property
    def has_clip(self) -> bool:
        return self._player is not None and self._source is not None

    @property
    def job(self) -> str:
        """Id of the job whose take is shown; empty for none."""
        return self._job

    def attach(self) -> None:
        """Load the player."""
        from klingstudio.ui.player.panel import PlayerPanel
        from klingstudio.ui.window.away import Away

        player = self._player = PlayerPanel(self)
        away = self._away = Away(player, self)
        player.clip_problem.connect(self._on_problem)
        player.clip_chosen.connect(self._on_chosen)
        player.reference_wanted.connect(self.reference_wanted)
        player.said.connect(self._say)
        player.full_screen_wanted.connect(away.toggle_full_screen)
        player.detach_wanted.connect(away.toggle_detached)
        away.left.connect(self._choose_page)
        away.returned.connect(self._take_back)
        self.elsewhere.return_wanted.connect(away.end)
        self.addWidget(player)
        # Who comes here by key means the keys of the player, not the first of its buttons.
        self.setFocusProxy(player)
        self.light.raise_()
        self._on_source()
        self.was_attached.emit()

    def detach(self) -> None:
        """Close the player's files, and its own window where it has one."""
        if self._away is not None:
            self._away.end()
        if self._player is not None:
            self._player.close_clips()

    def show_take(self, job_id: str) -> None:
        """Play a take beside the source it was made from."""
        from klingstudio.ui.player.panel import SOURCE_KEY
        from klingstudio.ui.player.playback.pair import Side

        job = self._models.jobs.job(job_id)
        if job.take is None or self._player is None:
            return
        self._job = job_id
        self._show_source(Path(job.request.source))
        self._offer()
        before = self._player.clip(Side.BEFORE)
        if before is None or before.key != SOURCE_KEY:
            self._player.choose(Side.BEFORE, SOURCE_KEY)
        self._player.show_take(Path(job.take), self._name(job_id), starts_at_s=_start_s(job))
        self._choose_page()
        self.shown.emit(job_id)

    def compare_with_shown(self, job_id: str) -> None:
        """Put another take of the same source where the source was, beside the take that is shown."""
        from klingstudio.ui.player.playback.pair import Side

        if self._player is not None and self._job:
            self._player.choose(Side.BEFORE, job_id)

    def _on_source(self) -> None:
        draft = self._models.draft
        self.empty.show_drawing(draft.is_making_sample and draft.source is None)
        # Only a file that could be read goes into the player; what is wrong with another is said on its card.
        path = draft.source.path if draft.source is not None and draft.source.facts is not None else None
        if path is not None and path != self._source:
            self._leave_take()
            self._show_source(path)
        elif draft.source is None and self._source is not None:
            if self._away is not None:
                self._away.end()
            self._leave_take()
            self._show_source(None)
        self._choose_page()

    def _leave_take(self) -> None:
        if self._player is not None:
            self._player.show_take(None, "")
        if self._job:
            self._job = ""
            self.shown.emit("")

    def _show_source(self, path: Path | None) -> None:
        if self._player is not None and path != self._source:
            self._source = path
            self._offer()
            self._player.show_source(path)

    def _on_chosen(self, side: Side, key: str) -> None:
        """The person chose another clip in the player itself."""
        from klingstudio.ui.player.playback.pair import Side

        if side is Side.AFTER:
            self._job = key if key in self._models.jobs.ids() else ""
            self.shown.emit(self._job)

    # what the player can choose from

    def _offer(self, _job_id: str = "") -> None:
        if self._player is not None:
            self._player.offer(self._clips())

    def _clips(self) -> list[PlayerClip]:
        """The source and its takes, oldest first."""
        from klingstudio.ui.player.panel import SOURCE_KEY
        from klingstudio.ui.player.sides import PlayerClip

        if self._source is None:
            return []
        clips = [PlayerClip(key=SOURCE_KEY, name="Source", path=self._source, starts_at_s=0.0)]
        for job in reversed([self._models.jobs.job(job_id) for job_id in self._models.jobs.ids()]):
            if job.take is not None and job.request.source == str(self._source):
                name, path = self._name(job.id), Path(job.take)
                clips.append(PlayerClip(key=job.id, name=name, path=path, starts_at_s=_start_s(job), is_take=True))
        return clips

    def _name(self, job_id: str) -> str:
        return f"v{self._models.jobs.number(job_id):02}"

    # where the player is

    def _take_back(self) -> None:
        if self._player is not None:
            self.addWidget(self._player)
            self._choose_page()
            self.light.raise_()
            self._player.setFocus(Qt.FocusReason.OtherFocusReason)

    def say(self, words: str) -> None:
        """A short word about the studio: where the person looks, be it over a picture that has the whole screen."""
        window = self._looked_at()
        if window is not None:
            window.toast.say(words)
        else:
            self.said.emit(words)

    def _looked_at(self) -> AwayWindow | None:
        """The player's own window, if it hides the studio or is the one that is used."""
        window = self._away.window if self._away is not None else None
        is_looked_at = window is not None and (window.isFullScreen() or window.isActiveWindow())
        return window if is_looked_at else None

    def _on_problem(self, problem: Problem) -> None:
        self.clip_problem.emit(problem)
        window = self._looked_at()
        if window is not None:
            # The bar of messages is in the studio's window, out of sight.
            window.toast.say(text.passage(problem))

    def _say(self, words: str) -> None:
        window = self._away.window if self._away is not None else None
        if window is not None:
            window.toast.say(words)
        else:
            self.said.emit(words)

    def _choose_page(self) -> None:
        if self._player is None or self._source is None:
            self.setCurrentWidget(self.empty)
        elif self._away is not None and self._away.window is not None:
            self.setCurrentWidget(self.elsewhere)
        else:
            self.setCurrentWidget(self._player)


def _start_s(job: Job) -> float | None:
    """Time in the source at which the take begins. Without a trim that should be its start; the player looks itself."""
    return job.request.trim.start_s if job.request.trim else None
