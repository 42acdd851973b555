"""What a person does with the player as a whole: modes, sound, sides, and the window around it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import Kind
from klingstudio.ui.player.actions import ACTS, TABLE, key_rows
from klingstudio.ui.player.comparison import Mode
from klingstudio.ui.player.panel import PlayerPanel
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.player.sides import PlayerClip
from klingstudio.ui.player.transport.mode_bar import ModeBar
from tests.ui.player.conftest import Stage, found

NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
K = Qt.Key


# --- the table --------------------------------------------------------------------------------------------------------


def test_no_key_means_two_things() -> None:
    keys = [QKeySequence(key).toString() for act in ACTS.values() for key in act.keys]

    assert all(keys)
    assert len(keys) == len(set(keys))


def test_the_page_of_shortcuts_has_every_act_with_a_key_and_leaves_out_what_is_not_there() -> None:
    rows = [words for _title, rows in key_rows({"detach"}) for words, _keys in rows]

    assert len(rows) == sum(1 for act in ACTS.values() if act.keys) - 1
    assert ("Go to time", "G") in [row for _title, rows in key_rows() for row in rows]


def test_the_menus_offer_the_whole_table(stage: Stage) -> None:
    groups = stage.panel.action_groups()

    assert [group.title for group in groups] == [group.title for group in TABLE]
    assert [action.objectName() for group in groups for action in group.actions] == list(ACTS)
    assert {group.menu for group in groups} == {"Playback", "Compare"}


def test_what_is_left_out_is_in_no_menu_and_has_no_key(qtbot: QtBot) -> None:
    panel = PlayerPanel(leaves_out=("detach",))
    qtbot.addWidget(panel)
    panel.show()
    asked: list[bool] = []
    panel.detach_wanted.connect(lambda: asked.append(True))

    QTest.keyClick(panel, K.Key_D)

    assert not asked
    assert "detach" not in {action.objectName() for group in panel.action_groups() for action in group.actions}
    panel.close_clips()


def test_nothing_can_be_done_with_nothing(stage: Stage) -> None:
    enabled = {a.objectName() for group in stage.panel.action_groups() for a in group.actions if a.isEnabled()}

    assert enabled == {
        *("stop", "slower", "faster", "loop", "mute", "louder", "quieter", "full_screen", "detach"),
    }
    for key in (K.Key_Space, K.Key_Left, K.Key_End, K.Key_J, K.Key_I, K.Key_X, K.Key_3, K.Key_C, K.Key_G, K.Key_Plus):
        stage.press(key)
    assert stage.player.pair is None


# --- modes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "name", "mode"),
    [
        (K.Key_1, "before", Mode.BEFORE),
        (K.Key_2, "after", Mode.AFTER),
        (K.Key_3, "side_by_side", Mode.SIDE_BY_SIDE),
        (K.Key_4, "wipe", Mode.WIPE),
        (K.Key_5, "overlay", Mode.OVERLAY),
        (K.Key_6, "difference", Mode.DIFFERENCE),
    ],
)
def test_a_mode_is_chosen_by_key_and_by_button(pair: Stage, key: Qt.Key, name: str, mode: Mode) -> None:
    pair.press(key)
    assert pair.view.comparison.mode is mode
    chosen = [one.objectName() for one in found(pair.panel, ModeBar).findChildren(QToolButton) if one.isChecked()]
    assert chosen == [name]

    pair.press(K.Key_1 if key != K.Key_1 else K.Key_2)
    pair.click(pair.button(name))
    # Once more: what is chosen stays chosen.
    pair.click(pair.button(name))

    assert pair.view.comparison.mode is mode
    assert pair.button(name).isChecked()
    assert pair.view.hasFocus()


def test_each_mode_brings_its_own_control_and_no_other(pair: Stage) -> None:
    shown = {}
    for key in (K.Key_3, K.Key_4, K.Key_5, K.Key_6):
        pair.press(key)
        names = ("turn_wipe", "opacity", "gain")
        shown[pair.view.comparison.mode] = [name for name in names if found(pair.panel, QWidget, name).isVisible()]

    assert shown == {
        Mode.SIDE_BY_SIDE: [],
        Mode.WIPE: ["turn_wipe"],
        Mode.OVERLAY: ["opacity"],
        Mode.DIFFERENCE: ["gain"],
    }


def test_the_sliders_change_the_picture_by_keyboard_too(pair: Stage) -> None:
    pair.press(K.Key_5)
    opacity = found(pair.panel, QWidget, "opacity")
    opacity.setFocus()
    QTest.keyClick(opacity, K.Key_End)
    assert pair.view.comparison.opacity == 1.0

    pair.press(K.Key_6)
    gain = found(pair.panel, QWidget, "gain")
    gain.setFocus()
    QTest.keyClick(gain, K.Key_Right)
    assert pair.view.comparison.gain == 5.0
    assert pair.player.step == 30


@pytest.mark.parametrize(
    ("key", "value"), [(K.Key_4, "wipe"), (K.Key_5, "opacity"), (K.Key_6, "gain"), (K.Key_3, "wipe")]
)
def test_what_a_slider_does_is_in_the_menu_too(pair: Stage, key: Qt.Key, value: str) -> None:
    pair.press(key)
    actions = {a.objectName(): a for group in pair.panel.action_groups() for a in group.actions}
    values = [getattr(pair.view.comparison, value)]
    for act_id in ("stronger", "weaker", "weaker"):
        actions[act_id].trigger()
        values.append(getattr(pair.view.comparison, value))

    step = {K.Key_3: 0.0, K.Key_4: 0.1, K.Key_5: 0.1, K.Key_6: 1.0}[key]
    assert values == pytest.approx([values[0], values[0] + step, values[0], values[0] - step])


def test_a_key_that_is_let_go_in_another_program_is_let_go(pair: Stage) -> None:
    pair.press(K.Key_1)
    QTest.keyPress(pair.panel, K.Key_X)
    pair.time.pass_s(0.6)

    QApplication.sendEvent(QApplication.instance() or pair.panel, QEvent(QEvent.Type.ApplicationDeactivate))

    assert not pair.view.comparison.is_flipped
    QTest.keyRelease(pair.panel, K.Key_X)
    assert not pair.view.comparison.is_flipped


def test_x_tapped_flips_and_x_held_flips_for_the_moment(pair: Stage) -> None:
    pair.press(K.Key_1)

    pair.press(K.Key_X)
    assert pair.view.comparison.is_flipped
    pair.press(K.Key_X)
    assert not pair.view.comparison.is_flipped

    QTest.keyPress(pair.panel, K.Key_X)
    assert pair.view.comparison.is_flipped
    pair.time.pass_s(0.6)
    QTest.keyRelease(pair.panel, K.Key_X)
    assert not pair.view.comparison.is_flipped


def test_turning_the_divider_shows_the_wipe(pair: Stage) -> None:
    pair.press(K.Key_4)
    pair.click(pair.button("turn_wipe"))

    assert pair.view.comparison.wipes_across
    assert pair.view.comparison.mode is Mode.WIPE


def test_heat_is_asked_for_by_key_and_taken_away_again(pair: Stage) -> None:
    pair.qtbot.waitUntil(lambda: pair.player.heat(30) is not None, timeout=20_000)

    pair.press(K.Key_H)
    assert pair.view.comparison.shows_heat
    assert pair.button("heat").isChecked()
    pair.press(K.Key_H)

    assert not pair.view.comparison.shows_heat


def test_one_clip_alone_has_no_modes_and_no_side_to_listen_to(stage: Stage, clips: dict[str, Path]) -> None:
    stage.panel.show_source(clips["source"])
    stage.wait_for_step(0)

    for name in ("before", "wipe", "heat", "listen_after", "changes", "opacity"):
        assert not found(stage.panel, QWidget, name).isVisible(), name
    stage.press(K.Key_4)
    assert stage.view.comparison.mode is Mode.SIDE_BY_SIDE


def test_after_can_be_nudged_and_laid_back(pair: Stage) -> None:
    QTest.keyClick(pair.panel, K.Key_Plus, ALT)
    QTest.keyClick(pair.panel, K.Key_Plus, ALT)
    assert pair.player.nudged == 2
    assert pair.button("shift").isVisible()
    assert pair.button("shift").text() == "After +2 f"
    QTest.keyClick(pair.panel, K.Key_Minus, ALT)
    assert pair.player.nudged == 1

    (reset,) = [a for a in pair.button("shift").menu().actions() if a.objectName() == "reset_alignment"]
    reset.trigger()

    assert pair.player.nudged == 0
    assert not pair.button("shift").isVisible()


def test_zoom_says_how_close_one_looks(pair: Stage) -> None:
    assert pair.button("zoom").text() == "Fit"

    pair.press(K.Key_1, SHIFT)
    assert pair.view.zoom == 1.0
    assert pair.button("zoom").text() == "100 %"
    pair.press(K.Key_0)

    assert pair.view.zoom is None


def test_sound_is_chosen_muted_and_turned_by_keys(pair: Stage) -> None:
    sound = pair.panel._sound
    assert sound.side is Side.BEFORE

    pair.press(K.Key_A)
    assert sound.side is Side.AFTER
    assert pair.button("listen_after").isChecked()
    pair.click(pair.button("listen_before"))
    assert sound.side is Side.BEFORE

    volume = sound.volume
    QTest.keyClick(pair.panel, K.Key_Down, ALT)
    assert sound.volume < volume
    pair.press(K.Key_M)
    assert sound.is_muted
    assert pair.button("sound").accessibleName() == "Sound: muted"
    QTest.keyClick(pair.panel, K.Key_Up, ALT)
    assert not sound.is_muted


# --- sides ------------------------------------------------------------------------------------------------------------


def lines(menu: QMenu) -> list[tuple[str, bool]]:
    menu.aboutToShow.emit()
    return [(action.text(), action.isChecked()) for action in menu.actions() if not action.isSeparator()]


def test_any_clip_on_offer_can_lie_on_either_side(pair: Stage, clips: dict[str, Path]) -> None:
    chosen: list[tuple[Side, str]] = []
    pair.panel.clip_chosen.connect(lambda side, key: chosen.append((side, key)))
    pair.panel.offer(
        [
            PlayerClip(key="source", name="Source", path=clips["source"]),
            PlayerClip(key="a", name="v01", path=clips["take"], is_take=True),
            PlayerClip(key="b", name="v02", path=clips["other"], is_take=True),
        ]
    )
    pair.panel.choose(Side.AFTER, "a")
    menu = pair.panel._side_menus[Side.BEFORE]
    assert lines(menu) == [("Source", True), ("v01", False), ("v02", False), ("Open another video…", False)]

    menu.actions()[2].trigger()
    pair.qtbot.waitUntil(lambda: not pair.player.is_loading(), timeout=20_000)
    pair.go(7)

    assert pair.painted() == (("green", 7), ("blue", 7))
    assert chosen == [(Side.BEFORE, "b")]
    assert lines(menu)[2] == ("v02", True)


def test_a_third_video_can_be_opened_and_stays_on_offer(pair: Stage, clips: dict[str, Path]) -> None:
    pair.panel._on_file(Side.AFTER, str(clips["other"]))
    pair.qtbot.waitUntil(lambda: pair.player.path(Side.AFTER) == clips["other"], timeout=5_000)
    pair.panel.choose(Side.AFTER, "source")

    names = [name for name, _ in lines(pair.panel._side_menus[Side.BEFORE])]

    assert "other.mp4" in names
    clip = pair.panel.clip(Side.AFTER)
    assert clip is not None
    assert clip.path == clips["source"]


def test_swapping_changes_pictures_names_and_menus(pair: Stage, clips: dict[str, Path]) -> None:
    chosen: list[tuple[Side, str]] = []
    pair.panel.clip_chosen.connect(lambda side, key: chosen.append((side, key)))

    pair.press(K.Key_S, SHIFT)
    pair.wait_for_pair(lambda shown: pair.player.path(Side.BEFORE) == clips["take"] and shown.step == 30)
    pair.qtbot.waitUntil(lambda: pair.painted() == (("blue", 30), ("red", 30)), timeout=20_000)

    assert dict(chosen) == {Side.BEFORE: str(clips["take"]), Side.AFTER: "source"}
    before = pair.panel.clip(Side.BEFORE)
    assert before is not None
    assert before.name == "v01"


def test_a_damaged_take_is_said_of_the_take_and_a_damaged_file_of_the_file(stage: Stage, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video at all" * 100)

    stage.panel.show_take(bad, "v01")
    stage.wait_for_problem()
    assert (stage.problems[-1].kind, stage.problems[-1].subject) == (Kind.RESULT_DAMAGED, "take")

    stage.problems.clear()
    stage.panel.show_clip(Side.AFTER, PlayerClip(key="bad", name="bad.mp4", path=bad))
    stage.wait_for_problem()
    assert stage.problems[-1].kind is Kind.SOURCE_NOT_VIDEO


# --- the window around it ---------------------------------------------------------------------------------------------


def test_full_screen_and_detach_are_asked_for_and_told_back(stage: Stage) -> None:
    asked: list[str] = []
    stage.panel.full_screen_wanted.connect(lambda: asked.append("full"))
    stage.panel.detach_wanted.connect(lambda: asked.append("detach"))

    stage.press(K.Key_F)
    stage.press(K.Key_F11)
    stage.press(K.Key_D)
    stage.click(stage.button("full_screen"))

    assert asked == ["full", "full", "detach", "full"]
    stage.panel.show_full_screen(True)
    assert stage.button("full_screen").isChecked()
    stage.panel.show_full_screen(False)
    assert not stage.button("full_screen").isChecked()


def test_a_panel_that_only_moves_to_another_window_plays_on(pair: Stage) -> None:
    window = QWidget()
    QVBoxLayout(window)
    pair.qtbot.addWidget(window)
    pair.player.play()

    layout = window.layout()
    assert layout is not None
    layout.addWidget(pair.panel)
    window.show()
    pair.qtbot.wait(1)
    assert pair.player.is_playing

    pair.panel.hide()
    pair.qtbot.waitUntil(lambda: not pair.player.is_playing, timeout=5_000)
    pair.panel.setParent(None)
