"""What each act of the table does to the player, the picture and the sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from klingstudio.ui import theme
from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.player.comparison import GAIN_LEAST, GAIN_MOST, Mode
from klingstudio.ui.player.playback.player import PairPlayer
from klingstudio.ui.player.playback.shuttle import Shuttle
from klingstudio.ui.player.playback.sound import Sound
from klingstudio.ui.player.transport.peaks import peaks
from klingstudio.ui.player.transport.transport import SPEEDS
from klingstudio.ui.widgets.moments import AtFrame, AtTime, ByFrames, BySeconds, Moment

MODE_OF = {
    "before": Mode.BEFORE,
    "after": Mode.AFTER,
    "side_by_side": Mode.SIDE_BY_SIDE,
    "wipe": Mode.WIPE,
    "overlay": Mode.OVERLAY,
    "difference": Mode.DIFFERENCE,
}

_LOUDER = 0.05
"""Of full volume, for each press."""

_PART = 0.1
"""Of the whole opacity or width, for each press."""


class Deeds:
    """Does things; what changed by them is told by the signals of those it was done to."""

    def __init__(self, player: PairPlayer, view: PairView, sound: Sound) -> None:
        self._player = player
        self._view = view
        self._sound = sound
        self.steps_by_shuttle = False
        """K is held: J and L go frame by frame."""

    def by_id(self) -> Mapping[str, Callable[[], object]]:
        """Those that need no dialog and no window."""
        player, view = self._player, self._view
        return {
            "play": self.play,
            "reverse": partial(self._shuttle, -1),
            "stop": self._stop,
            "forward": partial(self._shuttle, 1),
            "slower": partial(self._change_speed, -1),
            "faster": partial(self._change_speed, 1),
            "loop": self._loop,
            "frame_back": partial(player.move, -1),
            "frame_on": partial(player.move, 1),
            "ten_back": partial(player.move, -10),
            "ten_on": partial(player.move, 10),
            "second_back": partial(player.move_s, -1.0),
            "second_on": partial(player.move_s, 1.0),
            "first": partial(player.seek, 0),
            "last": self._go_to_end,
            "change_back": partial(self._go_to_landmark, -1),
            "change_on": partial(self._go_to_landmark, 1),
            "mark_in": self._mark_in,
            "mark_out": self._mark_out,
            "go_in": partial(self._go_to_mark, 0),
            "go_out": partial(self._go_to_mark, 1),
            "clear_in": partial(player.mark_in, None),
            "clear_out": partial(player.mark_out, None),
            "clear_marks": self._clear_marks,
            "loop_marks": self._loop_marks,
            "mute": self._mute,
            "louder": partial(self._change_volume, _LOUDER),
            "quieter": partial(self._change_volume, -_LOUDER),
            "listen": self._listen_to_other,
            **{act_id: partial(self._choose_mode, mode) for act_id, mode in MODE_OF.items()},
            "turn_wipe": self._turn_wipe,
            "stronger": partial(self._strengthen, 1),
            "weaker": partial(self._strengthen, -1),
            "flip": self.flip,
            "heat": self._show_heat,
            "later": partial(player.nudge, 1),
            "earlier": partial(player.nudge, -1),
            "align": self._align,
            "reset_alignment": player.reset_alignment,
            "zoom_in": view.zoom_in,
            "zoom_out": view.zoom_out,
            "fit": view.fit,
            "actual_size": view.actual_size,
            "double_size": partial(view.zoom_to, 2.0),
            "pan_left": partial(self._look, 1, 0),
            "pan_right": partial(self._look, -1, 0),
            "pan_up": partial(self._look, 0, 1),
            "pan_down": partial(self._look, 0, -1),
        }

    def play(self) -> None:
        """Play forwards at normal speed when paused, whatever J, K and L did before; pause when playing."""
        if not self._player.is_playing and self._player.rate < 0:
            self._player.set_rate(1.0)
        self._player.toggle()

    def flip(self) -> None:
        """Let Before and After change places in the picture, or change back."""
        comparison = self._view.comparison
        self._view.set_comparison(replace(comparison, is_flipped=not comparison.is_flipped))

    def go_to(self, moment: Moment) -> None:
        """Go where the person wrote."""
        match moment:
            case AtTime(time_s=time_s):
                self._player.go_to_s(time_s)
            case AtFrame(number=number):
                self._player.seek(number - 1)
            case ByFrames(frames=frames):
                self._player.move(frames)
            case BySeconds(seconds=seconds):
                self._player.move_s(seconds)

    def _shuttle(self, way: int) -> None:
        if self.steps_by_shuttle:
            self._player.move(way)
            return
        now = Shuttle(self._player.rate if self._player.is_playing else None)
        rate = (now.forward() if way > 0 else now.back()).rate
        if rate is not None:
            self._player.set_rate(rate)
            self._player.play()

    def _stop(self) -> None:
        self._player.pause()
        self._player.set_rate(1.0)

    def _change_speed(self, way: int) -> None:
        rate = self._player.rate
        speeds = [speed for speed in SPEEDS if (speed - abs(rate)) * way > 0]
        if speeds:
            speed = min(speeds, key=lambda one: abs(one - abs(rate)))
            self._player.set_rate(speed if rate > 0 else -speed)

    def _loop(self) -> None:
        self._player.set_looping(not self._player.is_looping)

    def _go_to_end(self) -> None:
        if self._player.timeline is not None:
            self._player.seek(self._player.timeline.count - 1)

    def _go_to_landmark(self, way: int) -> None:
        step = self._player.step
        if step is None:
            return
        marks = {mark for mark in self._player.marks if mark is not None}
        landmarks = sorted(marks.union(peaks(self._player.changes)))
        ahead = [one for one in landmarks if (one - step) * way > 0]
        if ahead:
            self._player.seek(ahead[0] if way > 0 else ahead[-1])

    def _mark_in(self) -> None:
        self._player.mark_in(self._player.step)

    def _mark_out(self) -> None:
        self._player.mark_out(self._player.step)

    def _go_to_mark(self, which: int) -> None:
        mark = self._player.marks[which]
        if mark is not None:
            self._player.seek(mark)

    def _clear_marks(self) -> None:
        self._player.mark_in(None)
        self._player.mark_out(None)
        self._player.set_looping_marks(False)

    def _loop_marks(self) -> None:
        self._player.set_looping_marks(not self._player.loops_marks)

    def _mute(self) -> None:
        self._sound.set_muted(not self._sound.is_muted)

    def _change_volume(self, by: float) -> None:
        self._sound.set_volume(min(max(self._sound.volume + by, 0.0), 1.0))
        self._sound.set_muted(False)

    def _listen_to_other(self) -> None:
        self._sound.listen_to(self._sound.side.other)

    def _choose_mode(self, mode: Mode) -> None:
        self._view.set_comparison(replace(self._view.comparison, mode=mode, is_flipped=False))

    def _turn_wipe(self) -> None:
        comparison = self._view.comparison
        self._view.set_comparison(replace(comparison, mode=Mode.WIPE, wipes_across=not comparison.wipes_across))

    def _strengthen(self, way: int) -> None:
        """What the mode's own control does, also where there is no room for that."""
        now = self._view.comparison
        match now.mode:
            case Mode.WIPE:
                now = replace(now, wipe=min(max(now.wipe + way * _PART, 0.0), 1.0))
            case Mode.OVERLAY:
                now = replace(now, opacity=min(max(now.opacity + way * _PART, 0.0), 1.0))
            case Mode.DIFFERENCE:
                now = replace(now, gain=min(max(now.gain + way, GAIN_LEAST), GAIN_MOST))
            case _:
                return
        self._view.set_comparison(now)

    def _show_heat(self) -> None:
        comparison = self._view.comparison
        self._view.set_comparison(replace(comparison, shows_heat=not comparison.shows_heat))

    def _align(self) -> None:
        if self._player.alignment is not None:
            self._player.reset_alignment()
        else:
            self._player.align()

    def _look(self, across: int, down: int) -> None:
        far = theme.px(theme.CONTROL)
        self._view.pan(across * far, down * far)
