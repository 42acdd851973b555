"""What only a real screen can show: that the system packages are enough for a window, and a drag between programs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from klingstudio.ui.theme import Theme
from tests.fakes.drag import a_file
from tests.ui.conftest import Desk

_STEPS = 12


@pytest.mark.xcb
def test_a_window_opens_on_a_real_screen(qtbot: QtBot) -> None:
    label = QLabel("Kling Studio")
    qtbot.addWidget(label)
    label.resize(320, 200)

    with qtbot.waitExposed(label):
        label.show()

    screen = QGuiApplication.primaryScreen()
    assert QGuiApplication.platformName() == "xcb"
    assert screen.grabWindow(label.winId()).size() == label.size() * screen.devicePixelRatio()


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another program, ended at the end."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def pointer(*what: object) -> None:
    """Move the pointer, or press or release its button."""
    async with running("xdotool", *map(str, what)) as done:
        assert await done.wait() == 0


@asynccontextmanager
async def studio_at(place: QPoint, folder: Path, qtbot: QtBot, qapp: QApplication) -> AsyncIterator[Desk]:
    """The studio's window at this place of the screen."""
    desk = Desk(folder, Theme(qapp, scale=1.0))
    qtbot.addWidget(desk.window, before_close_func=lambda _: desk.window.detach())
    try:
        desk.window.move(place)
        await desk.start()
        desk.window.resize(1240, 860)
        await desk.until(lambda: desk.window.windowHandle().isExposed())
        yield desk
    finally:
        desk.window.hide()
        await desk.models.aclose()


@pytest.mark.xcb
async def test_a_file_dragged_out_of_another_program_arrives_as_an_image(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    picture = a_file(tmp_path / "winter day.png")
    async with (
        running("openbox"),
        studio_at(QPoint(300, 60), tmp_path, qtbot, qapp) as desk,
        running(sys.executable, "-m", "tests.fakes.drag_source", str(picture)) as shelf,
    ):
        x, y = map(int, (await line_of(shelf)).split())
        images = desk.window.references
        goal = images.mapToGlobal(images.rect().center())

        await pointer("mousemove", x, y, "mousedown", 1)
        for step in range(1, _STEPS + 1):
            await pointer("mousemove", x + (goal.x() - x) * step // _STEPS, y + (goal.y() - y) * step // _STEPS)
        await desk.until(lambda: bool(images.light.words))
        verb, before = images.light.words, desk.draft.pictures
        await pointer("mouseup", 1)
        await desk.until(lambda: bool(desk.draft.pictures))
        became = await line_of(shelf)

    assert (verb, before) == ("Add as Image 1", ())
    assert [picture.name for picture in desk.draft.pictures] == ["winter day.png"]
    assert [Path(one.place) for one in desk.draft.value.images] == [picture]
    assert "CopyAction" in became
    assert images.light.words == ""
