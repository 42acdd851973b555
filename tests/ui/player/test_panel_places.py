"""The player in narrow windows, with large text, and for people who cannot see it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from klingstudio.ui.player.actions import ACTS
from klingstudio.ui.player.panel import PlayerPanel
from klingstudio.ui.player.transport.row import Row
from klingstudio.ui.theme import Theme
from tests.ui.player.conftest import Stage, found

NONE = Qt.KeyboardModifier.NoModifier
ALT = Qt.KeyboardModifier.AltModifier
K = Qt.Key


# --- narrow windows and large text ------------------------------------------------------------------------------------


@pytest.fixture
def large_text(qapp: QApplication) -> Iterator[None]:
    Theme(qapp, scale=2.0)
    yield
    Theme(qapp, scale=1.0)


def overlaps(panel: PlayerPanel) -> list[str]:
    """Controls that cover each other, are cut off, or narrower than what they say."""
    wrong = []
    for row in panel.findChildren(Row):
        shown = [
            w for w in row.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly) if w.isVisible()
        ]
        shown.sort(key=lambda widget: widget.x())
        wrong += [f"{a.objectName()} {b.objectName()}" for a, b in pairwise(shown) if a.geometry().right() >= b.x()]
        wrong += [w.objectName() for w in shown if w.x() < 0 or w.geometry().right() >= row.width()]
        wrong += [
            f"{type(w).__name__} {w.objectName()} {w.width()} is cut to {w.minimumSizeHint().width()}"
            for w in shown
            if w.width() < w.minimumSizeHint().width()
        ]
    return wrong


def check_widths(stage: Stage, widths: tuple[int, ...]) -> None:
    for width in widths:
        stage.panel.resize(width, 480)
        for key in (K.Key_3, K.Key_4, K.Key_5, K.Key_6):
            stage.press(key)
            QApplication.processEvents()
            assert stage.panel.width() == width
            assert overlaps(stage.panel) == [], (width, key)


def test_nothing_overlaps_however_narrow_it_is(pair: Stage) -> None:
    QTest.keyClick(pair.panel, K.Key_Plus, ALT)

    check_widths(pair, (1440, 900, 760, 700, 640, 620, 560, 480, 400, 360))


@pytest.mark.usefixtures("large_text")
def test_nothing_overlaps_at_twice_the_text(qtbot: QtBot, clips: dict[str, Path]) -> None:
    stage = Stage(qtbot)
    stage.panel.show_source(clips["source"])
    stage.panel.show_take(clips["take"], "v01", starts_at_s=0.0)
    stage.wait_for_pair(lambda pair: pair.before is not None and pair.after is not None)

    check_widths(stage, (1440, 1100, 900, 760, 620))

    stage.panel.close_clips()


def test_what_does_not_fit_is_in_the_menu_of_all_actions(pair: Stage) -> None:
    pair.panel.resize(pair.panel.minimumSizeHint().width(), 400)
    QApplication.processEvents()
    for name in ("speed", "zoom", "frameMenu", "heat", "listen_before"):
        assert not found(pair.panel, QWidget, name).isVisible(), name

    menu = pair.button("more").menu()
    menus = [action.menu() for action in menu.actions() if action.menu() is not None]
    inside = {action.objectName() for one in menus if isinstance(one, QMenu) for action in one.actions()}

    assert set(ACTS) <= inside
    assert [one.title() for one in menus[:2] if isinstance(one, QMenu)] == ["Before", "After"]


# --- people who cannot see it -----------------------------------------------------------------------------------------


def test_every_control_has_a_name_and_is_reached_with_tab(pair: Stage) -> None:
    for key in (K.Key_4, K.Key_5, K.Key_6):
        pair.press(key)
        reached = []
        pair.view.setFocus()
        for _ in range(60):
            QTest.keyClick(QApplication.focusWidget() or pair.panel, K.Key_Tab)
            focus = QApplication.focusWidget()
            assert focus is not None
            if focus in reached:
                break
            reached.append(focus)
            assert focus.accessibleName(), focus
        names = {focus.objectName() for focus in reached}
        shown = {
            one.objectName() for one in pair.panel.findChildren(QToolButton) if one.isVisible() and one.isEnabled()
        }
        assert shown <= names
        assert "scrub" in names


def test_the_position_is_told_when_it_stands(pair: Stage) -> None:
    assert pair.bar.accessibleDescription() == "frame 31 of 60, 00:01.20"

    pair.press(K.Key_Right)
    pair.wait_for_step(31)

    assert pair.bar.accessibleDescription() == "frame 32 of 60, 00:01.24"
