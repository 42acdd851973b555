"""Everything the player can be asked to do, in one table: it feeds the keys, the menus and the page of shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence


class Keep(StrEnum):
    """Controls that use a key themselves while they have the focus."""

    NONE = "none"
    PRESSED = "pressed"
    """Buttons, lists and boxes, which use Space."""
    MOVED = "moved"
    """Lists, boxes and sliders, which use arrows, Home and End."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing the player can do."""

    id: str
    words: str
    keys: tuple[str, ...] = ()
    """As `QKeySequence` reads them; the first is the one that is shown."""
    keep: Keep = Keep.NONE
    repeats: bool = False
    """A key that is held down does it again and again."""
    ticks: bool = False
    """It is on or off."""


@dataclass(frozen=True, slots=True)
class ActGroup:
    """What belongs together: a part of a menu."""

    title: str
    menu: str
    """Title of the menu it is a part of."""
    acts: tuple[Act, ...]


TABLE: tuple[ActGroup, ...] = (
    ActGroup(
        "Playback",
        "Playback",
        (
            Act("play", "Play or pause", ("Space",), Keep.PRESSED),
            Act("reverse", "Play backwards, again: faster", ("J",)),
            Act("stop", "Stop", ("K",)),
            Act("forward", "Play forwards, again: faster", ("L",)),
            Act("slower", "Slower", ("[",)),
            Act("faster", "Faster", ("]",)),
            Act("loop", "Loop", ("\\",), ticks=True),
        ),
    ),
    ActGroup(
        "Going through the frames",
        "Playback",
        (
            Act("frame_back", "One frame back", ("Left", ","), Keep.MOVED, repeats=True),
            Act("frame_on", "One frame forward", ("Right", "."), Keep.MOVED, repeats=True),
            Act("ten_back", "Ten frames back", ("Shift+Left",), Keep.MOVED, repeats=True),
            Act("ten_on", "Ten frames forward", ("Shift+Right",), Keep.MOVED, repeats=True),
            Act("second_back", "One second back", ("Shift+J",), repeats=True),
            Act("second_on", "One second forward", ("Shift+L",), repeats=True),
            Act("first", "First frame", ("Home",), Keep.MOVED),
            Act("last", "Last frame", ("End",), Keep.MOVED),
            Act("change_back", "Previous mark or change", ("Up",), Keep.MOVED),
            Act("change_on", "Next mark or change", ("Down",), Keep.MOVED),
            Act("go_to", "Go to time…", ("G",)),
        ),
    ),
    ActGroup(
        "Marks",
        "Playback",
        (
            Act("mark_in", "Mark in", ("I",)),
            Act("mark_out", "Mark out", ("O",)),
            Act("go_in", "Go to the in mark", ("Shift+I",)),
            Act("go_out", "Go to the out mark", ("Shift+O",)),
            Act("clear_in", "Clear the in mark", ("Alt+I",)),
            Act("clear_out", "Clear the out mark", ("Alt+O",)),
            Act("clear_marks", "Clear both marks", ("Alt+X",)),
            Act("loop_marks", "Loop between the marks", ("Shift+\\",), ticks=True),
        ),
    ),
    ActGroup(
        "Sound",
        "Playback",
        (
            Act("listen", "Listen to the other side", ("A",)),
            Act("listen_before", "Listen to Before", ticks=True),
            Act("listen_after", "Listen to After", ticks=True),
            Act("mute", "Mute", ("M",), ticks=True),
            Act("louder", "Louder", ("Alt+Up",), repeats=True),
            Act("quieter", "Quieter", ("Alt+Down",), repeats=True),
        ),
    ),
    ActGroup(
        "Compare",
        "Compare",
        (
            Act("before", "Before", ("1",), ticks=True),
            Act("after", "After", ("2",), ticks=True),
            Act("side_by_side", "Side by side", ("3",), ticks=True),
            Act("wipe", "Wipe", ("4",), ticks=True),
            Act("overlay", "Overlay", ("5",), ticks=True),
            Act("difference", "Difference", ("6",), ticks=True),
            Act("turn_wipe", "Turn the divider"),
            Act("stronger", "More opacity or gain, divider further"),
            Act("weaker", "Less opacity or gain, divider back"),
            Act("flip", "Flip Before and After, held: for the moment", ("X",), ticks=True),
            Act("swap", "Swap the sides", ("Shift+S",)),
            Act("heat", "Show where they differ", ("H",), ticks=True),
        ),
    ),
    ActGroup(
        "Alignment",
        "Compare",
        (
            Act("later", "After one frame later", ("Alt++", "Alt+="), repeats=True),
            Act("earlier", "After one frame earlier", ("Alt+-",), repeats=True),
            Act("align", "Align automatically", ticks=True),
            Act("reset_alignment", "Reset the alignment"),
        ),
    ),
    ActGroup(
        "Zoom",
        "Compare",
        (
            Act("zoom_in", "Zoom in", ("+", "="), repeats=True),
            Act("zoom_out", "Zoom out", ("-",), repeats=True),
            Act("fit", "Fit", ("0",)),
            Act("actual_size", "100 %", ("Shift+1",)),
            Act("double_size", "200 %"),
            Act("pan_left", "Look further left", ("Ctrl+Shift+Left",), repeats=True),
            Act("pan_right", "Look further right", ("Ctrl+Shift+Right",), repeats=True),
            Act("pan_up", "Look further up", ("Ctrl+Shift+Up",), repeats=True),
            Act("pan_down", "Look further down", ("Ctrl+Shift+Down",), repeats=True),
        ),
    ),
    ActGroup(
        "Frame",
        "Compare",
        (
            Act("save_frame", "Save the frame as shown…", ("C",)),
            Act("copy_frame", "Copy the frame as shown", ("Shift+C",)),
            Act("save_before", "Save the frame of Before…"),
            Act("save_after", "Save the frame of After…"),
            Act("save_comparison", "Save the comparison…"),
            Act("copy_before", "Copy the frame of Before"),
            Act("copy_after", "Copy the frame of After"),
            Act("use_before", "Use Before as a reference image"),
            Act("use_after", "Use After as a reference image"),
        ),
    ),
    ActGroup(
        "Screen",
        "Compare",
        (
            Act("full_screen", "Player on the full screen", ("F", "F11"), ticks=True),
            Act("detach", "Player in a window of its own", ("D",), ticks=True),
        ),
    ),
)


MODES = ("before", "after", "side_by_side", "wipe", "overlay", "difference")
_ONE_OF = (MODES, ("listen_before", "listen_after"))
"""Of these one is on, never two."""

ACTS = {act.id: act for group in TABLE for act in group.acts}


@dataclass(frozen=True, slots=True)
class ActionGroup:
    """A part of a menu, made."""

    title: str
    menu: str
    actions: tuple[QAction, ...]


class PlayerActions(QObject):
    """The table as actions. Their keys are shown beside the words; who listens to them is `Keys`."""

    def __init__(
        self, does: Mapping[str, Callable[[], object]], parent: QObject, *, leaves_out: Collection[str] = ()
    ) -> None:
        """`does`: what happens, by id; each act of the table must be there. `leaves_out`: ids that have no place here."""
        super().__init__(parent)
        self._made: dict[str, QAction] = {}
        for act_id, act in ACTS.items():
            self._made[act_id] = self._make(act, does[act_id])
        offered = [(group, [act for act in group.acts if act.id not in leaves_out]) for group in TABLE]
        self.groups = tuple(
            ActionGroup(group.title, group.menu, tuple(self._made[act.id] for act in acts)) for group, acts in offered
        )
        for ids in _ONE_OF:
            group = QActionGroup(self)
            for act_id in ids:
                group.addAction(self._made[act_id])
        self.offered: frozenset[str] = frozenset(act.id for _group, acts in offered for act in acts)

    def __getitem__(self, act_id: str) -> QAction:
        return self._made[act_id]

    def enable(self, act_ids: Iterable[str], is_enabled: bool) -> None:
        """Offer these, or show them grey."""
        for act_id in act_ids:
            self._made[act_id].setEnabled(is_enabled)

    def _make(self, act: Act, does: Callable[[], object]) -> QAction:
        # A key that belonged to the action would be dead, and its line grey, wherever a text field has the focus.
        action = QAction(f"{act.words}\t{shown_key(act)}" if act.keys else act.words, self)
        action.setObjectName(act.id)
        action.setToolTip(tooltip(act))
        action.setCheckable(act.ticks)
        action.triggered.connect(_without_argument(does))
        return action


def shown_key(act: Act) -> str:
    """The first key as the system writes it."""
    return QKeySequence(act.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if act.keys else ""


def tooltip(act: Act) -> str:
    """Words and key, for a button."""
    words = act.words.removesuffix("…")
    return f"{words} ({shown_key(act)})" if act.keys else words


def key_rows(leaves_out: Collection[str] = ()) -> list[tuple[str, list[tuple[str, str]]]]:
    """For the page of shortcuts: the groups, and in each what is done and by which keys."""
    native = QKeySequence.SequenceFormat.NativeText
    rows = []
    for group in TABLE:
        acts = [act for act in group.acts if act.keys and act.id not in leaves_out]
        if acts:
            keys = ["  or  ".join(QKeySequence(key).toString(native) for key in act.keys) for act in acts]
            rows.append(
                (group.title, [(act.words.removesuffix("…"), key) for act, key in zip(acts, keys, strict=True)])
            )
    return rows


def _without_argument(does: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        does()

    return run
