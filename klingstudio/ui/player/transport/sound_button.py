"""Volume and mute behind one button."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget, QWidgetAction

from klingstudio.ui import theme
from klingstudio.ui.player.actions import PlayerActions
from klingstudio.ui.player.playback.sound import Sound
from klingstudio.ui.player.transport.controls import Level, PlayerButton
from klingstudio.ui.widgets.icons import IconLabel

_QUIET = 0.5
"""Below this the icon has one wave less."""


class SoundButton(PlayerButton):
    """Shows how loud it is; opens a menu with the slider and who is listened to."""

    def __init__(self, sound: Sound, actions: PlayerActions, parent: QWidget) -> None:
        super().__init__("volume-2", self.tr("Sound"), "sound", parent)
        self._sound = sound
        menu = QMenu(self)
        place = QWidget(menu)
        self._level = Level(self.tr("Volume"), "volume", place)
        # Inside a menu there is no Tab; the keys for it are those of the louder and quieter lines.
        self._level.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._level.setMinimumWidth(theme.px(theme.LEVEL))
        self._level.setMaximumWidth(theme.px(theme.TAKES_WIDTH))
        row = QHBoxLayout(place)
        row.setContentsMargins(theme.px(theme.INSIDE), theme.px(theme.GAP), theme.px(theme.INSIDE), theme.px(theme.GAP))
        row.setSpacing(theme.px(theme.BETWEEN))
        row.addWidget(IconLabel("volume-1", "secondary", parent=place))
        row.addWidget(self._level, stretch=1)
        slider = QWidgetAction(menu)
        slider.setDefaultWidget(place)
        menu.addAction(slider)
        for act_id in ("mute", "louder", "quieter"):
            menu.addAction(actions[act_id])
        menu.addSeparator()
        for act_id in ("listen_before", "listen_after", "listen"):
            menu.addAction(actions[act_id])
        self.drop_down(menu)
        self._level.wished.connect(self._on_level)
        sound.changed.connect(self._refresh)
        self._refresh()

    def _on_level(self, value: int) -> None:
        self._sound.set_volume(value / 100)
        self._sound.set_muted(False)

    def _refresh(self) -> None:
        sound = self._sound
        self._level.show_level(round(sound.volume * 100))
        if sound.is_muted or sound.volume <= 0:
            self.show_icon("volume-x", self.tr("Sound: muted"))
        else:
            icon = "volume-1" if sound.volume < _QUIET else "volume-2"
            self.show_icon(icon, self.tr("Sound: {percent} %").format(percent=round(sound.volume * 100)))
