from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from klingstudio.ui.models.bundle import Models
from klingstudio.ui.theme import Theme
from klingstudio.ui.window import Window
from tests.fakes.studio import FakeStudio

_LIMIT_S = 10


class Desk:
    """A window with a studio behind it that does as it is told. The player is left out: it has tests of its own."""

    def __init__(self, folder: Path, looks: Theme) -> None:
        self.looks = looks
        self.studio = FakeStudio(folder)
        # The seconds after Generate pass when a test says so.
        self.models = Models(tick_ms=3_600_000)
        self.window = Window(self.models, looks)
        self.draft = self.models.draft
        self.jobs = self.models.jobs
        self.generate = self.window.generate
        self.edit = self.window.prompt.edit

    def open(self, width: int = 1440, height: int = 900) -> None:
        """Show the window."""
        self.window.resize(width, height)
        self.window.show()
        self.window.activateWindow()

    async def start(self) -> None:
        """Open the window, give it the studio, and wait until keys and prices are known."""
        self.open()
        self.models.attach(self.studio.as_studio)
        await self.until(lambda: all(self.models.accounts.state(i.id).place for i in self.models.accounts.providers))
        await self.until(lambda: self.draft.price is not None)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for it, ten seconds at most."""
        async with asyncio.timeout(_LIMIT_S):
            # Any signal may make it so; there is no single event to wait for.
            while not is_so():
                await asyncio.sleep(0.005)

    async def fill(self, prompt: str = "Make it snow") -> None:
        """A draft that can be generated."""
        self.draft.set_source(Path("/clips/street.mp4"))
        self.draft.replace_prompt(prompt)
        await self.until(lambda: self.draft.source is not None and self.draft.source.poster is not None)

    async def settle(self) -> None:
        """Let what is under way in the loop happen."""
        for _ in range(5):
            await asyncio.sleep(0.001)


@pytest.fixture
def looks(qapp: QApplication) -> Theme:
    theme = Theme(qapp, scale=1.0)
    theme.choose("dark")
    return theme


@pytest_asyncio.fixture
async def desk(qtbot: QtBot, looks: Theme, tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path, looks)
    # Before it is closed: by the time the loop runs again, Qt may have destroyed it.
    qtbot.addWidget(made.window, before_close_func=lambda _: made.window.detach())
    yield made
    await made.models.aclose()
