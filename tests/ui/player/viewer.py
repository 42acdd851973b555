"""A viewer with two pictures in it, and hands for it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.player.comparison import Comparison, Mode
from tests.ui.player.pictures import AFTER_BLUE, BEFORE_BLUE, pair, picture

WIDTH, HEIGHT = 640, 360
MIDDLE = QPoint(WIDTH // 2, HEIGHT // 2)


def viewer(qtbot: QtBot) -> PairView:
    """A viewer with two clips of just its own size."""
    made = PairView()
    qtbot.addWidget(made)
    made.resize(WIDTH, HEIGHT)
    made.set_paired(True)
    made.set_source_sizes((WIDTH, HEIGHT), (WIDTH, HEIGHT))
    made.show()
    made.show_pair(pair(picture(WIDTH, HEIGHT, blue=BEFORE_BLUE), picture(WIDTH, HEIGHT, blue=AFTER_BLUE)))
    return made


def show(view: PairView, mode: Mode, **choices: object) -> None:
    """Lay the two against each other like this."""
    view.set_comparison(replace(Comparison(mode=mode), **choices))  # type: ignore[arg-type]


def painted(view: PairView) -> QImage:
    """What is on screen."""
    return view.grab().toImage()


def turn(view: PairView, at: QPoint, y: int, *, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> bool:
    """Turn the wheel by so many eighths of a degree. Whether the view took it."""
    event = QWheelEvent(
        QPointF(at),
        QPointF(view.mapToGlobal(at)),
        QPoint(),
        QPoint(0, y),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)
    return event.isAccepted()


def drag(view: PairView, start: QPoint, end: QPoint, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    """Press, move, let go."""
    QTest.mousePress(view, button, pos=start)
    QTest.mouseMove(view, (start + end) / 2)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, button, pos=end)


def tags(view: PairView) -> dict[str, QRect]:
    """The names on the pictures and where they are."""
    return {one.words: one.place for one in view._tags()}
