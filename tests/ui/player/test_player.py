from __future__ import annotations

import random
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import Kind
from klingstudio.ui.player.panel import PlayerPanel
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.player.sides import PlayerClip
from klingstudio.ui.widgets.moments import timecode
from tests.ui.player.conftest import Stage
from tests.unit.media.numbered_clips import BLUE, GREEN, RED, numbered_clip
from tests.unit.media.test_decode import cut_off, spoil


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A red source and takes of every kind, encoded once."""
    folder = tmp_path_factory.mktemp("clips")
    return {
        "source": numbered_clip(folder / "source.mp4", 60, ink=RED),
        "take": numbered_clip(folder / "take.mp4", 60, ink=BLUE, options={"g": "250"}),
        "short": numbered_clip(folder / "short.mp4", 25, ink=BLUE),
        "fast": numbered_clip(folder / "fast.mp4", 120, fps=50, ink=BLUE),
        "slow": numbered_clip(folder / "slow.mp4", 48, fps=20, ink=BLUE),
        "green": numbered_clip(folder / "green.mp4", 10, ink=GREEN),
        "variable": numbered_clip(
            folder / "variable.mp4", 40, ink=RED, at_ticks=[n * 4 + n // 5 * 11 for n in range(40)]
        ),
    }


def show_pair(stage: Stage, source: Path, take: Path, *, starts_at_s: float = 0.0) -> None:
    """Both clips, standing on the first pair."""
    stage.panel.show_source(source)
    stage.wait_for_step(0)
    stage.panel.show_take(take, "v01", starts_at_s=starts_at_s)
    stage.wait_for_pair(lambda pair: pair.after is not None)
    stage.player.pause()


# --- what is painted --------------------------------------------------------------------------------------------------


def test_the_source_alone_is_shown_standing_on_its_first_frame(stage: Stage, clips: dict[str, Path]) -> None:
    stage.panel.show_source(clips["source"])
    stage.wait_for_step(0)

    assert stage.painted() == ("red", 0)
    assert not stage.player.is_playing


def test_a_take_alone_is_shown_too(stage: Stage, clips: dict[str, Path]) -> None:
    stage.panel.show_take(clips["take"], "v01")
    stage.wait_for_step(0)

    assert stage.painted() == ("blue", 0)


def test_both_start_together_when_the_take_arrives(stage: Stage, clips: dict[str, Path]) -> None:
    stage.panel.show_source(clips["source"])
    stage.wait_for_step(0)
    stage.player.seek(30)
    stage.wait_for_step(30)

    stage.panel.show_take(clips["take"], "v01")
    stage.wait_for_pair(lambda pair: pair.after is not None)

    assert stage.painted() == (("red", 0), ("blue", 0))
    assert stage.player.is_playing


@pytest.mark.parametrize(
    ("source", "take", "partner"),
    [
        ("source", "take", {0: 0, 59: 59, 31: 31, 30: 30, 7: 7}),
        ("source", "fast", {0: 0, 59: 118, 31: 62, 30: 60, 7: 14}),
        ("source", "slow", {0: 0, 59: 47, 31: 24, 30: 24, 7: 5}),
        # Frame 23 of the variable clip is shown at 1.36 s, which is frame 34 of 25 fps.
        ("variable", "take", {0: 0, 23: 34, 22: 33, 5: 7}),
    ],
)
def test_after_every_seek_the_painted_pair_is_the_one_that_was_asked_for(
    source: str, take: str, partner: dict[int, int], stage: Stage, clips: dict[str, Path]
) -> None:
    show_pair(stage, clips[source], clips[take])

    seen = {}
    for step in partner:
        stage.player.seek(step)
        stage.wait_for_step(step)
        seen[step] = stage.painted()

    assert seen == {step: (("red", step), ("blue", other)) for step, other in partner.items()}


def test_every_pair_that_is_published_while_playing_belongs_together(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["fast"])
    painted: list[object] = []
    stage.player.pair_shown.connect(lambda _pair: painted.append(stage.painted()))
    stage.pairs.clear()
    chance = random.Random(4)

    stage.player.play()
    while len(painted) < 25:
        stage.time.pass_s(chance.choice((0.01, 0.04, 0.09, 0.3)))
        before = len(stage.pairs)
        stage.player._tick()
        expected = stage.player.timeline.step_at(stage.player._clock.time_s()) if stage.player.timeline else -1
        if stage.pairs and stage.pairs[-1].step == expected:
            continue
        stage.wait_for_another(before)

    assert painted == [(("red", pair.step), ("blue", 2 * pair.step)) for pair in stage.pairs]
    assert all(pair.before is not None and pair.after is not None for pair in stage.pairs)


def test_playing_goes_round_while_looping(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["short"])

    stage.player.play()
    stage.time.pass_s(1.0 + 3 * 0.04 + 0.001)
    stage.wait_for_step(3)

    assert stage.painted() == (("red", 3), ("blue", 3))
    assert stage.player.is_playing


def test_without_a_loop_it_stops_on_the_last_pair(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["short"])
    stage.click(stage.button("loop"))

    stage.player.play()
    stage.time.pass_s(30)
    stage.wait_for_step(24)

    assert stage.painted() == (("red", 24), ("blue", 24))
    stage.qtbot.waitUntil(lambda: not stage.player.is_playing, timeout=5_000)


def test_clips_of_different_length_play_what_both_have(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["short"])

    stage.key(Qt.Key.Key_End)
    stage.wait_for_step(24)

    assert stage.painted() == (("red", 24), ("blue", 24))
    assert stage.text("frame") == "frame 25 of 25"


def test_a_take_of_a_trimmed_source_lies_beside_the_right_part(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["short"], starts_at_s=0.8)

    stage.player.seek(5)
    stage.wait_for_step(5)

    assert stage.painted() == (("red", 25), ("blue", 5))


def test_taking_the_take_away_leaves_the_source_where_it_was(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])
    stage.player.seek(40)
    stage.wait_for_step(40)

    stage.panel.show_take(None, "")
    stage.wait_for_pair(lambda pair: pair.after is None)

    assert stage.painted() == ("red", 40)


def test_another_take_replaces_the_first(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])

    stage.panel.show_take(clips["green"], "v02")
    stage.wait_for_pair(lambda pair: pair.after is not None and pair.count == 10)

    assert stage.painted() == (("red", 0), ("green", 0))


def test_another_window_size_shows_the_same_pair_sharp_again(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])
    stage.player.seek(21)
    stage.wait_for_step(21)
    stage.pairs.clear()

    stage.panel.resize(500, 300)
    # A pair in the old size may still come first; it is stretched until the sharp one is there.
    stage.wait_for_pair(lambda pair: pair.before is not None and pair.before.width_px == 248)

    assert stage.painted() == (("red", 21), ("blue", 21))
    picture = stage.pairs[-1].before
    assert picture is not None
    assert picture.height_px == 140


def test_a_turned_clip_stands_upright_in_its_place(stage: Stage, tmp_path: Path) -> None:
    stage.panel.show_source(numbered_clip(tmp_path / "turned.mp4", 4, turn_deg=90))
    stage.wait_for_step(0)

    picture = stage.pairs[-1].before
    assert picture is not None
    assert picture.height_px > picture.width_px


# --- hands ------------------------------------------------------------------------------------------------------------


def test_steps_by_key_and_button_go_one_frame(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])
    stage.player.seek(29)
    stage.wait_for_step(29)

    seen = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Period, Qt.Key.Key_Left, Qt.Key.Key_Comma, Qt.Key.Key_Comma):
        count = len(stage.pairs)
        stage.key(key)
        stage.wait_for_another(count)
        seen.append(stage.painted())
    stage.click(stage.button("frameForward"))
    stage.wait_for_step(29)
    stage.click(stage.button("frameBack"))
    stage.wait_for_step(28)

    assert seen == [(("red", n), ("blue", n)) for n in (30, 31, 30, 29, 28)]


def test_stepping_back_across_key_frames_misses_nothing(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])
    stage.player.seek(59)
    stage.wait_for_step(59)

    seen = []
    for step in range(58, 20, -1):
        stage.player.move(-1)
        stage.wait_for_step(step)
        seen.append(stage.painted())

    assert seen == [(("red", n), ("blue", n)) for n in range(58, 20, -1)]


def test_space_plays_and_pauses_on_the_picture_that_is_seen(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])

    stage.key(Qt.Key.Key_Space)
    was_playing = stage.player.is_playing
    stage.time.pass_s(0.81)
    stage.wait_for_step(20)
    stage.key(Qt.Key.Key_Space)
    stage.time.pass_s(0.5)
    stage.player._tick()

    assert was_playing
    assert not stage.player.is_playing
    assert stage.pairs[-1].step == 20
    assert stage.button("play").accessibleName() == "Play (Space)"


def test_a_player_that_is_hidden_pauses(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])
    stage.player.play()

    stage.panel.hide()

    stage.qtbot.waitUntil(lambda: not stage.player.is_playing, timeout=5_000)


def test_keys_belong_to_a_text_field_that_has_the_focus(qtbot: QtBot, stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])
    field = QLineEdit(stage.panel)
    field.show()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)

    QTest.keyClicks(field, "a b, c.")
    stage.key(Qt.Key.Key_Home, field)
    stage.key(Qt.Key.Key_Right, field)

    assert field.text() == "a b, c."
    assert field.cursorPosition() == 1
    assert not stage.player.is_playing
    assert stage.pairs[-1].step == 0


def test_a_click_on_the_transport_leaves_the_keys_to_the_picture(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])
    field = QLineEdit(stage.panel)
    field.show()
    field.setFocus()

    stage.click(stage.button("frameForward"))
    stage.wait_for_step(1)
    stage.key(Qt.Key.Key_Space)

    assert stage.view.hasFocus()
    assert stage.player.is_playing


def test_a_click_on_the_bar_goes_there(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])

    stage.click(stage.bar)
    stage.wait_for_pair(lambda pair: pair.step in {29, 30})
    stage.click(stage.bar, QPoint(stage.bar.width() - 1, stage.bar.height() // 2))
    stage.wait_for_step(59)

    assert stage.painted() == (("red", 59), ("blue", 59))


def test_dragging_shows_pictures_on_the_way_and_plays_on_where_it_ends(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])
    stage.player.play()
    bar = stage.bar
    middle = bar.height() // 2

    QTest.mousePress(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() // 4, middle))
    stage.wait_for_pair(lambda pair: 10 < pair.step < 20)
    stage.time.pass_s(1)
    for share in (3, 4, 5, 6):
        QTest.mouseMove(bar, QPoint(bar.width() * share // 8, middle))
    stage.wait_for_pair(lambda pair: pair.step in {44, 45})
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() * 6 // 8, middle))
    stage.time.pass_s(0.081)
    stage.wait_for_pair(lambda pair: pair.step in {46, 47})

    assert stage.player.is_playing


def test_keys_on_the_bar_move_it(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])
    stage.bar.setFocus()

    stage.key(Qt.Key.Key_Right, stage.bar)
    stage.wait_for_step(1)
    stage.key(Qt.Key.Key_PageUp, stage.bar)
    stage.wait_for_step(26)
    stage.key(Qt.Key.Key_End, stage.bar)
    stage.wait_for_step(59)
    stage.key(Qt.Key.Key_Home, stage.bar)
    stage.wait_for_step(0)

    assert stage.painted() == (("red", 0), ("blue", 0))


# --- words ------------------------------------------------------------------------------------------------------------


def test_the_position_is_said_in_time_and_frames(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])

    stage.player.seek(31)
    stage.wait_for_step(31)

    assert (stage.button("time").text(), stage.text("frame")) == ("00:01.24", "frame 32 of 60")
    assert stage.bar.accessibleDescription() == "frame 32 of 60, 00:01.24"


@pytest.mark.parametrize(
    ("time_s", "said"),
    [(0, "00:00.00"), (3.14, "00:03.14"), (59.996, "01:00.00"), (3599, "59:59.00"), (3661.5, "1:01:01.50")],
)
def test_timecodes(time_s: float, said: str) -> None:
    assert timecode(time_s) == said


def test_everything_that_can_be_used_has_a_name_for_screen_readers(stage: Stage, clips: dict[str, Path]) -> None:
    show_pair(stage, clips["source"], clips["take"])

    nameless = [
        type(widget).__name__
        for widget in [stage.panel, *stage.panel.findChildren(QWidget)]
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not widget.accessibleName()
    ]
    bar = QAccessible.queryAccessibleInterface(stage.bar)

    assert nameless == []
    assert bar.role() == QAccessible.Role.Slider
    assert bar.valueInterface() is not None
    assert stage.view.accessibleDescription() == "Before and After · v01, side by side"


def test_nothing_to_play_disables_what_plays(stage: Stage) -> None:
    assert not stage.button("play").isEnabled()
    assert not stage.bar.isEnabled()
    assert stage.text("frame") == ""


# --- trouble ----------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_video_is_reported_and_said_in_the_viewer(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "letter.mp4"
    path.write_text("Dear reader, " * 500)

    stage.panel.show_source(path)
    stage.wait_for_problem()

    assert [(problem.kind, problem.subject) for problem in stage.problems] == [(Kind.SOURCE_NOT_VIDEO, "source")]
    assert stage.view._message == "This is not a video"


def test_of_two_files_that_cannot_be_shown_both_are_said(stage: Stage, tmp_path: Path) -> None:
    letter, empty = tmp_path / "letter.mp4", tmp_path / "empty.mp4"
    letter.write_text("Dear reader, " * 500)
    empty.touch()

    stage.panel.show_clip(Side.BEFORE, PlayerClip(key="a", name="letter.mp4", path=letter))
    stage.panel.show_clip(Side.AFTER, PlayerClip(key="b", name="empty.mp4", path=empty))
    stage.qtbot.waitUntil(lambda: len(stage.problems) == 2, timeout=20_000)

    assert stage.view._message == "letter.mp4\nThis is not a video\n\nempty.mp4\nThis file is empty"


def test_a_bad_take_is_reported_as_such_and_the_source_stays(
    stage: Stage, clips: dict[str, Path], tmp_path: Path
) -> None:
    stage.panel.show_source(clips["source"])
    stage.wait_for_step(0)
    path = tmp_path / "take.mp4"
    path.write_bytes(b"nothing of use" * 100)

    stage.panel.show_take(path, "v01")
    stage.wait_for_problem()

    assert [(problem.kind, problem.subject) for problem in stage.problems] == [(Kind.RESULT_DAMAGED, "take")]
    assert stage.painted() == ("red", 0)
    assert not stage.player.is_playing


def test_a_damaged_take_plays_up_to_the_damage_and_is_reported_once(
    stage: Stage, clips: dict[str, Path], tmp_path: Path
) -> None:
    take = numbered_clip(tmp_path / "take.mp4", 60, ink=BLUE, options={"bf": "0", "g": "20"})
    spoil(take, 25)
    spoil(take, 45)
    show_pair(stage, clips["source"], take)

    stage.player.seek(45)
    stage.wait_for_pair(lambda pair: pair.count == 45)
    stage.player.seek(25)
    stage.wait_for_pair(lambda pair: pair.count == 25)
    stage.key(Qt.Key.Key_End)
    stage.wait_for_step(24)

    assert [problem.kind for problem in stage.problems] == [Kind.RESULT_DAMAGED]
    assert stage.painted() == (("red", 24), ("blue", 24))


def test_a_cut_off_source_is_reported_once_and_plays(stage: Stage, clips: dict[str, Path], tmp_path: Path) -> None:
    stage.panel.show_source(cut_off(clips["source"], tmp_path / "cut.mp4"))
    stage.wait_for_step(0)
    stage.wait_for_problem()

    stage.key(Qt.Key.Key_End)
    stage.wait_for_pair(lambda pair: pair.step > 0)

    assert [replace(problem, detail="") for problem in stage.problems] == [
        replace(stage.problems[0], kind=Kind.SOURCE_DAMAGED, detail="", subject="source")
    ]


# --- ending -----------------------------------------------------------------------------------------------------------


def test_importing_the_player_does_not_load_the_decoder_library() -> None:
    code = "import sys, klingstudio.ui.player.panel; sys.exit('av' in sys.modules or 'asyncio' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)

    assert done.returncode == 0


def test_a_window_that_is_deleted_without_closing_clips_lets_the_threads_end(
    qtbot: QtBot, clips: dict[str, Path]
) -> None:
    panel = PlayerPanel()
    panel.resize(400, 300)
    panel.show()
    with qtbot.waitSignal(panel._player.pair_shown, timeout=20_000):
        panel.show_source(clips["source"])
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("decode")]

    panel.deleteLater()
    with qtbot.waitSignal(panel.destroyed, timeout=20_000):
        pass

    assert len(threads) == 1
    threads[0].join(10)
    assert not threads[0].is_alive()
