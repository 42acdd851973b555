from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QInputMethodEvent, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow
from pytestqt.qtbot import QtBot

from klingstudio.domain.prompt import CHIP
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.phrases import PhrasesModel
from klingstudio.ui.models.problems import Problems
from klingstudio.ui.prompt.panel import PromptPanel
from klingstudio.ui.theme import Theme
from tests.fakes.studio import FakeStudio


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Writer:
    """A person at the prompt: the panel in a window of its own, with a draft and a studio behind it."""

    def __init__(self, folder: Path) -> None:
        self.studio = FakeStudio(folder)
        problems = Problems()
        self.clock = Clock()
        self.draft = DraftModel(problems, clock=self.clock)
        self.phrases = PhrasesModel(problems)
        self.earlier: list[str] = []
        self.window = QMainWindow()
        self.panel = PromptPanel(self.draft, self.phrases, lambda: self.earlier)
        self.window.setCentralWidget(self.panel)
        self.window.resize(900, 420)
        self.edit = self.panel.edit
        self.folder = folder

    def open(self) -> None:
        self.window.show()
        self.draft.attach(self.studio.as_studio)
        self.phrases.attach(self.studio.as_studio)
        self.edit.setFocus()

    def add(self, *names: str) -> list[str]:
        """Add these pictures; their ids."""
        self.draft.add_pictures([self.folder / name for name in names])
        return [one.id for one in self.draft.value.images][-len(names) :]

    # hands

    def type(self, text: str) -> None:
        for character in text:
            if character.isascii():
                QTest.keyClicks(self.edit, character)
            else:
                key = QKeyEvent(QKeyEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, character)
                QApplication.sendEvent(self.edit, key)

    def press(self, key: Qt.Key, *, shift: bool = False, ctrl: bool = False, alt: bool = False) -> None:
        kept = Qt.KeyboardModifier.NoModifier
        for is_held, modifier in (
            (shift, Qt.KeyboardModifier.ShiftModifier),
            (ctrl, Qt.KeyboardModifier.ControlModifier),
            (alt, Qt.KeyboardModifier.AltModifier),
        ):
            kept = kept | modifier if is_held else kept
        QTest.keyClick(self.edit, key, kept)

    def commit(self, text: str, preedit: str = "") -> None:
        """What an input method does."""
        event = QInputMethodEvent(preedit, [])
        event.setCommitString(text)
        QApplication.sendEvent(self.edit, event)

    def paste(self, text: str) -> None:
        data = QMimeData()
        data.setText(text)
        self.edit.insertFromMimeData(data)

    def put_caret(self, unit: int, to: int | None = None) -> None:
        """Put the caret at this place of Qt's, or select up to another one."""
        cursor = self.edit.textCursor()
        cursor.setPosition(unit)
        if to is not None:
            cursor.setPosition(to, cursor.MoveMode.KeepAnchor)
        self.edit.setTextCursor(cursor)

    # eyes

    @property
    def caret(self) -> int:
        return self.edit.textCursor().position()

    @property
    def shown(self) -> str:
        """The field as it is painted: `*` for each chip."""
        return self.edit.document().toRawText().replace("\u2029", "\n").replace(CHIP, "*")

    @property
    def sent(self) -> str:
        return self.draft.prompt


@pytest_asyncio.fixture
async def writer(qtbot: QtBot, looks: Theme, tmp_path: Path) -> AsyncIterator[Writer]:
    made = Writer(tmp_path)
    qtbot.addWidget(made.window, before_close_func=lambda _: made.panel.detach())
    made.open()
    yield made
    await made.draft.aclose()


@pytest.fixture(autouse=True)
def empty_clipboard(qapp: QApplication) -> Iterator[None]:
    yield
    qapp.clipboard().clear()
