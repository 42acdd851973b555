"""Keys of the player: through the frames, from mark to mark, to a time, and who keeps a key for itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from tests.ui.player.conftest import Stage, found

NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
K = Qt.Key


# --- going through the frames -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "modifiers", "step"),
    [
        (K.Key_Left, NONE, 29),
        (K.Key_Right, NONE, 31),
        (K.Key_Comma, NONE, 29),
        (K.Key_Period, NONE, 31),
        (K.Key_Left, SHIFT, 20),
        (K.Key_Right, SHIFT, 40),
        (K.Key_J, SHIFT, 5),
        (K.Key_L, SHIFT, 55),
        (K.Key_Home, NONE, 0),
        (K.Key_End, NONE, 59),
    ],
)
def test_a_key_goes_to_the_frame_it_is_for(pair: Stage, key: Qt.Key, modifiers: Qt.KeyboardModifier, step: int) -> None:
    pair.press(key, modifiers)
    pair.wait_for_step(step)

    assert pair.painted() == (("red", step), ("blue", step))


def test_marks_are_set_gone_to_looped_and_cleared_by_keys(pair: Stage) -> None:
    pair.press(K.Key_O)
    pair.go(10)
    pair.press(K.Key_I)
    assert pair.player.marks == (10, 30)

    pair.press(K.Key_O, SHIFT)
    pair.wait_for_step(30)
    pair.press(K.Key_I, SHIFT)
    pair.wait_for_step(10)
    pair.press(K.Key_Backslash, SHIFT)
    assert pair.player.loops_marks

    pair.press(K.Key_I, ALT)
    assert pair.player.marks == (None, 30)
    pair.press(K.Key_X, ALT)
    assert pair.player.marks == (None, None)
    assert not pair.player.loops_marks


def test_up_and_down_go_from_mark_to_mark(pair: Stage) -> None:
    pair.player.mark_in(10)
    pair.player.mark_out(40)
    pair.qtbot.waitUntil(lambda: pair.player.survey_progress >= 1, timeout=20_000)

    pair.press(K.Key_Home)
    pair.wait_for_step(0)
    pair.press(K.Key_End)
    pair.wait_for_step(59)
    seen = []
    for _ in range(4):
        before = pair.player.step
        pair.press(K.Key_Up)
        if pair.player.step == before:
            break
        seen.append(pair.player.step)

    assert {10, 40} <= set(seen)
    assert seen == sorted(seen, key=lambda step: -(step or 0))


def test_j_k_and_l_shuttle(pair: Stage) -> None:
    rates = []
    for key in (K.Key_L, K.Key_L, K.Key_L, K.Key_J, K.Key_K, K.Key_J, K.Key_J):
        pair.press(key)
        rates.append((pair.player.rate, pair.player.is_playing))
    pair.press(K.Key_K)

    assert [rate for rate, _ in rates] == [1, 2, 4, 2, 1, -1, -2]
    assert [is_playing for _, is_playing in rates] == [True, True, True, True, False, True, True]
    assert (pair.player.rate, pair.player.is_playing) == (1, False)


def test_with_k_held_j_and_l_go_frame_by_frame(pair: Stage) -> None:
    QTest.keyPress(pair.panel, K.Key_K)
    pair.press(K.Key_L)
    pair.wait_for_step(31)
    pair.press(K.Key_J)
    pair.wait_for_step(30)
    pair.press(K.Key_J)
    pair.wait_for_step(29)
    assert not pair.player.is_playing
    QTest.keyRelease(pair.panel, K.Key_K)

    pair.press(K.Key_L)

    assert pair.player.is_playing


def test_after_playing_backwards_space_plays_forwards(pair: Stage) -> None:
    pair.press(K.Key_J)
    pair.press(K.Key_Space)
    assert not pair.player.is_playing

    pair.press(K.Key_Space)

    assert pair.player.is_playing
    assert pair.player.rate == 1


def test_slower_and_faster_stop_at_the_ends_and_keep_the_direction(pair: Stage) -> None:
    pair.press(K.Key_BracketLeft)
    assert pair.player.rate == 0.5
    for _ in range(5):
        pair.press(K.Key_BracketLeft)
    assert pair.player.rate == pytest.approx(0.1)
    for _ in range(10):
        pair.press(K.Key_BracketRight)
    assert pair.player.rate == 4

    pair.player.set_rate(-1.0)
    pair.press(K.Key_BracketRight)
    assert pair.player.rate == -1.5


# --- who has the keyboard ---------------------------------------------------------------------------------------------


@pytest.fixture
def written(pair: Stage) -> Iterator[tuple[Stage, QWidget, QPlainTextEdit]]:
    """The player beside a text field in one window."""
    window = QWidget()
    column = QVBoxLayout(window)
    text = QPlainTextEdit(window)
    column.addWidget(pair.panel)
    column.addWidget(text)
    window.resize(900, 700)
    window.show()
    window.activateWindow()
    pair.qtbot.waitUntil(lambda: pair.panel.isVisible() and window.isActiveWindow(), timeout=5_000)
    yield pair, window, text
    pair.panel.setParent(None)
    window.close()
    window.deleteLater()


def test_a_person_who_writes_does_not_steer_the_player(written: tuple[Stage, QWidget, QPlainTextEdit]) -> None:
    stage, _window, text = written
    text.setFocus()
    asked: list[bool] = []
    stage.panel.full_screen_wanted.connect(lambda: asked.append(True))

    QTest.keyClicks(text, "jl x1,.cfio[]")
    QTest.keyClick(text, K.Key_Left)
    QTest.keyClick(text, K.Key_Home)

    assert text.toPlainText() == "jl x1,.cfio[]"
    assert stage.player.step == 30
    assert not stage.player.is_playing
    assert not asked
    QTest.keyClick(text, K.Key_F11)
    assert asked


def test_in_another_window_the_keys_go_with_the_panel(written: tuple[Stage, QWidget, QPlainTextEdit]) -> None:
    stage, window, _text = written
    stage.view.setFocus()

    QTest.keyClick(window, K.Key_Right)
    stage.wait_for_step(31)

    assert stage.player.step == 31


def test_the_menus_stay_alive_while_somebody_writes(written: tuple[Stage, QWidget, QPlainTextEdit]) -> None:
    stage, _window, text = written
    text.setFocus()

    (action,) = [a for group in stage.panel.action_groups() for a in group.actions if a.objectName() == "frame_on"]

    assert action.isEnabled()
    action.trigger()
    stage.wait_for_step(31)


# --- going to a time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "step"), [("12f", 11), ("00:00.40", 10), ("1.2", 30), ("+5", 35), ("-1s", 5), ("99", 59), ("0f", 0)]
)
def test_a_time_is_written_and_gone_to(pair: Stage, words: str, step: int) -> None:
    pair.go(30)

    pair.press(K.Key_G)
    field = found(pair.panel, QLineEdit, "goTo")
    assert field.hasFocus()
    QTest.keyClicks(field, words)
    QTest.keyClick(field, K.Key_Return)
    pair.wait_for_step(step)

    assert not field.isVisible()
    assert pair.view.hasFocus()


def test_a_time_that_cannot_be_told_is_asked_again(pair: Stage) -> None:
    pair.click(pair.button("time"))
    field = found(pair.panel, QLineEdit, "goTo")
    field.setText("soon")

    QTest.keyClick(field, K.Key_Return)

    assert field.isVisible()
    assert field.selectedText() == "soon"
    QTest.keyClick(field, K.Key_Escape)
    assert not field.isVisible()
    assert pair.player.step == 30
    assert pair.button("time").isVisible()
