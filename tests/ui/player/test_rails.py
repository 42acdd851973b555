"""The rows around the picture, and how they go aside on the full screen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from klingstudio.ui.player.transport.mode_bar import ModeBar
from klingstudio.ui.player.transport.transport import Transport
from tests.ui.player.conftest import LIMIT_MS, Stage, found


@pytest.fixture
def full(pair: Stage) -> Stage:
    """The player on the full screen, with two clips, the pointer in the middle of the picture."""
    QCursor.setPos(pair.view.mapToGlobal(pair.view.rect().center()))
    pair.panel.show_full_screen(True)
    return pair


def rows(stage: Stage) -> tuple[QWidget, QWidget]:
    return found(stage.panel, ModeBar), found(stage.panel, Transport)


def wait_until_aside(stage: Stage) -> None:
    stage.qtbot.waitUntil(lambda: not any(row.isVisible() for row in rows(stage)), timeout=LIMIT_MS)


def in_panel(stage: Stage, widget: QWidget) -> QRect:
    return QRect(widget.mapTo(stage.panel, QPoint(0, 0)), widget.size())


def test_on_the_full_screen_the_picture_has_it_all_and_the_rows_lie_over_it(full: Stage) -> None:
    full.qtbot.waitUntil(lambda: full.view.size() == full.panel.size(), timeout=LIMIT_MS)

    modes, transport = rows(full)

    assert modes.isVisible()
    assert transport.isVisible()
    assert in_panel(full, modes).bottom() < in_panel(full, transport).top()
    assert full.panel.rect().contains(in_panel(full, modes).united(in_panel(full, transport)))


def test_the_rows_go_aside_and_the_picture_stays_where_it_is(full: Stage) -> None:
    full.qtbot.waitUntil(lambda: full.view.size() == full.panel.size(), timeout=LIMIT_MS)

    wait_until_aside(full)

    assert full.view.size() == full.panel.size()
    assert full.view.cursor().shape() is Qt.CursorShape.BlankCursor


def test_a_movement_brings_them_back(full: Stage) -> None:
    wait_until_aside(full)

    QTest.mouseMove(full.view, full.view.rect().center() + QPoint(30, 10))

    full.qtbot.waitUntil(lambda: all(row.isVisible() for row in rows(full)), timeout=LIMIT_MS)
    assert full.view.cursor().shape() is not Qt.CursorShape.BlankCursor


def test_a_key_brings_them_back_and_is_obeyed(full: Stage) -> None:
    wait_until_aside(full)

    full.key(Qt.Key.Key_End)

    assert all(row.isVisible() for row in rows(full))
    assert full.player.timeline is not None
    full.wait_for_step(full.player.timeline.count - 1)


def test_names_keep_clear_of_the_rows(full: Stage) -> None:
    modes, transport = rows(full)

    places = [tag.place for tag in full.view._tags()]

    assert len(places) == 2
    for row in (modes, transport):
        assert not any(place.intersects(in_panel(full, row)) for place in places)


def test_off_the_full_screen_the_rows_are_back_for_good(full: Stage) -> None:
    wait_until_aside(full)

    full.panel.show_full_screen(False)

    modes, transport = rows(full)
    full.qtbot.waitUntil(lambda: full.view.height() < full.panel.height(), timeout=LIMIT_MS)
    assert modes.isVisible()
    assert transport.isVisible()
    assert in_panel(full, modes).bottom() < in_panel(full, full.view).top()
    assert in_panel(full, full.view).bottom() < in_panel(full, transport).top()
    assert not full.panel._rails._timer.isActive()


def test_they_stay_while_the_keyboard_is_on_one_of_their_controls(full: Stage) -> None:
    button = full.button("heat")
    button.setFocus()
    full.qtbot.waitUntil(button.hasFocus, timeout=LIMIT_MS)

    full.panel._rails._go_aside()

    assert button.isVisible()
