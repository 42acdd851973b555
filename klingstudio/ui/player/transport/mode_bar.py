"""The row above the picture: how the two clips are laid against each other, how closely one looks, what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from klingstudio.ui.player.actions import ACTS, PlayerActions, tooltip
from klingstudio.ui.player.comparison import GAIN_LEAST, GAIN_MOST, Comparison, Mode
from klingstudio.ui.player.transport.controls import Choice, Level, PlayerButton, Segment, WordButton
from klingstudio.ui.player.transport.row import Row

_FRAME_LINES = (
    ("save_frame", "copy_frame"),
    ("save_before", "save_after", "save_comparison"),
    ("copy_before", "copy_after"),
    ("use_before", "use_after"),
)


class ModeBar(Row):
    """Modes as a segment, beside it the one control that the chosen mode has."""

    comparison_wished = Signal(object)  # Comparison
    touched = Signal()

    def __init__(self, actions: PlayerActions, side_menus: Sequence[QMenu], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self._comparison = Comparison()
        self._modes = Segment(
            (
                Choice(actions["before"], self.tr("Before")),
                Choice(actions["after"], self.tr("After")),
                Choice(actions["side_by_side"], self.tr("Side"), "columns-2"),
                Choice(actions["wipe"], self.tr("Wipe"), "square-split-horizontal"),
                Choice(actions["overlay"], self.tr("Overlay"), "blend"),
                Choice(actions["difference"], self.tr("Difference"), "diff"),
            ),
            self.tr("Compare"),
            self,
        )
        self._opacity = Level(self.tr("Opacity of After"), "opacity", self)
        self._gain = Level(self.tr("Gain"), "gain", self)
        self._gain.setRange(round(GAIN_LEAST), round(GAIN_MOST))
        self._gain.setSingleStep(1)
        self._gain.setPageStep(4)
        self._turn = self._button("square-split-vertical", "turn_wipe")
        self._heat = self._button("flame", "heat")
        self._zoom = WordButton("zoom", self)
        self._zoom.setMenu(self._zooms())
        self._frame = PlayerButton("camera", self.tr("Save or copy the frame"), "frameMenu", self)
        self._frame.drop_down(self._frames())
        self._full_screen = self._button("maximize", "full_screen")
        self._more = PlayerButton("ellipsis", self.tr("All actions"), "more", self)
        self._more.drop_down(self._everything(side_menus))

        self.add(self._modes)
        self.add_gap()
        for widget in (self._opacity, self._gain, self._turn):
            self.add(widget)
        self.add_stretch()
        for button in (self._heat, self._zoom, self._frame, self._full_screen, self._more):
            self.add(button)
        self.let_go(
            self._modes, self._turn, self._zoom, self._heat, self._frame, self._gain, self._opacity, self._full_screen
        )
        self._opacity.wished.connect(self._on_opacity)
        self._gain.wished.connect(self._on_gain)
        for pressed in (self._turn, self._heat, self._frame, self._full_screen, self._more):
            pressed.touched.connect(self.touched)
        for other in (self._modes, self._zoom):
            other.touched.connect(self.touched)
        self.show_zoom(None, 1.0)
        self.show_comparison(self._comparison, is_paired=False)

    def show_comparison(self, comparison: Comparison, *, is_paired: bool) -> None:
        """What is chosen. With one clip there is nothing to choose."""
        self._comparison = comparison
        self._opacity.show_level(round(comparison.opacity * 100))
        self._opacity.setToolTip(
            self.tr("Opacity of After: {percent} %").format(percent=round(comparison.opacity * 100))
        )
        self._gain.show_level(round(comparison.gain))
        self._gain.setToolTip(self.tr("Gain: {times}×").format(times=round(comparison.gain)))
        self._turn.show_icon(
            "square-split-horizontal" if comparison.wipes_across else "square-split-vertical",
            tooltip(ACTS["turn_wipe"]),
        )
        self.want(self._modes, is_paired)
        self.want(self._heat, is_paired)
        self.want(self._opacity, is_paired and comparison.mode is Mode.OVERLAY)
        self.want(self._gain, is_paired and comparison.mode is Mode.DIFFERENCE)
        self.want(self._turn, is_paired and comparison.mode is Mode.WIPE)

    def show_zoom(self, zoom: float | None, scale: float) -> None:
        """`zoom`: device pixels per pixel of the clip, None where it fits; `scale`: the same as it is now."""
        percent = f"{round(scale * 100)} %"
        words = self.tr("Fit") if zoom is None else percent
        self._zoom.say(words, self.tr("Zoom: {words}").format(words=percent if zoom is not None else words))

    def show_full_screen(self, is_full: bool) -> None:
        """Whether the player has the screen for itself."""
        self._full_screen.show_icon("minimize" if is_full else "maximize", tooltip(ACTS["full_screen"]))

    def _button(self, icon: str, act_id: str) -> PlayerButton:
        button = PlayerButton(icon, tooltip(ACTS[act_id]), act_id, self)
        button.obey(self._actions[act_id])
        return button

    def _zooms(self) -> QMenu:
        menu = QMenu(self)
        menu.addActions([self._actions[name] for name in ("fit", "actual_size", "double_size")])
        menu.addSeparator()
        menu.addActions([self._actions[name] for name in ("zoom_in", "zoom_out")])
        return menu

    def _frames(self) -> QMenu:
        menu = QMenu(self)
        for names in _FRAME_LINES:
            menu.addSeparator()
            menu.addActions([self._actions[name] for name in names if name in self._actions.offered])
        return menu

    def _everything(self, side_menus: Sequence[QMenu]) -> QMenu:
        menu = QMenu(self)
        for side_menu in side_menus:
            menu.addMenu(side_menu)
        menu.addSeparator()
        for group in self._actions.groups:
            menu.addMenu(group.title).addActions(list(group.actions))
        return menu

    def _on_opacity(self, value: int) -> None:
        self.comparison_wished.emit(replace(self._comparison, opacity=value / 100))

    def _on_gain(self, value: int) -> None:
        self.comparison_wished.emit(replace(self._comparison, gain=float(value)))
