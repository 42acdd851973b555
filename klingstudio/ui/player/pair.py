"""Two clips in step: a pair of pictures that belong together is published, or nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import assert_never

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from klingstudio.media.decode import Arrived, Broken, ClipDecoder, Event, Opened
from klingstudio.media.decode_pixels import Picture
from klingstudio.ui.player.clock import Clock
from klingstudio.ui.player.timeline import Timeline, Track

AHEAD = 6
"""Steps that are decoded before they are due while playing."""

NEAR = (1, 2, -1, -2, -3, -4)
"""Steps around a still picture that are made ready, so that stepping answers at once and the next window is fetched."""

BACK = 24
"""Frames that are kept on the way to a still picture."""


class Side(StrEnum):
    """The two clips."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What is on screen at one step. One of the two is None when there is only one clip."""

    step: int
    count: int
    time_s: float
    before: Picture | None
    after: Picture | None


@dataclass(slots=True, kw_only=True)
class _Deck:
    """One clip in the player."""

    side: Side
    offset_s: float
    decoder: ClipDecoder = field(init=False)
    track: Track | None = None
    """None until the file is open, and again when it turned out to be unplayable."""
    has_complained: bool = False
    asked: tuple[tuple[int, ...], tuple[int, int], int] | None = None


class PairPlayer(QObject):
    """Opens clips, follows the clock, and publishes pairs. Closing it is the owner's duty: `close`."""

    pair_shown = Signal(object)  # Pair
    timeline_changed = Signal()
    playing_changed = Signal(bool)
    problem_found = Signal(object, object)  # Side, Problem

    _told = Signal(object, object)  # _Deck, Event: from a decoder's thread to this one

    def __init__(self, now: Callable[[], float], parent: QObject | None = None) -> None:
        """`now`: monotonic seconds."""
        super().__init__(parent)
        self._clock = Clock(now)
        self._decks: dict[Side, _Deck] = {}
        self._open: list[ClipDecoder] = []
        """Every decoder whose file may still be open, also those of clips that were taken away."""
        # A partial without `self`: by then this object is half gone.
        self.destroyed.connect(partial(_stop, self._open))
        self._timeline: Timeline | None = None
        self._leader: _Deck | None = None
        self._box = (0, 0)
        self._shown: int | None = None
        self._pending: int | None = None
        """The step that is being waited for. It stays until it is complete, so that late decoding still shows progress."""
        self._is_scrubbing = False
        self._resumes = False
        """Dragging began while playing; goes on where it is let go."""
        self._starts_when_shown = False
        self._was_playing = False
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tick)
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)

    # What is played

    def load(self, side: Side, path: Path | None, *, offset_s: float = 0.0, plays: bool = False) -> None:
        """Put a clip on one side, or take it away. `plays`: start from the beginning as soon as it can be shown.

        `offset_s`: time in the clip before at which this clip begins.
        """
        self._drop(side)
        if path is not None:
            deck = _Deck(side=side, offset_s=offset_s)
            self._decks[side] = deck
            deck.decoder = ClipDecoder(path, partial(self._tell, deck))
            self._open.append(deck.decoder)
            self._starts_when_shown = plays
        self._rebuild()

    def close(self) -> None:
        """Take both clips away and wait until their files are closed."""
        for side in tuple(self._decks):
            self._drop(side)
        self._rebuild()
        for decoder in self._open:
            decoder.close()
        self._open.clear()

    @property
    def timeline(self) -> Timeline | None:
        """What both clips share; None when there is nothing to show."""
        return self._timeline

    def is_loading(self) -> bool:
        """True between `load` and the moment the file is open or refused."""
        return any(deck.track is None and not deck.has_complained for deck in self._decks.values())

    def set_box(self, width_px: int, height_px: int) -> None:
        """The size in device pixels that one picture has on screen."""
        if (width_px, height_px) != self._box:
            self._box = (width_px, height_px)
            self._shown = self._pending = None
            self._tick()

    # Playing

    @property
    def is_playing(self) -> bool:
        """True also while the first picture is still being waited for."""
        return self._clock.is_running or self._starts_when_shown or self._resumes

    @property
    def is_looping(self) -> bool:
        return self._clock.is_looping

    def set_looping(self, is_looping: bool) -> None:
        """Begin again at the end, or stop there."""
        self._clock.is_looping = is_looping
        self._tick()

    def play(self) -> None:
        """Run from here; from the start when the end was reached."""
        if self._timeline is not None:
            self._clock.play()
            self._pending = None
            self._tick()

    def pause(self) -> None:
        """Stop on the picture that is on screen."""
        self._stand_still()
        if self._shown is not None:
            self.seek(self._shown)
        self._tick()

    def seek(self, step: int) -> None:
        """Show exactly this step. The newest call wins; what was asked for before is forgotten."""
        self._is_scrubbing = False
        self._go_to(step)
        self._pending = None
        if self._resumes:
            self._resumes = False
            self._clock.play()
        self._tick()

    def scrub(self, step: int) -> None:
        """Follow a dragged playhead: each picture is finished before the next one is looked for, so some are seen."""
        self._is_scrubbing = True
        self._resumes = self._resumes or self._clock.is_running
        self._clock.pause()
        self._go_to(step)
        self._tick()

    def move(self, steps: int) -> None:
        """Stop and go some steps forward or back from the picture that was asked for last."""
        if self._timeline is None:
            return
        self._stand_still()
        here = self._timeline.step_at(self._clock.time_s())
        self.seek(here + steps)

    def _stand_still(self) -> None:
        self._starts_when_shown = self._resumes = self._is_scrubbing = False
        self._clock.pause()

    def _go_to(self, step: int) -> None:
        if self._timeline is not None and self._timeline.count:
            self._clock.seek(self._timeline.time_s(min(max(step, 0), self._timeline.count - 1)))

    # Decoders

    def _tell(self, deck: _Deck, event: Event) -> None:
        try:
            self._told.emit(deck, event)
        except RuntimeError:
            # The window is gone and Qt has deleted this object; nobody is left to hear.
            deck.decoder.stop()

    def _on_told(self, deck: _Deck, event: Event) -> None:
        if self._decks.get(deck.side) is not deck:
            return
        match event:
            case Opened(index=index):
                deck.track = Track(index=index, playable=len(index))
                self._rebuild()
            case Arrived():
                self._tick()
            case Broken(problem=problem, playable=playable):
                self._shorten(deck, playable)
                if not deck.has_complained:
                    deck.has_complained = True
                    self.problem_found.emit(deck.side, problem)
            case other:
                assert_never(other)

    def _shorten(self, deck: _Deck, playable: int) -> None:
        deck.track = replace(deck.track, playable=playable) if deck.track is not None and playable else None
        if deck.track is None:
            self._starts_when_shown = False
        self._rebuild()

    def _drop(self, side: Side) -> None:
        self._open[:] = [decoder for decoder in self._open if decoder.is_running()]
        deck = self._decks.pop(side, None)
        if deck is not None:
            deck.decoder.stop()

    def _rebuild(self) -> None:
        """Work out again what the open clips share, and stay at the same time of the leading clip."""
        before, after = self._decks.get(Side.BEFORE), self._decks.get(Side.AFTER)
        leader = before if before is not None and before.track is not None else after
        timeline = None
        if leader is not None and leader.track is not None:
            timeline = Timeline(leading=leader.track)
            if leader is before and after is not None and after.track is not None:
                timeline = Timeline(leading=leader.track, following=after.track, offset_s=after.offset_s)
        if timeline == self._timeline and leader is self._leader:
            return

        time_s = 0.0
        if self._timeline is not None and leader is self._leader and not self._starts_when_shown:
            frame = self._timeline.leading_frame(self._timeline.step_at(self._clock.time_s()))
            step = 0 if timeline is None else frame - timeline.first
            time_s = timeline.time_s(max(step, 0)) if timeline is not None and timeline.count else 0.0
        self._timeline, self._leader = timeline, leader
        self._clock.set_length(timeline.length_s if timeline is not None else 0.0)
        self._clock.seek(time_s)
        if timeline is None or not timeline.count:
            self._clock.pause()
        self._shown = self._pending = None
        self.timeline_changed.emit()
        self._tick()

    # Pictures

    def _tick(self) -> None:
        """Show what is due if it is complete, ask for what is missing, and come back when the next step is due."""
        timeline = self._timeline
        if timeline is not None and timeline.count and min(self._box) > 0:
            step = timeline.step_at(self._clock.time_s())
            if self._pending is None and step != self._shown:
                self._pending = step
            # First of all: pictures of another size are forgotten by asking for this one.
            self._request(timeline)
            if self._pending is not None and self._show_pending(timeline, self._pending):
                self._request(timeline)
            if self._clock.is_running:
                self._wait_for_next(timeline)
        if self.is_playing != self._was_playing:
            self._was_playing = self.is_playing
            self.playing_changed.emit(self.is_playing)

    def _show_pending(self, timeline: Timeline, step: int) -> bool:
        pictures: dict[Side, Picture] = {}
        for deck, frame in self._frames(timeline, (step,)):
            picture = deck.decoder.picture(frame[0])
            if picture is None:
                return False
            pictures[deck.side] = picture
        self._shown, self._pending = step, None
        self.pair_shown.emit(
            Pair(
                step=step,
                count=timeline.count,
                time_s=timeline.time_s(step),
                before=pictures.get(Side.BEFORE),
                after=pictures.get(Side.AFTER),
            )
        )
        if self._starts_when_shown and not self.is_loading():
            self._starts_when_shown = False
            self._clock.play()
        return True

    def _request(self, timeline: Timeline) -> None:
        base = self._pending if self._pending is not None else self._shown
        if base is None:
            return
        if self._is_scrubbing:
            steps: list[int] = [base]
        elif self.is_playing:
            steps = [base + ahead for ahead in range(AHEAD + 1)]
        else:
            steps = [base, *(base + near for near in NEAR)]
        if self._clock.is_looping and self.is_playing:
            steps = [step % timeline.count for step in steps]
        steps = [step for step in steps if 0 <= step < timeline.count]
        back = 0 if self._is_scrubbing or self.is_playing else BACK
        for deck, frames in self._frames(timeline, steps):
            asked = frames, self._box, back
            if asked != deck.asked:
                deck.asked = asked
                deck.decoder.request(frames, self._box, back=back)

    def _frames(self, timeline: Timeline, steps: Sequence[int]) -> list[tuple[_Deck, tuple[int, ...]]]:
        """For each clip that takes part: the frames of these steps, each once, in the same order."""
        assert self._leader is not None
        frames = [(self._leader, tuple(timeline.leading_frame(step) for step in steps))]
        if timeline.following is not None:
            following = (timeline.following_frame(step) for step in steps)
            once = dict.fromkeys(frame for frame in following if frame is not None)
            frames.append((self._decks[Side.AFTER], tuple(once)))
        return frames

    def _wait_for_next(self, timeline: Timeline) -> None:
        time_s = self._clock.time_s()
        step = timeline.step_at(time_s) + 1
        due_s = timeline.time_s(step) if step < timeline.count else timeline.length_s
        self._timer.start(max(1, math.ceil((due_s - time_s) * 1000)))


def _stop(decoders: Iterable[ClipDecoder], _gone: QObject | None = None) -> None:
    for decoder in decoders:
        decoder.stop()
