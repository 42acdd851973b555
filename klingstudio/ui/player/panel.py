"""The player as one panel: modes, pictures, playhead, keys."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QWidget

from klingstudio.domain.errors import Kind, Problem
from klingstudio.media.decode_pixels import Picture
from klingstudio.paths import paths
from klingstudio.ui.player.actions import ActionGroup, PlayerActions
from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.player.comparison import Comparison, Mode
from klingstudio.ui.player.deeds import Deeds
from klingstudio.ui.player.frames import Frames
from klingstudio.ui.player.keys import HeldKey, Keys
from klingstudio.ui.player.playback.pair import Pair, Side
from klingstudio.ui.player.playback.player import PairPlayer
from klingstudio.ui.player.playback.sound import Sound
from klingstudio.ui.player.rails import Rails
from klingstudio.ui.player.sides import PlayerClip, Sides
from klingstudio.ui.player.snapshot import Purpose, What
from klingstudio.ui.player.states import States
from klingstudio.ui.player.transport.hover import Hover
from klingstudio.ui.player.transport.mode_bar import ModeBar
from klingstudio.ui.player.transport.transport import Transport
from klingstudio.ui.text import sentence
from klingstudio.ui.widgets.moments import timecode

SOURCE_KEY = "source"
"""Key of the clip that was given by `show_source`."""

_VIDEOS = "Videos (*.mp4 *.mov *.m4v *.mkv *.webm *.avi *.mxf *.mts);;All files (*)"

_TAKE_IS_BAD = frozenset(
    {
        Kind.SOURCE_DAMAGED,
        Kind.SOURCE_EMPTY,
        Kind.SOURCE_NOT_VIDEO,
        Kind.SOURCE_NO_PICTURE,
        Kind.SOURCE_NOT_A_FILE,
    }
)


class PlayerPanel(QWidget):
    """Two clips, compared while they play together. Call `close_clips` before the program ends."""

    clip_problem = Signal(object)  # Problem
    clip_chosen = Signal(object, str)
    """Side, key: the person put this clip there."""
    reference_wanted = Signal(object)  # Path
    """A frame was saved as a picture that is to become a reference image."""
    full_screen_wanted = Signal()
    """Into the full screen, or out of it."""
    detach_wanted = Signal()
    """Into a window of its own, or back."""
    said = Signal(str)
    """A short word about what has been done, for a toast."""

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        leaves_out: Collection[str] = (),
    ) -> None:
        """`now`: monotonic seconds. `leaves_out`: ids of acts that have no place in this window."""
        super().__init__(parent)
        self.setObjectName("player")
        self.setAccessibleName(self.tr("Player"))
        self._player = PairPlayer(now, self)
        self._sound = Sound(self._player, self)
        self._sides = Sides(self)
        self._view = PairView(self)
        self._deeds = Deeds(self._player, self._view, self._sound)
        self._frames = Frames(self._player, paths(os.environ).frames, self)
        self._actions = PlayerActions(self._does(), self, leaves_out=leaves_out)
        self._side_menus = {
            side: self._sides.menu(side, words, self)
            for side, words in ((Side.BEFORE, self.tr("Before")), (Side.AFTER, self.tr("After")))
        }
        self._modes = ModeBar(self._actions, tuple(self._side_menus.values()), self)
        self._transport = Transport(self._actions, self._sound, self)
        self._hover = Hover(self)
        self._states = States(
            self._player, self._view, self._sound, self._sides, self._actions, self._modes, self._transport
        )
        self._rails = Rails(self, self._modes, self._view, self._transport)
        self._wish_s: float | None = None
        """A moment of the clip before, wished for while that was not open."""
        self._wrong: dict[Side, str] = {}
        """What cannot be shown, and why."""
        self._keys = Keys(self._actions, self)
        self._flip_key = HeldKey(Qt.Key.Key_X, self, now=now)
        self._shuttle_key = HeldKey(Qt.Key.Key_K, self, now=now)
        self._connect()
        self._view.set_choosable(True)
        # Who gives the keyboard to the player means its keys, not the first of its buttons.
        self.setFocusProxy(self._view)
        self._states.refresh()
        self._on_survey()

    def _connect(self) -> None:
        player, view, transport = self._player, self._view, self._transport
        player.pair_shown.connect(self._on_pair)
        player.timeline_changed.connect(self._on_timeline)
        player.playing_changed.connect(self._on_playing)
        player.problem_found.connect(self._on_problem)
        player.survey_changed.connect(self._on_survey)
        view.box_changed.connect(player.set_box)
        view.comparison_changed.connect(self._on_comparison)
        view.side_pressed.connect(self._on_side_pressed)
        transport.step_wished.connect(player.seek)
        transport.step_dragged.connect(player.scrub)
        transport.moment_wished.connect(self._deeds.go_to)
        transport.rate_wished.connect(player.set_rate)
        transport.touched.connect(view.setFocus)
        transport.pointed.connect(self._on_pointed)
        transport.pointer_left.connect(self._hover.hide)
        self._modes.comparison_wished.connect(view.set_comparison)
        self._modes.touched.connect(view.setFocus)
        self._rails.went_aside.connect(self._hover.hide)
        self._sides.chosen.connect(self._on_chosen)
        self._sides.other_video_wanted.connect(self.open_video)
        self._frames.said.connect(self.said)
        self._frames.failed.connect(self._on_frame_problem)
        self._frames.reference_made.connect(self.reference_wanted)
        self._keys.pressed.connect(self._on_key)
        self._flip_key.released.connect(self._on_flip_released)
        self._shuttle_key.released.connect(self._on_shuttle_released)

    # Clips

    def show_source(self, path: Path | None, name: str = "") -> None:
        """Put the source before, standing on its first frame. None: nothing there."""
        clip = None
        if path is not None:
            clip = self._offered(path) or PlayerClip(key=SOURCE_KEY, name=name or self.tr("Source"), path=path)
        self.show_clip(Side.BEFORE, clip)

    def show_take(self, path: Path | None, label: str, *, starts_at_s: float | None = None) -> None:
        """Put a take after; both play together from the start as soon as both can be shown.

        None: the source alone. `starts_at_s`: time in the source at which the take begins, where it was trimmed.
        """
        clip = None
        if path is not None:
            offered = self._offered(path)
            key = offered.key if offered is not None else str(path)
            clip = PlayerClip(key=key, name=label, path=path, starts_at_s=starts_at_s, is_take=True)
        self._put(Side.AFTER, clip, plays=path is not None)

    def show_clip(self, side: Side, clip: PlayerClip | None) -> None:
        """Put any clip on a side, or take away what is there."""
        self._put(side, clip)

    def offer(self, clips: Sequence[PlayerClip]) -> None:
        """What can be chosen for either side, beside what is shown and what the person opens."""
        self._sides.offer(clips)

    def choose(self, side: Side, key: str) -> None:
        """Put a clip on offer on a side. A key that nothing has changes nothing."""
        clip = self._sides.clip(key)
        if clip is not None:
            self._put(side, clip, stays=True)

    def clip(self, side: Side) -> PlayerClip | None:
        """What lies on a side."""
        return self._sides.shown(side)

    def open_video(self, side: Side) -> None:
        """Let the person choose any video file for a side."""
        # Imported when needed: it takes longer than the rest of the panel.
        from PySide6.QtWidgets import QFileDialog

        dialog = QFileDialog(self, self.tr("Choose a video"), "", _VIDEOS)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(partial(self._on_file, side))
        dialog.open()

    # For whoever chooses a part of the clip before

    @property
    def before_s(self) -> float:
        """How far the clip before has been played, counted from its first frame."""
        return self._player.clip_time_s(Side.BEFORE) or 0.0

    def look_at(self, time_s: float, *, at_rest: bool = True) -> None:
        """Stand on the frame that the clip before shows so long after its first one, as soon as it can be shown.

        `at_rest`: False while something is being dragged, when drafts come first.
        """
        timeline = self._player.timeline
        if timeline is None or self._player.is_loading():
            self._wish_s = time_s
            return
        self._wish_s = None
        step = timeline.step_of(timeline.leading.index.at(time_s))
        if self._player.is_playing:
            self._player.pause()
        if at_rest:
            self._player.seek(step)
        else:
            self._player.scrub(step)

    def marked_s(self) -> tuple[float, float] | None:
        """What is marked of the clip before, from the start of the first frame to the end of the last. None: nothing."""
        timeline, (first, last) = self._player.timeline, self._player.marks
        if timeline is None or not timeline.count or (first is None and last is None):
            return None
        last = timeline.count - 1 if last is None else last
        return timeline.start_s + timeline.time_s(first or 0), timeline.start_s + timeline.end_s(last)

    def close_clips(self) -> None:
        """Forget all clips and wait until their files are closed."""
        self._frames.close()
        self._sound.close()
        self._player.close()

    def _offered(self, path: Path) -> PlayerClip | None:
        return next((clip for clip in self._sides.choices() if clip.path == path), None)

    def _put(self, side: Side, clip: PlayerClip | None, *, plays: bool = False, stays: bool = False) -> None:
        self._sides.put(side, clip)
        self._wrong.pop(side, None)
        if side is Side.BEFORE:
            self._wish_s = None
        if clip is None:
            self._player.load(side, None)
        else:
            self._player.load(side, clip.path, offset_s=clip.starts_at_s, plays=plays, stays=stays)
        self._states.refresh()
        self._on_survey()

    def _show_names(self) -> None:
        before, after = self._sides.shown(Side.BEFORE), self._sides.shown(Side.AFTER)
        # That the source is before is understood; anything else there has to be told.
        before_name = before.name if before is not None and before.key != SOURCE_KEY else ""
        self._view.set_names(before_name, after.name if after is not None else "")

    def _on_file(self, side: Side, name: str) -> None:
        self._on_chosen(side, self._sides.open(Path(name)))

    def _on_chosen(self, side: Side, clip: PlayerClip) -> None:
        self._put(side, clip, stays=True)
        self.clip_chosen.emit(side, clip.key)

    def _on_side_pressed(self, side: Side, at: QPoint) -> None:
        self._side_menus[side].popup(at)

    def _swap(self) -> None:
        self._sides.swap()
        self._wrong = {side.other: title for side, title in self._wrong.items()}
        self._player.swap()
        for side in Side:
            clip = self._sides.shown(side)
            self.clip_chosen.emit(side, clip.key if clip is not None else "")

    # Actions

    def action_groups(self) -> tuple[ActionGroup, ...]:
        """Everything the player does, for menus."""
        return self._actions.groups

    def show_full_screen(self, is_full: bool) -> None:
        """Whether the player has the screen for itself."""
        self._actions["full_screen"].setChecked(is_full)
        self._modes.show_full_screen(is_full)
        self._rails.lie_over(is_full)

    def show_away(self, is_away: bool) -> None:
        """Whether the player is in a window of its own."""
        self._actions["detach"].setChecked(is_away)

    def _does(self) -> Mapping[str, Callable[[], object]]:
        return {
            **self._deeds.by_id(),
            "go_to": self._ask_for_moment,
            "listen_before": partial(self._sound.listen_to, Side.BEFORE),
            "listen_after": partial(self._sound.listen_to, Side.AFTER),
            "swap": self._swap,
            "save_frame": partial(self._keep_shown, Purpose.SAVE),
            "copy_frame": partial(self._keep_shown, Purpose.COPY),
            "save_before": partial(self._keep, What.BEFORE, Purpose.SAVE),
            "save_after": partial(self._keep, What.AFTER, Purpose.SAVE),
            "save_comparison": partial(self._keep, What.COMPARISON, Purpose.SAVE),
            "copy_before": partial(self._keep, What.BEFORE, Purpose.COPY),
            "copy_after": partial(self._keep, What.AFTER, Purpose.COPY),
            "use_before": partial(self._keep, What.BEFORE, Purpose.USE),
            "use_after": partial(self._keep, What.AFTER, Purpose.USE),
            "full_screen": self.full_screen_wanted.emit,
            "detach": self.detach_wanted.emit,
        }

    def _ask_for_moment(self) -> None:
        self._transport.ask_for_moment()

    def _keep(self, what: What, purpose: Purpose) -> None:
        self._frames.keep(what, self._view.comparison, purpose)

    def _keep_shown(self, purpose: Purpose) -> None:
        self._frames.keep_shown(self._view.comparison, purpose)

    def _on_key(self, act_id: str) -> None:
        if act_id == "flip":
            self._flip_key.press()
        elif act_id == "stop":
            self._shuttle_key.press()
            self._deeds.steps_by_shuttle = True

    def _on_flip_released(self, was_held: bool) -> None:
        if was_held:
            self._deeds.flip()

    def _on_shuttle_released(self, _was_held: bool) -> None:
        self._deeds.steps_by_shuttle = False

    # What is shown

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._hover.hide()
        # A panel that moves to another window is hidden for a moment only.
        QTimer.singleShot(0, self, self._rest_if_hidden)

    def _rest_if_hidden(self) -> None:
        if not self.isVisible():
            # Nobody is looking: no core should work for it.
            self._player.pause()

    def _on_pair(self, pair: Pair) -> None:
        self._view.show_pair(pair)
        self._show_heat(pair)
        self._transport.show_step(pair.step, pair.time_s)

    def _on_playing(self, is_playing: bool) -> None:
        self._transport.show_playing(is_playing, self._player.time_s)

    def _on_timeline(self) -> None:
        timeline = self._player.timeline
        self._view.set_source_sizes(self._player.size(Side.BEFORE), self._player.size(Side.AFTER))
        count = 0 if timeline is None else timeline.count
        page = round(count / timeline.length_s) if timeline is not None and timeline.length_s else 1
        self._transport.set_count(count, page=page)
        self._view.set_paired(timeline is not None and timeline.following is not None)
        # Not sooner: what was shown before stays until the new file is open.
        self._show_names()
        self._hover.hide()
        if timeline is None and not self._player.is_loading():
            self._view.show_pair(None)
        elif timeline is not None and not count:
            self._view.show_pair(None)
            self._view.show_message(self.tr("The two clips have no moment in common."))
        self._states.refresh()
        self._on_survey()
        if self._wish_s is not None and timeline is not None:
            self.look_at(self._wish_s)

    def _on_survey(self) -> None:
        self._transport.bar.show_ready(self._player.survey_progress)
        self._transport.show_changes(self._player.changes if self._states.is_paired else None)
        pair = self._player.pair
        if pair is not None:
            self._show_heat(pair)

    def _on_comparison(self, _comparison: Comparison) -> None:
        pair = self._player.pair
        if pair is not None:
            self._show_heat(pair)

    def _on_pointed(self, step: int) -> None:
        timeline = self._player.timeline
        if timeline is None or not 0 <= step < timeline.count:
            return
        drafts = (self._player.draft(side, step) for side in self._seen_sides())
        pictures: list[Picture] = [draft for draft in drafts if draft is not None]
        bar = self._transport.bar
        top = self._transport.strip if self._transport.strip.isVisible() else bar
        x = bar.mapTo(self, QPoint(round(bar.ruler.x_of(step)), 0)).x()
        self._hover.show_at(QPoint(x, top.mapTo(self, QPoint(0, 0)).y()), pictures, timecode(timeline.time_s(step)))

    def _seen_sides(self) -> tuple[Side, ...]:
        comparison = self._view.comparison
        if comparison.mode in (Mode.BEFORE, Mode.AFTER) and self._states.is_paired:
            side = Side.BEFORE if comparison.mode is Mode.BEFORE else Side.AFTER
            return (side.other if comparison.is_flipped else side,)
        return Side.BEFORE, Side.AFTER

    def _on_problem(self, side: Side, problem: Problem) -> None:
        clip = self._sides.shown(side)
        if clip is not None and clip.is_take:
            kind = Kind.RESULT_DAMAGED if problem.kind in _TAKE_IS_BAD else problem.kind
            problem = replace(problem, kind=kind, subject="take")
        if self._player.timeline is None:
            self._view.show_pair(None)
            self._view.show_message(self._what_is_wrong(side, sentence(problem).title))
        self.clip_problem.emit(problem)
        self._states.refresh()
        self._on_survey()

    def _what_is_wrong(self, side: Side, title: str) -> str:
        """With one clip what is wrong with it; where both cannot be shown, what is wrong with which."""
        self._wrong[side] = title
        if len(self._wrong) == 1:
            return title
        clips = {one: self._sides.shown(one) for one in Side}
        return "\n\n".join(f"{clip.name}\n{self._wrong[one]}" for one, clip in clips.items() if clip is not None)

    def _on_frame_problem(self, problem: Problem) -> None:
        words = sentence(problem)
        self.said.emit(f"{words.title}. {words.hint}".strip())

    def _show_heat(self, pair: Pair) -> None:
        shows_heat = self._view.comparison.shows_heat and self._states.is_paired
        self._view.set_heat(self._player.heat(pair.step) if shows_heat else None)
