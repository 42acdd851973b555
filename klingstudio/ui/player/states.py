"""Menus, buttons and marks that tell the truth: what can be done now, and what is on."""

from __future__ import annotations

from PySide6.QtCore import QObject

from klingstudio.ui.player.actions import MODES, PlayerActions
from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.player.deeds import MODE_OF
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.player.playback.player import PairPlayer
from klingstudio.ui.player.playback.sound import Sound
from klingstudio.ui.player.sides import Sides
from klingstudio.ui.player.transport.mode_bar import ModeBar
from klingstudio.ui.player.transport.transport import Transport

_NEEDS_CLIP = frozenset(
    {
        *("play", "reverse", "forward", "frame_back", "frame_on", "ten_back", "ten_on", "second_back", "second_on"),
        *("first", "last", "change_back", "change_on", "go_to", "mark_in", "mark_out", "loop_marks"),
        *("zoom_in", "zoom_out", "fit", "actual_size", "double_size", "pan_left", "pan_right", "pan_up", "pan_down"),
        *("save_frame", "copy_frame"),
    }
)
_NEEDS_PAIR = frozenset(
    {
        *MODES,
        *("turn_wipe", "stronger", "weaker", "flip", "heat", "later", "earlier", "align", "reset_alignment"),
        *("save_comparison", "listen", "listen_before", "listen_after"),
    }
)
_NEEDS_SIDE = {
    Side.BEFORE: ("save_before", "copy_before", "use_before"),
    Side.AFTER: ("save_after", "copy_after", "use_after"),
}


class States(QObject):
    """Reads the player, the picture and the sound; writes the actions and the two rows."""

    def __init__(
        self,
        player: PairPlayer,
        view: PairView,
        sound: Sound,
        sides: Sides,
        actions: PlayerActions,
        modes: ModeBar,
        transport: Transport,
    ) -> None:
        super().__init__(player)
        self._player = player
        self._view = view
        self._sound = sound
        self._sides = sides
        self._actions = actions
        self._modes = modes
        self._transport = transport
        self._player.rate_changed.connect(transport.show_rate)
        self._player.marks_changed.connect(self.show_marks)
        self._player.alignment_changed.connect(self.show_alignment)
        self._view.comparison_changed.connect(self.show_comparison)
        self._view.zoom_changed.connect(self.show_zoom)
        self._sound.changed.connect(self.show_sound)

    @property
    def is_paired(self) -> bool:
        """Two clips are there, to be compared."""
        timeline = self._player.timeline
        return timeline is not None and timeline.following is not None

    def refresh(self) -> None:
        """After other clips: everything at once."""
        timeline, is_paired = self._player.timeline, self.is_paired
        has_steps = timeline is not None and timeline.count > 0
        self._actions.enable(_NEEDS_CLIP, has_steps)
        self._actions.enable(_NEEDS_PAIR, is_paired)
        for side, act_ids in _NEEDS_SIDE.items():
            self._actions.enable(act_ids, has_steps and self._player.frame(side, 0) is not None)
        self._actions.enable(("swap",), any(self._sides.shown(side) is not None for side in Side))
        self._transport.show_paired(is_paired)
        self._transport.show_rate(self._player.rate)
        self.show_comparison()
        self.show_marks()
        self.show_alignment()
        self.show_zoom()
        self.show_sound()

    def show_comparison(self) -> None:
        """How the two are laid against each other."""
        comparison = self._view.comparison
        for act_id, mode in MODE_OF.items():
            self._actions[act_id].setChecked(comparison.mode is mode)
        self._actions["flip"].setChecked(comparison.is_flipped)
        self._actions["heat"].setChecked(comparison.shows_heat)
        self._modes.show_comparison(comparison, is_paired=self.is_paired)

    def show_marks(self) -> None:
        """Where the marks are, and what is played round."""
        begin, end = self._player.marks
        loops = self._player.loops_marks
        self._transport.bar.show_marks(begin, end, is_looping=loops)
        self._actions["loop"].setChecked(self._player.is_looping)
        self._actions["loop_marks"].setChecked(loops)
        self._actions.enable(("go_in", "clear_in"), begin is not None)
        self._actions.enable(("go_out", "clear_out"), end is not None)
        self._actions.enable(("clear_marks",), begin is not None or end is not None or loops)

    def show_alignment(self) -> None:
        """By how much After is shifted, and why."""
        found, frames = self._player.alignment, self._player.nudged
        self._actions["align"].setChecked(found is not None)
        is_shifted = (found is not None and abs(found.offset_s) > 0) or frames != 0
        self._actions.enable(("reset_alignment",), self.is_paired and is_shifted)
        parts = []
        if found is not None and found.offset_s:
            parts.append(f"{found.offset_s:+.2f} s")
        if frames:
            parts.append(f"{frames:+d} f")
        words = " ".join(parts).replace("-", "\N{MINUS SIGN}")
        name = self.tr("After is shifted by {shift}").format(shift=words)
        button = self.tr("After {shift}").format(shift=words)
        self._transport.show_shift(button if words and self.is_paired else None, name)

    def show_zoom(self) -> None:
        """How closely one looks."""
        self._modes.show_zoom(self._view.zoom, self._view.scale if self._player.timeline is not None else 1.0)

    def show_sound(self) -> None:
        """Who is heard."""
        self._actions["mute"].setChecked(self._sound.is_muted)
        self._actions["listen_before"].setChecked(self._sound.side is Side.BEFORE)
        self._actions["listen_after"].setChecked(self._sound.side is Side.AFTER)
