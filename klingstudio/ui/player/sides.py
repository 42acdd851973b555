"""What can be put on either side of the player, and the menu it is chosen from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from klingstudio.ui.player.playback.pair import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerClip:
    """A clip on offer: the source, a take, or another video."""

    key: str
    """Tells it from the others; the same clip keeps its key."""
    name: str
    """As the menu calls it: `Source`, `v02`, a file's name."""
    path: Path
    starts_at_s: float | None = None
    """Time in the source at which it begins, where it was cut. None: not known, found out by looking."""
    is_take: bool = False
    """What is wrong with its file is then said of the take."""


class Sides(QObject):
    """What lies on the two sides and what else could."""

    chosen = Signal(object, object)  # Side, PlayerClip
    other_video_wanted = Signal(object)  # Side

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._offered: tuple[PlayerClip, ...] = ()
        self._opened: list[PlayerClip] = []
        """Videos that were opened here, for both sides."""
        self._shown: dict[Side, PlayerClip | None] = {Side.BEFORE: None, Side.AFTER: None}

    def offer(self, clips: Sequence[PlayerClip]) -> None:
        """Replace what can be chosen. What is shown stays."""
        self._offered = tuple(clips)

    def put(self, side: Side, clip: PlayerClip | None) -> None:
        """Remember what lies on a side."""
        self._shown[side] = clip

    def swap(self) -> None:
        """Remember that the two have changed places."""
        self._shown = {Side.BEFORE: self._shown[Side.AFTER], Side.AFTER: self._shown[Side.BEFORE]}

    def open(self, path: Path) -> PlayerClip:
        """A video from anywhere, which stays on offer."""
        clip = next((one for one in self._opened if one.path == path), None)
        if clip is None:
            clip = PlayerClip(key=str(path), name=path.name, path=path)
            self._opened.append(clip)
        return clip

    def shown(self, side: Side) -> PlayerClip | None:
        return self._shown[side]

    def clip(self, key: str) -> PlayerClip | None:
        """One of those that can be chosen."""
        return next((clip for clip in self.choices() if clip.key == key), None)

    def choices(self) -> list[PlayerClip]:
        """All that can be chosen, each once; what is shown is always among it."""
        shown = [clip for clip in self._shown.values() if clip is not None]
        found: dict[str, PlayerClip] = {}
        for clip in (*self._offered, *shown, *self._opened):
            found.setdefault(clip.key, clip)
        return list(found.values())

    def fill(self, menu: QMenu, side: Side) -> None:
        """Make a menu of the choices for one side."""
        menu.clear()
        for old in menu.findChildren(QActionGroup):
            old.deleteLater()
        group = QActionGroup(menu)
        shown = self._shown[side]
        for clip in self.choices():
            action = menu.addAction(clip.name.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(shown is not None and clip.key == shown.key)
            action.setActionGroup(group)
            action.triggered.connect(self._choice(side, clip))
        menu.addSeparator()
        menu.addAction(self.tr("Open another video…")).triggered.connect(self._opening(side))

    def menu(self, side: Side, title: str, parent: QWidget) -> QMenu:
        """A menu that always shows what can be chosen at the moment it opens."""
        menu = QMenu(title, parent)
        menu.aboutToShow.connect(lambda: self.fill(menu, side))
        return menu

    def _choice(self, side: Side, clip: PlayerClip) -> Callable[[], None]:
        return lambda: self.chosen.emit(side, clip)

    def _opening(self, side: Side) -> Callable[[], None]:
        return lambda: self.other_video_wanted.emit(side)
