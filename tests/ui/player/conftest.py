from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import Problem
from klingstudio.ui.player.pair import Pair
from klingstudio.ui.player.panel import PlayerPanel
from klingstudio.ui.player.scrub_bar import ScrubBar
from klingstudio.ui.player.view import PairView
from tests.ui.player.test_clock import FakeTime
from tests.unit.media.numbered_clips import HEIGHT_PX, WIDTH_PX, Rgb, ink_of, number_of

W = TypeVar("W", bound=QWidget)


class Stage:
    """A player on screen whose clock moves only when told to."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.time = FakeTime()
        self.panel = PlayerPanel(now=self.time)
        qtbot.addWidget(self.panel)
        self.player = self.panel._player
        self.view = found(self.panel, PairView)
        self.bar = found(self.panel, ScrubBar)
        self.pairs: list[Pair] = []
        self.problems: list[Problem] = []
        self.player.pair_shown.connect(self.pairs.append)
        self.panel.clip_problem.connect(self.problems.append)
        self.panel.resize(900, 420)
        self.panel.show()
        self.panel.activateWindow()
        self.view.setFocus()

    def wait_for_step(self, step: int) -> None:
        """Until this step is the one that was published last."""
        self.qtbot.waitUntil(lambda: bool(self.pairs) and self.pairs[-1].step == step, timeout=20_000)

    def wait_for_pair(self, is_it: Callable[[Pair], bool]) -> None:
        """Until the pair that was published last is such a one."""
        self.qtbot.waitUntil(lambda: bool(self.pairs) and is_it(self.pairs[-1]), timeout=20_000)

    def wait_for_another(self, count: int) -> None:
        """Until more than `count` pairs were published."""
        self.qtbot.waitUntil(lambda: len(self.pairs) > count, timeout=20_000)

    def wait_for_problem(self) -> None:
        """Until a problem was reported."""
        self.qtbot.waitUntil(lambda: bool(self.problems), timeout=20_000)

    def key(self, key: Qt.Key, widget: QWidget | None = None) -> None:
        """Press a key, in the whole window or in one widget."""
        QTest.keyClick(widget or self.panel, key)

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """Click into the middle of a widget, or elsewhere in it."""
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at or widget.rect().center())

    def button(self, name: str) -> QToolButton:
        """A button by its object name."""
        return found(self.panel, QToolButton, name)

    def text(self, name: str) -> str:
        """What a label says."""
        return found(self.panel, QLabel, name).text()

    def painted(self) -> tuple[str, int] | tuple[tuple[str, int], tuple[str, int]]:
        """(colour, number) read back from the pixels of the window: of one picture, or of both."""
        image = self.view.grab().toImage()
        if not self.view._is_paired:
            return read(image, fitted(image.rect()))
        middle = image.width() // 2
        left, right = QRect(0, 0, middle, image.height()), QRect(middle, 0, image.width() - middle, image.height())
        return read(image, fitted(left)), read(image, fitted(right))


def found(parent: QWidget, kind: type[W], name: str = "") -> W:
    """A descendant that must be there."""
    child = parent.findChild(kind, name) if name else parent.findChild(kind)
    assert child is not None
    return child


def fitted(place: QRect) -> QRect:
    scale = min(place.width() / WIDTH_PX, place.height() / HEIGHT_PX)
    size = round(WIDTH_PX * scale), round(HEIGHT_PX * scale)
    return QRect(
        place.x() + (place.width() - size[0]) // 2, place.y() + (place.height() - size[1]) // 2, size[0], size[1]
    )


def read(image: QImage, spot: QRect) -> tuple[str, int]:
    color_at = color_in(image, spot)
    return ink_of(color_at), number_of(color_at)


def color_in(image: QImage, spot: QRect) -> Callable[[float, float], Rgb]:
    def color_at(x: float, y: float) -> Rgb:
        color = image.pixelColor(spot.x() + int(x * spot.width()), spot.y() + int(y * spot.height()))
        return color.red(), color.green(), color.blue()

    return color_at


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    made = Stage(qtbot)
    yield made
    made.panel.close_clips()
