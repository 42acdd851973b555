"""The window of `klingstudio compare`, on real files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import Kind, Problem
from klingstudio.ui.dialogs.shortcuts import ShortcutsDialog
from klingstudio.ui.models.problems import Problems
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.text import Button
from klingstudio.ui.theme import Theme
from klingstudio.ui.window.comparer import TITLE, Comparer, told_apart
from tests.fakes.drag import Drag
from tests.unit.media.numbered_clips import BLUE, numbered_clip

LIMIT_MS = 20_000


class Desk:
    """A comparer on screen."""

    def __init__(self, qtbot: QtBot, looks: Theme) -> None:
        self.qtbot = qtbot
        self.problems = Problems()
        self.window = Comparer(looks)
        # Before it is closed: its files have threads of their own.
        qtbot.addWidget(self.window, before_close_func=lambda _: self.window.detach())
        self.window.show()
        self.window.furnish(self.problems)
        self.window.activateWindow()

    def until_shown(self, before: str, after: str) -> None:
        """Until pictures of these two files are on screen."""

        def is_shown() -> bool:
            clips = [self.window.player.clip(side) for side in Side]
            pair = self.window.player._player.pair
            names = [clip.name for clip in clips if clip is not None]
            return names == [before, after] and pair is not None and None not in (pair.before, pair.after)

        self.qtbot.waitUntil(is_shown, timeout=LIMIT_MS)

    def key(self, key: Qt.Key) -> None:
        """Press a key where the keyboard is."""
        QTest.keyClick(QApplication.focusWidget() or self.window, key)

    def half(self, side: Side) -> QPointF:
        """A place in the left or right half of the window."""
        share = 0.25 if side is Side.BEFORE else 0.75
        return QPointF(self.window.width() * share, self.window.height() / 2)


@pytest.fixture
def desk(qtbot: QtBot, looks: Theme) -> Iterator[Desk]:
    made = Desk(qtbot, looks)
    yield made
    made.window.detach()


@pytest.fixture
def clips(tmp_path: Path) -> tuple[Path, Path]:
    return numbered_clip(tmp_path / "street.mp4", 12), numbered_clip(tmp_path / "snow.mp4", 12, ink=BLUE)


def test_two_files_are_shown_side_by_side_and_named_in_the_title(desk: Desk, clips: tuple[Path, Path]) -> None:
    desk.window.open(*clips)
    desk.until_shown("street.mp4", "snow.mp4")

    assert desk.window.windowTitle() == f"{TITLE}: street.mp4 and snow.mp4"
    assert desk.window.player._view.comparison.mode == "side by side"
    assert not desk.window.player._player.is_playing


def test_the_keys_of_the_player_work_at_once(desk: Desk, clips: tuple[Path, Path]) -> None:
    desk.window.open(*clips)
    desk.until_shown("street.mp4", "snow.mp4")

    desk.key(Qt.Key.Key_Space)
    is_playing = desk.window.player._player.is_playing
    desk.key(Qt.Key.Key_Space)
    desk.key(Qt.Key.Key_4)

    assert is_playing
    assert not desk.window.player._player.is_playing
    assert desk.window.player._view.comparison.mode == "wipe"


def test_files_of_the_same_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    clip = tmp_path / "snow" / "clip.mp4"

    assert told_apart(Path("a/one.mp4"), Path("b/two.mp4")) == ("one.mp4", "two.mp4")
    assert told_apart(tmp_path / "street" / "clip.mp4", clip) == ("street/clip.mp4", "snow/clip.mp4")
    assert told_apart(tmp_path / "clip.mp4", clip) == (f"{tmp_path.name}/clip.mp4", "snow/clip.mp4")
    assert told_apart(clip, clip) == ("clip.mp4", "clip.mp4")


def test_a_damaged_file_is_said_in_the_window_and_the_other_is_shown(
    desk: Desk, clips: tuple[Path, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no film")

    desk.window.open(clips[0], broken)
    desk.qtbot.waitUntil(lambda: desk.window.messages.title != "", timeout=LIMIT_MS)
    desk.qtbot.waitUntil(lambda: desk.window.player._player.pair is not None, timeout=LIMIT_MS)

    assert desk.window.messages.title == "This is not a video"
    assert "broken.mp4" in desk.window.messages.hint
    # The comparer cannot answer the studio's buttons.
    assert desk.window.messages.button(Button.CHOOSE_VIDEO) is None


def test_what_was_said_of_a_file_goes_with_it(desk: Desk, clips: tuple[Path, Path], tmp_path: Path) -> None:
    desk.window.open(clips[0], tmp_path / "gone.mp4")
    desk.qtbot.waitUntil(lambda: desk.window.messages.title != "", timeout=LIMIT_MS)
    said = desk.window.messages.title

    desk.window.show_file(Side.AFTER, clips[1])
    desk.until_shown("street.mp4", "snow.mp4")

    assert said == "This file cannot be found"
    assert desk.window.messages.title == ""


def test_an_unexpected_error_is_said_in_the_window(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.problems.report("the window", ZeroDivisionError("a slot"))

    assert desk.window.messages.title == "Something unexpected happened"
    assert "a slot" in caplog.text


# --- files that are dropped --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", list(Side))
def test_a_video_goes_to_the_half_it_is_dropped_on(desk: Desk, clips: tuple[Path, Path], side: Side) -> None:
    drag = Drag(desk.window, [clips[0]], desk.half(side))

    drag.enter()
    words = [light.words for light in desk.window.halves.lights.values()]
    can_move, is_taken = drag.move(), drag.drop()

    verb = f"Show street.mp4 as {'Before' if side is Side.BEFORE else 'After'}"
    assert words == ([verb, ""] if side is Side.BEFORE else ["", verb])
    assert can_move
    assert is_taken
    assert desk.window.player.clip(side) is not None
    assert desk.window.player.clip(side.other) is None
    assert not desk.window.halves.isVisible()


def test_two_videos_take_a_side_each_and_a_third_is_left_out(desk: Desk, clips: tuple[Path, Path]) -> None:
    third = clips[0].with_name("third.mp4")
    drag = Drag(desk.window, [*clips, third], desk.half(Side.AFTER))

    drag.enter()
    words = [light.words for light in desk.window.halves.lights.values()]
    drag.drop()
    desk.until_shown("street.mp4", "snow.mp4")

    assert words == ["Show street.mp4 as Before", "Show snow.mp4 as After"]
    assert desk.window.toast.words == "Two at a time: street.mp4 and snow.mp4 are used"
    assert desk.window.windowTitle() == f"{TITLE}: street.mp4 and snow.mp4"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("sky.png", "Only videos can be compared"), ("notes.pdf", "PDF is not a video or picture")],
)
def test_what_is_no_video_is_refused_with_the_reason(desk: Desk, tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / name).write_bytes(b"%PDF-1.7")
    drag = Drag(desk.window, [tmp_path / name])

    drag.enter()
    words = {light.words for light in desk.window.halves.lights.values()}
    can_move, is_taken = drag.move(), drag.drop()

    assert words == {reason}
    assert not can_move
    assert not is_taken
    assert desk.window.player.clip(Side.BEFORE) is None


def test_the_lights_go_out_when_the_pointer_leaves(desk: Desk, clips: tuple[Path, Path]) -> None:
    drag = Drag(desk.window, clips)

    drag.enter()
    was_lit = desk.window.halves.isVisible()
    drag.leave()

    assert was_lit
    assert not desk.window.halves.isVisible()


# --- menus, keys, screen -----------------------------------------------------------------------------------------------


def test_no_key_is_used_twice_and_every_act_of_the_player_has_a_line(desk: Desk) -> None:
    bar = desk.window.menuBar()

    actions = [action for menu in bar.findChildren(QMenu) for action in menu.actions()]
    keys = [sequence.toString() for action in actions for sequence in action.shortcuts()]
    names = {action.objectName() for action in actions}

    assert len(keys) == len(set(keys))
    assert {"Ctrl+O", "Ctrl+Shift+O", "Ctrl+Q", "F1"} <= set(keys)
    assert {"play", "wipe", "save_frame", "full_screen"} <= names
    assert not {"detach", "use_before", "use_after"} & names


def test_before_the_player_is_there_the_window_can_be_used_without_harm(qtbot: QtBot, looks: Theme) -> None:
    window = Comparer(looks)
    qtbot.addWidget(window)
    with qtbot.waitSignal(window.painted, timeout=LIMIT_MS):
        window.show()

    offered = {action.text(): action.isEnabled() for action in window.menuBar().actions()}
    QTest.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(window, Qt.Key.Key_Tab)
    with qtbot.waitSignal(window.closed, timeout=LIMIT_MS):
        window.close()
    window.detach()

    assert offered == {"File": True, "Playback": False, "Compare": False, "View": True, "Help": True}
    assert window.windowTitle() == TITLE


def test_the_player_takes_the_whole_screen_and_escape_gives_it_back(desk: Desk, clips: tuple[Path, Path]) -> None:
    desk.window.open(*clips)
    desk.until_shown("street.mp4", "snow.mp4")

    desk.key(Qt.Key.Key_F)
    inside = desk.window.isFullScreen(), desk.window.menuBar().isVisible()
    desk.key(Qt.Key.Key_Escape)
    outside = desk.window.isFullScreen(), desk.window.menuBar().isVisible()

    assert inside == (True, False)
    assert outside == (False, True)


def test_a_maximised_window_is_maximised_again_after_the_full_screen(desk: Desk) -> None:
    desk.window.showMaximized()

    desk.window.toggle_full_screen()
    desk.window.toggle_full_screen()

    assert desk.window.isMaximized()


def test_the_page_of_shortcuts_has_the_keys_of_this_window_only(desk: Desk) -> None:
    desk.window.open_shortcuts()

    dialog = desk.window.findChild(ShortcutsDialog)
    assert isinstance(dialog, ShortcutsDialog)
    rows = {row for group in dialog.groups for row in group.shown}

    assert ("Open Before", "Ctrl+O") in rows
    assert any(does.startswith("Play or pause") for does, _ in rows)
    assert not any("window of its own" in does for does, _ in rows)
    assert dialog.isVisible()


def test_every_control_has_a_name_and_the_tab_key_goes_round(desk: Desk, clips: tuple[Path, Path]) -> None:
    desk.window.open(*clips)
    desk.until_shown("street.mp4", "snow.mp4")

    kinds = (QAbstractButton, QAbstractSlider, QLineEdit)
    controls = [w for kind in kinds for w in desk.window._inside.findChildren(kind) if w.isVisible()]
    nameless = [w for w in controls if not QAccessible.queryAccessibleInterface(w).text(QAccessible.Text.Name)]
    reached = []
    while (focus := QApplication.focusWidget()) not in reached:
        assert focus is not None
        reached.append(focus)
        QTest.keyClick(focus, Qt.Key.Key_Tab)

    assert len(controls) > 10
    assert nameless == []
    assert {w for w in controls if w.isEnabled() and w.focusPolicy() & Qt.FocusPolicy.TabFocus} <= set(reached)


def test_the_theme_is_chosen_in_the_menu(desk: Desk, looks: Theme) -> None:
    choices = {action.text(): action for menu in desk.window.findChildren(QMenu) for action in menu.actions()}

    choices["Light"].trigger()
    was_dark = looks.is_dark
    choices["Dark"].trigger()

    assert not was_dark
    assert looks.is_dark


def test_the_kind_of_a_problem_stays_as_found(desk: Desk, clips: tuple[Path, Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clips[1].read_bytes()[:200])
    seen: list[Problem] = []
    desk.window.player.clip_problem.connect(seen.append)

    desk.window.open(clips[0], cut)
    desk.qtbot.waitUntil(lambda: bool(seen), timeout=LIMIT_MS)

    # It is a file here, and no take that could be fetched again.
    assert seen[0].kind is not Kind.RESULT_DAMAGED
