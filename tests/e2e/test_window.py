"""The main job in the real window on the real studio: drop, Generate, and the verified take is on screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QTextEdit, QWidget

from klingstudio import app
from klingstudio.domain.job import Job, State
from klingstudio.ui.models.bundle import Models
from klingstudio.ui.theme import Theme
from klingstudio.ui.window import Window
from tests.fakes.drag import Drag
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import KEY, a_clip


class Desk:
    """The program as `klingstudio` opens it, without its own event loop."""

    def __init__(self, application: QApplication, *, demo: bool) -> None:
        self.models = Models(tick_ms=20)
        self.window = Window(self.models, Theme(application))
        self.window.resize(1440, 900)
        self.window.show()
        self.main = asyncio.ensure_future(app.main(self.window, self.models, demo=demo))

    async def until(self, is_so: Callable[[], bool], limit_s: float = 60) -> None:
        async with asyncio.timeout(limit_s):
            while not is_so():
                if self.main.done():
                    self.main.result()
                await asyncio.sleep(0.02)

    def child(self, kind: type[Any], name: str) -> Any:
        found = self.window.findChild(kind, name)
        assert found is not None, name
        return found

    def drop(self, *paths: Path) -> None:
        drag = Drag(self.window, paths)
        drag.enter()
        assert drag.drop()

    def jobs(self) -> tuple[Job, ...]:
        return tuple(self.models.jobs.job(job_id) for job_id in self.models.jobs.ids())

    async def close(self) -> None:
        self.window.close()
        async with asyncio.timeout(20):
            await self.main
        self.window.deleteLater()


def halves(viewer: QWidget) -> tuple[QImage, QImage]:
    """What is painted left and right in the viewer, without its middle and its labels."""
    picture = viewer.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    width, height = picture.width(), picture.height()
    box = (width // 3, height // 4)
    return (
        picture.copy(width // 12, height * 3 // 8, *box),
        picture.copy(width // 2 + width // 12, height * 3 // 8, *box),
    )


def mean_colour(picture: QImage) -> tuple[int, int, int]:
    small = picture.scaled(1, 1, mode=Qt.TransformationMode.SmoothTransformation).pixelColor(0, 0)
    return small.red(), small.green(), small.blue()


@pytest.fixture
def provider(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.setenv("KLINGSTUDIO_OXEN_URL", sandbox.url)
    monkeypatch.setenv("OXEN_API_KEY", KEY)
    return sandbox


@asynccontextmanager
async def a_desk(application: QApplication, *, demo: bool = False) -> AsyncIterator[Desk]:
    """Opened inside the test: between a test's phases Qt's events are processed while no loop is running."""
    opened = Desk(application, demo=demo)
    try:
        yield opened
    finally:
        await opened.close()


async def generate(desk: Desk, clip: Path, prompt: str) -> None:
    desk.drop(clip)
    edit = desk.child(QTextEdit, "prompt")
    edit.setFocus()
    QTest.keyClicks(edit, prompt)
    button = desk.child(QPushButton, "generate")
    await desk.until(button.isEnabled)
    QTest.keyClick(edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


async def test_a_dropped_clip_becomes_a_verified_take_beside_its_source(
    qapp: QApplication, provider: Sandbox, tmp_path: Path
) -> None:
    clip = a_clip(tmp_path / "clip.mp4")

    async with a_desk(qapp) as desk:
        await generate(desk, clip, "invert everything")
        await desk.until(lambda: bool(desk.jobs()) and desk.jobs()[0].state is State.COMPLETED)
        viewer = desk.child(QWidget, "viewer")
        await desk.until(lambda: mean_colour(halves(viewer)[0]) != mean_colour(halves(viewer)[1]))

        (job,) = desk.jobs()
        assert job.take is not None
        assert Path(job.take).exists()
        assert len(provider.requests("POST", "/api/ai/queue")) == 1
        assert len(provider.ledger()) == 1


async def test_pressing_generate_twice_quickly_orders_once(
    qapp: QApplication, provider: Sandbox, tmp_path: Path
) -> None:
    clip = a_clip(tmp_path / "clip.mp4")

    async with a_desk(qapp) as desk:
        await generate(desk, clip, "night")
        edit = desk.child(QTextEdit, "prompt")
        QTest.keyClick(edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        await desk.until(lambda: bool(desk.jobs()) and all(job.state is State.COMPLETED for job in desk.jobs()))

        assert len(provider.requests("POST", "/api/ai/queue")) == 1


async def test_closing_the_window_while_the_edit_runs_keeps_the_job_and_the_next_start_brings_the_take(
    qapp: QApplication, provider: Sandbox, tmp_path: Path
) -> None:
    async with a_desk(qapp) as desk:
        await generate(desk, a_clip(tmp_path / "clip.mp4"), "sepia")
        await desk.until(lambda: bool(desk.jobs()) and desk.jobs()[0].state is State.REMOTE)

    async with a_desk(qapp) as desk:
        await desk.until(lambda: bool(desk.jobs()) and desk.jobs()[0].state is State.COMPLETED)

    assert len(provider.requests("POST", "/api/ai/queue")) == 1


async def test_the_demo_shows_the_whole_loop_by_itself(qapp: QApplication, home: Path) -> None:
    async with a_desk(qapp, demo=True) as desk:
        await desk.until(lambda: bool(desk.jobs()) and desk.jobs()[0].state is State.COMPLETED, 100)

        (job,) = desk.jobs()
        assert job.take is not None
        assert Path(job.take).is_relative_to(home)
