from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import Problem
from klingstudio.ui.player.pair import Pair
from klingstudio.ui.player.panel import PlayerPanel
from klingstudio.ui.player.view import PairView
from tests.ui.player.test_clock import FakeTime
from tests.unit.media.numbered_clips import HEIGHT_PX, WIDTH_PX, Rgb, ink_of, number_of


class Stage:
    """A player on screen whose clock moves only when told to."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.time = FakeTime()
        self.panel = PlayerPanel(now=self.time)
        qtbot.addWidget(self.panel)
        self.player = self.panel._player
        self.view = self.panel.findChild(PairView)
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

    def painted(self) -> tuple[str, int] | tuple[tuple[str, int], tuple[str, int]]:
        """(colour, number) read back from the pixels of the window: of one picture, or of both."""
        image = self.view.grab().toImage()
        if not self.view._is_paired:
            return read(image, fitted(image.rect()))
        middle = image.width() // 2
        left, right = QRect(0, 0, middle, image.height()), QRect(middle, 0, image.width() - middle, image.height())
        return read(image, fitted(left)), read(image, fitted(right))


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
