from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QMenu, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import Kind, Problem
from klingstudio.domain.job import State
from klingstudio.ui import theme
from klingstudio.ui.generate.button import GenerateButton
from klingstudio.ui.models.bundle import Models
from klingstudio.ui.takes.card import TakeCard
from klingstudio.ui.theme import DARK, LIGHT, Theme
from klingstudio.ui.widgets.drop import DropArea
from klingstudio.ui.window import Window
from klingstudio.ui.window.failure import FailurePage
from klingstudio.ui.window.viewer import EmptyViewer
from tests.fakes.studio import FakeStudio, a_job
from tests.ui.conftest import Desk

CONTROLS = (QAbstractButton, QLineEdit, QPlainTextEdit, TakeCard)


async def furnished(desk: Desk, tmp_path: Path) -> None:
    """A window with something of everything in it."""
    await desk.start()
    await desk.fill("Snow like @Image1")
    desk.draft.add_pictures([tmp_path / "winter.jpg", tmp_path / "sky.png"])
    desk.studio.queue.tell(a_job(1, state=State.UNCONFIRMED))
    desk.studio.queue.tell(a_job(2, state=State.REMOTE))
    desk.models.problems.show(Problem(kind=Kind.KEY_REFUSED))
    await desk.until(lambda: not desk.draft.is_reading)


def controls(root: QWidget) -> list[QWidget]:
    return [w for w in root.findChildren(QWidget) if isinstance(w, CONTROLS) and w.isVisibleTo(root)]


async def test_every_control_has_a_name_for_a_screen_reader(desk: Desk, tmp_path: Path) -> None:
    await furnished(desk, tmp_path)
    desk.window.dialogs.settings()
    desk.window.dialogs.shortcuts(desk.window.menus.groups())

    found = controls(desk.window)
    nameless = [
        f"{type(w).__name__} {w.objectName()}"
        for w in found
        if not QAccessible.queryAccessibleInterface(w).text(QAccessible.Text.Name)
    ]

    assert len(found) > 25
    assert nameless == []


async def test_the_tab_key_goes_in_the_order_of_work(desk: Desk, tmp_path: Path) -> None:
    await furnished(desk, tmp_path)
    window = desk.window

    order: list[QWidget] = []
    window.header.looks.setFocus()
    while (focus := QApplication.focusWidget()) not in order:
        assert focus is not None
        order.append(focus)
        QTest.keyClick(focus, Qt.Key.Key_Tab)

    areas = window.body.regions()
    seen = [next((area for area in areas if area.isAncestorOf(w)), None) for w in order]
    passed = [area for n, area in enumerate(seen) if area is not None and (n == 0 or seen[n - 1] is not area)]
    assert passed == areas
    tiles = [w for w in order if w in window.references.tiles()]
    assert tiles == list(window.references.tiles())


async def test_f6_goes_round_the_areas_and_back(desk: Desk, tmp_path: Path) -> None:
    await furnished(desk, tmp_path)
    window = desk.window
    window.prompt.edit.setFocus()

    def here() -> QWidget:
        focus = QApplication.focusWidget()
        return next(area for area in window.body.regions() if focus is not None and area.isAncestorOf(focus))

    areas = []
    for _ in range(6):
        QTest.keyClick(window, Qt.Key.Key_F6)
        areas.append(here())
    QTest.keyClick(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)

    assert areas == [
        window.generate, window.takes, window.source, window.references, window.stage, window.prompt,
    ]  # fmt: skip
    assert here() is window.stage


async def test_the_keyboard_has_a_ring_and_the_mouse_has_none(desk: Desk, tmp_path: Path) -> None:
    await furnished(desk, tmp_path)
    tile = desk.window.references.tiles()[0]

    QTest.mouseClick(tile, Qt.MouseButton.LeftButton)
    tile.setFocus()
    with_mouse = desk.window.ring.target
    QTest.keyClick(tile, Qt.Key.Key_Backtab)
    QTest.keyClick(desk.window, Qt.Key.Key_Tab)

    assert with_mouse is None
    assert desk.window.ring.target is tile


async def test_every_shortcut_has_a_line_in_a_menu_and_none_is_used_twice(desk: Desk) -> None:
    await desk.start()
    menus = desk.window.menus

    rows = [row for _, group in menus.groups() for row in group]
    keys = [
        sequence.toString()
        for menu in desk.window.header.bar.findChildren(QMenu)
        for action in menu.actions()
        for sequence in action.shortcuts()
    ]

    assert ("Generate", "Ctrl+Return") in rows
    assert len(keys) == len(set(keys))
    assert {"Ctrl+O", "Ctrl+,", "Ctrl+Q", "Ctrl+Return", "Ctrl+Enter", "F6", "Ctrl+/"} <= set(keys)


def colours(picture: QImage) -> set[int]:
    return {picture.pixel(x, y) for x in range(0, picture.width(), 7) for y in range(0, picture.height(), 7)}


async def test_light_and_dark_both_draw_the_whole_window(desk: Desk, tmp_path: Path) -> None:
    await furnished(desk, tmp_path)
    desk.looks.choose("dark")
    dark = desk.window.grab().toImage()

    desk.looks.choose("light")
    light = desk.window.grab().toImage()

    assert len(colours(dark)) > 20
    assert len(colours(light)) > 20
    corner = (3, desk.window.height() - 3)
    assert dark.pixelColor(*corner) == QColor(DARK.panel)
    assert light.pixelColor(*corner) == QColor(LIGHT.panel)
    same = sum(
        dark.pixel(x, y) == light.pixel(x, y) for x in range(0, dark.width(), 9) for y in range(0, dark.height(), 9)
    )
    assert same < 0.2 * (dark.width() // 9) * (dark.height() // 9)


async def test_the_icons_follow_the_theme(desk: Desk) -> None:
    await desk.start()
    button = desk.window.header.settings

    def ink() -> int:
        picture = button.icon().pixmap(16, 16).toImage()
        return max(
            (picture.pixelColor(x, y) for x in range(16) for y in range(16)), key=lambda colour: colour.alpha()
        ).lightness()

    desk.looks.choose("dark")
    in_dark = ink()
    desk.looks.choose("light")

    assert in_dark > 200
    assert ink() < 60


def clipped(root: QWidget) -> list[str]:
    """Buttons that are narrower or lower than their words need."""
    found = []
    for button in root.findChildren(QPushButton):
        if not button.isVisibleTo(root) or isinstance(button, DropArea):
            continue
        need = button.sizeHint() if isinstance(button, GenerateButton) else button.minimumSizeHint()
        if button.width() < need.width() or button.height() < need.height():
            found.append(f"{button.text()!r}: {button.size()} for {need}")
    return found


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (960, 600), (640, 480)])
async def test_no_button_is_clipped_at_any_size(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, scale: float, width: int, height: int
) -> None:
    desk = Desk(tmp_path, Theme(qapp, scale=scale))
    qtbot.addWidget(desk.window)
    try:
        await furnished(desk, tmp_path)
        desk.window.resize(width, height)
        desk.window.toggle_takes()
        await desk.settle()

        assert (desk.window.width(), desk.window.height()) == (width, height)
        assert clipped(desk.window.body) == []
    finally:
        await desk.models.aclose()
        desk.window.detach()
        desk.window.close()


async def test_narrow_windows_have_a_drawer_for_the_takes(desk: Desk, tmp_path: Path) -> None:
    await furnished(desk, tmp_path)
    desk.window.resize(1000, 700)

    before = desk.window.takes.isVisible()
    desk.window.header.takes.click()
    opened = desk.window.takes.isVisible()
    QTest.keyClick(desk.window.takes, Qt.Key.Key_Escape)

    assert (before, opened, desk.window.takes.isVisible()) == (False, True, False)
    assert desk.window.header.takes.text() == "Takes · 2"


async def test_a_very_narrow_window_puts_the_inputs_above_the_prompt(desk: Desk) -> None:
    await desk.start()
    desk.window.resize(860, 700)

    inputs = desk.window.source.mapTo(desk.window, desk.window.source.rect().topLeft())
    prompt = desk.window.prompt.mapTo(desk.window, desk.window.prompt.rect().topLeft())
    assert desk.window.source.isVisible()
    assert inputs.y() < prompt.y()
    assert inputs.x() == prompt.x()

    desk.window.resize(1300, 800)

    inputs = desk.window.source.mapTo(desk.window, desk.window.source.rect().topRight())
    prompt = desk.window.prompt.mapTo(desk.window, desk.window.prompt.rect().topLeft())
    assert inputs.x() < prompt.x()


async def test_the_sample_clip_comes_with_something_to_say_about_it(desk: Desk, tmp_path: Path) -> None:
    await desk.start()

    desk.window.stage.empty.sample.click()
    await desk.until(lambda: desk.draft.source is not None and desk.draft.source.plan is not None)

    assert desk.draft.source is not None
    assert desk.draft.source.path == tmp_path / "walk.mp4"
    assert desk.draft.prompt.startswith("Turn the day into deep snow")
    assert desk.generate.button.isEnabled()


async def test_the_sample_leaves_words_that_are_already_there(desk: Desk) -> None:
    await desk.start()
    desk.draft.replace_prompt("Make it rain")

    desk.window.use_sample()
    await desk.until(lambda: desk.draft.source is not None)

    assert desk.draft.prompt == "Make it rain"


async def test_closing_tells_the_program_to_end(desk: Desk, qtbot: QtBot) -> None:
    await desk.start()

    with qtbot.waitSignal(desk.window.closed, timeout=1000):
        desk.window.close()

    assert not desk.window.isVisible()


async def test_closing_waits_for_the_answer_to_a_paid_request(desk: Desk, qtbot: QtBot) -> None:
    await desk.start()
    desk.studio.queue.tell(a_job(state=State.SUBMITTING))

    with qtbot.waitSignal(desk.window.closed, timeout=1000):
        desk.window.close()

    assert desk.window.isVisible()
    assert "at most 10 seconds" in desk.window.toast.words
    desk.studio.queue.tell(a_job(state=State.REMOTE))


def test_a_studio_that_cannot_be_opened_is_told_calmly(qtbot: QtBot, looks: Theme) -> None:
    window = Window(Models(), looks)
    qtbot.addWidget(window)
    window.show()

    window.show_failure(Problem(kind=Kind.STUDIO_BUSY, detail="/home/ada/studio"))
    page = window.findChild(FailurePage)
    assert isinstance(page, FailurePage)
    with qtbot.waitSignal(window.retry_wanted, timeout=1000):
        page.retry.click()

    assert page.accessibleName() == "Kling Studio is already open"


def test_a_problem_that_came_before_the_window_listens_is_not_lost(qtbot: QtBot, looks: Theme, tmp_path: Path) -> None:
    models = Models()
    models.problems.show(Problem(kind=Kind.DISK_FULL))
    window = Window(models, looks)
    qtbot.addWidget(window)
    window.show()

    assert window.messages.title == "The disk is full"
    assert FakeStudio(tmp_path).paths.takes == tmp_path


def test_the_window_follows_the_text_size_of_the_system(qapp: QApplication, looks: Theme) -> None:
    assert theme.px(100) == 100

    Theme(qapp, scale=2.0)
    doubled = theme.px(100)
    Theme(qapp, scale=1.0)

    assert doubled == 200


def test_the_first_picture_has_the_invitation_where_it_stays(qtbot: QtBot, looks: Theme) -> None:
    window = Window(None, looks)
    qtbot.addWidget(window)
    window.resize(1440, 900)
    window.show()
    qtbot.waitUntil(lambda: window._was_painted)
    first = window.grab().toImage()
    opening = window.findChild(EmptyViewer)
    assert isinstance(opening, EmptyViewer)
    place = opening.geometry()

    window.furnish(Models())
    qtbot.waitUntil(lambda: window._was_painted)

    stage = window.stage
    assert stage.mapTo(window, stage.rect().topLeft()) == place.topLeft()
    assert abs(stage.height() - place.height()) <= 2
    assert stage.width() == place.width()
    second = window.grab().toImage()
    for x, y in ((3, 897), (100, 700), (1400, 700), (700, 50), (277, 500)):
        assert first.pixel(x, y) == second.pixel(x, y)


def test_a_window_that_is_not_furnished_yet_can_be_resized_typed_at_and_closed(qtbot: QtBot, looks: Theme) -> None:
    window = Window(None, looks)
    qtbot.addWidget(window)
    window.show()

    window.resize(900, 600)
    QTest.keyClick(window, Qt.Key.Key_Tab)
    QTest.keyClick(window, Qt.Key.Key_Escape)

    with qtbot.waitSignal(window.closed, timeout=1000):
        window.close()


async def test_the_sample_hands_the_keyboard_to_the_prompt(desk: Desk) -> None:
    await desk.start()
    await desk.settle()
    desk.window.stage.empty.sample.setFocus()

    QTest.keyClick(desk.window.stage.empty.sample, Qt.Key.Key_Space)
    await desk.until(lambda: desk.draft.source is not None)

    assert desk.edit.hasFocus()


async def test_the_keyboard_stays_nearby_when_its_control_goes_away(desk: Desk, tmp_path: Path) -> None:
    await furnished(desk, tmp_path)
    desk.window.activateWindow()
    await desk.settle()
    button = desk.window.takes.cards()[1].findChildren(QPushButton)[0]
    button.setFocus()

    button.hide()

    focus = QApplication.focusWidget()
    assert focus is not None
    assert desk.window.takes.cards()[1].isAncestorOf(focus)


async def test_the_keyboard_stays_with_the_source_when_one_is_chosen(desk: Desk) -> None:
    await desk.start()
    await desk.settle()
    desk.window.source._area.setFocus()

    await desk.fill()

    focus = QApplication.focusWidget()
    assert focus is not None
    assert desk.window.source.isAncestorOf(focus)


@pytest.mark.parametrize("scale", [1.0, 2.0])
async def test_nothing_overlaps_where_the_window_is_low(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, scale: float
) -> None:
    desk = Desk(tmp_path, Theme(qapp, scale=scale))
    qtbot.addWidget(desk.window)
    try:
        await furnished(desk, tmp_path)
        desk.window.messages.clear()
        desk.window.resize(640, 480)
        await desk.settle()

        stage, inputs = desk.window.stage, desk.window.source.parentWidget()
        assert inputs is not None
        assert inputs.parentWidget() is stage.parentWidget()
        assert inputs.y() > stage.geometry().bottom()
        assert desk.window.prompt.y() > inputs.geometry().bottom()
    finally:
        await desk.models.aclose()
        desk.window.detach()
        desk.window.close()


async def test_the_window_leaves_room_for_the_frame_of_the_system(desk: Desk) -> None:
    assert desk.window.height() < desk.window.screen().availableSize().height()
