from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import Problem
from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.player.panel import PlayerPanel
from klingstudio.ui.player.playback.pair import Pair, Side
from klingstudio.ui.player.playback.player import PairPlayer
from klingstudio.ui.player.transport.scrub_bar import ScrubBar
from tests.ui.player.test_clock import FakeTime
from tests.unit.media.numbered_clips import BLUE, GREEN, HEIGHT_PX, RED, WIDTH_PX, Rgb, ink_of, number_of, numbered_clip

W = TypeVar("W", bound=QWidget)

LIMIT_MS = 20_000
"""How long anything may take on a busy machine."""


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

    def show_pair(self, clips: dict[str, Path]) -> None:
        """Source and take, standing still."""
        # The shift is said, so that no search for one comes between.
        self.panel.show_source(clips["source"])
        self.panel.show_take(clips["take"], "v01", starts_at_s=0.0)
        self.wait_for_pair(lambda pair: pair.before is not None and pair.after is not None)
        self.player.pause()

    def go(self, step: int) -> None:
        """Stand on a step."""
        self.player.seek(step)
        self.wait_for_step(step)

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key, alone or with others."""
        QTest.keyClick(self.panel, key, modifiers)

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


class Bare:
    """A player with no window around it, whose clock moves only when told to."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.time = FakeTime()
        self.player = PairPlayer(self.time)
        self.player.set_box(WIDTH_PX, HEIGHT_PX)
        self.problems: list[tuple[Side, Problem]] = []
        self.player.problem_found.connect(self._on_problem)

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for it."""
        self.qtbot.waitUntil(is_so, timeout=LIMIT_MS)

    def until_pair(self) -> None:
        """Wait until both clips are seen."""
        self.until(lambda: (pair := self.player.pair) is not None and bool(pair.before and pair.after))

    def until_exact(self, step: int) -> None:
        """Wait for the exact pair of a step."""
        self.until(lambda: (pair := self.player.pair) is not None and pair.step == step and not pair.is_draft)

    def load(self, before: Path, after: Path, *, offset_s: float | None = 0.0) -> None:
        """Both clips, standing on the first pair."""
        self.player.load(Side.BEFORE, before)
        self.player.load(Side.AFTER, after, offset_s=offset_s)
        self.until_pair()

    def frames(self) -> tuple[int, int]:
        """Which frames are seen."""
        pair = self.player.pair
        assert pair is not None
        assert pair.before is not None
        assert pair.after is not None
        return pair.before.index, pair.after.index

    def _on_problem(self, side: Side, problem: Problem) -> None:
        self.problems.append((side, problem))


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
def bare(qtbot: QtBot) -> Iterator[Bare]:
    made = Bare(qtbot)
    yield made
    made.player.close()


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    made = Stage(qtbot)
    yield made
    made.panel.close_clips()


def source_and_take(folder: Path, count: int) -> dict[str, Path]:
    """Two clips of so many frames, a red and a blue one."""
    return {
        "source": numbered_clip(folder / "source.mp4", count, ink=RED),
        "take": numbered_clip(folder / "take.mp4", count, ink=BLUE),
    }


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three clips of 60 frames; each module may have others under this name."""
    folder = tmp_path_factory.mktemp("clips")
    return source_and_take(folder, 60) | {"other": numbered_clip(folder / "other.mp4", 60, ink=GREEN)}


@pytest.fixture
def pair(stage: Stage, clips: dict[str, Path]) -> Stage:
    """Source and take, standing on step 30."""
    stage.show_pair(clips)
    stage.go(30)
    return stage
