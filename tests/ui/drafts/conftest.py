from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest_asyncio
from pytestqt.qtbot import QtBot

from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.drafts import DraftsModel
from klingstudio.ui.models.problems import Problems
from tests.fakes.studio import NOW, FakeStudio


class Table:
    """Drafts without a window, on a studio that outlives them."""

    def __init__(self, studio: FakeStudio) -> None:
        self.studio = studio
        self.kept = studio.drafts
        self.problems = Problems()
        self.draft = DraftModel(self.problems)
        self.drafts = DraftsModel(self.draft, self.problems, now=lambda: NOW)
        self.closed: list[tuple[str, int]] = []
        self.drafts.was_closed.connect(lambda title, count: self.closed.append((title, count)))

    def start(self) -> None:
        """The studio is open."""
        self.draft.attach(self.studio.as_studio)
        self.drafts.attach(self.studio.as_studio)

    async def end(self) -> None:
        await self.drafts.aclose()
        await self.draft.aclose()

    def write(self, *prompts: str) -> list[str]:
        """A draft for each of these; the first is the current one. Returns their ids."""
        made = []
        for n, prompt in enumerate(prompts):
            if n:
                self.drafts.new()
            self.draft.replace_prompt(prompt)
            made.append(self.drafts.current)
        self.drafts.save()
        return made

    @property
    def titles(self) -> list[str]:
        return [self.drafts.title(draft_id) for draft_id in self.drafts.ids]

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                await asyncio.sleep(0.005)


@pytest_asyncio.fixture
async def tables(qtbot: QtBot, tmp_path: Path) -> AsyncIterator[Callable[[], Table]]:
    """Lay the table, once for each start of the program; all of them have the same studio."""
    del qtbot
    studio, laid = FakeStudio(tmp_path), list[Table]()

    def lay() -> Table:
        laid.append(Table(studio))
        return laid[-1]

    yield lay
    for table in laid:
        await table.end()


@pytest_asyncio.fixture
async def table(tables: Callable[[], Table]) -> Table:
    """A program that has started for the first time."""
    made = tables()
    made.start()
    return made
