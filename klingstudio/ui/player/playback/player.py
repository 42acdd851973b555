"""Two clips in step: one clock, and at its time a pair of pictures that belong together, or nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from klingstudio.media.align import Alignment
from klingstudio.media.decode_pixels import Picture
from klingstudio.ui.player.playback.clock import Clock
from klingstudio.ui.player.playback.findings import Findings
from klingstudio.ui.player.playback.laid import Laid, same_moment
from klingstudio.ui.player.playback.lineup import Lineup
from klingstudio.ui.player.playback.marks import Loop, Marks
from klingstudio.ui.player.playback.pair import Pair, Side
from klingstudio.ui.player.playback.projector import Aim, Projector
from klingstudio.ui.player.playback.timeline import Timeline

if TYPE_CHECKING:
    from klingstudio.media.changes import Heat

SHOWN_AT_MOST_EVERY_MS = 12
"""Steps that follow each other more quickly, at high speed, are left out."""

_LONGEST_WAIT_MS = 60_000
"""A timer counts no further than 25 days; one damaged time stamp can make a frame last for years."""


class PairPlayer(QObject):
    """What can be done with two clips. Closing it is the owner's duty: `close`."""

    pair_shown = Signal(object)  # Pair
    timeline_changed = Signal()
    playing_changed = Signal(bool)
    rate_changed = Signal(float)
    marks_changed = Signal()
    alignment_changed = Signal()
    survey_changed = Signal()
    problem_found = Signal(object, object)  # Side, Problem

    ran = Signal(float, float)
    """The clock started, jumped, began again or changed its speed, and runs: its time now, and its rate."""
    stood_still = Signal()

    def __init__(self, now: Callable[[], float], parent: QObject | None = None) -> None:
        """`now`: monotonic seconds."""
        super().__init__(parent)
        self._clock = Clock(now)
        self._loop = Loop(self._clock)
        self._lineup = Lineup(self)
        self._projector = Projector(self)
        self._laid: Laid | None = None
        self._starts_with: Side | None = None
        """Plays as soon as the clip on this side is shown."""
        self._begins = self._stays = False
        """What a clip that is being opened was loaded for: its beginning, or the time that it is now."""
        self._resumes = False
        """Dragging began while playing; goes on where it is let go."""
        self._was_playing = self._was_running = False
        self._has_jumped = False
        self._rounds = 0
        self._next_step = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._next_step.timeout.connect(self._tick)
        self._lineup.changed.connect(self._on_lineup)
        self._lineup.arrived.connect(self._tick)
        self._lineup.problem_found.connect(self._on_problem)
        self._lineup.alignment_changed.connect(self.alignment_changed)
        self._projector.shown.connect(self.pair_shown)
        self._projector.wants_to_look.connect(self._tick)
        self._findings = Findings(self._lineup, now, self)
        self._findings.changed.connect(self.survey_changed)

    # What is played

    def load(
        self,
        side: Side,
        path: Path | None,
        *,
        offset_s: float | None = None,
        plays: bool = False,
        stays: bool = False,
    ) -> None:
        """Put a clip on one side, or take it away.

        `offset_s`: time at which this clip begins where the other one's is 0, or what was said of that one. None: not
        known; if it is known of neither, it is found out by looking at both. `plays`: start from the beginning as soon
        as it can be shown. `stays`: be at the same moment as now also with another clip before, not at its beginning.
        """
        was_laid = self._laid
        if path is not None:
            self._starts_with = side if plays else None
        elif self._starts_with is side:
            self._starts_with = None
        if side is Side.BEFORE:
            self._loop.clear()
        self._begins = side is Side.BEFORE and path is not None and not stays
        self._stays = stays
        self._lineup.load(side, path, offset_s)
        if self._laid is was_laid and not self._lineup.is_changing:
            # The same clip again: whoever waits for it is answered.
            self._on_lineup()
        self._tick()

    def swap(self) -> None:
        """Let the two clips change sides, at the same moment."""
        self._lineup.swap()

    def close(self) -> None:
        """Take all clips away and wait until their files are closed."""
        self._starts_with = None
        self._loop.clear()
        self._lineup.close()

    def is_loading(self) -> bool:
        """True between `load` and the moment the file is open or refused."""
        return self._lineup.is_opening

    @property
    def timeline(self) -> Timeline | None:
        """What both clips share; None when there is nothing to show."""
        return None if self._laid is None else self._laid.timeline

    @property
    def pair(self) -> Pair | None:
        """What was published last, unless other clips have come since."""
        return self._projector.pair

    @property
    def step(self) -> int | None:
        """Where the playhead is. The pair of this step may still be on its way."""
        timeline = self.timeline
        return None if timeline is None or not timeline.count else self._due(timeline)

    @property
    def time_s(self) -> float:
        """The time of the clock: 0 at the first step."""
        return self._clock.time_s()

    def path(self, side: Side) -> Path | None:
        """Which file is on a side; the old one as long as that is seen."""
        laid = self._laid
        deck = laid.sides[side] if laid is not None and self._lineup.is_changing else self._lineup.deck(side)
        return None if deck is None else deck.path

    def size(self, side: Side) -> tuple[int, int] | None:
        """Width and height of a clip as it is meant to be shown, in its own pixels; None while it is not open."""
        deck = self._lineup.deck(side)
        return None if deck is None else deck.size

    def frame(self, side: Side, step: int) -> int | None:
        """The number of a clip's frame at a step."""
        return None if self._laid is None else self._laid.frame(side, step)

    def starts_at_s(self, side: Side) -> float | None:
        """The time of a clip's first frame as its file counts it: what its sound and its pictures have in common."""
        deck = self._lineup.deck(side)
        return None if deck is None or deck.track is None else deck.track.index.start_s

    def clip_time_s(self, side: Side) -> float | None:
        """How far a clip has been played now, counted from its first frame."""
        return None if self._laid is None else self._laid.clip_time_s(side, self._clock.time_s())

    def set_box(self, width_px: int, height_px: int) -> None:
        """The size in device pixels that one picture has on screen."""
        if self._projector.set_box((width_px, height_px)):
            self._tick()

    # Playing

    @property
    def is_playing(self) -> bool:
        """True also while the first picture is still being waited for."""
        return self._clock.is_running or self._starts_with is not None or self._resumes

    @property
    def rate(self) -> float:
        """How many times as fast as the clip was taken; negative: backwards. Kept while it stands."""
        return self._clock.rate

    @property
    def is_looping(self) -> bool:
        return self._loop.is_looping

    def set_looping(self, is_looping: bool) -> None:
        """Begin again at the end, or stop there."""
        self._loop.is_looping = is_looping
        self._loop.apply(self.timeline)
        self._tick()

    def set_rate(self, rate: float) -> None:
        """Play at another speed, now or the next time; not 0."""
        if rate != self._clock.rate:
            self._clock.set_rate(rate)
            self._projector.turn()
            self._has_jumped = True
            self.rate_changed.emit(self._clock.rate)
            self._tick()

    def play(self) -> None:
        """Run on from here; from the other end when this one was reached."""
        if self.timeline is not None:
            self._clock.play()
            self._projector.turn()
            self._tick()

    def pause(self) -> None:
        """Stop on the picture that is on screen."""
        self._stand_still()
        if self.pair is not None:
            self._go_to(self.pair.step)
        self._projector.step()
        self._tick()

    def toggle(self) -> None:
        """Play when paused, pause when playing."""
        if self.is_playing:
            self.pause()
        else:
            self.play()

    def steer(self, time_s: float) -> None:
        """Tell the clock what time is heard; it follows without being seen to."""
        self._clock.steer(time_s)
        self._tick()

    # Going somewhere

    def seek(self, step: int) -> None:
        """Show exactly this step. The newest call wins; what was asked for before is forgotten."""
        self._go_to(step)
        self._projector.jump()
        if self._resumes:
            self._resumes = False
            self._clock.play()
        self._tick()

    def scrub(self, step: int) -> None:
        """Follow a dragged playhead; `seek` where it is let go."""
        self._resumes = self._resumes or self._clock.is_running
        self._clock.pause()
        self._go_to(step)
        self._projector.hurry()
        self._tick()

    def move(self, steps: int) -> None:
        """Stop and go some steps forward or back from the picture that was asked for last."""
        if self.timeline is not None:
            here = self._due(self.timeline)
            self._stand_still()
            self._go_to(here + steps)
            if steps < 0:
                self._projector.step_back()
            else:
                self._projector.step()
            self._tick()

    def move_s(self, seconds: float) -> None:
        """Go some time forward or back, playing or not."""
        self.go_to_s(self._clock.time_s() + seconds)

    def go_to_s(self, time_s: float) -> None:
        """Go to the step that is on screen at a time, playing or not."""
        if self.timeline is not None:
            self.seek(self.timeline.step_at(time_s))

    def _stand_still(self) -> None:
        self._starts_with, self._resumes = None, False
        self._clock.pause()

    def _go_to(self, step: int) -> None:
        timeline = self.timeline
        if timeline is not None and timeline.count:
            self._clock.seek(timeline.time_s(min(max(step, 0), timeline.count - 1)))
            self._has_jumped = True

    # Marks

    @property
    def marks(self) -> tuple[int | None, int | None]:
        """The first and the last step of what is marked."""
        if self.timeline is None:
            return None, None
        marks = self._loop.marks.seen_as(self.timeline.step_of)
        return marks.first, marks.last

    @property
    def loops_marks(self) -> bool:
        return self._loop.is_marked

    def mark_in(self, step: int | None) -> None:
        """Begin the marked part with this step. None: no mark."""
        self._mark(self._loop.marks.starting(self._marked(step)))

    def mark_out(self, step: int | None) -> None:
        """End the marked part with this step. None: no mark."""
        self._mark(self._loop.marks.ending(self._marked(step)))

    def set_looping_marks(self, is_looping: bool) -> None:
        """Begin again at the out mark; a mark that is missing stands for the end of the clip."""
        self._loop.is_marked = is_looping
        self._mark(self._loop.marks)

    def _marked(self, step: int | None) -> int | None:
        timeline = self.timeline
        if step is None or timeline is None or not timeline.count:
            return None
        return timeline.leading_frame(min(max(step, 0), timeline.count - 1))

    def _mark(self, marks: Marks) -> None:
        self._loop.marks = marks
        self._loop.apply(self.timeline)
        self.marks_changed.emit()
        self._tick()

    # How the two lie against each other

    @property
    def alignment(self) -> Alignment | None:
        """The shift that was found and is in force; None: what the owner said, or none."""
        return self._lineup.alignment

    @property
    def nudged(self) -> int:
        """By how many of its frames the clip after was shifted by hand; positive: later."""
        return self._lineup.nudged

    def nudge(self, frames: int) -> None:
        """Shift the clip after by some of its own frames, later or (negative) earlier."""
        self._lineup.nudge(frames)

    def reset_alignment(self) -> None:
        """Lay the clips as the owner said, or beginning to beginning."""
        self._lineup.set_aligning(False)

    def align(self) -> None:
        """Lay them as was found again, after `reset_alignment`."""
        self._lineup.set_aligning(True)

    # What the surveys found

    @property
    def survey_progress(self) -> float:
        """From 0 to 1."""
        return self._findings.progress

    @property
    def changes(self) -> Sequence[float | None]:
        """How much the two clips differ at each step, from 0 to 1; empty where there is one clip only."""
        return self._findings.changes

    def heat(self, step: int) -> Heat | None:
        """Where they differ at a step."""
        return self._findings.heat(step)

    def draft(self, side: Side, step: int) -> Picture | None:
        """A small picture of about this step."""
        laid, frame = self._laid, self.frame(side, step)
        return None if laid is None or frame is None else laid.sides[side].draft(frame)

    def hold_survey(self, is_held: bool) -> None:
        """Keep the surveys from using the machine, or let them go on."""
        self._findings.hold(is_held)
        self._findings.go_on(may_start=self._projector.is_final)

    # The course of things

    def _on_lineup(self) -> None:
        """Other clips, or another shift: stay at the same moment."""
        old, laid = self._laid, self._lineup.laid
        standing_on = None if self._clock.is_running else self.step
        time_s: float | None = 0.0
        if self._begins and self._can_be_shown(Side.BEFORE):
            self._begins = False
        elif self._starts_with is None:
            time_s = same_moment(old, laid, self._clock.time_s(), standing_on=standing_on)
        if time_s is None:
            time_s = self._clock.time_s() if self._stays else 0.0
        self._carry_marks(old, laid)
        self._laid = laid
        self._clock.set_length(laid.timeline.length_s if laid is not None else 0.0)
        self._clock.seek(time_s)
        self._loop.apply(self.timeline)
        if laid is None or not laid.timeline.count:
            self._resumes = False
            self._clock.pause()
            if not self._lineup.is_opening:
                # The first pair that it waits for will not come.
                self._starts_with = None
        self._projector.put_on(laid)
        self._has_jumped = True
        self.timeline_changed.emit()
        self.marks_changed.emit()
        self._tick()

    def _carry_marks(self, old: Laid | None, laid: Laid | None) -> None:
        """Marks are frames of the clip that leads: where another one does, they are the frames that belong to those."""
        if old is None or laid is None or laid.leader is old.leader:
            return
        if laid.leader is old.follower:
            self._loop.marks = self._loop.marks.seen_as(old.followed)
        else:
            self._loop.clear()

    def _on_problem(self, side: Side, problem: object) -> None:
        if self._starts_with is side and not self._can_be_shown(side):
            self._starts_with = None
        self._tick()
        self.problem_found.emit(side, problem)

    def _can_be_shown(self, side: Side) -> bool:
        deck = self._lineup.deck(side)
        return deck is not None and deck.track is not None

    def _start(self, timeline: Timeline) -> None:
        """Play what was loaded to be played, as soon as its first pair is on screen."""
        side, pair = self._starts_with, self.pair
        if side is None or pair is None or self._lineup.is_opening:
            return
        if self._projector.is_final and pair.step == self._due(timeline):
            self._starts_with = None
            if self._can_be_shown(side):
                self._clock.play()

    def _tick(self) -> None:
        """Show what is due, and come back when the next step is."""
        timeline = self.timeline
        if timeline is not None and timeline.count and not self._lineup.is_changing:
            aim = self._aim(timeline)
            if self._clock.rounds != self._rounds:
                self._rounds = self._clock.rounds
                self._has_jumped = True
                self._projector.jump()
            if self._projector.is_short(aim):
                self._findings.stand_back()
            self._projector.look(aim)
            # What is looked at comes first: a survey begins when the first pair is on screen, and not as it starts to run.
            self._findings.go_on(may_start=self._projector.is_final and self._starts_with is None)
            if self.timeline is not None:
                self._start(self.timeline)
                self._wait_for_next(self.timeline)
        self._tell_clock()

    def _aim(self, timeline: Timeline) -> Aim:
        return Aim(
            step=self._due(timeline),
            rate=self._clock.rate,
            is_running=self._clock.is_running,
            is_playing=self.is_playing,
            loop=self._loop.steps(timeline),
        )

    def _due(self, timeline: Timeline) -> int:
        """The step of the clock's time."""
        time_s = self._clock.time_s()
        if self._clock.is_running and self._clock.rate < 0:
            # Backwards a step begins at its end.
            time_s -= 2e-5
        return timeline.step_at(time_s)

    def _wait_for_next(self, timeline: Timeline) -> None:
        if not self._clock.is_running:
            return
        rate, time_s, step = self._clock.rate, self._clock.time_s(), self._due(timeline)
        left_s = timeline.end_s(step) - time_s if rate > 0 else time_s - timeline.time_s(step)
        wait_ms = min(math.ceil(left_s / abs(rate) * 1000), _LONGEST_WAIT_MS)
        self._next_step.start(max(wait_ms, 1 if abs(rate) <= 1 else SHOWN_AT_MOST_EVERY_MS))

    def _tell_clock(self) -> None:
        is_running = self._clock.is_running
        if is_running and (self._has_jumped or not self._was_running):
            self.ran.emit(self._clock.time_s(), self._clock.rate)
        elif self._was_running and not is_running:
            self._findings.stand_still()
            self._findings.go_on(may_start=self._projector.is_final)
            self.stood_still.emit()
        self._was_running, self._has_jumped = is_running, False
        if self.is_playing != self._was_playing:
            self._was_playing = self.is_playing
            self.playing_changed.emit(self.is_playing)
