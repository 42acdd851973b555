"""The studio's window with the real player in it: what can be compared, and where the player is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QToolButton

from klingstudio.domain.errors import Kind, Problem
from klingstudio.domain.job import State
from klingstudio.domain.media import Trim
from klingstudio.ui.dialogs.shortcuts import ShortcutsDialog
from klingstudio.ui.player.panel import SOURCE_KEY, PlayerPanel
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.takes.words import Act
from klingstudio.ui.text import passage
from klingstudio.ui.theme import tokens
from klingstudio.ui.widgets.focus import FocusRing
from klingstudio.ui.window.away import AwayWindow
from klingstudio.ui.window.stage import Stage
from tests.fakes.studio import a_job, a_request
from tests.ui.conftest import Desk
from tests.unit.media.numbered_clips import BLUE, GREEN, HEIGHT_PX, WIDTH_PX, numbered_clip


class Clips:
    """A source and two takes of it, the second of a part that begins after a second."""

    def __init__(self, folder: Path) -> None:
        self.source = numbered_clip(folder / "street.mp4", 50)
        self.takes = (
            numbered_clip(folder / "street_v01.mp4", 50, ink=BLUE),
            numbered_clip(folder / "street_v02.mp4", 25, ink=GREEN),
        )

    def tell(self, desk: Desk) -> None:
        """Both takes are finished."""
        request = a_request(source=str(self.source))
        requests = request, replace(request, trim=Trim(start_s=1, end_s=2))
        for n, (take, one) in enumerate(zip(self.takes, requests, strict=True), 1):
            desk.studio.queue.tell(a_job(n, state=State.COMPLETED, take=str(take), request=one))


@pytest.fixture
def clips(tmp_path: Path) -> Clips:
    return Clips(tmp_path)


async def furnished(desk: Desk, clips: Clips) -> PlayerPanel:
    """The window with the player, the source, and both takes; the first of them is shown."""
    await desk.start()
    desk.window.attach()
    desk.draft.set_source(clips.source)
    await desk.until(lambda: desk.window.stage.has_clip)
    clips.tell(desk)
    desk.window.stage.show_take("job-1")
    player = desk.window.stage.player
    assert player is not None
    await desk.until(lambda: player._player.pair is not None and player._player.pair.after is not None)
    return player


def shown(player: PlayerPanel) -> tuple[str, str]:
    """Keys of what lies before and after."""
    clips = [player.clip(side) for side in Side]
    return clips[0].key if clips[0] else "", clips[1].key if clips[1] else ""


def away(stage: Stage) -> AwayWindow | None:
    assert stage._away is not None
    return stage._away.window


@pytest.mark.parametrize("width", [960, 1440])
async def test_the_picture_pushes_neither_prompt_nor_generate_out_of_the_window(
    desk: Desk, clips: Clips, width: int
) -> None:
    await furnished(desk, clips)
    desk.window.messages.clear()

    desk.window.resize(width, 600)
    await desk.settle()

    for panel in (desk.window.prompt, desk.window.generate):
        bottom = panel.mapTo(desk.window.body, panel.rect().bottomLeft()).y()
        assert bottom < desk.window.body.saved.mapTo(desk.window.body, QPoint()).y()


# --- what is compared --------------------------------------------------------------------------------------------------


async def test_the_player_offers_the_source_and_its_takes(desk: Desk, clips: Clips, tmp_path: Path) -> None:
    player = await furnished(desk, clips)
    other = a_request(source=str(tmp_path / "another.mp4"))
    desk.studio.queue.tell(a_job(3, state=State.COMPLETED, take=str(clips.takes[0]), request=other))
    desk.studio.queue.tell(a_job(4, state=State.REMOTE, request=a_request(source=str(clips.source))))

    offered = [(clip.key, clip.name, clip.starts_at_s) for clip in player._sides.choices()]

    assert offered == [(SOURCE_KEY, "Source", 0.0), ("job-1", "v01", None), ("job-2", "v02", 1.0)]


async def test_a_take_that_is_finished_later_can_be_chosen_too(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    request = a_request(source=str(clips.source))
    desk.studio.queue.tell(a_job(3, state=State.REMOTE, request=request))

    desk.studio.queue.tell(a_job(3, state=State.COMPLETED, take=str(clips.takes[0]), request=request))

    assert "job-3" in [clip.key for clip in player._sides.choices()]


async def test_a_card_lays_its_take_beside_the_one_that_is_shown(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    card = desk.window.takes.card("job-2")
    assert card is not None

    menu = card.menu()
    next(action for action in menu.actions() if action.data() == Act.COMPARE).trigger()
    await desk.until(lambda: player._player.pair is not None and player._player.pair.count == 25)

    assert shown(player) == ("job-2", "job-1")
    # The second take begins a second later than the first.
    assert player._player.timeline is not None
    assert player._player.timeline.offset_s == pytest.approx(-1)


async def test_showing_a_take_brings_its_source_back(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    desk.window.stage.compare_with_shown("job-2")

    desk.window.takes.take_chosen.emit("job-2")

    assert shown(player) == (SOURCE_KEY, "job-2")


async def test_only_another_take_of_the_same_source_can_be_compared(desk: Desk, clips: Clips, tmp_path: Path) -> None:
    await furnished(desk, clips)
    other = a_request(source=str(tmp_path / "another.mp4"))
    desk.studio.queue.tell(a_job(3, state=State.COMPLETED, take=str(clips.takes[0]), request=other))
    desk.studio.queue.tell(a_job(4, state=State.REMOTE, request=a_request(source=str(clips.source))))

    offers = {
        card.job_id: Act.COMPARE in [action.data() for action in card.menu().actions()]
        for card in desk.window.takes.cards()
    }

    assert offers == {"job-1": False, "job-2": True, "job-3": False, "job-4": False}


async def test_what_is_chosen_in_the_player_is_marked_in_the_list(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)

    player.choose(Side.AFTER, "job-2")
    player.clip_chosen.emit(Side.AFTER, "job-2")

    chosen = {card.job_id: card.property("chosen") for card in desk.window.takes.cards()}
    assert desk.window.stage.job == "job-2"
    assert chosen == {"job-1": "false", "job-2": "true"}


async def test_the_arrows_belong_to_the_card_that_has_the_keyboard(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    newest, oldest = desk.window.takes.cards()
    player._player.pause()
    newest.setFocus()
    wish = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Down, Qt.KeyboardModifier.NoModifier)
    other = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier)
    for event in (wish, other):
        event.ignore()
        QApplication.sendEvent(newest, event)

    QTest.keyClick(newest, Qt.Key.Key_Down)

    assert wish.isAccepted()
    assert not other.isAccepted()
    assert oldest.hasFocus()


async def test_who_leaves_the_prompt_or_comes_by_f6_has_the_keys_of_the_player(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    player._player.pause()
    desk.edit.setFocus()

    QTest.keyClick(desk.edit, Qt.Key.Key_Escape)
    by_escape = QApplication.focusWidget()
    QTest.keyClick(by_escape or player, Qt.Key.Key_Space)
    is_playing = player._player.is_playing
    desk.window.references.add.setFocus()
    QTest.keyClick(desk.window, Qt.Key.Key_F6)

    assert by_escape is player._view
    assert is_playing
    assert QApplication.focusWidget() is player._view


async def test_a_frame_becomes_the_next_reference_at_the_size_of_the_clip(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)

    player._actions["use_after"].trigger()
    await desk.until(lambda: len(desk.draft.pictures) == 1)
    picture = QImage(desk.draft.pictures[0].place)

    assert (picture.width(), picture.height()) == (WIDTH_PX, HEIGHT_PX)
    assert desk.window.toast.words == "The frame is Image 1 now"
    await desk.until(lambda: not desk.draft.is_reading)


async def test_a_frame_for_which_there_is_no_room_is_not_added(desk: Desk, clips: Clips, tmp_path: Path) -> None:
    player = await furnished(desk, clips)
    desk.draft.add_pictures([tmp_path / f"{n}.png" for n in range(desk.draft.references_max)])

    player.reference_wanted.emit(tmp_path / "frame.png")

    assert "frame.png" not in [picture.name for picture in desk.draft.pictures]
    assert desk.window.toast.words == "4 of 4 references used"
    await desk.until(lambda: not desk.draft.is_reading)


# --- menus -------------------------------------------------------------------------------------------------------------


async def test_what_the_player_can_do_is_in_the_menus_while_there_is_a_clip(desk: Desk, clips: Clips) -> None:
    await desk.start()
    titles = [action.text() for action in desk.window.header.bar.actions()]
    menus = [action for action in desk.window.header.bar.actions() if action.text() in ("Playback", "Compare")]
    before = [action.isEnabled() for action in menus]

    desk.window.attach()
    desk.draft.set_source(clips.source)
    await desk.until(lambda: desk.window.stage.has_clip)
    inside = {action.objectName() for menu in desk.window.findChildren(QMenu) for action in menu.actions()}
    with_clip = [action.isEnabled() for action in menus]
    desk.draft.remove_source()

    assert titles == ["File", "Edit", "Generate", "Playback", "Compare", "View", "Help"]
    assert before == [False, False]
    assert with_clip == [True, True]
    assert {"play", "mark_in", "wipe", "save_frame", "use_before", "full_screen", "detach"} <= inside
    assert [action.isEnabled() for action in menus] == [False, False]


async def test_the_page_of_shortcuts_can_be_searched(desk: Desk) -> None:
    await desk.start()
    desk.window.dialogs.shortcuts(desk.window.menus.groups())
    dialog = desk.window.findChild(ShortcutsDialog)
    assert isinstance(dialog, ShortcutsDialog)

    everything = [row for group in dialog.groups for row in group.shown]
    dialog.search.setText("frame forward")
    found = [row for group in dialog.groups for row in group.shown]
    dialog.search.setText("ctrl+q")
    by_key = [row for group in dialog.groups for row in group.shown]
    dialog.search.setText("no such thing")
    is_told = dialog.nothing.isVisible()
    dialog.search.clear()

    assert len(everything) > 60
    assert found
    assert all("frame" in does and "forward" in does for does, _ in found)
    assert by_key == [("Quit", "Ctrl+Q")]
    assert is_told
    assert [row for group in dialog.groups for row in group.shown] == everything


# --- away from its place -----------------------------------------------------------------------------------------------


async def test_full_screen_and_back_goes_on_playing(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    stage = desk.window.stage
    player._player.play()

    QTest.keyClick(player._view, Qt.Key.Key_F)
    window = away(stage)
    assert window is not None
    inside = window.isFullScreen(), player.window() is window, player.isVisible(), stage.currentWidget()
    await desk.settle()
    still_plays = player._player.is_playing
    QTest.keyClick(player._view, Qt.Key.Key_Escape)
    await desk.settle()

    assert inside == (True, True, True, stage.elsewhere)
    assert still_plays
    assert away(stage) is None
    assert stage.currentWidget() is player
    assert player.isVisible()
    assert player._player.is_playing
    assert not player._actions["full_screen"].isChecked()


async def test_in_a_window_of_its_own_it_can_have_the_full_screen_too(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)

    player.detach_wanted.emit()
    window = away(desk.window.stage)
    assert window is not None
    places = [window.isFullScreen()]
    for wish in (player.full_screen_wanted, player.full_screen_wanted):
        wish.emit()
        places.append(window.isFullScreen())
    is_ticked = player._actions["detach"].isChecked()
    player.detach_wanted.emit()

    assert places == [False, True, False]
    assert is_ticked
    assert away(desk.window.stage) is None
    assert not player._actions["detach"].isChecked()
    assert player.window() is desk.window


async def test_closing_its_window_brings_the_player_home_and_the_window_opens_there_again(
    desk: Desk, clips: Clips
) -> None:
    player = await furnished(desk, clips)
    player.detach_wanted.emit()
    first = away(desk.window.stage)
    assert first is not None
    place = first.geometry().translated(20, 10)
    first.setGeometry(place)

    first.close()
    is_home = player.window() is desk.window
    player.detach_wanted.emit()
    second = away(desk.window.stage)

    assert is_home
    assert second is not None
    assert second.geometry() == place


async def test_the_button_in_its_place_brings_the_player_back(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    player.detach_wanted.emit()

    desk.window.stage.elsewhere.bring_back.click()

    assert away(desk.window.stage) is None
    assert desk.window.stage.currentWidget() is player


async def test_without_a_clip_the_player_comes_home(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    player.detach_wanted.emit()

    desk.draft.remove_source()

    assert away(desk.window.stage) is None
    assert player.window() is desk.window
    assert desk.window.stage.currentWidget() is desk.window.stage.empty


async def test_a_take_that_is_chosen_meanwhile_is_shown_where_the_player_is(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    player.detach_wanted.emit()

    desk.window.takes.take_chosen.emit("job-2")

    assert shown(player) == (SOURCE_KEY, "job-2")
    assert desk.window.stage.currentWidget() is desk.window.stage.elsewhere
    assert player.isVisible()


async def test_the_player_speaks_where_it_is(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)

    player.said.emit("Copied")
    at_home = desk.window.toast.words
    player.detach_wanted.emit()
    window = away(desk.window.stage)
    assert window is not None
    player.said.emit("Saved")

    assert at_home == "Copied"
    assert desk.window.toast.words == "Copied"
    assert window.toast.words == "Saved"


async def test_what_happens_is_said_over_a_picture_that_has_the_whole_screen(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    player.full_screen_wanted.emit()
    window = away(desk.window.stage)
    assert window is not None

    player._actions["use_before"].trigger()
    await desk.until(lambda: len(desk.draft.pictures) == 1)
    of_frame = window.toast.words
    desk.draft.add_pictures([clips.source.with_name(f"{n}.png") for n in range(desk.draft.references_max)])
    of_room = window.toast.words
    player.clip_problem.emit(Problem(kind=Kind.SOURCE_DAMAGED, subject="take"))

    assert of_frame == "The frame is Image 1 now"
    assert of_room == "4 of 4 references used; 1 of 4 left out"
    assert window.toast.words == passage(Problem(kind=Kind.SOURCE_DAMAGED, subject="take"))
    assert desk.window.toast.words == ""
    await desk.until(lambda: not desk.draft.is_reading)


async def test_the_ring_around_the_picture_has_no_colour(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    player.detach_wanted.emit()
    window = away(desk.window.stage)
    assert window is not None
    window.activateWindow()
    button = player.findChild(QToolButton, "heat")
    assert button is not None
    t = tokens(player.palette())

    ring = window.findChild(FocusRing)
    assert ring is not None
    inks = []
    for stop in (button, player._view):
        stop.setFocus()
        QTest.keyClick(stop, Qt.Key.Key_Shift)
        await desk.until(lambda: ring.target is stop)  # noqa: B023
        inks.append(ring.grab().toImage().pixelColor(ring.width() // 2, 0).name())

    assert inks == [t.accent, t.secondary]


async def test_the_tab_key_goes_round_in_its_window(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    player.detach_wanted.emit()
    window = away(desk.window.stage)
    assert window is not None
    window.activateWindow()
    player.setFocus()
    await desk.settle()

    reached = []
    while (focus := QApplication.focusWidget()) not in reached:
        assert focus is not None
        reached.append(focus)
        QTest.keyClick(focus, Qt.Key.Key_Tab)

    assert len(reached) > 8
    assert all(window.isAncestorOf(one) for one in reached)


async def test_closing_the_studio_closes_the_window_of_the_player(desk: Desk, clips: Clips) -> None:
    player = await furnished(desk, clips)
    player.detach_wanted.emit()

    desk.window.detach()

    assert away(desk.window.stage) is None
    assert player.window() is desk.window
