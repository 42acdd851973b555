"""The middle of the window: an invitation while there is no clip, then the player with the source and a take."""

from __future__ import annotations

from dataclasses import dataclass
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
    from klingstudio.domain.media import Trim
    from klingstudio.ui.player.panel import PlayerPanel
    from klingstudio.ui.player.playback.pair import Side
    from klingstudio.ui.player.sides import PlayerClip
    from klingstudio.ui.window.away import Away, AwayWindow


FITTED_KEY = "fitted"
"""Key of the clip that was made of the source."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was made of the source to be sent."""

    path: Path
    starts_at_s: float
    """Time in the source at which it begins."""


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
        """The person's own file: its takes are on offer."""
        self._fitted: Fitted | None = None
        """What is before in place of the source."""
        self._is_trimming = False
        """The source itself is looked at, whatever was made of it."""
        self._job = ""
        self._job_of: dict[str, str] = {}
        """The take that was looked at last, by the id of the draft that was on the screen."""
        self.setMinimumHeight(theme.px(theme.STAGE_LEAST))
        self.empty = EmptyViewer(self)
        self.addWidget(self.empty)
        self.elsewhere = AwayViewer(self)
        self.addWidget(self.elsewhere)
        self.light = DropLight(self)
        models.draft.source_changed.connect(self._on_source)
        models.draft.switched.connect(self._on_switched)
        for signal in (models.jobs.was_attached, models.jobs.completed):
            signal.connect(self._offer)
        self._on_source()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        """As little as it can do with: the picture takes the room that is left and pushes nothing out of the window."""
        page = self.currentWidget()
        layout = page.layout() if page is not None else None
        least = layout.minimumHeightForWidth(width) if layout is not None and layout.hasHeightForWidth() else 0
        return max(least, self.minimumSizeHint().height(), self.minimumHeight())

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
        """Play a take beside what was sent for it: the clip that was made of the source, else the source itself."""
        from klingstudio.ui.player.panel import SOURCE_KEY
        from klingstudio.ui.player.playback.pair import Side

        job = self._models.jobs.job(job_id)
        if job.take is None or self._player is None:
            return
        self._job, self._is_trimming = job_id, False
        self._job_of[self._models.draft.value.id] = job_id
        sent = self._models.draft.sent_clip(job.request)
        fitted = Fitted(sent, _start_s(job) or 0.0) if sent is not None else None
        self._show_before(Path(job.request.source), fitted)
        self._offer()
        before, key = self._player.clip(Side.BEFORE), SOURCE_KEY if fitted is None else FITTED_KEY
        if before is None or before.key != key:
            self._player.choose(Side.BEFORE, key)
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
            self._is_trimming = False
            self._leave_take()
            self._show_before(path, self._fitted_now())
        elif draft.source is None and self._source is not None:
            if self._away is not None:
                self._away.end()
            self._leave_take()
            self._show_before(None, None)
        elif path is not None and not self._job:
            self._show_before(path, self._fitted_now())
        self._choose_page()

    def _on_switched(self) -> None:
        """Another draft is on the screen: nothing of the one before stays in the viewer."""
        draft = self._models.draft
        job_id = self._job_of.get(draft.value.id, "")
        if job_id in self._models.jobs.ids():
            if job_id != self._job:
                self.show_take(job_id)
            return
        self._leave_take()
        self._is_trimming = False
        if draft.source is None or draft.source.path != self._source:
            self._show_before(None, None)
        self._on_source()

    def _fitted_now(self) -> Fitted | None:
        """What was made of the draft's source by its present plan, unless the source itself is to be seen."""
        source = self._models.draft.source
        if self._is_trimming or source is None or source.clip is None or source.plan is None:
            return None
        return Fitted(source.clip, source.plan.start_s)

    def look_at(self, time_s: float, at_rest: bool) -> None:
        """Show this moment of the source: the person is choosing a part of it."""
        source = self._models.draft.source
        if self._player is None or source is None:
            return
        self._is_trimming = True
        self._leave_take()
        self._show_before(source.path, None)
        self._choose_page()
        self._player.look_at(time_s, at_rest=at_rest)

    def end_look(self) -> None:
        """The part is chosen: what was made of it is before again, if there is such a clip."""
        self._is_trimming = False
        self._on_source()

    def marked(self) -> Trim | None:
        """What is marked in the player, in seconds of the source; None where nothing is, or a take is shown."""
        marked = self._player.marked_s() if self._player is not None and not self._job else None
        if marked is None:
            return None
        from klingstudio.domain.media import Trim

        first_s = self._fitted.starts_at_s if self._fitted is not None else 0.0
        return Trim(start_s=first_s + marked[0], end_s=first_s + marked[1])

    def _leave_take(self) -> None:
        if self._player is not None:
            self._player.show_take(None, "")
        if self._job:
            self._job = ""
            self.shown.emit("")

    def _show_before(self, source: Path | None, fitted: Fitted | None) -> None:
        """Put the source before, or what was made of it: at the same moment where it is the same source."""
        if self._player is None or (source, fitted) == (self._source, self._fitted):
            return
        is_same = source is not None and source == self._source
        was_s = (self._fitted.starts_at_s if self._fitted is not None else 0.0) + self._player.before_s
        self._source, self._fitted = source, fitted
        self._offer()
        self._player.show_source(fitted.path if fitted is not None else source)
        if is_same:
            self._player.look_at(max(0.0, was_s - (fitted.starts_at_s if fitted is not None else 0.0)))

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
        """The source, what was made of it, and its takes, oldest first."""
        from klingstudio.ui.player.panel import SOURCE_KEY
        from klingstudio.ui.player.sides import PlayerClip

        if self._source is None:
            return []
        clips = [PlayerClip(key=SOURCE_KEY, name="Source", path=self._source, starts_at_s=0.0)]
        if self._fitted is not None:
            fitted = self._fitted
            clips.append(
                PlayerClip(key=FITTED_KEY, name="Fitted clip", path=fitted.path, starts_at_s=fitted.starts_at_s)
            )
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
