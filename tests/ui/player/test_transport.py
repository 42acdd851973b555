"""The row below the picture: what it says, and what it asks for."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from klingstudio.ui.player.transport.transport import SPEEDS, Transport
from tests.ui.player.conftest import Stage, found


def a_transport(stage: Stage) -> Transport:
    return found(stage.panel, Transport)


def test_play_says_what_a_press_will_do(stage: Stage) -> None:
    transport = a_transport(stage)
    play = stage.button("play")

    transport.show_playing(True, 0.0)
    assert play.accessibleName() == "Pause (Space)"
    transport.show_playing(False, 0.0)

    assert play.accessibleName() == "Play (Space)"


@pytest.mark.parametrize(("rate", "words"), [(1.0, "1×"), (0.1, "0.1×"), (0.25, "0.25×"), (-2.0, "\N{MINUS SIGN}2×")])
def test_the_speed_is_written_and_ticked(stage: Stage, rate: float, words: str) -> None:
    a_transport(stage).show_rate(rate)
    button = stage.button("speed")

    assert button.text() == words
    assert [a.data() for a in button.menu().actions() if a.isChecked()] == ([rate] if rate in SPEEDS else [])


def test_a_speed_is_chosen_from_the_menu(stage: Stage) -> None:
    for speed in SPEEDS:
        (line,) = [a for a in stage.button("speed").menu().actions() if a.data() == speed]
        line.trigger()
        assert stage.player.rate == speed


def test_an_empty_player_shows_no_time_and_no_frame(stage: Stage) -> None:
    assert stage.text("frame") == ""
    assert stage.button("time").text() == ""
    assert not stage.button("time").isEnabled()
    assert not stage.button("play").isEnabled()


def test_an_hour_has_room_too(stage: Stage) -> None:
    transport = a_transport(stage)
    transport.set_count(100_000)

    transport.show_step(90_000, 3600.0)
    stage.qtbot.waitUntil(lambda: stage.button("time").width() > 0, timeout=5_000)

    time = stage.button("time")
    assert time.text() == "1:00:00.00"
    assert time.width() >= time.fontMetrics().horizontalAdvance(time.text())


def test_a_running_time_does_not_move_what_stands_beside_it(stage: Stage) -> None:
    transport = a_transport(stage)
    transport.set_count(10_000)
    widths = set()
    for step in range(0, 5_000, 37):
        transport.show_step(step, step / 25)
        widths.add(stage.button("time").width())

    assert len(widths) == 1


def test_a_screen_reader_is_not_told_every_frame_while_playing(stage: Stage) -> None:
    transport = a_transport(stage)
    transport.set_count(100)
    transport.show_step(3, 0.12)
    told = stage.bar.accessibleDescription()

    transport.show_playing(True, 0.12)
    for step in range(4, 20):
        transport.show_step(step, step / 25)
    assert stage.bar.accessibleDescription() == told
    transport.show_playing(False, 0.76)

    assert stage.bar.accessibleDescription() == "frame 20 of 100, 00:00.76"


def test_the_loop_button_tells_what_is_on(stage: Stage) -> None:
    assert stage.button("loop").isChecked()

    stage.click(stage.button("loop"))
    assert not stage.player.is_looping
    QTest.keyClick(stage.panel, Qt.Key.Key_Backslash)

    assert stage.player.is_looping
    assert stage.button("loop").isChecked()
